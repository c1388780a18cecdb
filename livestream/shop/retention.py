"""Retention: forgets what is older than the shop keeps it, by kind of data. The worker does it, some rows at a time."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Mapping

import structlog

from livestream.ids import first_of
from livestream.protocol.errors import LivestreamError
from livestream.protocol.shop import Kept
from livestream.room.desk_store import rewrite
from livestream.storage.pool import Connection, Contention, Database

_log = structlog.get_logger()

#: days, where the shop says nothing
DEFAULT_DAYS: Mapping[Kept, int] = {"comments": 90, "notices": 30, "staff_log": 365, "people": 365}
_AT_ONCE = 5000
_REWRITTEN = 500  #: comments whose words are looked for at a time
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
SELECT comment_id FROM gone"""
#: of a message that is still pinned
_UNPIN_QUOTE = """
UPDATE room SET state = (state::jsonb #- '{pinned,answered_name}' #- '{pinned,answered_text}')::json
 WHERE room_id = $1 AND state->'pinned'->>'answers' = ANY($2)"""
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
            forgotten += await _tried(database, functools.partial(_forget_comments, room_id, before["comments"]))
            forgotten += await _tried(database, functools.partial(_forget, _NOTICES, room_id, before["notices"]))
            forgotten += await _tried(database, functools.partial(_forget, _STAFF_LOG, room_id, before["staff_log"]))
        forgotten += await _tried(database, functools.partial(_forget, _PEOPLE, shop["shop_id"], before["people"]))
    return forgotten


async def _tried(database: Database, forget: Callable[[Connection], Awaitable[int]]) -> int:
    """One room's trouble keeps no other's past."""
    try:
        async with database.transaction() as tx:
            return await forget(tx)
    except (LivestreamError, Contention) as error:
        _log.warning("retention.failed", error=repr(error))
        return 0


async def _forget(statement: str, owner: str, before_ms: int, tx: Connection) -> int:
    return int((await tx.execute(statement, owner, before_ms, _AT_ONCE)).split()[-1])


async def _forget_comments(room_id: str, before_ms: int, tx: Connection) -> int:
    gone = [row["comment_id"] for row in await tx.fetch(_COMMENTS, room_id, first_of(max(0, before_ms)), _AT_ONCE)]
    for start in range(0, len(gone), _REWRITTEN):
        await rewrite(tx, room_id, gone[start : start + _REWRITTEN])
    if gone:
        await tx.execute(_UNPIN_QUOTE, room_id, gone)
    return len(gone)
