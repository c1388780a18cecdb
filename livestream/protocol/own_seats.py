"""Own seats: what a viewer's screen makes of what it is told of their seats. Pure.

They are told by three ways: all at once, as they were read (`own_seats`), by
notices, and by answers. What comes late is older than what is known, or does
not know of a break that is over: `OwnSeat.at` says as of when it is. Whatever
comes in whatever order, each seat is as it was told last, with clocks of now.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from .events import Break
from .groupbuy import OwnSeat, TeamState

Seats = tuple[OwnSeat, ...]  #: in the order of ids, each with clocks of now


def caught_up(own: OwnSeat, breaks: Iterable[Break]) -> OwnSeat:
    """A seat with clocks of now: what it waits for is later by the breaks that it does not know of."""
    for each in breaks:
        if own.at < each.at:
            own = _later(own, each.shifted_ms)
    return own


def with_seat(seats: Seats, own: OwnSeat) -> Seats:
    """With one that is new, or stands otherwise now. What is older than what is known changes nothing."""
    if any(each.seat == own.seat and each.at > own.at for each in seats):
        return seats
    others = (each for each in seats if each.seat != own.seat)
    return tuple(sorted((*others, own), key=lambda each: each.seat))


def with_taken(seats: Seats, own: OwnSeat) -> Seats:
    """With one as the answer to its taking tells it. That is its first moment, so whatever is known of it is newer,
    though in a break all is as of the same."""
    return seats if any(each.seat == own.seat for each in seats) else with_seat(seats, own)


def with_seats(seats: Seats, read: Seats) -> Seats:
    """All as they were read. What came after the reading, but before it was told, stays."""
    since = min((each.at for each in read), default=None)
    listed = {each.seat for each in read}
    kept = tuple(each for each in seats if since is not None and (each.seat in listed or each.at >= since))
    for own in read:
        kept = with_seat(kept, own)
    return kept


def _later(own: OwnSeat, shifted_ms: int) -> OwnSeat:
    going = own.team.state in (TeamState.FORMING, TeamState.SETTLING)
    team = msgspec.structs.replace(own.team, deadline=own.team.deadline + shifted_ms) if going else own.team
    hold_until = own.hold_until + shifted_ms if going and own.hold_until is not None else own.hold_until
    repay_until = own.repay_until + shifted_ms if own.repay_until is not None else None
    return msgspec.structs.replace(own, team=team, hold_until=hold_until, repay_until=repay_until)
