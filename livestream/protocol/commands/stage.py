"""What hosts do: speak, run the show, stop its clocks, show products, bring others on stage."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .. import limits, types
from ..errors import ErrorCode as E
from ..limits import RateClass
from ..replies import Invited, Ok, Posted
from ..roles import HOSTS
from ..show import ShowState
from .base import Command


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


class Retract(Command, frozen=True, tag="retract"):
    """Take a host message back: its text is gone from every screen, from snapshots and from the log."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.MESSAGE_NOT_FOUND, E.KEY_REUSED)

    message: types.Id
    why: types.Why | None = None
    key: types.Key | None = None


class Unretract(Command, frozen=True, tag="unretract"):
    """Show a retracted host message again, at its place."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.MESSAGE_NOT_FOUND, E.KEY_REUSED)

    message: types.Id
    key: types.Key | None = None


class Pin(Command, frozen=True, tag="pin"):
    """Keep one host message in everybody's view; null takes the pin away."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.MESSAGE_NOT_FOUND, E.KEY_REUSED)

    message: types.Id | None
    key: types.Key | None = None


class Feature(Command, frozen=True, tag="feature"):
    """Show one product to everybody; null takes it away."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.PRODUCT_NOT_FOUND, E.KEY_REUSED)

    product: types.ProductId | None
    key: types.Key | None = None


class Schedule(Command, frozen=True, tag="schedule"):
    """Announce the room's next show."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Posted
    errors = (E.SHOW_OPEN, E.KEY_REUSED)

    title: types.Title
    starts_at: types.Millis
    time_zone: types.TimeZone | None = None  #: in which the show is announced; null: the shop's
    key: types.Key | None = None


class SetShow(Command, frozen=True, tag="set_show"):
    """Move the show: scheduled → warm_up → live ⇄ paused → ended.

    A pause stops no clock (`freeze` does). An end takes the countdown away, ends a freeze, calls an open draw off, and
    closes group buys: teams that form run to their own deadline.
    """

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.NO_SHOW, E.ILLEGAL_TRANSITION, E.KEY_REUSED)

    state: ShowState
    key: types.Key | None = None


class Countdown(Command, frozen=True, tag="countdown"):
    """Count down to something on everybody's screen; takes the place of one that runs."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Posted
    errors = (E.NO_SHOW, E.FROZEN, E.KEY_REUSED)

    title: types.Title
    seconds: Annotated[int, Meta(ge=limits.COUNTDOWN_LEAST_S, le=limits.COUNTDOWN_MOST_S)]
    key: types.Key | None = None


class CancelCountdown(Command, frozen=True, tag="cancel_countdown"):
    """Take the countdown away."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.NO_COUNTDOWN, E.KEY_REUSED)

    key: types.Key | None = None


class Freeze(Command, frozen=True, tag="freeze"):
    """The stream broke: stop every deadline in the room and tell viewers. Comments go on."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.FROZEN, E.KEY_REUSED)

    message: types.Text | None = None  #: null: the app's own words for a technical break
    video_url: types.Url | None = None  #: where the video goes on meanwhile
    why: types.Why | None = None
    key: types.Key | None = None


class Unfreeze(Command, frozen=True, tag="unfreeze"):
    """Go on: every open deadline of the room is later by as long as the break took."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.NOT_FROZEN, E.KEY_REUSED)

    key: types.Key | None = None


class Invite(Command, frozen=True, tag="invite"):
    """Make a one-use link by which somebody joins the staff of this room."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Invited
    errors = (E.NAME_REFUSED, E.KEY_REUSED)

    name: types.Name
    role: Literal["host", "moderator"] = "host"
    key: types.Key | None = None  #: without one, a repeat leaves a second link about that lets somebody in


class HandOver(Command, frozen=True, tag="hand_over"):
    """Let another host of this room present from now on; viewers see the name."""

    roles = HOSTS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.PERSON_NOT_FOUND, E.KEY_REUSED)

    to: types.Pseudonym
    key: types.Key | None = None
