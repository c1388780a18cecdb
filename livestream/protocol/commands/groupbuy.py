"""Group buys: what operators set up, and what viewers do in teams."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .. import limits, types
from ..errors import ErrorCode as E
from ..groupbuy import DealStep, HoldS, Invite, LifeS, Price, Units
from ..limits import RateClass
from ..replies import Ok, PayAt, Posted, Seated
from ..roles import OPERATORS, SIGNED_IN
from .base import Command

_Steps = Annotated[list[DealStep], Meta(min_length=1, max_length=limits.TEAM_MOST)]
_PerViewer = Annotated[int, Meta(ge=1, le=100)]
_Share = Annotated[int, Meta(ge=1, le=100)]


class OpenDeal(Command, frozen=True, tag="open_deal"):
    """Open a group buy on a product. Its stock is an allotment of its own."""

    roles = OPERATORS
    rate = RateClass.STAFF
    reply = Posted
    errors = (E.PRODUCT_NOT_FOUND, E.TERMS_REFUSED, E.PRICE_LOW, E.TOO_MANY, E.KEY_REUSED)

    product: types.ProductId
    steps: _Steps
    stock: Units
    variant: types.ProductId | None = None
    title: types.Title | None = None  #: null: the product's
    single_price: Price | None = None  #: null: the product's, or the variant's
    leader_discount: types.Amount = 0
    units: Units = 1
    life_s: LifeS = 600
    hold_s: HoldS = limits.HOLD_S
    closes_in_s: Annotated[int, Meta(ge=limits.DEAL_LEAST_S, le=limits.DEAL_MOST_S)] | None = None
    per_viewer: _PerViewer = 1
    new_only: bool = False
    share: _Share = limits.TEAM_SHARE_PERCENT  #: percent of the stock that open teams may hold
    low_price: bool = False  #: yes, a price below half of the single price is meant
    reference: types.ShopsOwn | None = None  #: the shop's own number of it; orders, webhooks and the settlement have it
    key: types.Key | None = None


class ChangeDeal(Command, frozen=True, tag="change_deal"):
    """Edit the rules for teams opened from now on, or pause and resume; what is null stays."""

    roles = OPERATORS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.DEAL_NOT_FOUND, E.DEAL_CLOSED, E.TERMS_REFUSED, E.PRICE_LOW, E.KEY_REUSED)

    deal: types.Id
    state: Literal["open", "paused"] | None = None
    steps: _Steps | None = None
    leader_discount: types.Amount | None = None
    life_s: LifeS | None = None
    hold_s: HoldS | None = None
    per_viewer: _PerViewer | None = None
    new_only: bool | None = None
    share: _Share | None = None
    low_price: bool = False
    why: types.Why | None = None
    key: types.Key | None = None


class ExtendDeal(Command, frozen=True, tag="extend_deal"):
    """Let a deal close later. Teams that form keep their own deadlines."""

    roles = OPERATORS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.DEAL_NOT_FOUND, E.DEAL_CLOSED, E.TERMS_REFUSED, E.KEY_REUSED)

    deal: types.Id
    by_s: Annotated[int, Meta(ge=1, le=limits.DEAL_MOST_S)]
    key: types.Key | None = None


class CloseDeal(Command, frozen=True, tag="close_deal"):
    """End a deal: no new teams; those that form go on to their own deadlines."""

    roles = OPERATORS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.DEAL_NOT_FOUND, E.DEAL_CLOSED, E.KEY_REUSED)

    deal: types.Id
    why: types.Why | None = None
    key: types.Key | None = None


class VoidDeal(Command, frozen=True, tag="void_deal"):
    """Take a deal back, for a wrong price say: everybody's money goes back, and the reason is public."""

    roles = OPERATORS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.DEAL_NOT_FOUND, E.DEAL_CLOSED, E.KEY_REUSED)

    deal: types.Id
    why: types.Why
    key: types.Key | None = None


class WaiveTeam(Command, frozen=True, tag="waive_team"):
    """Fill a team's missing seats as the shop's gift, which everyone is told. Its members pay the full team's price."""

    roles = OPERATORS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.DEAL_NOT_FOUND, E.TEAM_NOT_FOUND, E.TEAM_CLOSED, E.TEAM_LATE, E.TEAM_FULL, E.KEY_REUSED)

    deal: types.Id
    team: types.Id
    why: types.Why
    key: types.Key | None = None


class RefundOrder(Command, frozen=True, tag="refund_order"):
    """Give a confirmed order's price back, or a part. Above the shop's limit a second operator must confirm.

    Its team stays complete. An order of which nothing is left is `returned`, and its units are free again.
    """

    roles = OPERATORS
    rate = RateClass.STAFF
    reply = Posted
    errors = (E.DEAL_NOT_FOUND, E.ORDER_NOT_FOUND, E.AMOUNT_REFUSED, E.KEY_REUSED)

    deal: types.Id
    order: types.Id
    why: types.Why
    key: types.Key  #: money moves: without a key a repetition would move it again
    amount: types.Amount | None = None  #: null: all that is left of it


class DecideOrderRefund(Command, frozen=True, tag="decide_order_refund"):
    """Confirm or refuse a refund of an order that another operator asked for."""

    roles = OPERATORS
    rate = RateClass.STAFF
    reply = Ok
    errors = (E.DEAL_NOT_FOUND, E.REFUND_NOT_FOUND, E.AMOUNT_REFUSED, E.SECOND_PERSON, E.KEY_REUSED)

    deal: types.Id
    refund: types.Id
    confirm: bool
    why: types.Why | None = None
    key: types.Key | None = None


class OpenTeam(Command, frozen=True, tag="open_team"):
    """Open a team and hold its first seat. The whole team's units are kept for it until its deadline."""

    roles = SIGNED_IN
    rate = RateClass.SEAT
    reply = Seated
    errors = (
        E.DEAL_NOT_FOUND, E.DEAL_CLOSED, E.FROZEN, E.SOLD_OUT, E.TEAMS_FULL, E.SEAT_TAKEN, E.LIMIT_REACHED,
        E.KEY_REUSED,
    )  # fmt: skip

    deal: types.Id
    listed: bool = True  #: anyone may join; false: by invite alone
    show_name: bool = False
    key: types.Key | None = None


class JoinTeam(Command, frozen=True, tag="join_team"):
    """Hold a seat in a team: with its invite, or by its id if it is listed."""

    roles = SIGNED_IN
    rate = RateClass.SEAT
    reply = Seated
    errors = (
        E.DEAL_NOT_FOUND, E.DEAL_CLOSED, E.TEAM_NOT_FOUND, E.INVITE_INVALID, E.TEAM_CLOSED, E.TEAM_LATE, E.TEAM_FULL,
        E.TEAM_MEMBER, E.SEAT_TAKEN, E.LIMIT_REACHED, E.NEW_CUSTOMERS_ONLY, E.KEY_REUSED,
    )  # fmt: skip

    deal: types.Id
    team: types.Id | None = None
    invite: Invite | None = None
    show_name: bool = False
    key: types.Key | None = None


class LeaveTeam(Command, frozen=True, tag="leave_team"):
    """Give a seat back while the team forms; what was paid goes back. A leader's place goes to the next member."""

    roles = SIGNED_IN
    rate = RateClass.SEAT
    reply = Ok
    errors = (E.DEAL_NOT_FOUND, E.SEAT_NOT_FOUND, E.TEAM_CLOSED, E.TEAM_LATE, E.KEY_REUSED)

    deal: types.Id
    seat: types.Id
    key: types.Key | None = None


class PaySeat(Command, frozen=True, tag="pay_seat"):
    """Begin to pay a seat, or an unpaid order.

    Asked again, the same page is given while it lasts, then a new one. The hold is extended once.
    """

    roles = SIGNED_IN
    rate = RateClass.SEAT
    reply = PayAt
    errors = (
        E.DEAL_NOT_FOUND, E.DEAL_CLOSED, E.SEAT_NOT_FOUND, E.SEAT_LOST, E.SEAT_PAID, E.TEAM_CLOSED, E.TEAM_LATE,
        E.PAYMENT_REFUSED,
    )  # fmt: skip

    deal: types.Id
    seat: types.Id
    reference: types.ShopsOwn | None = None  #: the shop's number of the order, by the buyer's client: nobody checked it


GroupBuyCommand = (
    OpenDeal | ChangeDeal | ExtendDeal | CloseDeal | VoidDeal | WaiveTeam | RefundOrder | DecideOrderRefund
    | OpenTeam | JoinTeam | LeaveTeam | PaySeat
)  # fmt: skip
