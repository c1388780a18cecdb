"""Buying: what viewers do: open, join and leave teams, and pay. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.groupbuy import DealState, OrderState, OwnSeat
from livestream.protocol.limits import PAYING_S
from livestream.room.clocks import closes_at

from . import deal as deals
from . import funds, pricing, team
from .book import Book, Buyer
from .course import apply
from .deal import Terms
from .money import Payment
from .team import Seat, Team
from .views import own

_GONE = frozenset({OrderState.LAPSED, OrderState.RETURNING, OrderState.RETURNED})


def open_team(book: Book, ids: tuple[str, str], viewer: str, name: str, invite: str, *, listed: bool) -> OwnSeat:
    """Open a team; `ids` are the team's and the seat's.

    Raises:
        Refused: DEAL_CLOSED, FROZEN, SEAT_TAKEN, LIMIT_REACHED, SOLD_OUT, TEAMS_FULL.
    """
    deals.require_open(book.deal, book.now_ms)
    if book.show_over:
        raise Refused(ErrorCode.DEAL_CLOSED)
    if book.frozen:
        raise Refused(ErrorCode.FROZEN)
    terms = book.deal.terms
    over = _over(book, viewer)
    _require_may_buy(book, viewer, terms, over)
    units = terms.size * book.deal.units
    deals.require_units(_stock_after(book, over), units)
    _vacate(book, over)
    team_id, seat_id = ids
    opened = Team(
        team_id=team_id,
        deal_id=book.deal.deal_id,
        version=terms.version,
        size=terms.size,
        least=terms.least,
        deadline_ms=closes_at(book.now_ms, terms.life_s, book.delay_ms),
        leader=seat_id,
        invite=invite,
        listed=listed,
    )
    seat = Seat(seat_id, viewer, 0, team.hold(opened, book.now_ms, terms.hold_s), name=name)
    book.take(opened)
    apply(book, team_id, (team.SeatHeld(seat),))
    book.move_stock(held=units)
    book.sit(viewer, team_id)
    return own(book, team_id, seat_id)


def join_team(
    book: Book, seat_id: str, viewer: str, name: str, team_id: str | None, invite: str | None, *, customer: bool
) -> OwnSeat:
    """Hold a seat.

    Raises:
        Refused: DEAL_CLOSED, INVITE_INVALID, TEAM_NOT_FOUND, NEW_CUSTOMERS_ONLY, SEAT_TAKEN, LIMIT_REACHED, and
            those of `team.join`.
    """
    if book.deal.state is DealState.VOIDED:
        raise Refused(ErrorCode.DEAL_CLOSED)
    if invite is not None:
        team_id = book.by_invite.get(invite)
        if team_id is None:
            raise Refused(ErrorCode.INVITE_INVALID)
    joined = book.teams.get(team_id or "")
    if joined is None or (invite is None and not joined.listed):
        raise Refused(ErrorCode.TEAM_NOT_FOUND)
    terms = book.terms[joined.version]
    buyer = book.buyers.get(viewer, Buyer())
    if terms.new_only and (customer or buyer.customer):
        raise Refused(ErrorCode.NEW_CUSTOMERS_ONLY)
    over = None
    if joined.of(viewer) is None:
        over = _over(book, viewer)
        _require_may_buy(book, viewer, terms, over)
    held = team.join(joined, seat_id, viewer, name, book.now_ms, terms.hold_s)
    _vacate(book, over)
    apply(book, joined.team_id, held)
    book.sit(viewer, joined.team_id)
    book.concern(book.teams[joined.team_id], but=seat_id)
    return own(book, joined.team_id, seat_id)


def leave_team(book: Book, seat_id: str, viewer: str) -> None:
    """Raises:
    Refused: SEAT_NOT_FOUND, and those of `team.leave`.
    """
    left = book.owned(seat_id, viewer)
    apply(book, left.team_id, team.leave(left, seat_id, book.now_ms))


def pay_seat(book: Book, seat_id: str, viewer: str, payment_id: str, way: str, reference: str | None = None) -> Payment:
    """The payment under way for a seat or an unpaid order; a new one, if there is none.

    Args:
        reference: the shop's own number of the order; the last one given before the money came stands.

    Raises:
        Refused: SEAT_NOT_FOUND; SEAT_LOST, also of an order whose money went back, or that lapsed; and those of
            `team.pay`.
    """
    paying = book.owned(seat_id, viewer)
    if book.deal.state is DealState.VOIDED:
        raise Refused(ErrorCode.DEAL_CLOSED)
    placed = book.orders.get(seat_id)
    amount = pricing.most_to_pay(book.terms[paying.version].steps)
    if placed is not None and placed.state in _GONE:
        raise Refused(ErrorCode.SEAT_LOST)
    if placed is not None and placed.state is OrderState.UNPAID:
        if placed.repay_until is None or book.now_ms >= placed.repay_until or placed.price is None:
            raise Refused(ErrorCode.SEAT_LOST)
        amount = placed.price
    else:
        begun = team.pay(paying, seat_id, book.now_ms)
        apply(book, paying.team_id, begun)
        if begun:
            book.concern_seat(seat_id)  # the answer goes to one screen, and the longer hold is theirs on all
    known = book.wanted(seat_id)
    if known is not None and known.state in ("refused", "expired"):
        funds.abandon(book, known)
        known = None
    if known is None:
        known = _payment(book, seat_id, payment_id, way, amount)
    if reference is not None:
        known = replace(known, order_reference=reference)
    book.payments[known.payment_id] = known
    return known


def _payment(book: Book, seat_id: str, payment_id: str, way: str, amount: int) -> Payment:
    place = book.place_of(seat_id)
    seat = place.seat(seat_id) if place is not None else None
    assert place is not None
    assert seat is not None
    left_ms = place.deadline_ms - seat.hold_ms - book.now_ms
    return Payment(
        payment_id=payment_id,
        seat_id=seat_id,
        amount=amount,
        currency=book.deal.currency,
        exponent=book.deal.exponent,
        way=way,
        expires_in_s=PAYING_S if seat_id in book.orders else max(1, left_ms // 1000),
        description=book.deal.title,
    )


def _require_may_buy(book: Book, viewer: str, terms: Terms, over: _Over | None) -> None:
    buyer = book.buyers.get(viewer, Buyer())
    if buyer.team_id is not None and over is None:
        raise Refused(ErrorCode.SEAT_TAKEN)
    if buyer.bought >= terms.per_viewer:
        raise Refused(ErrorCode.LIMIT_REACHED)


# -- A hold that ended keeps nobody from another team, though no worker has seen it. Who is refused changes nothing,
#    so it is looked at first, and given up last.


@dataclass(frozen=True, slots=True)
class _Over:
    """A viewer's hold that ended: its team, and what gives it up."""

    place: Team
    events: team.Events


def _over(book: Book, viewer: str) -> _Over | None:
    place = book.teams.get(book.buyers.get(viewer, Buyer()).team_id or "")
    seat = place.of(viewer) if place is not None else None
    if place is None or seat is None:
        return None
    events = team.lapse(place, seat.seat_id, book.now_ms)
    return _Over(place, events) if events else None


def _stock_after(book: Book, over: _Over | None) -> deals.Stock:
    assert book.stock is not None
    if over is None or not any(isinstance(event, team.Failed) for event in over.events):
        return book.stock
    units = over.place.size * book.deal.units
    return replace(book.stock, held=book.stock.held - units, left=book.stock.left + units)


def _vacate(book: Book, over: _Over | None) -> None:
    if over is not None:
        apply(book, over.place.team_id, over.events)
