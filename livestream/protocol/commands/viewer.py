"""What viewers ask: to come in, to talk, to like, to report and block one another."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from .. import limits, types
from ..errors import ErrorCode as E
from ..limits import RateClass
from ..replies import Joined, Ok, Posted
from ..roles import EVERYONE, SIGNED_IN
from .base import Command


class Resume(msgspec.Struct, frozen=True, kw_only=True):
    """What a client knows when it comes back."""

    token: types.Token
    epoch: types.Epoch
    seq: types.Seq
    staff_seq: types.Seq = 0


class Join(Command, frozen=True, tag="join"):
    """Enter a room: with a token, with a one-use ticket, with a resume, or as nobody in particular.

    The answer is `joined`, then either `snapshot` or the log events missed
    since `resume.seq`, all in one frame.
    """

    roles = EVERYONE
    rate = RateClass.JOIN
    reply = Joined
    errors = (
        E.ALREADY_JOINED, E.ROOM_NOT_FOUND, E.TOKEN_INVALID, E.TOKEN_EXPIRED, E.TICKET_INVALID, E.BANNED,
        E.NAME_REFUSED,
    )  # fmt: skip

    room: types.RoomId
    token: types.Token | None = None
    ticket: types.Token | None = None
    resume: Resume | None = None
    name: types.Name | None = None  #: display name of an anonymous viewer


class Comment(Command, frozen=True, tag="comment"):
    """Say something in public. Answered when it is archived; in a flood only a sample is shown to others.

    A draw's password counts against the rate `other`.
    """

    roles = EVERYONE
    rate = RateClass.COMMENT
    reply = Posted
    errors = (
        E.SIGN_IN_REQUIRED, E.NAME_REQUIRED, E.COMMENTS_CLOSED, E.MUTED, E.BUYERS_ONLY, E.SLOW_MODE, E.LINK_REFUSED,
        E.TEXT_REFUSED, E.KEY_REUSED,
    )  # fmt: skip

    text: types.CommentText
    key: types.Key | None = None


class Like(Command, frozen=True, tag="like"):
    """Add hearts: an app gathers taps and sends their number."""

    roles = EVERYONE
    rate = RateClass.LIKE
    reply = Ok
    errors = (E.COMMENTS_CLOSED,)

    count: Annotated[int, Meta(ge=1, le=limits.LIKES_PER_COMMAND)] = 1


class Report(Command, frozen=True, tag="report"):
    """Tell staff of a comment. One report a viewer and comment counts; enough of them hold it back."""

    roles = SIGNED_IN
    rate = RateClass.OTHER
    reply = Ok
    errors = (E.COMMENT_NOT_FOUND,)

    comment: types.Id
    why: types.Why | None = None


class Block(Command, frozen=True, tag="block"):
    """See no more of somebody: the client leaves their comments out; the list comes with every join."""

    roles = SIGNED_IN
    rate = RateClass.OTHER
    reply = Ok
    errors = (E.PERSON_NOT_FOUND, E.TOO_MANY)

    who: types.Pseudonym


class Unblock(Command, frozen=True, tag="unblock"):
    """See somebody again."""

    roles = SIGNED_IN
    rate = RateClass.OTHER
    reply = Ok

    who: types.Pseudonym


class Seen(Command, frozen=True, tag="seen"):
    """Tell that notices up to this number were read; snapshots leave them out from then on."""

    roles = SIGNED_IN
    rate = RateClass.OTHER
    reply = Ok

    notice: types.Seq
