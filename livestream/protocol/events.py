"""Events: what the two room logs hold, what the live lane shows, and what a notice says. Past tense."""

from __future__ import annotations

import msgspec

from . import types
from .roles import Role
from .show import ShowState


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", omit_defaults=True):
    """Root of everything that happened."""


class HostMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a host said."""

    id: types.Id
    name: str  #: display name of who said it
    text: str
    at: types.Millis
    answers: types.Id | None = None  #: the comment it answers
    answered_name: str | None = None
    answered_text: str | None = None


class Show(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A show of the room."""

    id: types.Id
    title: str
    state: ShowState
    starts_at: types.Millis
    live_at: types.Millis | None = None  #: when it first went live
    ended_at: types.Millis | None = None


class Said(Event, frozen=True, tag="said"):
    """A host message."""

    message: HostMessage


class Pinned(Event, frozen=True, tag="pinned"):
    """A host message was pinned; null: the pin was taken away."""

    message: HostMessage | None = None


class ShowChanged(Event, frozen=True, tag="show_changed"):
    """A show was scheduled or changed its state."""

    show: Show


class Acted(Event, frozen=True, tag="acted"):
    """Staff did something; the audit trail."""

    who: str  #: the shop's id of the person
    name: str
    role: Role
    command: str
    what: str  #: what it did, in words


class Commented(Event, frozen=True, tag="comment"):
    """A viewer's comment."""

    id: types.Id
    by: types.Pseudonym
    name: str
    text: str
    role: Role = Role.VIEWER


class Arrived(Event, frozen=True, tag="arrived"):
    """A signed-in viewer came in."""

    name: str


class Answered(Event, frozen=True, tag="answered"):
    """A host answered your comment."""

    comment: types.Id
    message: HostMessage


LogEvent = Said | Pinned | ShowChanged
StaffEvent = Acted
LiveEvent = Commented | Arrived
NoticeEvent = Answered
EVENTS: tuple[type[Event], ...] = (Said, Pinned, ShowChanged, Acted, Commented, Arrived, Answered)
