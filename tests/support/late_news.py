"""Late news: what one viewer is told of a room with breaks, of own seats and of deals, as late as it may come.

The room log comes in order, and so do notices, but neither waits for the other, and an answer comes again whenever its
key does. What a viewer has is read while they come in, and told with a snapshot that may be of a later moment. A reset
may jump over a part of the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import msgspec

from livestream.protocol import groupbuy as g
from livestream.protocol import limits
from livestream.protocol.events import Freezing, Frozen, LogEvent, Unfrozen
from livestream.protocol.pushes import AnyPush, Log, Notice, OwnSeats, Snapshot, YourSeat
from livestream.protocol.state import RoomState, evolve

_SEATS = ("000000000000a", "000000000000b", "000000000000c")
_HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Told:
    """All that came, in the order it came, and what is true in the end."""

    pushes: list[AnyPush]
    seats: list[tuple[str, int, int, int]]  #: id, version, deadline, hold; without `at`
    room: RoomState


class _Shop:
    """What happens, as Postgres has it."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._now = 1_000
        self._frozen_at: int | None = None
        self._versions = 0
        self._deals: list[str] = []
        self.deadlines: dict[str, int] = {}
        self.amounts: dict[str, int] = {}
        self.rooms = [RoomState()]  #: after each event of the log
        self.log: list[LogEvent] = []
        self.notices: list[g.OwnSeat] = []
        self.taken: dict[str, g.OwnSeat] = {}  #: each seat as its taking was answered

    def step(self) -> None:
        self._now += self._chance.choice([0, 1, 5_000])
        match self._chance.choice(["change", "change", "break", "deal"]):
            case "change":
                self._change()
            case "break":
                self._break()
            case "deal":
                self._deal()

    def _change(self) -> None:
        seat = self._chance.choice(_SEATS)
        self._versions += 1
        self.amounts[seat] = self._versions
        self.deadlines.setdefault(seat, self._time + _HOUR_MS)
        self.notices.append(self.own(seat))
        self.taken.setdefault(seat, self.own(seat))

    def _break(self) -> None:
        if self._frozen_at is None:
            self._frozen_at = self._now
            self._append(Frozen(freezing=Freezing(at=self._now)))
            return
        if len(self.rooms[-1].breaks) == limits.SNAPSHOT_BREAKS:
            return  # what is older than all that are told is past saving
        shifted = self._now - self._frozen_at
        self._frozen_at = None
        self.deadlines = {seat: deadline + shifted for seat, deadline in self.deadlines.items()}
        self._append(Unfrozen(at=self._now, shifted_ms=shifted))

    def _deal(self) -> None:
        running = [each.id for each in self.rooms[-1].deals if each.state in g.RUNNING]
        if running and self._chance.random() < 0.6:
            self._append(g.DealClosed(id=self._chance.choice(running)))
        elif len(running) < 10:
            terms = g.DealTerms(single_price=1000, steps=[g.DealStep(people=2, price=900)], life_s=600)
            deal = g.Deal(
                id=f"{len(self._deals):013d}", product="cup", title="Cup", state=g.DealState.OPEN, currency="PLN",
                terms=terms, stock=10, closes_at=self._time + _HOUR_MS,
            )  # fmt: skip
            self._deals.append(deal.id)
            self._append(g.DealOpened(deal=deal))

    def _append(self, event: LogEvent) -> None:
        self.log.append(event)
        state = evolve(self.rooms[-1], event)
        self.rooms.append(msgspec.structs.replace(state, seq=len(self.log)))

    @property
    def _time(self) -> int:
        """The room's: it stands still in a break."""
        return self._now if self._frozen_at is None else self._frozen_at

    def own(self, seat: str) -> g.OwnSeat:
        deadline = self.deadlines[seat]
        team = g.TeamView(id=_SEATS[0], deal=_SEATS[0], state=g.TeamState.FORMING, size=3, held=1, deadline=deadline)
        return g.OwnSeat(
            seat=seat, at=self._time, team=team, state=g.SeatState.HELD, hold_until=deadline - 9,
            amount=self.amounts[seat],
        )  # fmt: skip

    def read(self) -> OwnSeats:
        return OwnSeats(seats=[self.own(seat) for seat in sorted(self.deadlines)])


def told(chance: Random) -> Told:
    """One viewer's evening."""
    shop = _Shop(chance)
    for _ in range(chance.randrange(12)):
        shop.step()
    unseen = len(shop.notices)  # read first, then the seats
    for _ in range(chance.randrange(3)):
        shop.step()
    read, early = shop.read(), len(shop.log)
    for _ in range(chance.randrange(30)):
        shop.step()
    at = chance.randint(0, early) if chance.random() < 0.5 else chance.randint(early, len(shop.log))
    pushes: list[AnyPush] = [_snapshot(shop.rooms[at])]
    pushes += [_notice(number, own) for number, own in enumerate(shop.notices[:unseen], 1)]
    pushes.append(read)
    for own in shop.notices[unseen:]:
        at = _follow(shop, pushes, at, chance.randint(at, len(shop.log)), chance)
        unseen += 1
        pushes.append(_notice(unseen, own))
    _follow(shop, pushes, at, len(shop.log), chance)
    for own in shop.taken.values():  # the same answer, sent again for the key, may come at any time
        for _ in range(chance.randrange(3)):
            pushes.insert(chance.randint(1, len(pushes)), YourSeat(own=own))
    seats = [(seat, shop.amounts[seat], end, end - 9) for seat, end in sorted(shop.deadlines.items())]
    return Told(pushes, seats, shop.rooms[-1])


def _follow(shop: _Shop, pushes: list[AnyPush], after: int, upto: int, chance: Random) -> int:
    """The log from one seq to another; or a reset, which jumps there."""
    if upto > after and chance.random() < 0.2:
        pushes.append(_snapshot(shop.rooms[upto]))
    else:
        pushes += [Log(seq=seq, at=0, event=shop.log[seq - 1]) for seq in range(after + 1, upto + 1)]
    return upto


def _snapshot(room: RoomState) -> Snapshot:
    return Snapshot(
        epoch="e", seq=room.seq, room="demo", title="Room", freezing=room.freezing, breaks=list(room.breaks),
        deals=list(room.deals),
    )  # fmt: skip


def _notice(number: int, own: g.OwnSeat) -> Notice:
    return Notice(notice=number, at=0, event=g.YourTeam(own=own))
