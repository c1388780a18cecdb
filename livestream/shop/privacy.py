"""Privacy: reading and erasing what is stored about one person.

Every table but `person` knows people by their pseudonym, so erasing means: the
row of `person`, their words wherever they were written down or quoted, and the
pseudonym itself. What must stay for the counts stays without either.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec
import redis.asyncio

from livestream.bus import LOST
from livestream.protocol import limits
from livestream.protocol.errors import Unavailable
from livestream.protocol.events import Deleted, Erased, Ruled, YouMayTalk
from livestream.protocol.shop import EraseViewer, Exported, ExportViewer
from livestream.revocations import revoke
from livestream.room.desk import Decision
from livestream.room.desk_store import rewrite
from livestream.room.erasure import erase
from livestream.storage.pool import Connection

from .actions import Action
from .administration import pseudonym_of

_REWRITTEN = 500  #: comments whose words are looked for at a time
#: where a pseudonym stands in a row that goes with the person
_OWN_ROWS = (
    "DELETE FROM report WHERE reporter = $1 AND room_id = ANY($2)",
    "DELETE FROM sanction WHERE pseudonym = $1 AND room_id = ANY($2)",
    "DELETE FROM notice_seen WHERE pseudonym = $1 AND room_id = ANY($2)",
)
#: what a person gave as the reason of a report, where it is written beside somebody else's comment
_REASONS = """
WITH given AS (
    SELECT room_id, comment_id, why FROM report WHERE reporter = $1 AND room_id = ANY($2) AND why IS NOT NULL
), shown AS (
    UPDATE comment SET report_why = NULL FROM given
     WHERE (comment.room_id, comment.comment_id, comment.report_why) = (given.room_id, given.comment_id, given.why)
)
UPDATE staff_log SET event = jsonb_set(event::jsonb, '{comment,why}', '"reported"')::json FROM given
 WHERE staff_log.room_id = given.room_id AND event->>'t' = 'reported'
   AND event->'comment'->>'id' = given.comment_id AND event->'comment'->>'why' = given.why"""
_SHOP_ROWS = (
    "DELETE FROM block WHERE (pseudonym = $1 OR blocked = $1) AND shop_id = ANY($2)",
    "DELETE FROM staff WHERE pseudonym = $1 AND shop_id = ANY($2)",
    "DELETE FROM idempotency WHERE shop_id = ANY($2) AND (actor = $1 OR strpos(answer::text, $1) > 0)",
    "UPDATE purchase SET pseudonym = '' WHERE pseudonym = $1 AND shop_id = ANY($2)",
    "UPDATE refund SET asker = '' WHERE asker = $1 AND shop_id = ANY($2)",
    "DELETE FROM person WHERE pseudonym = $1 AND shop_id = ANY($2)",
)


async def export_viewer(action: Action, command: ExportViewer) -> None:
    tx, who = action.tx, pseudonym_of(action, command.viewer)
    rooms = await _rooms(tx, action.actor.base_shop_id)
    shops = await _shops(tx, action.actor.base_shop_id)
    person = await tx.fetchrow(
        "SELECT viewer_id, name, buyer, seen_at FROM person WHERE shop_id = $1 AND pseudonym = $2",
        action.actor.base_shop_id,
        who,
    )
    own = "pseudonym = $1 AND room_id = ANY($2)"
    action.answer = Exported(
        viewer=command.viewer,
        person=_plain(person) if person else None,
        comments=await _rows(
            tx, f"SELECT room_id, show_id, at, text, fate, hidden_at FROM comment WHERE {own} ORDER BY at", who, rooms
        ),
        reports=await _rows(
            tx, "SELECT room_id, comment_id, at, why FROM report WHERE reporter = $1 AND room_id = ANY($2)", who, rooms
        ),
        purchases=await _rows(
            tx,
            "SELECT purchase_id, room_id, product_id, variant_id, quantity, amount, refunded, currency, exponent, at"
            " FROM purchase WHERE pseudonym = $1 AND shop_id = ANY($2)",
            who,
            shops,
        ),
        sanctions=await _rows(tx, f"SELECT room_id, kind, at, until, why FROM sanction WHERE {own}", who, rooms),
        notices=await _rows(tx, f"SELECT room_id, at, event::text AS event FROM notice WHERE {own}", who, rooms),
        blocked=await tx.fetchval("SELECT count(*) FROM block WHERE pseudonym = $1 AND shop_id = ANY($2)", who, shops),
        staff_log=await _rows(
            tx,
            "SELECT room_id, at, event::text AS event FROM staff_log"
            " WHERE room_id = ANY($2) AND strpos(event::text, $1) > 0",
            who,
            rooms,
        ),
        parts={part.name: dict(await part.export(tx, who, command.viewer, shops)) for part in action.parts},
    )


async def erase_viewer(action: Action, command: EraseViewer) -> None:
    tx, who = action.tx, pseudonym_of(action, command.viewer)
    shops = await _shops(tx, action.actor.base_shop_id)
    rooms = await _rooms(tx, action.actor.base_shop_id)
    names = [
        row["name"]
        for row in await tx.fetch("SELECT name FROM person WHERE pseudonym = $1 AND shop_id = ANY($2)", who, shops)
    ]
    touched = await _touched(tx, who, command.viewer, rooms)
    await action.lock(touched)
    for room_id in touched:
        await _erase_in(action, room_id, who)
    await tx.execute(
        """
        UPDATE comment SET pseudonym = '', text = '', hidden_at = coalesce(hidden_at, clock_timestamp()),
               ruled = CASE WHEN fate = 'held' THEN false END, report_open = false, report_why = NULL
         WHERE pseudonym = $1 AND room_id = ANY($2)""",
        who,
        rooms,
    )
    await tx.execute(_REASONS, who, rooms)
    for statement in _OWN_ROWS:
        await tx.execute(statement, who, rooms)
    for statement in _SHOP_ROWS:
        await tx.execute(statement, who, shops)
    # Who is here with an old token would be written down again with the next comment.
    await revoke(tx, action.actor.base_shop_id, pseudonym=who)
    for part in action.parts:
        await part.erase(tx, who, command.viewer, shops)
    for table, key in (("staff_log", "seq"), ("notice", "seq"), ("room_log", "seq")):
        await _rewrite_events(tx, table, key, rooms, [who, command.viewer], names)
    await tx.execute(
        "DELETE FROM webhook_message WHERE shop_id = ANY($2) AND"
        " (strpos(body::text, $1) > 0 OR strpos(body::text, to_json($3::text)::text) > 0)",
        who,
        shops,
        command.viewer,
    )


async def forget(client: redis.asyncio.Redis, who: str, viewer_id: str) -> None:
    """Take a person out of Redis: marks that would expire within minutes, and unused links. Cost: a walk over all keys.

    Raises:
        Unavailable: Redis is away; send the same again later.
    """
    try:
        async for key in client.scan_iter(match=f"*{who}*", count=1000):
            await client.delete(key)
        async for key in client.scan_iter(match="ticket:*", count=1000):
            if viewer_id.encode() in (await client.get(key) or b""):
                await client.delete(key)
    except LOST as error:
        raise Unavailable("redis") from error


async def _erase_in(action: Action, room_id: str, who: str) -> None:
    """Take a person's words off the screens of one room, and out of quotes; then every process loads it anew."""
    tx = action.tx
    ids = [
        row["comment_id"]
        for row in await tx.fetch(
            "SELECT comment_id FROM comment WHERE room_id = $1 AND pseudonym = $2 ORDER BY comment_id", room_id, who
        )
    ]
    newest = ids[-limits.SNAPSHOT_TOMBSTONES :]
    pinned = action.desk(room_id).room.pinned
    if pinned is not None and pinned.answers in ids and pinned.answers not in newest:
        newest = [pinned.answers, *newest]
    decision = Decision(staff=[Erased()])
    for start in range(0, len(newest), limits.COMMENTS_PER_DELETE):
        part = newest[start : start + limits.COMMENTS_PER_DELETE]
        decision.log.append(Deleted(comments=part))
        decision.staff.append(Ruled(comments=part, shown=False))
    action.tell(room_id, decision)
    for start in range(0, len(ids), _REWRITTEN):
        await rewrite(tx, room_id, ids[start : start + _REWRITTEN])


async def _rewrite_events(
    tx: Connection, table: str, key: str, rooms: Sequence[str], marks: Sequence[str], names: Sequence[str]
) -> None:
    found = await tx.fetch(
        f"SELECT room_id, {key} AS key, event::text AS event FROM {table} WHERE room_id = ANY($1)"
        " AND EXISTS (SELECT FROM unnest($2::text[]) AS m (mark) WHERE strpos(event::text, to_json(mark)::text) > 0)",
        rooms,
        list(marks),
    )
    changed = [(row["room_id"], row["key"], erase(row["event"], marks, names)) for row in found]
    if changed:
        await tx.execute(
            f"UPDATE {table} SET event = new::json"
            " FROM unnest($1::text[], $2::bigint[], $3::text[]) AS n (room, id, new)"
            f" WHERE room_id = room AND {key} = id",
            [room for room, _, _ in changed],
            [number for _, number, _ in changed],
            [new for _, _, new in changed],
        )
    if table == "notice":
        # To nobody, and with nothing in it; its number stays, since processes look for gaps.
        await tx.execute(
            "UPDATE notice SET pseudonym = '', event = $3::text::json WHERE pseudonym = $1 AND room_id = ANY($2)",
            marks[0],
            rooms,
            msgspec.json.encode(YouMayTalk()).decode(),
        )


async def _touched(tx: Connection, who: str, viewer_id: str, rooms: Sequence[str]) -> list[str]:
    """Rooms in which something of a person may be on a screen."""
    rows = await tx.fetch(
        """
        SELECT room_id FROM unnest($2::text[]) AS r (room_id)
         WHERE EXISTS (SELECT FROM comment c WHERE c.room_id = r.room_id AND pseudonym = $1)
            OR EXISTS (SELECT FROM sanction s WHERE s.room_id = r.room_id AND pseudonym = $1)
         ORDER BY room_id""",
        who,
        rooms,
    )
    return [row["room_id"] for row in rows]


async def _shops(tx: Connection, base_shop_id: str) -> list[str]:
    """The shop and its rehearsals."""
    rows = await tx.fetch("SELECT shop_id FROM shop WHERE shop_id = $1 OR rehearsal_of = $1", base_shop_id)
    return [row["shop_id"] for row in rows]


async def _rooms(tx: Connection, base_shop_id: str) -> list[str]:
    rows = await tx.fetch(
        "SELECT room_id FROM room JOIN shop USING (shop_id) WHERE shop_id = $1 OR rehearsal_of = $1 ORDER BY room_id",
        base_shop_id,
    )
    return [row["room_id"] for row in rows]


async def _rows(tx: Connection, query: str, *arguments: object) -> list[dict[str, object]]:
    return [_plain(row) for row in await tx.fetch(query, *arguments)]


def _plain(row: asyncpg.Record) -> dict[str, Any]:
    """Values as JSON has them; what is stored as JSON as it is."""
    plain = {}
    for key, value in row.items():
        if key == "event":
            plain[key] = json.loads(value)
        else:
            plain[key] = value.isoformat() if hasattr(value, "isoformat") else value
    return plain
