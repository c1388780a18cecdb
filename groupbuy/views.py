"""Views: how teams, seats and orders look to viewers and to the shop. Pure."""

from __future__ import annotations

from livestream.protocol.groupbuy import OrderState, OwnSeat, SeatState, TeamView

from . import pricing
from .book import Book
from .team import GOING, LIVE, WAITING, Team


def team_view(book: Book, team_id: str) -> TeamView:
    """A team as anyone may see it."""
    shown = book.teams[team_id]
    price = None
    if shown.reached is not None:
        step = pricing.step_reached(book.terms[shown.version].steps, shown.reached)
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


def own(book: Book, team_id: str, seat_id: str) -> OwnSeat:
    """A seat as its holder sees it."""
    shown = book.teams[team_id]
    seat = shown.seat(seat_id)
    assert seat is not None
    placed = book.orders.get(seat_id)
    # Who joins loads no orders of the others: of a seat that is paid while the team forms, it is placed.
    unread = OrderState.PLACED if seat.state is SeatState.PAID else None
    waits = seat.state in LIVE and shown.state in GOING
    return OwnSeat(
        seat=seat_id,
        at=book.now_ms,
        team=team_view(book, team_id),
        state=seat.state,
        leader=shown.leader == seat_id,
        invite=shown.invite if waits else None,
        hold_until=shown.deadline_ms - seat.hold_ms if seat.state in WAITING else None,
        amount=pricing.most_to_pay(book.terms[shown.version].steps),
        order=placed.state if placed else unread,
        price=placed.price if placed else None,
        given_back=placed.given_back if placed else 0,
        repay_until=placed.repay_until if placed and placed.state is OrderState.UNPAID else None,
        why=seat.why,
    )


def notices(book: Book) -> list[tuple[str, OwnSeat]]:
    """How it stands, for everybody concerned."""
    told = []
    for seat_id, viewer in book.caused.concerned.items():
        found = book.place_of(seat_id)
        if found is not None:
            told.append((viewer, own(book, found.team_id, seat_id)))
    return told


def deal_facts(book: Book) -> dict[str, object]:
    """What every webhook of a group buy says of its deal."""
    return {"room": book.deal.room_id, "deal": book.deal.deal_id, "deal_reference": book.deal.reference}


def team_facts(book: Book, shown: Team) -> dict[str, object]:
    """A team, for the shop; one that failed as it was before, with the seats it had then."""
    return {
        **deal_facts(book),
        "team": shown.team_id,
        "product": book.deal.product_id,
        "variant": book.deal.variant_id,
        "seats": [seat.seat_id for seat in shown.seats if seat.state is not SeatState.RELEASED],
    }


def tell_shop(book: Book, kind: str, seat_id: str) -> None:
    """A webhook about an order."""
    placed = book.orders[seat_id]
    found = book.place_of(seat_id)
    facts = {
        **deal_facts(book),
        "team": found.team_id if found else None,
        "order": seat_id,
        "reference": placed.reference,
        "state": placed.state,
        "viewer": placed.viewer,
        "product": book.deal.product_id,
        "variant": book.deal.variant_id,
        "quantity": placed.quantity,
        "price": placed.price,
        "given_back": placed.given_back,
        "currency": book.deal.currency,
        "exponent": book.deal.exponent,
        "tax_included": book.deal.tax_included,
    }
    book.caused.webhooks.append((kind, facts))
