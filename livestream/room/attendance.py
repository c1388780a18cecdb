"""Attendance: whether somebody of the staff is on duty in a room, and the stricter rules while nobody is."""

from __future__ import annotations

from collections.abc import Sequence

from livestream.protocol.roles import Role
from livestream.revocations import mark_of
from livestream.storage.pool import Connection, Database
from livestream.storage.roomlog import Appended

from . import desk_store, desk_writes, deskwork, rules
from .desk import Actor
from .desk_store import Loaded, Named

#: whose presence is duty; the shop's backend is no person
APPOINTED = (Role.MODERATOR, Role.HOST, Role.OPERATOR)


async def remember(tx: Connection, actor: Actor) -> None:
    """Somebody of the staff came: who that is, for hand-overs and against impersonation, and that they are here."""
    await tx.execute(
        """
        INSERT INTO person (shop_id, pseudonym, viewer_id, name) VALUES ($1, $2, $3, $4)
            ON CONFLICT (shop_id, pseudonym) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at""",
        actor.shop_id,
        actor.pseudonym,
        actor.viewer_id,
        actor.name,
    )
    if actor.role in APPOINTED:
        await tx.execute(
            """
            INSERT INTO staff (shop_id, room_id, pseudonym, role, came_by) SELECT $1, $2, $3, $4, $5
             WHERE NOT EXISTS (SELECT FROM revocation WHERE mark = $6 AND at > clock_timestamp() - interval '10 s')
                ON CONFLICT (shop_id, room_id, pseudonym) DO UPDATE SET role = excluded.role, at = excluded.at""",
            actor.shop_id,
            actor.room_id,
            actor.pseudonym,
            actor.role,
            "invitation" if any(ground.startswith("who:") for ground in actor.grounds) else "token",
            mark_of(actor.pseudonym),  # who was sent away is not written back before every process knows it
        )
        await seen(tx, [actor.room_id])


async def seen(tx: Connection, room_ids: Sequence[str]) -> None:
    """Staff are in these rooms now. `room_ids` in order: two processes must not deadlock."""
    await tx.execute(
        """
        UPDATE room SET staff_seen_at = clock_timestamp()
          FROM (SELECT room_id FROM room WHERE room_id = ANY($1) ORDER BY room_id FOR NO KEY UPDATE) AS ordered
         WHERE room.room_id = ordered.room_id""",
        room_ids,
    )


async def abandoned(connection: Connection, limit: int, room_id: str | None = None) -> list[str]:
    """Rooms on air, or this one, in which nobody has been on duty for longer than their policy allows."""
    rows = await connection.fetch(
        """
        SELECT room_id FROM room
         WHERE NOT unattended AND ($2::text IS NULL OR room_id = $2)
           AND coalesce((policy->>'unattended_after_s')::int, 180) > 0
           AND staff_seen_at < clock_timestamp()
               - coalesce((policy->>'unattended_after_s')::int, 180) * interval '1 second'
           AND EXISTS (SELECT FROM show WHERE show.room_id = room.room_id AND state IN ('warm_up', 'live', 'paused'))
         LIMIT $1""",
        limit,
        room_id,
    )
    return [row["room_id"] for row in rows]


async def set_unattended(database: Database, room_id: str, unattended: bool) -> Appended | None:
    """Put the stricter rules in force, or end them; None: it was so already, or staff came meanwhile.

    Raises:
        Unavailable, OutcomeUnknown, Contention.
    """
    async with database.transaction() as tx:
        desk = await desk_store.load(tx, room_id, Named())
        if desk.unattended == unattended or (unattended and not await abandoned(tx, 1, room_id)):
            return None
        before = Loaded.of(desk)
        decision = rules.attend(desk, unattended)
        desk.apply(decision)
        await desk_writes.write(tx, room_id, before, desk, [decision])
        return await deskwork.append(tx, room_id, [decision])
