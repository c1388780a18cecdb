"""Team: the group-buy state machine. Pure: no I/O, no clock, no randomness.

    FORMING --Completed--> COMPLETE --Failed--> VOIDED
       |  \\--Failed-----> EXPIRED, VOIDED
       \\--SettlingBegan-> SETTLING --Completed, Failed--> ...

    HELD --SeatPaying--> PAYING --SeatPaid--> PAID --Completed--> CONFIRMED
    any of them --SeatReleased, Failed--> RELEASED

Everything that changes a team's state lives in this file. `decide` functions
change nothing and return events; `evolve` is total. Time is the room's: it
stands still while the room is frozen. A seat's hold is kept as its distance
from the team's deadline, so that whatever moves the deadline moves the hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.groupbuy import SeatState, TeamState
from livestream.protocol.limits import PAYING_S, SETTLING_S

WAITING = frozenset({SeatState.HELD, SeatState.PAYING})
LIVE = WAITING | {SeatState.PAID}
GOING = frozenset({TeamState.FORMING, TeamState.SETTLING})


@dataclass(frozen=True, slots=True)
class Seat:
    """One place in a team."""

    seat_id: str
    viewer: str  #: pseudonym
    number: int  #: in order of joining, from 0
    hold_ms: int  #: the hold ends so long before the team's deadline, >= 0
    state: SeatState = SeatState.HELD
    name: str = ""  #: shown to everyone; empty: chose not to be
    why: str | None = None  #: why it was released


@dataclass(frozen=True, slots=True)
class Team:
    """A team and its seats, released ones of this batch included."""

    team_id: str
    deal_id: str
    version: int  #: of the deal's rules it was opened under
    size: int  #: seats
    least: int  #: members that the lowest step needs
    deadline_ms: int  #: Unix ms; at exactly this instant it is late
    leader: str  #: seat
    invite: str
    listed: bool
    seats: tuple[Seat, ...] = ()
    state: TeamState = TeamState.FORMING
    waived: int = 0  #: seats that the shop filled
    reached: int | None = None  #: members counted when it was complete
    why: str | None = None

    def seat(self, seat_id: str) -> Seat | None:
        return next((seat for seat in self.seats if seat.seat_id == seat_id), None)

    def of(self, viewer: str) -> Seat | None:
        """The viewer's live seat."""
        return next((seat for seat in self.seats if seat.viewer == viewer and seat.state in LIVE), None)

    def count(self, *states: SeatState) -> int:
        return sum(seat.state in states for seat in self.seats)

    @property
    def live(self) -> int:
        return sum(seat.state in LIVE for seat in self.seats)

    @property
    def free(self) -> int:
        """Seats that nobody holds."""
        return self.size - self.waived - self.live


# -- events


@dataclass(frozen=True, slots=True)
class SeatHeld:
    seat: Seat


@dataclass(frozen=True, slots=True)
class SeatPaying:
    seat_id: str
    hold_ms: int


@dataclass(frozen=True, slots=True)
class SeatPaid:
    seat_id: str


@dataclass(frozen=True, slots=True)
class SeatReleased:
    seat_id: str
    why: str  #: left, lapsed


@dataclass(frozen=True, slots=True)
class LeaderChanged:
    seat_id: str


@dataclass(frozen=True, slots=True)
class SeatsWaived:
    seats: int


@dataclass(frozen=True, slots=True)
class SettlingBegan:
    pass


@dataclass(frozen=True, slots=True)
class Completed:
    reached: int  #: members, waived seats included


@dataclass(frozen=True, slots=True)
class Failed:
    state: TeamState  #: EXPIRED or VOIDED
    why: str  #: deadline, abandoned, or the shop's reason


TeamEvent = (
    SeatHeld | SeatPaying | SeatPaid | SeatReleased | LeaderChanged | SeatsWaived | SettlingBegan | Completed | Failed
)
Events = tuple[TeamEvent, ...]


T, S = TeamState, SeatState
#: every step that a team can take, and by what; a test holds `evolve` to it
TEAM_STEPS: dict[tuple[TeamState, type[TeamEvent]], frozenset[TeamState]] = {
    (T.FORMING, SettlingBegan): frozenset({T.SETTLING}),
    (T.FORMING, Completed): frozenset({T.COMPLETE}),
    (T.FORMING, Failed): frozenset({T.EXPIRED, T.VOIDED}),
    (T.SETTLING, Completed): frozenset({T.COMPLETE}),
    (T.SETTLING, Failed): frozenset({T.EXPIRED, T.VOIDED}),
    (T.COMPLETE, Failed): frozenset({T.VOIDED}),
}
#: and every step of a seat
SEAT_STEPS: dict[tuple[SeatState, type[TeamEvent]], SeatState] = {
    (S.HELD, SeatPaying): S.PAYING,
    (S.HELD, SeatReleased): S.RELEASED,
    (S.HELD, Failed): S.RELEASED,
    (S.PAYING, SeatPaid): S.PAID,
    (S.PAYING, SeatReleased): S.RELEASED,
    (S.PAYING, Failed): S.RELEASED,
    (S.PAID, Completed): S.CONFIRMED,
    (S.PAID, SeatReleased): S.RELEASED,
    (S.PAID, Failed): S.RELEASED,
    (S.CONFIRMED, Failed): S.RELEASED,
}


def evolve(team: Team, event: TeamEvent) -> Team:
    """The team after one event."""
    match event:
        case SeatHeld(seat=seat):
            return replace(team, seats=(*team.seats, seat))
        case SeatPaying(seat_id=seat_id, hold_ms=hold_ms):
            return _seat(team, seat_id, state=SeatState.PAYING, hold_ms=hold_ms)
        case SeatPaid(seat_id=seat_id):
            return _seat(team, seat_id, state=SeatState.PAID)
        case SeatReleased(seat_id=seat_id, why=why):
            return _seat(team, seat_id, state=SeatState.RELEASED, why=why)
        case LeaderChanged(seat_id=seat_id):
            return replace(team, leader=seat_id)
        case SeatsWaived(seats=seats):
            return replace(team, waived=team.waived + seats)
        case SettlingBegan():
            return replace(team, state=TeamState.SETTLING)
        case Completed(reached=reached):
            confirmed = tuple(
                replace(seat, state=SeatState.CONFIRMED) if seat.state is SeatState.PAID else seat
                for seat in team.seats
            )
            return replace(team, state=TeamState.COMPLETE, reached=reached, seats=confirmed)
        case Failed(state=state, why=why):
            released = tuple(
                seat if seat.state is SeatState.RELEASED else replace(seat, state=SeatState.RELEASED, why=why)
                for seat in team.seats
            )
            return replace(team, state=state, why=why, seats=released)


def after(team: Team, events: Events) -> Team:
    for event in events:
        team = evolve(team, event)
    return team


# -- what decides


def hold(team: Team, now_ms: int, hold_s: int) -> int:
    """How long before the deadline a hold that begins now ends; never past the deadline."""
    return max(0, team.deadline_ms - now_ms - hold_s * 1000)


def lapsed(team: Team, seat: Seat, now_ms: int) -> bool:
    """Its hold is over; at exactly that instant it is.

    A payment under way at the deadline has the grace of settling.
    """
    until = team.deadline_ms - seat.hold_ms
    if seat.state is SeatState.PAYING and seat.hold_ms == 0:
        until += SETTLING_S * 1000
    return seat.state in WAITING and now_ms >= until


def join(team: Team, seat_id: str, viewer: str, name: str, now_ms: int, hold_s: int) -> Events:
    """Hold a seat; a seat whose hold ran out, and whose payment never began, makes room.

    Raises:
        Refused: TEAM_CLOSED, TEAM_LATE, TEAM_MEMBER, TEAM_FULL.
    """
    _require_forming(team, now_ms)
    gone = tuple(
        SeatReleased(seat.seat_id, "lapsed")
        for seat in team.seats
        # The leader's is left to `due`: with it the whole team may end.
        if seat.state is SeatState.HELD and seat.seat_id != team.leader and lapsed(team, seat, now_ms)
    )
    own = team.of(viewer)
    if own is not None and own.seat_id not in {each.seat_id for each in gone}:
        raise Refused(ErrorCode.TEAM_MEMBER)
    if team.free + len(gone) <= 0:
        raise Refused(ErrorCode.TEAM_FULL)
    number = max((seat.number for seat in team.seats), default=-1) + 1
    return (*gone, SeatHeld(Seat(seat_id, viewer, number, hold(team, now_ms, hold_s), name=name)))


def pay(team: Team, seat_id: str, now_ms: int) -> Events:
    """A payment begins: the hold is extended, once. Nothing, if it has begun before.

    Raises:
        Refused: SEAT_NOT_FOUND, SEAT_PAID, SEAT_LOST, TEAM_CLOSED, TEAM_LATE.
    """
    seat = team.seat(seat_id)
    if seat is None:
        raise Refused(ErrorCode.SEAT_NOT_FOUND)
    if seat.state in (SeatState.PAID, SeatState.CONFIRMED):
        raise Refused(ErrorCode.SEAT_PAID)
    _require_forming(team, now_ms)
    if seat.state is SeatState.RELEASED or lapsed(team, seat, now_ms):
        raise Refused(ErrorCode.SEAT_LOST)
    return () if seat.state is SeatState.PAYING else (SeatPaying(seat_id, hold(team, now_ms, PAYING_S)),)


def paid(team: Team, seat_id: str, now_ms: int) -> Events:
    """The money is there. A full team is complete with it.

    Raises:
        Refused: SEAT_LOST, TEAM_CLOSED, TEAM_LATE: too late; the money must go back.
    """
    seat = team.seat(seat_id)
    if team.state not in GOING:
        raise Refused(ErrorCode.TEAM_CLOSED)
    if seat is None or seat.state not in WAITING or lapsed(team, seat, now_ms):
        raise Refused(ErrorCode.SEAT_LOST)
    if now_ms >= team.deadline_ms + SETTLING_S * 1000:
        raise Refused(ErrorCode.TEAM_LATE)
    events: Events = (SeatPaid(seat_id),)
    return (*events, *_filled(after(team, events)))


def leave(team: Team, seat_id: str, now_ms: int) -> Events:
    """Give a seat back while the team forms.

    Raises:
        Refused: SEAT_NOT_FOUND, TEAM_CLOSED, TEAM_LATE.
    """
    seat = team.seat(seat_id)
    if seat is None:
        raise Refused(ErrorCode.SEAT_NOT_FOUND)
    _require_forming(team, now_ms)
    if seat.state not in LIVE:
        raise Refused(ErrorCode.SEAT_NOT_FOUND)
    events: Events = (SeatReleased(seat_id, "left"),)
    return (*events, *_led(team, after(team, events), free=True))


def lose(team: Team, seat_id: str) -> Events:
    """The money of a paid seat is gone, and not by us: the seat is free again. Nothing, once the team is decided."""
    seat = team.seat(seat_id)
    if seat is None or seat.state is not SeatState.PAID or team.state not in GOING:
        return ()
    events: Events = (SeatReleased(seat_id, "payment"),)
    return (*events, *_led(team, after(team, events)))


def waive(team: Team, now_ms: int) -> Events:
    """The shop fills the seats that nobody holds.

    Raises:
        Refused: TEAM_CLOSED, TEAM_LATE, TEAM_FULL: none is missing.
    """
    _require_forming(team, now_ms)
    if team.free <= 0:
        raise Refused(ErrorCode.TEAM_FULL)
    events: Events = (SeatsWaived(team.free),)
    return (*events, *_filled(after(team, events)))


def void(team: Team, why: str) -> Events:
    """The shop takes the deal back. Nothing, if the team failed before."""
    if team.state in (TeamState.EXPIRED, TeamState.VOIDED):
        return ()
    return (Failed(TeamState.VOIDED, why),)


def lapse(team: Team, seat_id: str, now_ms: int) -> Events:
    """A hold is over whose payment never began: its seat is free. All else that the clock does is left to `due`."""
    seat = team.seat(seat_id)
    if seat is None or seat.state is not SeatState.HELD or not lapsed(team, seat, now_ms):
        return ()
    events: Events = (SeatReleased(seat_id, "lapsed"),)
    return (*events, *_led(team, after(team, events)))


def due(team: Team, now_ms: int) -> Events:
    """What the clock alone does: holds end, and past the deadline the team is decided, once."""
    if team.state not in GOING:
        return ()
    events: list[TeamEvent] = []
    if now_ms >= team.deadline_ms:
        gone = tuple(
            seat
            for seat in team.seats
            if seat.state is SeatState.HELD or (seat.state is SeatState.PAYING and lapsed(team, seat, now_ms))
        )
    else:
        gone = tuple(seat for seat in team.seats if lapsed(team, seat, now_ms))
    events += [SeatReleased(seat.seat_id, "lapsed") for seat in gone]
    left = after(team, tuple(events))
    if now_ms < team.deadline_ms:
        return (*events, *_led(team, left))
    events += _led(team, left, ends=True)
    if left.count(SeatState.PAYING):
        return (*events, SettlingBegan()) if team.state is TeamState.FORMING else tuple(events)
    return (*events, *_decided(left))


def _decided(team: Team) -> Events:
    reached = team.count(SeatState.PAID) + team.waived
    if team.count(SeatState.PAID) and reached >= team.least:
        return (Completed(reached),)
    return (Failed(TeamState.EXPIRED, "deadline"),)


def _filled(team: Team) -> Events:
    """It is complete if every seat is paid or waived."""
    reached = team.count(SeatState.PAID) + team.waived
    return (Completed(reached),) if team.count(SeatState.PAID) and reached == team.size else ()


def _led(before: Team, team: Team, *, free: bool = False, ends: bool = False) -> Events:
    """Who leads now: the first who paid, or else who is paying, or else, where that is free, who holds a seat.

    It is free where the leader left or had paid. If a leader's hold ran out, nobody else's mere hold may go on
    keeping the whole team's units: the team ends.
    """
    leader = team.seat(team.leader)
    if leader is None or leader.state in LIVE:
        return ()
    was = before.seat(team.leader)
    free = free or (was is not None and was.state is SeatState.PAID)
    ranks = (SeatState.PAID, SeatState.PAYING, *([SeatState.HELD] if free else []))
    heir = next((seat for state in ranks for seat in team.seats if seat.state is state), None)
    if heir is not None:
        return (LeaderChanged(heir.seat_id),)
    return () if ends else (Failed(TeamState.EXPIRED, "abandoned"),)


def _require_forming(team: Team, now_ms: int) -> None:
    if team.state is TeamState.SETTLING or (team.state is TeamState.FORMING and now_ms >= team.deadline_ms):
        raise Refused(ErrorCode.TEAM_LATE)
    if team.state is not TeamState.FORMING:
        raise Refused(ErrorCode.TEAM_CLOSED)


def _seat(team: Team, seat_id: str, **changes: object) -> Team:
    return replace(
        team,
        seats=tuple(replace(seat, **changes) if seat.seat_id == seat_id else seat for seat in team.seats),  # type: ignore[arg-type]
    )
