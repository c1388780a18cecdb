"""Commands: everything a client may ask, with who may ask it, how often, and what it answers.

A command is a map with its name in `t` and a `ref`. Every ref gets exactly one
reply: the command's own reply, or `error`. Fields are only added, never
repurposed; unknown fields are ignored.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from . import limits, types
from .errors import ErrorCode as E
from .limits import RateClass
from .replies import Joined, Ok, Posted, Reply
from .roles import EVERYONE, HOSTS, SIGNED_IN, Role
from .show import ShowState


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="t"):
    """What every command has."""

    ref: types.Ref

    roles: ClassVar[frozenset[Role]]  #: who may send it; anyone else gets `forbidden`
    rate: ClassVar[RateClass]
    reply: ClassVar[type[Reply]]
    errors: ClassVar[tuple[E, ...]] = ()  #: beside those every command may get


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
    errors = (E.ALREADY_JOINED, E.ROOM_NOT_FOUND, E.TOKEN_INVALID, E.TOKEN_EXPIRED, E.TICKET_INVALID)

    room: types.RoomId
    token: types.Token | None = None
    ticket: types.Token | None = None
    resume: Resume | None = None
    name: types.Name | None = None  #: display name of an anonymous viewer


class Comment(Command, frozen=True, tag="comment"):
    """Say something in public. Answered when it is archived; in a flood only a sample is shown to others."""

    roles = EVERYONE
    rate = RateClass.COMMENT
    reply = Posted
    errors = (E.SIGN_IN_REQUIRED, E.NAME_REQUIRED, E.COMMENTS_CLOSED, E.KEY_REUSED)

    text: types.CommentText
    key: types.Key | None = None


class Like(Command, frozen=True, tag="like"):
    """Add hearts: an app gathers taps and sends their number."""

    roles = EVERYONE
    rate = RateClass.LIKE
    reply = Ok
    errors = (E.COMMENTS_CLOSED,)

    count: Annotated[int, Meta(ge=1, le=limits.LIKES_PER_COMMAND)] = 1


class Say(Command, frozen=True, tag="say"):
    """A host message: reaches every viewer, in order. `answers` names a comment, whose author gets a notice."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Posted
    errors = (E.COMMENT_NOT_FOUND, E.KEY_REUSED)

    text: types.Text
    pin: bool = False
    answers: types.Id | None = None
    key: types.Key | None = None


class Pin(Command, frozen=True, tag="pin"):
    """Keep one host message in everybody's view; null takes the pin away."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.MESSAGE_NOT_FOUND, E.KEY_REUSED)

    message: types.Id | None
    key: types.Key | None = None


class Schedule(Command, frozen=True, tag="schedule"):
    """Announce the room's next show."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Posted
    errors = (E.SHOW_OPEN, E.KEY_REUSED)

    title: types.Title
    starts_at: types.Millis
    key: types.Key | None = None


class SetShow(Command, frozen=True, tag="set_show"):
    """Move the show: scheduled → warm_up → live ⇄ paused → ended."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.NO_SHOW, E.ILLEGAL_TRANSITION, E.KEY_REUSED)

    state: ShowState
    key: types.Key | None = None


class Seen(Command, frozen=True, tag="seen"):
    """Tell that notices up to this number were read; snapshots leave them out from then on."""

    roles = SIGNED_IN
    rate = RateClass.OTHER
    reply = Ok

    notice: types.Seq


AnyCommand = Join | Comment | Like | Say | Pin | Schedule | SetShow | Seen
COMMANDS: tuple[type[Command], ...] = (Join, Comment, Like, Say, Pin, Schedule, SetShow, Seen)

#: any command may be answered with these
COMMON_ERRORS = (
    E.INVALID, E.UNKNOWN_COMMAND, E.NOT_JOINED, E.FORBIDDEN, E.RATE_LIMITED,
    E.BUSY, E.UNAVAILABLE, E.OUTCOME_UNKNOWN, E.INTERNAL,
)  # fmt: skip
