"""What operators do: set up the room, and pay back."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from .. import limits, types
from ..errors import ErrorCode as E
from ..limits import RateClass
from ..replies import Ok, Posted
from ..roles import OPERATORS
from .base import Command


class SetRoom(Command, frozen=True, tag="set_room"):
    """Change a room's settings; what is null stays as it is."""

    roles = OPERATORS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.KEY_REUSED,)

    title: types.Title | None = None
    display_per_s: Annotated[float, Meta(ge=0, le=1000)] | None = None  #: comments shown a second; 0: the deployment's
    video_delay_s: Annotated[float, Meta(ge=0, le=limits.VIDEO_DELAY_MOST_S)] | None = None
    reports_to_hold: Annotated[int, Meta(ge=0, le=1000)] | None = None  #: so many reports hold a comment; 0: none do
    unattended_after_s: Annotated[int, Meta(ge=0, le=86_400)] | None = None  #: no staff for so long; 0: never
    unattended_links: bool | None = None  #: viewers may post links while nobody is on duty
    unattended_slow_mode_s: Annotated[int, Meta(ge=0, le=limits.SLOW_MODE_MOST_S)] | None = None
    unattended_hold_reported: bool | None = None  #: one report holds a comment while nobody is on duty
    why: types.Why | None = None
    key: types.Key | None = None


class Refund(Command, frozen=True, tag="refund"):
    """Ask the shop's backend to pay a purchase back. Above the shop's limit a second operator must confirm."""

    roles = OPERATORS
    rate = RateClass.STAFF
    reply = Posted
    errors = (E.PURCHASE_NOT_FOUND, E.AMOUNT_REFUSED, E.KEY_REUSED)

    purchase: types.ShopsOwn  #: the shop's number of it
    why: types.Why
    key: types.Key  #: money moves: without a key a repetition would move it again
    amount: types.Amount | None = None  #: null: all that is left of it


class DecideRefund(Command, frozen=True, tag="decide_refund"):
    """Confirm or refuse a refund that another operator asked for."""

    roles = OPERATORS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.REFUND_NOT_FOUND, E.SECOND_PERSON, E.KEY_REUSED)

    refund: types.Id
    confirm: bool
    why: types.Why | None = None
    key: types.Key | None = None
