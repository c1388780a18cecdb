"""What moderators do: take comments away and bring them back, keep people silent or out, set the rules of talking."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from .. import limits, types
from ..errors import ErrorCode as E
from ..limits import RateClass
from ..replies import Ok
from ..roles import STAFF
from .base import Command

_Comments = Annotated[list[types.Id], Meta(min_length=1, max_length=limits.COMMENTS_PER_DELETE)]
_MaybeComments = Annotated[list[types.Id], Meta(max_length=limits.COMMENTS_PER_DELETE)]


class Delete(Command, frozen=True, tag="delete"):
    """Take comments off every screen, out of snapshots and out of answers that quote them."""

    roles = STAFF
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.COMMENT_NOT_FOUND, E.KEY_REUSED)

    comments: _Comments
    why: types.Why | None = None
    key: types.Key | None = None


class Restore(Command, frozen=True, tag="restore"):
    """Bring deleted comments back: to the screens, or to those that wait for staff if they were never let through."""

    roles = STAFF
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.COMMENT_NOT_FOUND, E.KEY_REUSED)

    comments: _Comments
    key: types.Key | None = None


class Rule(Command, frozen=True, tag="rule"):
    """Decide on comments that wait for staff: shown to everyone, or to nobody. Ends reports about them too."""

    roles = STAFF
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.COMMENT_NOT_FOUND, E.KEY_REUSED)

    comments: _Comments
    show: bool
    why: types.Why | None = None
    key: types.Key | None = None


class Mute(Command, frozen=True, tag="mute"):
    """Nobody hears this person in this room any more. They alone are told."""

    roles = STAFF
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.PERSON_NOT_FOUND, E.NOT_STAFF, E.COMMENT_NOT_FOUND, E.KEY_REUSED)

    who: types.Pseudonym
    seconds: types.SanctionS | None
    until: types.Millis | None = None  #: in place of seconds: the end that an undo brings back
    why: types.Why | None = None
    delete: bool = False  #: also delete what they said last
    restore: _MaybeComments = msgspec.field(default_factory=list)  #: comments to bring back: an undo's
    key: types.Key | None = None


class Unmute(Command, frozen=True, tag="unmute"):
    """Let a muted person talk again, and bring back comments that went with the mute."""

    roles = STAFF
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.NOT_SANCTIONED, E.COMMENT_NOT_FOUND, E.KEY_REUSED)

    who: types.Pseudonym
    why: types.Why | None = None
    restore: _MaybeComments = msgspec.field(default_factory=list)
    key: types.Key | None = None


class Ban(Command, frozen=True, tag="ban"):
    """Put a person out of this room: every connection closes, joins are refused."""

    roles = STAFF
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.PERSON_NOT_FOUND, E.NOT_STAFF, E.COMMENT_NOT_FOUND, E.KEY_REUSED)

    who: types.Pseudonym
    seconds: types.SanctionS | None
    until: types.Millis | None = None  #: in place of seconds: the end that an undo brings back
    why: types.Why | None = None
    delete: bool = True  #: also delete what they said last
    restore: _MaybeComments = msgspec.field(default_factory=list)  #: comments to bring back: an undo's
    key: types.Key | None = None


class Unban(Command, frozen=True, tag="unban"):
    """Let a banned person in again, and bring back comments that went with the ban."""

    roles = STAFF
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.NOT_SANCTIONED, E.COMMENT_NOT_FOUND, E.KEY_REUSED)

    who: types.Pseudonym
    why: types.Why | None = None
    restore: _MaybeComments = msgspec.field(default_factory=list)
    key: types.Key | None = None


class SetChat(Command, frozen=True, tag="set_chat"):
    """Change the rules of talking; what is null stays as it is."""

    roles = STAFF
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.KEY_REUSED,)

    slow_mode_s: Annotated[int, Meta(ge=0, le=limits.SLOW_MODE_MOST_S)] | None = None  #: 0: off
    buyers_only: bool | None = None
    approve_first: bool | None = None  #: comments wait until staff let them through
    links: bool | None = None  #: viewers may post links
    anonymous: bool | None = None  #: anonymous viewers may comment
    comment_chars: Annotated[int, Meta(ge=1, le=limits.COMMENT_CHARS)] | None = None
    why: types.Why | None = None
    key: types.Key | None = None
