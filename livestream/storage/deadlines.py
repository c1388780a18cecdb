"""Deadlines: what closes by the clock, for every kind of thing in a room. One table, one judge: the database's clock.

A freeze of the room stops them: a frozen room has nothing due. The unfreeze
moves all that are open by the same time (`shift`), in its transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .pool import Connection

_LOCK = "deadlines:"  #: with the room's id, the name of an advisory lock


@dataclass(frozen=True, slots=True)
class Deadline:
    """Something that closes at `due_at`, Unix ms; at exactly that instant it is closed."""

    room_id: str
    kind: str
    id: str
    due_at: int


async def stand_by(tx: Connection, room_id: str) -> None:
    """Keep a room's deadlines from being moved until this transaction ends: for who sets one without the room's lock.

    Any number may stand by at once; call it before any row is locked.
    """
    await tx.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))", _LOCK + room_id)


async def put(tx: Connection, deadlines: Sequence[Deadline]) -> None:
    """Set deadlines, or move them. The caller holds the room's lock, or stands by."""
    rows = sorted(deadlines, key=lambda each: (each.room_id, each.kind, each.id))
    await tx.execute(
        """
        INSERT INTO deadline (room_id, kind, id, due_at)
        SELECT room_id, kind, id, to_timestamp(due_at / 1000.0)
          FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS d (room_id, kind, id, due_at)
            ON CONFLICT (room_id, kind, id) DO UPDATE SET due_at = excluded.due_at""",
        [each.room_id for each in rows],
        [each.kind for each in rows],
        [each.id for each in rows],
        [each.due_at for each in rows],
    )


async def drop(tx: Connection, room_id: str, kind: str, ids: Sequence[str]) -> None:
    """Forget deadlines of things that ended otherwise."""
    await tx.execute("DELETE FROM deadline WHERE room_id = $1 AND kind = $2 AND id = ANY($3)", room_id, kind, ids)


async def shift(tx: Connection, room_id: str, by_ms: int) -> int:
    """Move every deadline of a room; returns how many. The caller holds the room's lock.

    It waits for those who stand by, so that no deadline set meanwhile is left behind.
    """
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", _LOCK + room_id)
    status = await tx.execute(
        "UPDATE deadline SET due_at = due_at + $2 * interval '1 millisecond' WHERE room_id = $1", room_id, by_ms
    )
    return int(status.split()[-1])


async def due(connection: Connection, kinds: Sequence[str], limit: int) -> list[Deadline]:
    """What is due in rooms that are not frozen, earliest first. Not locked: who acts on one judges again."""
    # `statement_timestamp()`, since no index is searched for what `clock_timestamp()` says: it changes from row to row.
    rows = await connection.fetch(
        """
        SELECT room_id, kind, id, floor(extract(epoch FROM due_at) * 1000)::bigint AS due_at
          FROM deadline JOIN room USING (room_id)
         WHERE due_at <= statement_timestamp() AND frozen_at IS NULL AND kind = ANY($1)
         ORDER BY deadline.due_at LIMIT $2""",
        kinds,
        limit,
    )
    return [Deadline(**row) for row in rows]
