"""Course: what follows from a team's events, from news of money, from the clock and from the shop. Pure."""

from __future__ import annotations

from dataclasses import replace

from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.groupbuy import DealState, OrderState, SeatLeft, SeatState, TeamCompleted, TeamState

from . import funds, money, pricing, team
from .book import Book, Buyer, Op
from .money import News, Payment
from .order import SOLD, Order, OrderEvent
from .team import GOING, Events, Seat, Team
from .views import team_facts, tell_shop

# -- money


def learn(book: Book, payment_id: str, news: News) -> None:
    """Take what the provider says, and do what follows: seat it, confirm it, or send it back."""
    before = book.payments.get(payment_id)
    if before is None or news.state not in money.RANK:
        return
    known, move = money.learn(before, news)
    book.payments[payment_id] = known
    if move is not None:
        book.caused.moves.append(move)
    if not known.wanted:
        funds.give_back(book, known)
    elif not money.fits(known, news):
        _lost(book, known)
    elif known.held or known.cash:
        _funded(book, known)
    elif known.captured or known.state in ("voided", "refunded"):
        _lost(book, known)
    funds.reconcile(book, known.seat_id)


def capture_declined(book: Book, payment_id: str) -> None:
    """The provider will not take the price: the order waits for another payment."""
    payment = book.payments[payment_id]
    book.caused.done_ops[Op(payment_id, "capture", 0).op_id] = "declined"
    if payment.wanted:
        funds.unpaid(book, payment.seat_id)
    funds.abandon(book, payment)
    book.concern_seat(payment.seat_id)


def _funded(book: Book, payment: Payment) -> None:
    """The money of a wanted payment is there."""
    placed = book.orders.get(payment.seat_id)
    if placed is None:
        _seat_it(book, payment)
    elif placed.state is OrderState.PLACED and not payment.funded:
        _lost(book, payment)  # a part went back by other hands: what is left does not pay the seat
    elif placed.state is OrderState.CONFIRMING and not payment.held:
        funds.take_price(book, payment.seat_id)  # it was taken; perhaps by other hands, and more than the price
    elif placed.state is OrderState.UNPAID:
        if placed.repay_until is not None and book.now_ms < placed.repay_until and payment.funded:
            book.step(payment.seat_id, OrderEvent.PAID_AGAIN)
            funds.take_price(book, payment.seat_id)
        else:
            funds.abandon(book, payment)


def _seat_it(book: Book, payment: Payment) -> None:
    found = book.place_of(payment.seat_id)
    if found is None:
        return
    try:
        if not payment.funded or book.deal.state is DealState.VOIDED:
            raise Refused(ErrorCode.SEAT_LOST)
        apply(book, found.team_id, team.paid(found, payment.seat_id, book.now_ms))
    except Refused:
        funds.abandon(book, payment)
        return
    if book.now_ms >= found.deadline_ms:
        apply(book, found.team_id, team.due(book.teams[found.team_id], book.now_ms))


def _lost(book: Book, payment: Payment) -> None:
    """A wanted payment came to nothing: its money went back, and not because we asked, or it is other money."""
    funds.abandon(book, payment)
    placed, found = book.orders.get(payment.seat_id), book.place_of(payment.seat_id)
    if placed is None or found is None:
        return
    apply(book, found.team_id, team.lose(found, payment.seat_id))
    if placed.state is OrderState.CONFIRMING:
        funds.unpaid(book, payment.seat_id)
    elif placed.state is OrderState.CONFIRMED and book.step(payment.seat_id, OrderEvent.GIVEN_BACK):
        book.move_stock(sold=-placed.quantity)


# -- the clock and the shop


def due(book: Book) -> int:
    """Do what the clock does to all teams here, and to orders that nobody paid again; returns how many changed.

    Of a deal that was taken back it decides nothing: no team completes any more, and `void` ends them all.
    """
    if book.deal.state is DealState.VOIDED:
        return 0
    changed = 0
    for team_id, waiting in list(book.teams.items()):
        events = team.due(waiting, book.now_ms)
        apply(book, team_id, events)
        changed += bool(events)
    for unpaid in list(book.orders.values()):
        late = unpaid.repay_until is not None and book.now_ms >= unpaid.repay_until
        if unpaid.state is OrderState.UNPAID and late and book.step(unpaid.seat_id, OrderEvent.RAN_OUT):
            book.move_stock(sold=-unpaid.quantity)
            pending = book.wanted(unpaid.seat_id)
            if pending is not None:
                funds.abandon(book, pending)
            changed += 1
    return changed


def waive(book: Book, team_id: str) -> int:
    """Fill what is missing; returns how many seats.

    Raises:
        Refused: TEAM_NOT_FOUND, and those of `team.waive`.
    """
    if team_id not in book.teams:
        raise Refused(ErrorCode.TEAM_NOT_FOUND)
    before = book.teams[team_id]
    apply(book, team_id, team.waive(before, book.now_ms))
    return book.teams[team_id].waived - before.waived


def void(book: Book, why: str) -> None:
    """Everybody's money goes back."""
    for team_id, voided in list(book.teams.items()):
        apply(book, team_id, team.void(voided, why))


# -- what follows from a team's events


def apply(book: Book, team_id: str, events: Events) -> None:
    """Let a team's events happen, with all that follows from them."""
    began = book.teams[team_id]
    for event in events:
        before = book.teams[team_id]
        book.teams[team_id] = now = team.evolve(before, event)
        match event:
            case team.SeatHeld(seat=seat):
                book.places[seat.seat_id] = team_id
            case team.SeatReleased(seat_id=seat_id):
                _released(book, before.seat(seat_id))
            case team.SeatPaid(seat_id=seat_id):
                _paid(book, now, seat_id)
            case team.Completed():
                _completed(book, now)
            case team.Failed():
                _failed(book, began, before, now)
    if any(not isinstance(event, team.SeatHeld | team.SeatPaying) for event in events):
        book.concern(book.teams[team_id])
    _tell_last_seat(book, began, book.teams[team_id])


def _tell_last_seat(book: Book, began: Team, now: Team) -> None:
    """Whoever joined or left: a team that anyone may join has come to need one more."""
    joinable = now.listed and now.state is TeamState.FORMING and book.now_ms < now.deadline_ms
    if joinable and now.free == 1 != began.free and book.deal.state is not DealState.VOIDED:
        book.caused.live.append(SeatLeft(deal=book.deal.deal_id, team=now.team_id, deadline=now.deadline_ms))


def _released(book: Book, seat: Seat | None) -> None:
    if seat is None or seat.state is SeatState.RELEASED:
        return
    book.sit(seat.viewer, None)
    book.concern_seat(seat.seat_id, seat.viewer)
    funds.release(book, seat.seat_id)


def _paid(book: Book, now: Team, seat_id: str) -> None:
    seat, payment = now.seat(seat_id), book.wanted(seat_id)
    assert seat is not None
    assert payment is not None
    book.orders[seat_id] = Order(seat_id, seat.viewer, book.deal.units, reference=payment.order_reference)
    tell_shop(book, "order.placed", seat_id)


def _completed(book: Book, now: Team) -> None:
    terms = book.terms[now.version]
    assert now.reached is not None
    step = pricing.step_reached(terms.steps, now.reached)
    assert step is not None
    confirmed = [seat for seat in now.seats if seat.state is SeatState.CONFIRMED]
    for seat in confirmed:
        price = pricing.seat_price(step, terms.leader_discount, leads=seat.seat_id == now.leader)
        book.orders[seat.seat_id] = replace(book.orders[seat.seat_id], price=price)
        book.step(seat.seat_id, OrderEvent.TEAM_COMPLETED)
        funds.take_price(book, seat.seat_id)
        known = book.buyers.get(seat.viewer, Buyer())
        book.buyers[seat.viewer] = replace(known, team_id=None, bought=known.bought + 1, customer=True)
    units = book.deal.units
    book.move_stock(sold=len(confirmed) * units, held=-now.size * units)
    names = [seat.name for seat in confirmed if seat.name]
    book.caused.live.append(TeamCompleted(deal=book.deal.deal_id, people=now.reached, names=names))
    facts = {**team_facts(book, now), "people": now.reached, "waived": now.waived}
    book.caused.webhooks.append(("team.completed", facts))


def _failed(book: Book, began: Team, before: Team, now: Team) -> None:
    units = book.deal.units
    if before.state in GOING:
        book.move_stock(held=-now.size * units)
    else:
        sold = [book.orders[seat.seat_id] for seat in before.seats if seat.seat_id in book.orders]
        book.move_stock(sold=-sum(each.quantity for each in sold if each.state in SOLD))
    for seat in before.seats:
        _released(book, seat)
    kind = "team.voided" if now.state is TeamState.VOIDED else "team.expired"
    book.caused.webhooks.append((kind, {**team_facts(book, began), "why": now.why}))
