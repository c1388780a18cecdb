"""Seats: what viewers know of a room's group buys and of their own seats in them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from msgspec import Meta

from livestream.protocol.groupbuy import (
    GROUPBUY_LOG_EVENTS,
    Deal,
    DealState,
    OwnSeat,
    SeatLeft,
    SeatState,
    YourTeam,
    evolve_deals,
)
from livestream.protocol.pushes import AnyPush, Live, Log, Notice, OwnSeats, Snapshot

from ..dice import Dice
from .base import Noted, Options, Outcome, Task, Then, Timed, Who, between

Share = Annotated[float, Meta(ge=0, le=1)]
Span = tuple[Annotated[float, Meta(ge=0)], Annotated[float, Meta(ge=0)]]
_LISTED = 64  #: teams with a seat left that people remember


class SeatOptions(Options, frozen=True, kw_only=True):
    """How a team comes about. Who joins by an invite behaves as the one who opened the team."""

    listed: Share = 0.7  #: of the teams may be joined by anybody
    invites: Annotated[int, Meta(ge=0, le=20)] = 3  #: people whom the leader asks
    passes_on: Annotated[int, Meta(ge=0, le=20)] = 1  #: people whom each one who joins asks, while seats are left
    spread_s: Span = (1.0, 6.0)  #: until somebody who was asked comes
    pays: Share = 0.9
    pays_after_s: Span = (1.0, 4.0)
    leaves: Share = 0.03  #: the rest of those who do not pay let the seat run out


class Deals:
    """The room's group buys as a page knows them."""

    def __init__(self) -> None:
        self._deals: tuple[Deal, ...] = ()
        self._seq = -1
        self.listed: dict[str, str] = {}  #: teams that need one more, and their deals; newest last

    def learn(self, push: AnyPush) -> None:
        match push:
            case Snapshot(seq=seq, deals=deals) if seq > self._seq:
                self._seq, self._deals = seq, tuple(deals)
            case Log(seq=seq, event=event) if seq > self._seq:
                self._seq = seq
                if isinstance(event, GROUPBUY_LOG_EVENTS):
                    self._deals = evolve_deals(self._deals, event)
            case Live(events=events):
                for each in events:
                    if isinstance(each, SeatLeft):
                        self._remember(each.team, each.deal)

    def _remember(self, team: str, deal: str) -> None:
        self.listed.pop(team, None)
        self.listed[team] = deal
        if len(self.listed) > _LISTED:
            del self.listed[next(iter(self.listed))]

    @property
    def open(self) -> list[Deal]:
        return [each for each in self._deals if each.state is DealState.OPEN]


def own(who: Who) -> dict[str, tuple[str, OwnSeat]]:
    """A viewer's seats, with their deals."""
    found: dict[str, tuple[str, OwnSeat]] = who.memory.setdefault("seats", {})
    return found


def has_seat(who: Who, deal: str) -> bool:
    return any(each == deal and seat.state is not SeatState.RELEASED for each, seat in own(who).values())


def seated(who: Who, seat: OwnSeat, options: SeatOptions, random: Dice) -> Iterable[Outcome]:
    """A seat is ours: tell friends, then pay, or think better of it."""
    own(who)[seat.seat] = (seat.team.deal, seat)
    yield Noted("seat", [seat.team.deal, seat.team.id, seat.seat, who.number])
    free = seat.team.size - seat.team.held - seat.team.paid
    asked = options.invites if seat.leader else options.passes_on
    if seat.invite is not None and free > 0:
        for _ in range(asked):
            invite = (seat.team.deal, seat.team.id, seat.invite)
            yield Then(between(options.spread_s, random), "join_team", options, invite, by_other=True)
    chance = random.random()
    if chance < options.pays:
        yield Then(between(options.pays_after_s, random), "pay_seat", options, seat)
    elif chance < options.pays + options.leaves:
        yield Then(between(options.pays_after_s, random), "leave_team", options, seat)


def late(task: Task) -> list[Any]:
    """Deal, team and seat of what follows from a seat."""
    seat: OwnSeat = task.about
    return [seat.team.deal, seat.team.id, seat.seat]


def pressed(who: Who) -> dict[str, int]:
    """Seats whose payment was begun and is not told yet, and when it was due."""
    found: dict[str, int] = who.memory.setdefault("pressed", {})
    return found


def told(who: Who, push: AnyPush) -> Iterable[Outcome]:
    """How own seats stand, whenever a viewer is told."""
    match push:
        case Notice(event=YourTeam(own=seat)):
            seats = [seat]
        case OwnSeats(seats=seats):
            pass
        case _:
            return
    for seat in seats:
        own(who)[seat.seat] = (seat.team.deal, seat)
        yield Noted("standing", standing(seat))
        if seat.state in (SeatState.PAID, SeatState.CONFIRMED) and seat.seat in pressed(who):
            yield Timed("pay_seat.told", pressed(who).pop(seat.seat))


def standing(seat: OwnSeat) -> list[Any]:
    """Deal, team, seat, state of the seat, of the team, of the order, price."""
    order = None if seat.order is None else str(seat.order)
    return [seat.team.deal, seat.team.id, seat.seat, str(seat.state), str(seat.team.state), order, seat.price]
