"""Money: what we know of one payment, and how that knowledge grows. Pure.

News of a payment comes by answers, notifications and queries: repeated, late
and in any order. `learn` only ever moves forward, and says what moved as one
row of double entry: what the buyer gave, what is held, what is cash; their sum
is zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

#: later news never takes a payment back in this order
RANK = {
    "opening": 0, "opened": 1, "refused": 2, "expired": 2, "authorised": 3, "captured": 4, "voided": 5, "refunded": 6,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Payment:
    """One attempt to pay one seat."""

    payment_id: str
    seat_id: str
    amount: int  #: minor units that we asked for
    currency: str
    exponent: int
    way: str  #: authorise, capture
    wanted: bool = True  #: False: what came of it must go back
    state: str = "opening"
    reference: str | None = None  #: the provider's
    url: str | None = None
    url_until: int | None = None  #: Unix ms
    expires_in_s: int = 600
    description: str = ""
    order_reference: str | None = None  #: the shop's own number of the order that comes of it
    authorised: int = 0
    captured: int = 0
    refunded: int = 0
    moves: int = 0  #: rows in the ledger

    @property
    def key(self) -> str:
        """Of the operation that opens it."""
        return f"pay_{self.payment_id}"

    @property
    def held(self) -> int:
        return self.authorised if self.state == "authorised" else 0

    @property
    def cash(self) -> int:
        return self.captured - self.refunded

    @property
    def funded(self) -> bool:
        """The provider holds or took what we asked for."""
        return self.held + self.cash >= self.amount > 0


@dataclass(frozen=True, slots=True)
class News:
    """What the provider says of a payment: its standing, without the provider's own types."""

    state: str
    amount: int
    currency: str
    held: int = 0
    captured: int = 0
    refunded: int = 0
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A row of the ledger. buyer + held + cash = 0."""

    payment_id: str
    number: int
    buyer: int
    held: int
    cash: int


def fits(payment: Payment, news: News) -> bool:
    """The provider speaks of the amount that we asked for."""
    return (news.amount, news.currency) == (payment.amount, payment.currency)


def learn(payment: Payment, news: News) -> tuple[Payment, Move | None]:
    """The payment with the news, and what moved; None: nothing did."""
    if news.state not in RANK:
        return payment, None
    state = news.state if RANK[news.state] > RANK[payment.state] else payment.state
    known = replace(
        payment,
        state=state,
        reference=payment.reference or news.reference,
        authorised=max(payment.authorised, news.held),
        captured=max(payment.captured, news.captured),
        refunded=max(payment.refunded, news.refunded),
    )
    held, cash = known.held - payment.held, known.cash - payment.cash
    if not held and not cash:
        return known, None
    known = replace(known, moves=known.moves + 1)
    return known, Move(payment.payment_id, known.moves, -held - cash, held, cash)
