"""Book: what one batch of a deal's commands knows and causes. Pure: no I/O, no clock, no randomness.

The store loads it under locks; commands (`buying`), news of money and the clock
(`course`) act on it one after another, and `writes` writes what became
different. The second of two commands in one transaction sees the first. A
refused command changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import LiveEvent, LogEvent, StaffEvent
from livestream.protocol.groupbuy import SeatState

from . import order
from .deal import Deal, Stock, Terms
from .money import Move, Payment
from .order import Order, OrderEvent, Return
from .team import Team


@dataclass(frozen=True, slots=True)
class Buyer:
    """What a decision about a viewer needs to know."""

    team_id: str | None = None  #: where the live seat is
    bought: int = 0  #: seats bought in this deal, those of complete teams
    customer: bool = False  #: bought in this shop before


@dataclass(frozen=True, slots=True)
class Op:
    """What the provider is to do about a payment."""

    payment_id: str
    kind: str  #: capture, difference, refund, undo
    amount: int
    return_id: str | None = None  #: of a refund: one payment may have several

    @property
    def op_id(self) -> str:
        """The key of the operation: the same for ever."""
        return f"{self.kind}_{self.return_id or self.payment_id}"


@dataclass(slots=True)
class Caused:
    """What a batch causes beside changed rows."""

    ops: dict[str, Op] = field(default_factory=dict)  #: by id; one that was done is to be done again
    done_ops: dict[str, str] = field(default_factory=dict)  #: state by id
    dropped: set[str] = field(default_factory=set)  #: payments of which nothing but the undo is to be done any more
    moves: list[Move] = field(default_factory=list)
    sold: int = 0  #: differences of the stock, in units
    held: int = 0
    free: int = 0
    log: list[LogEvent] = field(default_factory=list)
    staff: list[StaffEvent] = field(default_factory=list)
    live: list[LiveEvent] = field(default_factory=list)
    webhooks: list[tuple[str, object]] = field(default_factory=list)
    concerned: dict[str, str] = field(default_factory=dict)  #: viewer by seat, to be told how it stands


@dataclass(slots=True)
class Book:
    """A deal, and of its rows those that the batch names."""

    now_ms: int  #: of the room: it stands still while the room is frozen
    frozen: bool
    deal: Deal
    terms: dict[int, Terms]
    stock: Stock | None = None  #: None: the batch opens no team
    teams: dict[str, Team] = field(default_factory=dict)
    by_invite: dict[str, str] = field(default_factory=dict)
    buyers: dict[str, Buyer] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    returns: dict[str, Return] = field(default_factory=dict)
    caused: Caused = field(default_factory=Caused)
    places: dict[str, str] = field(default_factory=dict)  #: team by seat
    delay_ms: int = 0  #: by which the last viewer's video is behind
    show_over: bool = False  #: a show has ended since the deal was opened

    # -- looking things up

    def place_of(self, seat_id: str) -> Team | None:
        """The team of a seat."""
        return self.teams.get(self.places.get(seat_id, ""))

    def owned(self, seat_id: str, viewer: str) -> Team:
        """The team of a viewer's own seat.

        Raises:
            Refused: SEAT_NOT_FOUND.
        """
        found = self.place_of(seat_id)
        seat = found.seat(seat_id) if found is not None else None
        if found is None or seat is None or seat.viewer != viewer:
            raise Refused(ErrorCode.SEAT_NOT_FOUND)
        return found

    def payments_of(self, seat_id: str) -> Sequence[Payment]:
        return [each for each in self.payments.values() if each.seat_id == seat_id]

    def wanted(self, seat_id: str) -> Payment | None:
        """The one payment that the seat or its order waits for, or lives from."""
        return next((each for each in self.payments_of(seat_id) if each.wanted), None)

    def money_of(self, seat_id: str) -> int:
        return sum(each.held + each.cash for each in self.payments_of(seat_id))

    # -- small changes that others are made of

    def take(self, read: Team) -> None:
        """Take a team in, as it was read."""
        self.teams[read.team_id] = read
        self.by_invite[read.invite] = read.team_id
        self.places.update((seat.seat_id, read.team_id) for seat in read.seats)

    def sit(self, viewer: str, team_id: str | None) -> None:
        """The viewer's live seat is in this team; None: there is none any more."""
        self.buyers[viewer] = replace(self.buyers.get(viewer, Buyer()), team_id=team_id)

    def move_stock(self, *, sold: int = 0, held: int = 0) -> None:
        """Units move between sold, held and left; what one gets the others give."""
        caused = self.caused
        caused.sold, caused.held, caused.free = caused.sold + sold, caused.held + held, caused.free - sold - held
        if self.stock is not None:
            stock = self.stock
            self.stock = replace(stock, sold=stock.sold + sold, held=stock.held + held, left=stock.left - sold - held)

    def do(self, op: Op) -> None:
        """Have the provider do it, once this is committed."""
        self.caused.ops[op.op_id] = op
        self.caused.done_ops.pop(op.op_id, None)

    def step(self, seat_id: str, event: OrderEvent) -> bool:
        """Step an order; False: there is none, or the event means nothing to it."""
        placed = self.orders.get(seat_id)
        stepped = order.step(placed, event) if placed is not None else None
        if placed is None or stepped is None:
            return False
        self.orders[seat_id] = stepped
        self.concern_seat(seat_id, placed.viewer)
        return True

    def concern(self, now: Team, but: str = "") -> None:
        """Everybody in the team is to learn how it stands."""
        for seat in now.seats:
            if seat.state is not SeatState.RELEASED and seat.seat_id != but:
                self.caused.concerned[seat.seat_id] = seat.viewer

    def concern_seat(self, seat_id: str, viewer: str | None = None) -> None:
        found = self.place_of(seat_id)
        seat = found.seat(seat_id) if found is not None else None
        if viewer is not None or seat is not None:
            self.caused.concerned[seat_id] = viewer or (seat.viewer if seat is not None else "")
