"""Queue: what is due to be sent. A claim is a lease, so that a killed worker's deliveries come back by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from livestream.storage.pool import Connection

from .post import Answer
from .schedule import FAILING_MAX_S, State, Verdict

# The endpoints with something pending, found by one index probe each, whatever the length of their queues.
_WAITING = """
WITH RECURSIVE waiting AS (
    (SELECT endpoint_id FROM webhook_delivery WHERE state = 'pending' ORDER BY endpoint_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.endpoint_id FROM webhook_delivery d
             WHERE d.state = 'pending' AND d.endpoint_id > w.endpoint_id ORDER BY d.endpoint_id LIMIT 1)
      FROM waiting w WHERE w.endpoint_id IS NOT NULL
)"""

# Who has fewest under way goes first, then who is healthy: one slow shop delays itself.
_CLAIM = f"""{_WAITING}
, due AS (
    SELECT d.delivery_id, d.next_at, d.message_id, e.failing_since IS NOT NULL AS failing,
           coalesce(busy.count, 0)
           + row_number() OVER (PARTITION BY e.endpoint_id ORDER BY d.next_at, d.message_id) AS rank
      FROM waiting
      JOIN webhook_endpoint e USING (endpoint_id)
      LEFT JOIN unnest($2::text[], $3::int[]) AS busy (endpoint_id, count) USING (endpoint_id)
     CROSS JOIN LATERAL (
           SELECT delivery_id, next_at, message_id FROM webhook_delivery
            WHERE endpoint_id = e.endpoint_id AND state = 'pending' AND next_at <= statement_timestamp()
            ORDER BY next_at, message_id LIMIT greatest(0, $4 - coalesce(busy.count, 0))
              FOR UPDATE SKIP LOCKED) d
     WHERE e.disabled_at IS NULL AND (e.quiet_until IS NULL OR e.quiet_until <= statement_timestamp())
), chosen AS (
    SELECT delivery_id FROM due ORDER BY rank, failing, next_at, message_id LIMIT $1
), claimed AS (
    UPDATE webhook_delivery d
       SET lease = $5, next_at = clock_timestamp() + make_interval(secs => $6)
      FROM chosen
     WHERE d.delivery_id = chosen.delivery_id
 RETURNING d.delivery_id, d.message_id, d.endpoint_id, d.attempts
)
SELECT claimed.*, e.url, m.body::text,
       e.secret, CASE WHEN e.old_secret_until > clock_timestamp() THEN e.old_secret END AS old_secret,
       extract(epoch FROM clock_timestamp())::double precision AS now
  FROM claimed JOIN webhook_endpoint e USING (endpoint_id) JOIN webhook_message m USING (message_id)
 ORDER BY message_id
"""

# The endpoint's lock first, then the delivery's, as everywhere.
_FAILURE = """
UPDATE webhook_endpoint e
   SET failing_since = coalesce(failing_since, now.at),
       quiet_until = coalesce(now.at + make_interval(secs => $2), quiet_until),
       disabled_at = coalesce(disabled_at, CASE WHEN $3 OR failing_since < now.too_long THEN now.at END),
       disabled_reason = coalesce(disabled_reason,
                                  CASE WHEN $3 THEN 'gone' WHEN failing_since < now.too_long THEN 'failing' END)
  FROM (SELECT at, at - make_interval(secs => $4) AS too_long FROM clock_timestamp() AS at) AS now
 WHERE endpoint_id = $1
RETURNING disabled_at IS NOT NULL
"""

_SUCCESS = "UPDATE webhook_endpoint SET failing_since = NULL WHERE endpoint_id = $1 AND failing_since IS NOT NULL"

_RECORD = """
UPDATE webhook_delivery
   SET state = $3, attempts = attempts + 1, lease = NULL,
       next_at = clock_timestamp() + make_interval(secs => coalesce($4::double precision, 0)),
       attempted_at = clock_timestamp(), status = $5, error = $6, duration_ms = $7, response = $8
 WHERE delivery_id = $1 AND lease = $2
"""

_STOP_STRAYS = f"""{_WAITING}
UPDATE webhook_delivery SET state = 'failed', error = coalesce(error, 'the endpoint was disabled or removed')
 WHERE delivery_id IN (
       SELECT d.delivery_id
         FROM waiting LEFT JOIN webhook_endpoint e USING (endpoint_id)
        CROSS JOIN LATERAL (
              SELECT delivery_id FROM webhook_delivery
               WHERE endpoint_id = waiting.endpoint_id AND state = 'pending' LIMIT $1 FOR UPDATE SKIP LOCKED) d
        WHERE e.endpoint_id IS NULL OR e.disabled_at IS NOT NULL
        LIMIT $1)
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that nobody else sends before its lease ends."""

    delivery_id: str
    message_id: str
    endpoint_id: str
    attempts: int  #: made before
    url: str
    body: bytes
    secrets: tuple[str, ...]  #: the newest first
    now: float  #: the database's Unix s at the claim


async def claim(
    tx: Connection, limit: int, per_endpoint: int, under_way: Mapping[str, int], lease: str, lease_s: float
) -> list[Claimed]:
    """Take what is due, fairly between endpoints, in order within each.

    Args:
        per_endpoint: at most so many of one endpoint, with those under way.
        under_way: how many of each endpoint the caller has in hand.
        lease: names this claim; `record` must come with it.

    Cost: an index probe an endpoint that has something pending, due or not.
    """
    rows = await tx.fetch(_CLAIM, limit, list(under_way.keys()), list(under_way.values()), per_endpoint, lease, lease_s)
    return [
        Claimed(
            row["delivery_id"],
            row["message_id"],
            row["endpoint_id"],
            row["attempts"],
            row["url"],
            row["body"].encode(),
            tuple(secret for secret in (row["secret"], row["old_secret"]) if secret is not None),
            row["now"],
        )
        for row in rows
    ]


async def record(tx: Connection, claimed: Claimed, lease: str, answer: Answer, verdict: Verdict) -> bool:
    """Write down what came of an attempt; it may disable the endpoint.

    Returns: False: the lease had ended and somebody else's counts, or it was written before.
    """
    state = verdict.state
    if state is State.DELIVERED:
        await tx.execute(_SUCCESS, claimed.endpoint_id)
    elif await tx.fetchval(_FAILURE, claimed.endpoint_id, verdict.quiet_s, verdict.gone, FAILING_MAX_S) is not False:
        state = State.FAILED  # the endpoint is disabled, or there is none any more
    status = await tx.execute(
        _RECORD,
        claimed.delivery_id,
        lease,
        state,
        verdict.delay_s,
        answer.status,
        answer.error,
        answer.duration_ms,
        answer.response,
    )
    return bool(status == "UPDATE 1")


async def stop_strays(tx: Connection, limit: int = 5000) -> int:
    """Fail what waits for endpoints that were disabled or removed; returns how many, `limit` at most.

    Leases stay: what is under way may yet succeed. Apart from the disabling itself, since a queue can be long and a
    transaction not.
    """
    status = await tx.execute(_STOP_STRAYS, limit)
    return int(status.split()[-1])
