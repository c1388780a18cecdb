"""ClientState: what one viewer knows of the room. Pure.

A snapshot and the pushes after it, applied in order, give what a fresh
snapshot would give; a test holds it against the server.
"""

from __future__ import annotations

from typing import Any

import msgspec

from livestream.protocol import limits
from livestream.protocol.draw_state import evolve_own
from livestream.protocol.draws import OwnDraw
from livestream.protocol.events import Break, Commented, Deleted, Echoed, LogEvent, Restored, Unfrozen
from livestream.protocol.groupbuy import OwnSeat, YourTeam
from livestream.protocol.own_seats import caught_up, with_seat, with_seats, with_taken
from livestream.protocol.pushes import (
    AnyPush,
    Gauge,
    Live,
    Log,
    Notice,
    OwnDraws,
    OwnSeats,
    Snapshot,
    Staff,
    StaffView,
    YourSeat,
)
from livestream.protocol.state import RoomState, StaffState, evolve, evolve_staff, newest

_STAFF_EVENTS = 200


class RoomView(RoomState, frozen=True, kw_only=True):
    """The room at `seq`. Every change makes a new one."""

    epoch: str = ""
    comments: tuple[Commented, ...] = ()  #: newest last
    echoes: dict[str, int] = msgspec.field(default_factory=dict)  #: how many said the same, by comment
    left_out: int = 0  #: comments that floods kept off the screen, since the snapshot
    values: dict[str, int] = msgspec.field(default_factory=dict)
    notices: tuple[Notice, ...] = ()  #: to this viewer, newest last; a snapshot does not take them away
    seats: tuple[OwnSeat, ...] = ()  #: this viewer's in group buys, newest last
    own_draws: tuple[OwnDraw, ...] = ()  #: where this viewer stands in draws, in order of id
    staff_seq: int = 0
    staff: tuple[Staff, ...] = ()  #: the staff log, newest last
    desk: StaffState | None = None  #: staff only


def apply(view: RoomView, push: AnyPush) -> RoomView:
    """The room after one push. Total: what means nothing for the room changes nothing."""
    match push:
        case Snapshot():
            return _from_snapshot(view, push)
        case Log(seq=seq, event=event):
            return _evolve(_with(view, seq=seq), event)
        case Staff(seq=seq, event=staff_event):
            desk = evolve_staff(view.desk or StaffState(), staff_event)
            return _with(view, staff_seq=seq, staff=newest((*view.staff, push), _STAFF_EVENTS), desk=desk)
        case Live():
            return _live(view, push)
        case Gauge(values=values):
            return _with(view, values={**view.values, **values})
        case OwnSeats(seats=seats):
            return _with(view, seats=with_seats(view.seats, tuple(caught_up(each, view.breaks) for each in seats)))
        case YourSeat(own=own):
            return _with(view, seats=with_taken(view.seats, caught_up(own, view.breaks)))
        case Notice(event=YourTeam(own=own)):
            mine = with_seat(view.seats, caught_up(own, view.breaks))
            return _with(view, seats=mine, notices=newest((*view.notices, push), limits.SNAPSHOT_NOTICES))
        case OwnDraws(entries=entries, draws=draws):
            return _with(view, own_draws=tuple(draws), values={**view.values, "draw_entries": entries})
        case Notice(event=event):
            notices = newest((*view.notices, push), limits.SNAPSHOT_NOTICES)
            return _with(view, notices=notices, own_draws=evolve_own(view.own_draws, event))
    return view


def _from_snapshot(view: RoomView, snapshot: Snapshot) -> RoomView:
    desk = None if snapshot.desk is None else StaffState(**_frozen(snapshot.desk))
    missed = [each for each in snapshot.breaks if each not in view.breaks]
    seats = tuple(caught_up(each, missed) for each in view.seats)
    mine = {"notices": view.notices, "seats": seats, "own_draws": view.own_draws}
    return RoomView(**{**_frozen(snapshot), **mine, "desk": desk})


def _frozen(told: Snapshot | StaffView) -> dict[str, Any]:
    """Its fields, which the state has by the same names, with tuples for lists."""
    fields = msgspec.structs.asdict(told)
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _evolve(view: RoomView, event: LogEvent) -> RoomView:
    view = evolve(view, event)
    match event:
        case Deleted(comments=gone):
            return _with(view, comments=tuple(each for each in view.comments if each.id not in gone))
        case Restored(comments=back):
            known = {each.id: each for each in (*view.comments, *back)}
            return _with(view, comments=newest(tuple(known[each] for each in sorted(known)), limits.SNAPSHOT_COMMENTS))
        case Unfrozen(at=at, shifted_ms=shifted):
            over = Break(at=at, shifted_ms=shifted)
            return _with(view, seats=tuple(caught_up(each, [over]) for each in view.seats))
    return view


def _live(view: RoomView, push: Live) -> RoomView:
    comments = tuple(each for each in push.events if isinstance(each, Commented) and each.id not in view.deleted)
    echoes = {each.comment: each.times for each in push.events if isinstance(each, Echoed)}
    kept = newest((*view.comments, *comments), limits.SNAPSHOT_COMMENTS)
    on_screen = {each.id for each in kept}
    return _with(
        view,
        comments=kept,
        echoes={key: value for key, value in {**view.echoes, **echoes}.items() if key in on_screen},
        left_out=view.left_out + push.left_out,
    )


_with = msgspec.structs.replace
