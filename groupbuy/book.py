"""Book: what one batch of a deal's commands knows, decides and causes. Pure: no I/O, no clock, no randomness.

The store loads it under locks, commands and the clock act on it one after
another, and the store writes what became different. The second of two commands
in one transaction sees the first. A refused command changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import LiveEvent, LogEvent, StaffEvent
from livestream.protocol.groupbuy import (
    DealState,
    OrderState,
    OwnSeat,
    SeatLeft,
    SeatState,
    TeamCompleted,
    TeamState,
    TeamView,
)
from livestream.protocol.limits import PAYING_S, REPAY_S

from . import deal as deals
from . import money, order, pricing, team
from .deal import Deal, Stock, Terms
from .money import Move, News, Payment
from .order import SOLD, Order, OrderEvent
from .team import GOING, LIVE, Events, Seat, Team


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
    kind: str  #: capture, difference, undo
    amount: int

    @property
    def op_id(self) -> str:
        """The key of the operation: the same for ever."""
        return f"{self.kind}_{self.payment_id}"


@dataclass(slots=True)
class Caused:
    """What a batch causes beside changed rows."""

    ops: dict[str, Op] = field(default_factory=dict)  #: by id; one that was done is to be done again
    done_ops: dict[str, str] = field(default_factory=dict)  #: state by id
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
    caused: Caused = field(default_factory=Caused)
    places: dict[str, str] = field(default_factory=dict)  #: team by seat

    def take(self, read: Team) -> None:
        """Take a team in, as it was read."""
        self.teams[read.team_id] = read
        self.by_invite[read.invite] = read.team_id
        self.places.update((seat.seat_id, read.team_id) for seat in read.seats)

    # -- viewers

    def open_team(self, ids: tuple[str, str], viewer: str, name: str, invite: str, *, listed: bool) -> OwnSeat:
        """Open a team; `ids` are the team's and the seat's.

        Raises:
            Refused: DEAL_CLOSED, FROZEN, SEAT_TAKEN, LIMIT_REACHED, SOLD_OUT, TEAMS_FULL.
        """
        deals.require_open(self.deal, self.now_ms)
        if self.frozen:
            raise Refused(ErrorCode.FROZEN)
        terms = self.deal.terms
        self._require_may_buy(viewer, terms)
        units = terms.size * self.deal.units
        assert self.stock is not None
        deals.require_units(self.stock, units)
        team_id, seat_id = ids
        opened = Team(
            team_id=team_id,
            deal_id=self.deal.deal_id,
            version=terms.version,
            size=terms.size,
            least=terms.least,
            deadline_ms=self.now_ms + terms.life_s * 1000,
            leader=seat_id,
            invite=invite,
            listed=listed,
        )
        seat = Seat(seat_id, viewer, 0, team.hold(opened, self.now_ms, terms.hold_s), name=name)
        self.take(team.evolve(opened, team.SeatHeld(seat)))
        self._move_stock(held=units)
        self._sit(viewer, team_id)
        return self.own(team_id, seat_id)

    def join_team(
        self, seat_id: str, viewer: str, name: str, team_id: str | None, invite: str | None, *, customer: bool
    ) -> OwnSeat:
        """Hold a seat.

        Raises:
            Refused: DEAL_CLOSED, INVITE_INVALID, TEAM_NOT_FOUND, NEW_CUSTOMERS_ONLY, SEAT_TAKEN, LIMIT_REACHED, and
                those of `team.join`.
        """
        if self.deal.state is DealState.VOIDED:
            raise Refused(ErrorCode.DEAL_CLOSED)
        if invite is not None:
            team_id = self.by_invite.get(invite)
            if team_id is None:
                raise Refused(ErrorCode.INVITE_INVALID)
        joined = self.teams.get(team_id or "")
        if joined is None or (invite is None and not joined.listed):
            raise Refused(ErrorCode.TEAM_NOT_FOUND)
        terms = self.terms[joined.version]
        buyer = self.buyers.get(viewer, Buyer())
        if terms.new_only and (customer or buyer.customer):
            raise Refused(ErrorCode.NEW_CUSTOMERS_ONLY)
        if joined.of(viewer) is None:
            self._require_may_buy(viewer, terms)
        self._apply(joined.team_id, team.join(joined, seat_id, viewer, name, self.now_ms, terms.hold_s))
        self._sit(viewer, joined.team_id)
        now = self.teams[joined.team_id]
        if now.free == 1 and now.listed:
            self.caused.live.append(SeatLeft(deal=self.deal.deal_id, team=now.team_id, deadline=now.deadline_ms))
        self._concern(now, but=seat_id)
        return self.own(joined.team_id, seat_id)

    def leave_team(self, seat_id: str, viewer: str) -> None:
        """Raises:
        Refused: SEAT_NOT_FOUND, and those of `team.leave`.
        """
        left = self._owned(seat_id, viewer)
        self._apply(left.team_id, team.leave(left, seat_id, self.now_ms))

    def pay_seat(self, seat_id: str, viewer: str, payment_id: str, way: str) -> Payment:
        """The payment under way for a seat or an unpaid order; a new one, if there is none.

        Raises:
            Refused: SEAT_NOT_FOUND, DEAL_CLOSED once the deal is voided, and those of `team.pay`.
        """
        paying = self._owned(seat_id, viewer)
        team_id = paying.team_id
        if self.deal.state is DealState.VOIDED:
            raise Refused(ErrorCode.DEAL_CLOSED)
        unpaid = self.orders.get(seat_id)
        amount = pricing.most_to_pay(self.terms[paying.version].steps)
        if unpaid is not None and unpaid.state is OrderState.UNPAID:
            if unpaid.repay_until is None or self.now_ms >= unpaid.repay_until or unpaid.price is None:
                raise Refused(ErrorCode.SEAT_LOST)
            amount = unpaid.price
        else:
            events = team.pay(paying, seat_id, self.now_ms)
            self._apply(team_id, events)
        known = self._wanted(seat_id)
        if known is not None and known.state in ("refused", "expired"):
            self._abandon(known)
            known = None
        if known is None:
            seat = self.teams[team_id].seat(seat_id)
            assert seat is not None
            left_ms = self.teams[team_id].deadline_ms - seat.hold_ms - self.now_ms
            known = Payment(
                payment_id=payment_id,
                seat_id=seat_id,
                amount=amount,
                currency=self.deal.currency,
                exponent=self.deal.exponent,
                way=way,
                expires_in_s=max(1, left_ms // 1000) if unpaid is None else PAYING_S,
                description=self.deal.title,
            )
            self.payments[payment_id] = known
        return known

    # -- money

    def learn(self, payment_id: str, news: News) -> None:
        """Take what the provider says, and do what follows: seat it, confirm it, or send it back."""
        before = self.payments.get(payment_id)
        if before is None:
            return
        known, move = money.learn(before, news)
        self.payments[payment_id] = known
        if move is not None:
            self.caused.moves.append(move)
        if not known.wanted or not money.fits(known, news):
            self._back(known)
        elif known.held or known.cash:
            self._fund(known)
        elif known.state in ("voided", "refunded"):
            self._lost(known)
        self._reconcile(known.seat_id)

    def capture_declined(self, payment_id: str) -> None:
        """The provider will not take the price: the order waits for another payment."""
        payment = self.payments[payment_id]
        self.caused.done_ops[Op(payment_id, "capture", 0).op_id] = "declined"
        placed = self.orders.get(payment.seat_id)
        if placed is not None and payment.wanted:
            self._unpaid(placed)
        self._abandon(payment)
        self._concern_seat(payment.seat_id)

    # -- the clock and the shop

    def due(self) -> int:
        """Do what the clock does to all teams here, and to orders that nobody paid again; returns how many changed."""
        changed = 0
        for team_id, waiting in list(self.teams.items()):
            events = team.due(waiting, self.now_ms)
            self._apply(team_id, events)
            changed += bool(events)
        for unpaid in list(self.orders.values()):
            late = unpaid.repay_until is not None and self.now_ms >= unpaid.repay_until
            if unpaid.state is OrderState.UNPAID and late and self._order(unpaid, OrderEvent.RAN_OUT):
                self._move_stock(sold=-unpaid.quantity)
                pending = self._wanted(unpaid.seat_id)
                if pending is not None:
                    self._abandon(pending)
                changed += 1
        return changed

    def waive(self, team_id: str) -> int:
        """Fill what is missing; returns how many seats.

        Raises:
            Refused: TEAM_NOT_FOUND, and those of `team.waive`.
        """
        if team_id not in self.teams:
            raise Refused(ErrorCode.TEAM_NOT_FOUND)
        before = self.teams[team_id]
        self._apply(team_id, team.waive(before, self.now_ms))
        return self.teams[team_id].waived - before.waived

    def void(self, why: str) -> None:
        """Everybody's money goes back."""
        for team_id, voided in list(self.teams.items()):
            self._apply(team_id, team.void(voided, why))

    # -- what follows

    def _apply(self, team_id: str, events: Events) -> None:
        for event in events:
            before = self.teams[team_id]
            self.teams[team_id] = now = team.evolve(before, event)
            match event:
                case team.SeatHeld(seat=seat):
                    self.places[seat.seat_id] = team_id
                case team.SeatReleased(seat_id=seat_id):
                    self._released(before.seat(seat_id))
                case team.SeatPaid(seat_id=seat_id):
                    self._paid(now, seat_id)
                case team.Completed():
                    self._completed(now)
                case team.Failed():
                    self._failed(before, now)
        if any(not isinstance(event, team.SeatHeld | team.SeatPaying) for event in events):
            self._concern(self.teams[team_id])

    def _released(self, seat: Seat | None) -> None:
        if seat is None or seat.state is SeatState.RELEASED:
            return
        self._stand_up(seat.viewer)
        self._concern_seat(seat.seat_id, seat.viewer)
        payment = self._wanted(seat.seat_id)
        if payment is not None:
            self._abandon(payment)
        placed = self.orders.get(seat.seat_id)
        if placed is not None:
            self._order(placed, OrderEvent.GIVEN_BACK)
        self._reconcile(seat.seat_id)

    def _paid(self, now: Team, seat_id: str) -> None:
        seat = now.seat(seat_id)
        assert seat is not None
        self.orders[seat_id] = Order(seat_id, seat.viewer, self.deal.units)
        self._tell_shop("order.placed", seat_id, now)

    def _completed(self, now: Team) -> None:
        terms = self.terms[now.version]
        assert now.reached is not None
        step = pricing.step_reached(terms.steps, now.reached)
        assert step is not None
        confirmed = [seat for seat in now.seats if seat.state is SeatState.CONFIRMED]
        for seat in confirmed:
            placed = self.orders[seat.seat_id]
            price = pricing.seat_price(step, terms.leader_discount, leads=seat.seat_id == now.leader)
            self.orders[seat.seat_id] = placed = replace(placed, price=price)
            self._order(placed, OrderEvent.TEAM_COMPLETED)
            self._take(self.orders[seat.seat_id])
            known = self.buyers.get(seat.viewer, Buyer())
            self.buyers[seat.viewer] = replace(known, team_id=None, bought=known.bought + 1, customer=True)
        units = self.deal.units
        self._move_stock(sold=len(confirmed) * units, held=-now.size * units)
        names = [seat.name for seat in confirmed if seat.name]
        self.caused.live.append(TeamCompleted(deal=self.deal.deal_id, people=now.reached, names=names))
        self.caused.webhooks.append(
            ("team.completed", {**self._team_facts(now), "people": now.reached, "waived": now.waived})
        )

    def _failed(self, before: Team, now: Team) -> None:
        units = self.deal.units
        if before.state in GOING:
            self._move_stock(held=-now.size * units)
        else:
            sold = [self.orders[seat.seat_id] for seat in before.seats if seat.seat_id in self.orders]
            self._move_stock(sold=-sum(each.quantity for each in sold if each.state in SOLD))
        for seat in before.seats:
            self._released(seat)
        kind = "team.voided" if now.state is TeamState.VOIDED else "team.expired"
        self.caused.webhooks.append((kind, {**self._team_facts(now), "why": now.why}))

    def _fund(self, payment: Payment) -> None:
        """The money of a wanted payment is there."""
        found = self._place_of(payment.seat_id)
        placed = self.orders.get(payment.seat_id)
        if placed is not None and placed.state is OrderState.UNPAID:
            if placed.repay_until is not None and self.now_ms < placed.repay_until and payment.funded:
                self._order(placed, OrderEvent.PAID_AGAIN)
                self._take(self.orders[payment.seat_id])
            else:
                self._abandon(payment)
            return
        if placed is not None or found is None:
            return
        try:
            if not payment.funded or self.deal.state is DealState.VOIDED:
                raise Refused(ErrorCode.SEAT_LOST)
            self._apply(found.team_id, team.paid(found, payment.seat_id, self.now_ms))
        except Refused:
            self._abandon(payment)
            return
        if self.now_ms >= found.deadline_ms:
            self._apply(found.team_id, team.due(self.teams[found.team_id], self.now_ms))

    def _lost(self, payment: Payment) -> None:
        """The money of a wanted payment went back, and not because we asked."""
        self._abandon(payment)
        placed, found = self.orders.get(payment.seat_id), self._place_of(payment.seat_id)
        if placed is None or found is None:
            return
        self._apply(found.team_id, team.lose(found, payment.seat_id))
        if placed.state is OrderState.CONFIRMING:
            self._unpaid(placed)
        elif placed.state is OrderState.CONFIRMED and self._order(placed, OrderEvent.GIVEN_BACK):
            self._move_stock(sold=-placed.quantity)

    def _unpaid(self, placed: Order) -> None:
        if self._order(placed, OrderEvent.DECLINED):
            now = self.orders[placed.seat_id]
            self.orders[placed.seat_id] = replace(now, repay_until=self.now_ms + REPAY_S * 1000)

    def _take(self, placed: Order) -> None:
        """Take the price of a confirmed seat, or give back what was taken above it."""
        payment = self._wanted(placed.seat_id)
        assert payment is not None
        assert placed.price is not None
        if payment.held:
            self._do(Op(payment.payment_id, "capture", placed.price))
        elif payment.cash > placed.price:
            self._do(Op(payment.payment_id, "difference", payment.cash - placed.price))
        self._reconcile(placed.seat_id)

    def _reconcile(self, seat_id: str) -> None:
        """Order and operations are done when the money says so."""
        placed = self.orders.get(seat_id)
        for payment in [each for each in self.payments.values() if each.seat_id == seat_id]:
            if not payment.wanted and not payment.held and not payment.cash and payment.state not in _UNCERTAIN:
                self.caused.done_ops[Op(payment.payment_id, "undo", 0).op_id] = "done"
        if placed is None:
            return
        wanted = self._wanted(seat_id)
        if placed.state is OrderState.CONFIRMING and wanted is not None and wanted.cash == placed.price:
            for kind in ("capture", "difference"):
                self.caused.done_ops[Op(wanted.payment_id, kind, 0).op_id] = "done"
            self._order(placed, OrderEvent.TAKEN)
            self._tell_shop("order.confirmed", seat_id)
        if placed.state is OrderState.RETURNING and not self._money_of(seat_id):
            self._order(placed, OrderEvent.MONEY_BACK)
            self._tell_shop("order.refunded", seat_id)

    def _abandon(self, payment: Payment) -> None:
        """Nobody waits for this payment any more: whatever came, or comes, of it goes back."""
        self.payments[payment.payment_id] = payment = replace(payment, wanted=False)
        self._back(payment)

    def _back(self, payment: Payment) -> None:
        self.payments[payment.payment_id] = replace(payment, wanted=False)
        if payment.held or payment.cash or payment.state in _UNCERTAIN:
            self._do(Op(payment.payment_id, "undo", payment.held + payment.cash))
        placed = self.orders.get(payment.seat_id)
        if placed is not None and payment.wanted:
            self._order(placed, OrderEvent.GIVEN_BACK)

    def _do(self, op: Op) -> None:
        self.caused.ops[op.op_id] = op
        self.caused.done_ops.pop(op.op_id, None)

    def _order(self, placed: Order, event: OrderEvent) -> bool:
        stepped = order.step(placed, event)
        if stepped is None:
            return False
        self.orders[placed.seat_id] = stepped
        self._concern_seat(placed.seat_id, placed.viewer)
        return True

    # -- looking things up

    def _owned(self, seat_id: str, viewer: str) -> Team:
        found = self._place_of(seat_id)
        seat = found.seat(seat_id) if found is not None else None
        if found is None or seat is None or seat.viewer != viewer:
            raise Refused(ErrorCode.SEAT_NOT_FOUND)
        return found

    def _place_of(self, seat_id: str) -> Team | None:
        return self.teams.get(self.places.get(seat_id, ""))

    def _wanted(self, seat_id: str) -> Payment | None:
        return next((each for each in self.payments.values() if each.seat_id == seat_id and each.wanted), None)

    def _money_of(self, seat_id: str) -> int:
        return sum(each.held + each.cash for each in self.payments.values() if each.seat_id == seat_id)

    def _require_may_buy(self, viewer: str, terms: Terms) -> None:
        buyer = self.buyers.get(viewer, Buyer())
        if buyer.team_id is not None:
            raise Refused(ErrorCode.SEAT_TAKEN)
        if buyer.bought >= terms.per_viewer:
            raise Refused(ErrorCode.LIMIT_REACHED)

    def _sit(self, viewer: str, team_id: str) -> None:
        self.buyers[viewer] = replace(self.buyers.get(viewer, Buyer()), team_id=team_id)

    def _stand_up(self, viewer: str) -> None:
        self.buyers[viewer] = replace(self.buyers.get(viewer, Buyer()), team_id=None)

    def _move_stock(self, *, sold: int = 0, held: int = 0) -> None:
        """Units move between sold, held and left; what one gets the others give."""
        caused = self.caused
        caused.sold, caused.held, caused.free = caused.sold + sold, caused.held + held, caused.free - sold - held
        if self.stock is not None:
            stock = self.stock
            self.stock = replace(stock, sold=stock.sold + sold, held=stock.held + held, left=stock.left - sold - held)

    # -- telling

    def _concern(self, now: Team, but: str = "") -> None:
        for seat in now.seats:
            if seat.state is not SeatState.RELEASED and seat.seat_id != but:
                self.caused.concerned[seat.seat_id] = seat.viewer

    def _concern_seat(self, seat_id: str, viewer: str | None = None) -> None:
        found = self._place_of(seat_id)
        seat = found.seat(seat_id) if found is not None else None
        if viewer is not None or seat is not None:
            self.caused.concerned[seat_id] = viewer or (seat.viewer if seat is not None else "")

    def notices(self) -> list[tuple[str, OwnSeat]]:
        """How it stands, for everybody concerned."""
        told = []
        for seat_id, viewer in self.caused.concerned.items():
            found = self._place_of(seat_id)
            if found is not None:
                told.append((viewer, self.own(found.team_id, seat_id)))
        return told

    def team_view(self, team_id: str) -> TeamView:
        shown = self.teams[team_id]
        price = None
        if shown.reached is not None:
            step = pricing.step_reached(self.terms[shown.version].steps, shown.reached)
            price = None if step is None else step.price
        seats = sorted(
            (seat for seat in shown.seats if seat.state is not SeatState.RELEASED),
            key=lambda seat: (seat.seat_id != shown.leader, seat.number),
        )
        return TeamView(
            id=shown.team_id,
            deal=shown.deal_id,
            state=shown.state,
            size=shown.size,
            held=shown.count(SeatState.HELD, SeatState.PAYING),
            paid=shown.count(SeatState.PAID, SeatState.CONFIRMED),
            waived=shown.waived,
            deadline=shown.deadline_ms,
            names=[seat.name for seat in seats if seat.name],
            price=price,
        )

    def own(self, team_id: str, seat_id: str) -> OwnSeat:
        """A seat as its holder sees it."""
        shown = self.teams[team_id]
        seat = shown.seat(seat_id)
        assert seat is not None
        placed = self.orders.get(seat_id)
        waits = seat.state in LIVE and shown.state in GOING
        return OwnSeat(
            seat=seat_id,
            team=self.team_view(team_id),
            state=seat.state,
            leader=shown.leader == seat_id,
            invite=shown.invite if waits else None,
            hold_until=shown.deadline_ms - seat.hold_ms if seat.state in team.WAITING else None,
            amount=pricing.most_to_pay(self.terms[shown.version].steps),
            order=placed.state if placed else None,
            price=placed.price if placed else None,
            repay_until=placed.repay_until if placed and placed.state is OrderState.UNPAID else None,
            why=seat.why,
        )

    def _team_facts(self, now: Team) -> dict[str, object]:
        return {
            "room": self.deal.room_id,
            "deal": self.deal.deal_id,
            "team": now.team_id,
            "product": self.deal.product_id,
            "variant": self.deal.variant_id,
            "seats": [seat.seat_id for seat in now.seats if seat.state is SeatState.CONFIRMED],
        }

    def _tell_shop(self, kind: str, seat_id: str, now: Team | None = None) -> None:
        placed = self.orders[seat_id]
        found = now or self._place_of(seat_id)
        self.caused.webhooks.append(
            (
                kind,
                {
                    "room": self.deal.room_id,
                    "deal": self.deal.deal_id,
                    "team": found.team_id if found else None,
                    "order": seat_id,
                    "viewer": placed.viewer,
                    "product": self.deal.product_id,
                    "variant": self.deal.variant_id,
                    "quantity": placed.quantity,
                    "price": placed.price,
                    "currency": self.deal.currency,
                    "exponent": self.deal.exponent,
                    "tax_included": self.deal.tax_included,
                },
            )
        )


#: the provider may know more of such a payment than we do
_UNCERTAIN = frozenset({"opening", "opened"})
