"""Chores: what the worker does for rooms. Each is safe to run twice, and beside another worker.

A deadline that nobody acted on has passed all the same: every reader judges
by the clock. The worker tells it.
"""

from __future__ import annotations

import contextlib

from livestream.protocol.errors import Refused
from livestream.protocol.events import CountdownEnded, Lifted, SanctionKind, YouMayTalk
from livestream.storage import deadlines
from livestream.storage.deadlines import Deadline
from livestream.storage.pool import Contention, Database

from . import attendance, desk_store, desk_writes, deskwork
from .desk import Decision
from .desk_store import Loaded, Named
from .desk_writes import COUNTDOWN

_AT_ONCE = 100


def _alone() -> contextlib.AbstractContextManager[None]:
    """A room that is busy, or was erased meanwhile, holds no other up: it has its turn again."""
    return contextlib.suppress(Contention, Refused)


async def leave_unattended(database: Database) -> int:
    """Put the stricter rules in force in rooms whose staff have been away for too long."""
    async with database.read() as connection:
        rooms = await attendance.abandoned(connection, _AT_ONCE)
    left = 0
    for room_id in rooms:
        with _alone():
            left += await attendance.set_unattended(database, room_id, True) is not None
    return left


async def end_countdowns(database: Database) -> int:
    """Tell that countdowns are over."""
    async with database.read() as connection:
        due = await deadlines.due(connection, [COUNTDOWN], _AT_ONCE)
    ended = 0
    for deadline in due:
        with _alone():
            ended += await _end_countdown(database, deadline)
    return ended


async def _end_countdown(database: Database, deadline: Deadline) -> bool:
    async with database.transaction() as tx:
        desk = await desk_store.load(tx, deadline.room_id, Named())
        running = desk.room.countdown
        if running is None or running.id != deadline.id or desk.room.freezing or running.ends_at > desk.now_ms:
            return False  # somebody was faster
        decision = Decision([CountdownEnded(id=running.id)])
        before = Loaded.of(desk)
        desk.apply(decision)
        await desk_writes.write(tx, deadline.room_id, before, desk, [decision])
        await deskwork.append(tx, deadline.room_id, [decision])
    return True


async def lift_sanctions(database: Database) -> int:
    """Lift mutes and bans that ran out."""
    async with database.read() as connection:
        rows = await connection.fetch(
            "SELECT DISTINCT room_id FROM sanction WHERE until <= clock_timestamp() LIMIT $1", _AT_ONCE
        )
    lifted = 0
    for row in rows:
        with _alone():
            lifted += await _lift(database, row["room_id"])
    return lifted


async def _lift(database: Database, room_id: str) -> int:
    async with database.transaction() as tx:
        desk = await desk_store.load(tx, room_id, Named())
        over = await tx.fetch(
            "SELECT pseudonym, kind FROM sanction WHERE room_id = $1 AND until <= clock_timestamp()"
            " ORDER BY pseudonym, kind LIMIT $2",
            room_id,
            _AT_ONCE,
        )
        kinds = [(row["pseudonym"], SanctionKind(row["kind"])) for row in over]
        decision = Decision(
            staff=[Lifted(who=who, kind=kind) for who, kind in kinds],
            notices=[(who, YouMayTalk()) for who, kind in kinds if kind is SanctionKind.MUTE],
        )
        before = Loaded.of(desk)
        desk.apply(decision)
        await desk_writes.write(tx, room_id, before, desk, [decision])
        await deskwork.append(tx, room_id, [decision])
        return len(kinds)
