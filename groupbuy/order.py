"""Order: what became of one paid seat. Pure; one table.

Legal steps stand here and nowhere else; everything else is refused by `step`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from livestream.protocol.events import RefundRequest
from livestream.protocol.groupbuy import OrderState


class OrderEvent(enum.StrEnum):
    TEAM_COMPLETED = "team completed"
    TAKEN = "price taken"
    DECLINED = "price declined"
    PAID_AGAIN = "paid again"
    RAN_OUT = "24 h ran out"
    GIVEN_BACK = "seat released"
    MONEY_BACK = "money back"


S, E = OrderState, OrderEvent
STEPS: dict[tuple[OrderState, OrderEvent], OrderState] = {
    (S.PLACED, E.TEAM_COMPLETED): S.CONFIRMING,
    (S.CONFIRMING, E.TAKEN): S.CONFIRMED,
    (S.CONFIRMING, E.DECLINED): S.UNPAID,
    (S.UNPAID, E.PAID_AGAIN): S.CONFIRMING,
    (S.UNPAID, E.RAN_OUT): S.LAPSED,
    (S.PLACED, E.GIVEN_BACK): S.RETURNING,
    (S.CONFIRMING, E.GIVEN_BACK): S.RETURNING,
    (S.CONFIRMED, E.GIVEN_BACK): S.RETURNING,
    (S.UNPAID, E.GIVEN_BACK): S.LAPSED,  # nothing was taken for it: nothing goes back
    (S.RETURNING, E.MONEY_BACK): S.RETURNED,
}
#: they count as sold
SOLD = frozenset({S.CONFIRMING, S.CONFIRMED, S.UNPAID})


@dataclass(frozen=True, slots=True)
class Order:
    """The order of one seat; it has the seat's id."""

    seat_id: str
    viewer: str
    quantity: int
    state: OrderState = OrderState.PLACED
    price: int | None = None  #: minor units for the seat; None: the team forms yet
    repay_until: int | None = None  #: Unix ms; while it is unpaid
    given_back: int = 0  #: minor units of the price that came back after it was confirmed
    reference: str | None = None  #: the shop's own number of it


@dataclass(frozen=True, slots=True)
class Return:
    """A refund of an order, or of a part, that staff asked for."""

    request: RefundRequest  #: its `purchase` is the order
    asker: str  #: pseudonym; empty: erased
    moving: bool = False  #: confirmed, and the provider has yet to do it


def step(order: Order, event: OrderEvent) -> Order | None:
    """The order after an event; None: that event changes nothing in this state."""
    state = STEPS.get((order.state, event))
    if state is None:
        return None
    whole = order.state is S.CONFIRMED and state is S.RETURNING
    return replace(order, state=state, repay_until=None, given_back=(order.price or 0) if whole else order.given_back)
