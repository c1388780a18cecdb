"""Store: a shop's endpoints and deliveries as rows. SQL of `service`; the worker's is in `queue`."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import msgspec

from livestream.storage.pool import Connection

from .schedule import State

_MS = "floor(extract(epoch FROM {}) * 1000)::bigint"
_NEW_ID = "'{}_' || replace(uuidv7()::text, '-', '')"

_ENDPOINT = f"""
endpoint_id AS id, url, events, {_MS.format("created_at")} AS created_at,
{_MS.format("CASE WHEN old_secret_until > clock_timestamp() THEN old_secret_until END")} AS old_secret_until,
{_MS.format("failing_since")} AS failing_since, {_MS.format("disabled_at")} AS disabled_at, disabled_reason
"""

_DELIVERY = f"""
SELECT d.delivery_id AS id, d.message_id AS message, d.endpoint_id AS endpoint, m.type, {_MS.format("m.at")} AS at,
       d.state, d.attempts, CASE WHEN d.state = 'pending' THEN {_MS.format("d.next_at")} END AS next_at,
       {_MS.format("d.attempted_at")} AS attempted_at, d.status, d.error, d.duration_ms, d.response
  FROM webhook_delivery d JOIN webhook_message m USING (message_id)
"""

# Due at once, unless it is under way: then when its lease ends, so that it is never sent twice at a time.
_DUE_AGAIN = """
state = 'pending', attempts = 0,
next_at = CASE WHEN lease IS NOT NULL AND next_at > statement_timestamp() THEN next_at ELSE statement_timestamp() END
"""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a shop wants its webhooks. Its secret is told once, by who makes it."""

    id: str
    url: str
    events: list[str] | None  #: types it wants; None: all
    created_at: int  #: Unix ms, as all times here
    old_secret_until: int | None  #: the secret before signs too until then
    failing_since: int | None  #: nothing but failures since then
    disabled_at: int | None
    disabled_reason: str | None  #: gone, failing, by_hand


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message on its way to one endpoint, with its last attempt."""

    id: str
    message: str  #: the header `webhook-id`
    endpoint: str
    type: str
    at: int  #: Unix ms, when it happened
    state: State
    attempts: int  #: since it was made, or replayed
    next_at: int | None  #: when it is tried again, if it is
    attempted_at: int | None
    status: int | None  #: of the response; None: there was none
    error: str | None
    duration_ms: int | None
    response: str | None  #: its first 500 characters


async def add_endpoint(
    tx: Connection, shop_id: str, url: str, events: Sequence[str] | None, secret: str, most: int
) -> Endpoint | None:
    """None: the shop has `most` already, or is no shop. Shops wait for themselves, so that no race exceeds it."""
    if await tx.fetchval("SELECT true FROM shop WHERE shop_id = $1 FOR NO KEY UPDATE", shop_id) is None:
        return None
    row = await tx.fetchrow(
        f"""
        INSERT INTO webhook_endpoint (endpoint_id, shop_id, url, events, secret)
        SELECT {_NEW_ID.format("end")}, $1, $2, $3, $4
         WHERE (SELECT count(*) FROM webhook_endpoint WHERE shop_id = $1) < $5
        RETURNING {_ENDPOINT}""",
        shop_id,
        url,
        events,
        secret,
        most,
    )
    return _endpoint(row)


async def endpoints(connection: Connection, shop_id: str) -> list[Endpoint]:
    """All of a shop, in the order they were added."""
    rows = await connection.fetch(
        f"SELECT {_ENDPOINT} FROM webhook_endpoint WHERE shop_id = $1 ORDER BY endpoint_id", shop_id
    )
    return [msgspec.convert(dict(row), Endpoint) for row in rows]


async def lock_endpoint(tx: Connection, shop_id: str, endpoint_id: str) -> Endpoint | None:
    """The endpoint, locked until COMMIT."""
    return _endpoint(
        await tx.fetchrow(
            f"SELECT {_ENDPOINT} FROM webhook_endpoint WHERE shop_id = $1 AND endpoint_id = $2 FOR NO KEY UPDATE",
            shop_id,
            endpoint_id,
        )
    )


async def change_endpoint(tx: Connection, endpoint_id: str, url: str, events: Sequence[str] | None) -> Endpoint:
    """What it asked for at its old place holds no longer at the new one."""
    return await _changed(tx, endpoint_id, "url = $2, events = $3, quiet_until = NULL", url, events)


async def change_secret(tx: Connection, endpoint_id: str, secret: str, overlap_s: float) -> Endpoint:
    """The present one signs too, for so long."""
    return await _changed(
        tx,
        endpoint_id,
        "old_secret = secret, secret = $2, old_secret_until = clock_timestamp() + make_interval(secs => $3)",
        secret,
        overlap_s,
    )


async def disable_endpoint(tx: Connection, endpoint_id: str) -> Endpoint:
    """By hand, keeping the reason it was disabled for before."""
    return await _changed(
        tx,
        endpoint_id,
        "disabled_at = coalesce(disabled_at, clock_timestamp()),"
        " disabled_reason = coalesce(disabled_reason, 'by_hand')",
    )


async def enable_endpoint(tx: Connection, endpoint_id: str) -> Endpoint:
    """As if it had never failed."""
    return await _changed(
        tx, endpoint_id, "disabled_at = NULL, disabled_reason = NULL, failing_since = NULL, quiet_until = NULL"
    )


async def remove_endpoint(tx: Connection, shop_id: str, endpoint_id: str) -> bool:
    """False: there is none."""
    gone = await tx.execute(
        "DELETE FROM webhook_endpoint WHERE shop_id = $1 AND endpoint_id = $2", shop_id, endpoint_id
    )
    return bool(gone == "DELETE 1")


async def add_ping(tx: Connection, shop_id: str, endpoint_id: str) -> Delivery:
    """A message of type `ping` to one endpoint, whatever types it wants."""
    delivery_id = await tx.fetchval(
        f"""
        WITH message AS (
            INSERT INTO webhook_message (message_id, shop_id, type, at, body)
            SELECT {_NEW_ID.format("msg")}, $1, 'ping', at, format(
                       '{{"type":"ping","timestamp":"%s","data":{{"endpoint":%s}}}}',
                       to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), to_json($2::text))::json
              FROM (SELECT clock_timestamp() AS at) AS clock
         RETURNING message_id, at
        )
        INSERT INTO webhook_delivery (delivery_id, message_id, endpoint_id, shop_id, next_at)
        SELECT {_NEW_ID.format("dlv")}, message_id, $2, $1, at FROM message RETURNING delivery_id""",
        shop_id,
        endpoint_id,
    )
    made = await delivery(tx, shop_id, delivery_id)
    assert made is not None
    return made


async def delivery(connection: Connection, shop_id: str, delivery_id: str) -> Delivery | None:
    """One delivery."""
    row = await connection.fetchrow(f"{_DELIVERY} WHERE d.shop_id = $1 AND d.delivery_id = $2", shop_id, delivery_id)
    return None if row is None else msgspec.convert(dict(row), Delivery)


async def body(connection: Connection, shop_id: str, message_id: str) -> bytes | None:
    """The JSON of a message."""
    found: str | None = await connection.fetchval(
        "SELECT body::text FROM webhook_message WHERE shop_id = $1 AND message_id = $2", shop_id, message_id
    )
    return None if found is None else found.encode()


async def deliveries(
    connection: Connection,
    shop_id: str,
    limit: int,
    *,
    before: str | None = None,
    endpoint_id: str | None = None,
    state: State | None = None,
    type_: str | None = None,
) -> list[Delivery]:
    """The newest that fit, newest first.

    Args:
        before: only those made before this delivery.
    """
    where, values = ["d.shop_id = $1"], [shop_id]
    for condition, value in (
        ("d.delivery_id < ${}", before),
        ("d.endpoint_id = ${}", endpoint_id),
        ("d.state = ${}", state),
        ("m.type = ${}", type_),
    ):
        if value is not None:
            values.append(value)
            where.append(condition.format(len(values)))
    rows = await connection.fetch(
        f"{_DELIVERY} WHERE {' AND '.join(where)} ORDER BY d.delivery_id DESC LIMIT {int(limit)}", *values
    )
    return [msgspec.convert(dict(row), Delivery) for row in rows]


async def replay(tx: Connection, delivery_id: str) -> None:
    """Due again, with all its tries."""
    await tx.execute(f"UPDATE webhook_delivery SET {_DUE_AGAIN} WHERE delivery_id = $1", delivery_id)


async def replay_failed(tx: Connection, endpoint_id: str, since_ms: int, limit: int) -> int:
    """Failed deliveries of what happened since, the oldest first; returns how many, `limit` at most."""
    status = await tx.execute(
        f"""
        UPDATE webhook_delivery SET {_DUE_AGAIN} WHERE delivery_id IN (
            SELECT d.delivery_id FROM webhook_delivery d JOIN webhook_message m USING (message_id)
             WHERE d.endpoint_id = $1 AND d.state = 'failed' AND m.at >= to_timestamp($2::double precision / 1000)
             ORDER BY d.delivery_id LIMIT $3)""",
        endpoint_id,
        since_ms,
        limit,
    )
    return int(status.split()[-1])


async def _changed(tx: Connection, endpoint_id: str, change: str, *values: object) -> Endpoint:
    row = await tx.fetchrow(
        f"UPDATE webhook_endpoint SET {change} WHERE endpoint_id = $1 RETURNING {_ENDPOINT}", endpoint_id, *values
    )
    assert row is not None  # the caller holds its lock
    return msgspec.convert(dict(row), Endpoint)


def _endpoint(row: asyncpg.Record | None) -> Endpoint | None:
    return None if row is None else msgspec.convert(dict(row), Endpoint)
