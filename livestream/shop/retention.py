"""Retention: forgets what is older than the shop keeps it, by kind of data. The worker does it, some rows at a time."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

import structlog

from livestream.ids import first_of
from livestream.protocol.errors import LivestreamError
from livestream.protocol.events import Lifted, Ruled, SanctionKind
from livestream.protocol.shop import Kept
from livestream.room.desk_writes import rewrite
from livestream.room.redaction import redact_told
from livestream.storage import roomlog
from livestream.storage.pool import Connection, Contention, Database

_log = structlog.get_logger()

#: days, where the shop says nothing
DEFAULT_DAYS: Mapping[Kept, int] = {
    "comments": 90,
    "waiting": 180,  # for staff: a shop where nobody ever decides keeps nothing for ever
    "notices": 30,
    "staff_log": 365,
    "people": 365,
    "sanctions": 1095,  # those for ever too, unless staff renew them
}
_AT_ONCE = 5000
_REWRITTEN = 500  #: comments whose words are looked for at a time
_DAY_MS = 86_400_000
_INVITED_S = 36 * 3600  #: a link holds for 24 h, who came by it for 12

_NOTICES = """
DELETE FROM notice WHERE (room_id, seq) IN (
    SELECT room_id, seq FROM notice WHERE room_id = $1 AND at < to_timestamp($2::double precision / 1000)
     ORDER BY seq LIMIT $3)"""
_STAFF_LOG = """
DELETE FROM staff_log WHERE (room_id, seq) IN (
    SELECT room_id, seq FROM staff_log WHERE room_id = $1 AND at < to_timestamp($2::double precision / 1000)
     ORDER BY seq LIMIT $3)"""
_WAITS = "(report_open OR (fate = 'held' AND ruled IS NULL))"
#: What waits for staff may wait for longer; all else goes, with what was reported of it.
_COMMENTS = f"""
WITH gone AS (
    DELETE FROM comment WHERE room_id = $1 AND comment_id IN (
        SELECT comment_id FROM comment
         WHERE room_id = $1 AND comment_id < $2 AND (NOT {_WAITS} OR comment_id < $3)
         ORDER BY comment_id LIMIT $4)
    RETURNING comment_id, {_WAITS} AS waited
), reports AS (
    DELETE FROM report WHERE room_id = $1 AND comment_id IN (SELECT comment_id FROM gone)
)
SELECT comment_id, waited FROM gone ORDER BY comment_id"""
_TOLD_OF = """
SELECT seq, event::text FROM staff_log
 WHERE room_id = $1 AND event->>'t' IN ('held', 'reported') AND tells_of(event) && $2::text[]"""
#: of a message that is still pinned
_UNPIN_QUOTE = """
UPDATE room SET state = (state::jsonb #- '{pinned,answered_name}' #- '{pinned,answered_text}')::json
 WHERE room_id = $1 AND state->'pinned'->>'answers' = ANY($2)"""
_SANCTIONS = """
DELETE FROM sanction WHERE (room_id, pseudonym, kind) IN (
    SELECT room_id, pseudonym, kind FROM sanction
     WHERE room_id = $1 AND at < to_timestamp($2::double precision / 1000) ORDER BY pseudonym, kind LIMIT $3)
RETURNING pseudonym, kind"""
#: Whom the shop named stays until it takes them off; who came with a token, until they have not come for long.
_STAFF = """
DELETE FROM staff WHERE (shop_id, room_id, pseudonym) IN (
    SELECT shop_id, room_id, pseudonym FROM staff
     WHERE shop_id = $1 AND ((came_by = 'token' AND at < to_timestamp($2::double precision / 1000))
           OR (came_by = 'invitation' AND at < clock_timestamp() - make_interval(secs => $4)))
     LIMIT $3)"""
#: Whom nobody saw for long leaves no pseudonym in what outlasts it either.
_PEOPLE = """
WITH gone AS (
    DELETE FROM person p WHERE (shop_id, pseudonym) IN (
        SELECT shop_id, pseudonym FROM person
         WHERE shop_id = $1 AND seen_at < to_timestamp($2::double precision / 1000)
           AND NOT EXISTS (
                SELECT FROM staff WHERE (staff.shop_id, staff.pseudonym) = (person.shop_id, person.pseudonym))
         LIMIT $3)
    RETURNING pseudonym
), blocks AS (
    DELETE FROM block USING gone WHERE shop_id = $1 AND gone.pseudonym IN (block.pseudonym, blocked)
), seen AS (
    DELETE FROM notice_seen n USING gone, room r
     WHERE n.pseudonym = gone.pseudonym AND n.room_id = r.room_id AND r.shop_id = $1
), bought AS (
    UPDATE purchase SET pseudonym = '' FROM gone WHERE shop_id = $1 AND purchase.pseudonym = gone.pseudonym
)
SELECT count(*) FROM gone"""


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
        before = {kind: max(0, shop["now_ms"] - days[kind] * _DAY_MS) for kind in DEFAULT_DAYS}
        for work in _works(shop["shop_id"], shop["rooms"], before):
            forgotten += await _tried(database, work)
    return forgotten


def _works(
    shop_id: str, rooms: Sequence[str], before: Mapping[Kept, int]
) -> Iterator[Callable[[Connection], Awaitable[int]]]:
    """What is done for one shop, a transaction each."""
    for room_id in rooms:
        yield functools.partial(_forget_comments, room_id, before["comments"], before["waiting"])
        yield functools.partial(_forget, _NOTICES, room_id, before["notices"])
        yield functools.partial(_forget, _STAFF_LOG, room_id, before["staff_log"])
        yield functools.partial(_forget_sanctions, room_id, before["sanctions"])
    yield functools.partial(_forget_staff, shop_id, before["people"])
    yield functools.partial(_forget_people, shop_id, before["people"])


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


async def _forget_staff(shop_id: str, before_ms: int, tx: Connection) -> int:
    return int((await tx.execute(_STAFF, shop_id, before_ms, _AT_ONCE, float(_INVITED_S))).split()[-1])


async def _forget_people(shop_id: str, before_ms: int, tx: Connection) -> int:
    return int(await tx.fetchval(_PEOPLE, shop_id, before_ms, _AT_ONCE))


async def _forget_comments(room_id: str, before_ms: int, waiting_before_ms: int, tx: Connection) -> int:
    rows = await tx.fetch(_COMMENTS, room_id, first_of(before_ms), first_of(waiting_before_ms), _AT_ONCE)
    gone = [row["comment_id"] for row in rows]
    for start in range(0, len(gone), _REWRITTEN):
        part = gone[start : start + _REWRITTEN]
        await rewrite(tx, room_id, part)
        await _forget_told(tx, room_id, part)
    if gone:
        await tx.execute(_UNPIN_QUOTE, room_id, gone)
    if waited := [row["comment_id"] for row in rows if row["waited"]]:
        # Off the desk of whoever has it open; the heartbeat brings it there.
        await roomlog.append(tx, room_id, [], [Ruled(comments=waited, shown=False)])
    return len(gone)


async def _forget_told(tx: Connection, room_id: str, gone: Sequence[str]) -> None:
    """What the staff log quotes goes with the comment."""
    rows = await tx.fetch(_TOLD_OF, room_id, gone)
    if rows:
        await tx.execute(
            "UPDATE staff_log SET event = new::json FROM unnest($2::bigint[], $3::text[]) AS n (number, new)"
            " WHERE room_id = $1 AND seq = number",
            room_id,
            [row["seq"] for row in rows],
            [redact_told(row["event"].encode(), gone).decode() for row in rows],
        )


async def _forget_sanctions(room_id: str, before_ms: int, tx: Connection) -> int:
    rows = await tx.fetch(_SANCTIONS, room_id, before_ms, _AT_ONCE)
    if rows:
        lifted = [Lifted(who=row["pseudonym"], kind=SanctionKind(row["kind"])) for row in rows]
        await roomlog.append(tx, room_id, [], lifted)
    return len(rows)
