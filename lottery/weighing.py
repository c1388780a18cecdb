"""Weighing: weights freeze at the close. Who came to deserve more chances after entering has them from here on.

Entries are judged once more as of the moment of closing, some at a time, each
time in a transaction of its own, before the root is made; a weight rises or
stays. It is safe to run twice, by two workers at once too: the row of the draw
is locked while weights are written, and once all are weighed nothing changes
any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from livestream.parts import TeamMembers
from livestream.storage.pool import Connection, Database

from . import facts
from .facts import Span, Weighed
from .rules import Rules
from .store import Held
from .weight import weight

#: far within the time that a statement has, and that who enters too late and waits for the row waits for it
_AT_ONCE = 2000
_LOCK = "SELECT state = 'closed' AND weighed_at IS NULL FROM draw WHERE draw_id = $1 FOR NO KEY UPDATE"
_RAISE = """
UPDATE draw_entry SET weight = now.weight FROM unnest($2::bytea[], $3::bigint[]) AS now (id, weight)
 WHERE draw_id = $1 AND entry_id = now.id AND entry_id >= $4 AND entry_id < $5 AND draw_entry.weight < now.weight"""


def needed(rules: Rules) -> bool:
    """Is there anything that could have been deserved since?"""
    return bool(rules.weights.commented or rules.weights.joined_team or rules.weights.bought)


async def weigh(database: Database, held: Held, members: TeamMembers | None) -> None:
    """Freeze the weights of a closed draw."""
    draw_id, rules = held.draw.id, held.open_rules
    async with database.read() as connection:
        since_ms = await facts.began_ms(connection, held)
        entries: int = await connection.fetchval("SELECT entries FROM draw WHERE draw_id = $1", draw_id)

    async def read(span: Span) -> list[Weighed]:
        async with database.read() as connection:
            return await facts.at_close(connection, held, rules, since_ms, span, members)

    ranges = spans(entries)
    reading = asyncio.create_task(read(ranges[0]))
    try:
        for number, span in enumerate(ranges, 1):
            found = await reading
            if number < len(ranges):
                reading = asyncio.create_task(read(ranges[number]))  # while these are written
            async with database.transaction() as tx:
                if not await tx.fetchval(_LOCK, draw_id):
                    return
                await _raise(tx, draw_id, span, rules, found)
                if number == len(ranges):
                    await tx.execute("UPDATE draw SET weighed_at = clock_timestamp() WHERE draw_id = $1", draw_id)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


def spans(entries: int) -> list[Span]:
    """Of all ids, one after the other, with about `_AT_ONCE` entries each: ids are spread evenly, being hashes.

    A range between two ids is read by the key whatever Postgres knows of the table, which in a rush is nothing.
    """
    count = -(-entries // _AT_ONCE)
    inner = [(2**128 * each // count).to_bytes(16, "big") for each in range(1, count)]
    return list(pairwise([b"", *inner, b"\xff" * 17]))


async def _raise(tx: Connection, draw_id: str, span: Span, rules: Rules, found: Sequence[Weighed]) -> None:
    now = [(each.entry_id, weight(rules.weights, each.facts)) for each in found]
    risen = [(id, is_now) for (id, is_now), each in zip(now, found, strict=True) if is_now > each.weight]
    if risen:
        await tx.execute(
            _RAISE,
            draw_id,
            [id for id, _ in risen],
            [is_now for _, is_now in risen],
            *span,
        )
