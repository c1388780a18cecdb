"""Erasing: takes one person out of everything that is stored, with what others wrote about them left as it is.

Every table but `person` knows people by their pseudonym, so erasing means: the
row of `person`, their words wherever they were written down or quoted, and the
pseudonym itself. What must stay for the counts stays without either.
"""

from __future__ import annotations

import msgspec
import redis.asyncio

from livestream.auth import Identity
from livestream.bus import LOST
from livestream.protocol import limits
from livestream.protocol.errors import Unavailable
from livestream.protocol.events import Deleted, Erased, HostMessage, RefundRequest, Ruled
from livestream.protocol.personal import Person, without
from livestream.protocol.shop import EraseViewer
from livestream.revocations import revoke
from livestream.room.desk import Decision
from livestream.room.desk_writes import rewrite
from livestream.room.erasure import Table, erase, nothing_of
from livestream.storage.pool import Connection
from livestream.webhooks.erasure import erase as erase_webhook

from .actions import Action
from .people import Place, person_of, place_of, told, touched

_REWRITTEN = 500  #: comments whose words are looked for at a time
_COMMENTS = """
UPDATE comment SET pseudonym = '', text = '', hidden_at = coalesce(hidden_at, clock_timestamp()),
       ruled = CASE WHEN fate = 'held' THEN false END, report_open = false, report_why = NULL
 WHERE pseudonym = $1 AND room_id = ANY($2)"""
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
#: where a pseudonym stands in a row that goes with the person, or stays without them
_IN_ROOMS = (
    "DELETE FROM report WHERE reporter = $1 AND room_id = ANY($2)",
    "DELETE FROM sanction WHERE pseudonym = $1 AND room_id = ANY($2)",
    "UPDATE sanction SET by_name = '', by_who = '' WHERE by_who = $1 AND room_id = ANY($2)",
    "DELETE FROM notice_seen WHERE pseudonym = $1 AND room_id = ANY($2)",
)
_IN_SHOPS = (
    "DELETE FROM block WHERE (pseudonym = $1 OR blocked = $1) AND shop_id = ANY($2)",
    "DELETE FROM staff WHERE pseudonym = $1 AND shop_id = ANY($2)",
    "DELETE FROM idempotency WHERE shop_id = ANY($2) AND (actor = $1 OR strpos(answer::text, $1) > 0)",
    "UPDATE purchase SET pseudonym = '' WHERE pseudonym = $1 AND shop_id = ANY($2)",
    "UPDATE refund SET asker = '' WHERE asker = $1 AND shop_id = ANY($2)",
    "DELETE FROM person WHERE pseudonym = $1 AND shop_id = ANY($2)",
)


async def erase_viewer(action: Action, command: EraseViewer) -> None:
    action.require_real()
    tx = action.tx
    place = await place_of(tx, action.actor.base_shop_id)
    person = await person_of(action, command.viewer, place)
    rooms = await touched(action, person, place)
    await action.lock(rooms)
    person = await person_of(action, command.viewer, place)  # once more: who was about to win may have won meanwhile
    for room_id in rooms:
        await _off_the_screens(action, room_id, person)
    for statement in (_COMMENTS, _REASONS, *_IN_ROOMS):
        await tx.execute(statement, person.pseudonym, place.rooms)
    await _bodies(tx, person, place)
    # Parts lock what they have of a person, and whoever holds that may be about to write the person's row.
    for part in action.parts:
        await part.erase(tx, person, place.shops)
    for statement in _IN_SHOPS:
        await tx.execute(statement, person.pseudonym, place.shops)
    # Who is here with an old token would be written down again with the next comment.
    await revoke(tx, action.actor.base_shop_id, pseudonym=person.pseudonym)
    await tx.execute(
        "UPDATE notice SET pseudonym = '', event = $3::text::json WHERE pseudonym = $1 AND room_id = ANY($2)",
        person.pseudonym,
        place.rooms,
        nothing_of("notice"),
    )  # its number stays, since processes look for gaps
    for table in ("staff_log", "notice", "room_log"):
        await _events(tx, table, person, place)
    await _webhooks(tx, person, place)


async def _off_the_screens(action: Action, room_id: str, person: Person) -> None:
    """Take a person's words off the screens of one room, and out of quotes; then every process loads it anew."""
    tx, desk = action.tx, action.desk(room_id)
    rows = await tx.fetch(
        "SELECT comment_id, fate = 'shown' AND hidden_at IS NULL AS shown FROM comment"
        " WHERE room_id = $1 AND pseudonym = $2 ORDER BY comment_id",
        room_id,
        person.pseudonym,
    )
    ids = [row["comment_id"] for row in rows]
    newest = [row["comment_id"] for row in rows if row["shown"]][-limits.SNAPSHOT_TOMBSTONES :]
    pinned = desk.room.pinned
    if pinned is not None and pinned.answers in ids and pinned.answers not in newest:
        newest = [pinned.answers, *newest]
    decision = Decision(staff=[Erased()])
    for start in range(0, len(newest), limits.COMMENTS_PER_DELETE):
        part = newest[start : start + limits.COMMENTS_PER_DELETE]
        decision.log.append(Deleted(comments=part))
        decision.staff.append(Ruled(comments=part, shown=False))
    action.tell(room_id, decision)
    desk.room = without(desk.room, person)
    for start in range(0, len(ids), _REWRITTEN):
        await rewrite(tx, room_id, ids[start : start + _REWRITTEN])


async def _bodies(tx: Connection, person: Person, place: Place) -> None:
    """Rows that hold a struct of the protocol as a whole."""
    said = await tx.fetch(
        "SELECT message_id, body::text FROM host_message WHERE room_id = ANY($1) AND body->>'by' = $2",
        place.rooms,
        person.pseudonym,
    )
    for row in said:
        await _put(tx, "host_message", "message_id", row["message_id"], row["body"], HostMessage, person)
    refunds = await tx.fetch(
        "SELECT refund_id, body::text FROM refund WHERE shop_id = ANY($1)"
        " AND (strpos(body::text, $2) > 0 OR purchase_id = ANY($3))",
        place.shops,
        person.pseudonym,
        list(person.purchases),
    )
    for row in refunds:
        await _put(tx, "refund", "refund_id", row["refund_id"], row["body"], RefundRequest, person)


async def _put(
    tx: Connection, table: str, key: str, id: str, body: str, kind: type[msgspec.Struct], person: Person
) -> None:
    changed = msgspec.json.encode(without(msgspec.json.decode(body, type=kind), person)).decode()
    await tx.execute(f"UPDATE {table} SET body = $2::text::json WHERE {key} = $1", id, changed)


async def _events(tx: Connection, table: Table, person: Person, place: Place) -> None:
    found = await told(tx, table, person, place.rooms)
    changed = [(room, seq, new) for room, seq, event in found if (new := erase(event, table, person)) != event]
    if changed:
        await tx.execute(
            f"UPDATE {table} SET event = new::json"
            " FROM unnest($1::text[], $2::bigint[], $3::text[]) AS n (room, number, new)"
            " WHERE room_id = room AND seq = number",
            *(list(column) for column in zip(*changed, strict=True)),
        )


async def _webhooks(tx: Connection, person: Person, place: Place) -> None:
    """What waits is still sent, without them; what receivers answered may quote them."""
    found = await tx.fetch(
        """
        SELECT message_id, body::text FROM webhook_message
         WHERE shop_id = ANY($1) AND (strpos(body::text, $2) > 0 OR strpos(body::text, $3) > 0
               OR (type = 'refund.confirmed' AND body->'data'->>'purchase' = ANY($4)))""",
        place.shops,
        person.pseudonym,
        '"viewer":' + msgspec.json.encode(person.viewer_id).decode(),
        list(person.purchases),
    )
    changed = [(row["message_id"], new) for row in found if (new := erase_webhook(row["body"], person)) != row["body"]]
    if changed:
        await tx.execute(
            "UPDATE webhook_message SET body = new::json FROM unnest($1::text[], $2::text[]) AS n (id, new)"
            " WHERE message_id = id",
            *(list(column) for column in zip(*changed, strict=True)),
        )
        await tx.execute(
            "UPDATE webhook_delivery SET response = NULL WHERE message_id = ANY($1)", [id for id, _ in changed]
        )


async def forget(client: redis.asyncio.Redis, shop_id: str, who: str, viewer_id: str) -> None:
    """Take a person out of Redis: marks that would expire within minutes, and unused links, those of whom they invited.

    Cost: a walk over all keys.

    Raises:
        Unavailable: Redis is away; send the same again later.
    """
    try:
        async for key in client.scan_iter(match=f"*{who}*", count=1000):
            await client.delete(key)
        async for key in client.scan_iter(match="ticket:*", count=1000):
            if _is_for(await client.get(key), shop_id, who, viewer_id):
                await client.delete(key)
    except LOST as error:
        raise Unavailable("redis") from error


def _is_for(ticket: bytes | str | None, shop_id: str, who: str, viewer_id: str) -> bool:
    if ticket is None:
        return False
    identity = msgspec.json.decode(ticket, type=Identity)
    return (identity.shop_id, identity.viewer_id) == (shop_id, viewer_id) or f"who:{who}" in identity.behind
