"""Retention: forgets what is older than the shop keeps it, by kind of data. The worker does it, some rows at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping

from livestream.ids import first_of
from livestream.protocol.shop import Kept
from livestream.room.desk_store import rewrite
from livestream.storage.pool import Connection, Database

#: days, where the shop says nothing
DEFAULT_DAYS: Mapping[Kept, int] = {"comments": 90, "notices": 30, "staff_log": 365, "people": 365}
_AT_ONCE = 5000
_DAY_MS = 86_400_000

_NOTICES = """
DELETE FROM notice WHERE (room_id, seq) IN (
    SELECT room_id, seq FROM notice WHERE room_id = $1 AND at < to_timestamp($2::double precision / 1000)
     ORDER BY seq LIMIT $3)"""
_STAFF_LOG = """
DELETE FROM staff_log WHERE (room_id, seq) IN (
    SELECT room_id, seq FROM staff_log WHERE room_id = $1 AND at < to_timestamp($2::double precision / 1000)
     ORDER BY seq LIMIT $3)"""
#: What waits for staff waits for staff; all else goes, with what was reported of it.
_COMMENTS = """
WITH gone AS (
    DELETE FROM comment WHERE room_id = $1 AND comment_id IN (
        SELECT comment_id FROM comment
         WHERE room_id = $1 AND comment_id < $2 AND NOT report_open AND NOT (fate = 'held' AND ruled IS NULL)
         ORDER BY comment_id LIMIT $3)
    RETURNING comment_id
), reports AS (
    DELETE FROM report WHERE room_id = $1 AND comment_id IN (SELECT comment_id FROM gone)
)
SELECT comment_id, comment_id IN (SELECT body->>'answers' FROM host_message WHERE room_id = $1) AS quoted
  FROM gone"""
_PEOPLE = """
DELETE FROM person p WHERE (shop_id, pseudonym) IN (
    SELECT shop_id, pseudonym FROM person
     WHERE shop_id = $1 AND seen_at < to_timestamp($2::double precision / 1000)
       AND NOT EXISTS (SELECT FROM staff WHERE (staff.shop_id, staff.pseudonym) = (person.shop_id, person.pseudonym))
     LIMIT $3)"""


async def forget_past(database: Database) -> int:
    """Forget what is past its time in every shop; returns how many rows. More of them go with the next turn."""
    async with database.read() as connection:
        shops = await connection.fetch(
            """
            SELECT shop_id, retention::text, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
                   ARRAY(SELECT room_id FROM room WHERE room.shop_id = shop.shop_id ORDER BY room_id) AS rooms
              FROM shop ORDER BY shop_id"""
        )
    forgotten = 0
    for shop in shops:
        days = {**DEFAULT_DAYS, **json.loads(shop["retention"])}
        before = {kind: shop["now_ms"] - days[kind] * _DAY_MS for kind in DEFAULT_DAYS}
        for room_id in shop["rooms"]:
            async with database.transaction() as tx:
                forgotten += await _forget_comments(tx, room_id, before["comments"])
            async with database.transaction() as tx:
                forgotten += _count(await tx.execute(_NOTICES, room_id, before["notices"], _AT_ONCE))
                forgotten += _count(await tx.execute(_STAFF_LOG, room_id, before["staff_log"], _AT_ONCE))
        async with database.transaction() as tx:
            forgotten += _count(await tx.execute(_PEOPLE, shop["shop_id"], before["people"], _AT_ONCE))
    return forgotten


async def _forget_comments(tx: Connection, room_id: str, before_ms: int) -> int:
    rows = await tx.fetch(_COMMENTS, room_id, first_of(max(0, before_ms)), _AT_ONCE)
    quoted = [row["comment_id"] for row in rows if row["quoted"]]
    if quoted:
        await rewrite(tx, room_id, quoted)
    return len(rows)


def _count(status: str) -> int:
    return int(status.split()[-1])
