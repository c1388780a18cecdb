"""Outbox: the webhooks that a business transaction causes, written by that very transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from livestream.storage.pool import Connection

_encode = msgspec.json.Encoder().encode

_LISTENS = "SELECT EXISTS (SELECT FROM webhook_endpoint WHERE shop_id = $1 AND disabled_at IS NULL)"

_EMIT = """
WITH listening AS (
    SELECT endpoint_id, events FROM webhook_endpoint WHERE shop_id = $1 AND disabled_at IS NULL
), clock AS (
    SELECT clock_timestamp() AS at
), message AS (
    INSERT INTO webhook_message (message_id, shop_id, type, at, body)
    SELECT 'msg_' || replace(uuidv7()::text, '-', ''), $1, type, at, format(
               '{"type":%s,"timestamp":"%s","data":%s}', to_json(type),
               to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), data)::json
      FROM clock, unnest($2::text[], $3::text[]) AS e (type, data)
     WHERE EXISTS (SELECT FROM listening WHERE events IS NULL OR type = ANY (events))
 RETURNING message_id, type, at
)
INSERT INTO webhook_delivery (delivery_id, message_id, endpoint_id, shop_id, next_at)
SELECT 'dlv_' || replace(uuidv7()::text, '-', ''), message_id, endpoint_id, $1, at
  FROM message JOIN listening ON events IS NULL OR type = ANY (events)
 ORDER BY message_id
"""


async def emit(tx: Connection, shop_id: str, events: Sequence[tuple[str, object]]) -> None:
    """Tell a shop's endpoints of events, if the transaction commits. Call it before `roomlog.append`.

    Args:
        events: pairs of type (`refund.confirmed`, dots between words) and data, whatever msgspec writes as JSON.

    Cost: for a shop without endpoints one look into an index; else one statement more, whatever the number of events.
    """
    # Asked first: the other statement is three times as dear even where it finds nothing to do.
    if events and await tx.fetchval(_LISTENS, shop_id):
        types = [type_ for type_, _ in events]
        await tx.execute(_EMIT, shop_id, types, [_encode(data).decode() for _, data in events])


async def forget(tx: Connection, kind: str, field: str, since: datetime, until: datetime) -> int:
    """Delete messages of a type whose data names, in a field, a time (Unix ms) that has come; returns how many.

    What must be gone by a date must be gone here too, however long messages are kept.

    Args:
        since, until: when they were written, to within a minute.
    """
    status = await tx.execute(
        """
        DELETE FROM webhook_message
         WHERE at BETWEEN $3::timestamptz - interval '1 minute' AND $4::timestamptz + interval '1 minute' AND type = $1
           AND (body->'data'->>$2)::bigint <= extract(epoch FROM clock_timestamp()) * 1000""",
        kind,
        field,
        since,
        until,
    )
    return int(status.split()[-1])


async def forget_old(tx: Connection, days: int, limit: int = 5000) -> int:
    """Delete messages, with their deliveries, older than so many days, and secrets that no longer sign.

    Returns: how many messages; `limit` of them: there may be more.
    """
    await tx.execute(
        "UPDATE webhook_endpoint SET old_secret = NULL, old_secret_until = NULL"
        " WHERE old_secret_until < clock_timestamp()"
    )
    status = await tx.execute(
        """
        DELETE FROM webhook_message WHERE message_id IN (
            SELECT message_id FROM webhook_message
             WHERE at < statement_timestamp() - make_interval(days => $1) ORDER BY at LIMIT $2)""",
        days,
        limit,
    )
    return int(status.split()[-1])
