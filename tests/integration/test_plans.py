"""Batches ask about each person by a key: however many are in, spoke or bought. In a rush Postgres knows
nothing of the tables yet, and still a batch reads no more rows than it is about.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from groupbuy import store as groupbuy_store
from livestream import seed
from livestream.protocol.draws import DrawWeights
from livestream.storage.pool import Connection, Database
from lottery import facts, store, weighing
from lottery.store import Held
from tests.support.live_draws import close, opened
from tests.support.nodes import Node

_PEOPLE = 4000
_FILL = (
    """
    INSERT INTO draw_entry (draw_id, entry_id, weight, promised, at, pseudonym, viewer_id, name)
    SELECT $1, substring(sha256(n::text::bytea) FOR 16), 1, 1, clock_timestamp(), 'p' || n, 'v' || n, 'N'
      FROM generate_series(1, $2::int) n""",
    """
    INSERT INTO comment (room_id, comment_id, show_id, pseudonym, role, text, fate)
    SELECT room_id, lpad(n::text, 13, '0'), show_id, 'p' || n, 'viewer', 'hello', 'shown'
      FROM draw, generate_series(1, $2::int) n WHERE draw_id = $1""",
    """
    INSERT INTO purchase (shop_id, purchase_id, pseudonym, room_id, amount, currency, exponent)
    SELECT shop_id, 'a' || n, 'p' || n, room_id, 1, 'PLN', 2
      FROM draw, generate_series(1, $2::int) n WHERE draw_id = $1""",
)

_SOLD = (
    """
    INSERT INTO deal (deal_id, room_id, shop_id, product_id, title, state, currency, exponent, tax_included,
                      single_price, units, stock, version)
    SELECT 'd', room_id, shop_id, 'p', 'Deal', 'closed', 'PLN', 2, true, 1, 1, $2::int, 1
      FROM draw WHERE draw_id = $1""",
    """
    INSERT INTO seat (seat_id, team_id, deal_id, viewer, number, state, hold_ms, hold_at)
    SELECT 's' || n, n::text, deal_id, 't' || n, 1, 'confirmed', 0, clock_timestamp()
      FROM draw JOIN deal USING (room_id), generate_series(1, $2::int) n WHERE draw_id = $1""",
    """
    INSERT INTO team_order (seat_id, team_id, deal_id, viewer, quantity, state, price)
    SELECT seat_id, team_id, deal_id, viewer, 1, 'confirmed', 1
      FROM draw JOIN deal USING (room_id) JOIN seat USING (deal_id) WHERE draw_id = $1 AND $2::int > 0""",
)


@pytest.fixture
async def full(desk: Node, database: Database) -> AsyncIterator[tuple[Held, Connection]]:
    """A closed draw that thousands are in, who all spoke and bought."""
    draw_id = await opened(desk, weights=DrawWeights(commented=1, bought=1), law_read=True)
    async with database.transaction() as tx:
        for table in ("draw_entry", "comment", "purchase", "seat", "team_order"):
            await tx.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")  # it must not come to know
        for statement in (*_FILL, *_SOLD):
            await tx.execute(statement, draw_id, _PEOPLE)
    await close(desk, draw_id)
    async with database.transaction() as tx:
        held = await store.look(tx, draw_id)
        assert held is not None
        yield held, tx


async def _read(tx: Connection, statement: str, *arguments: object) -> int:
    """How many rows it takes from tables and their keys."""
    found = json.loads(await tx.fetchval("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, *arguments))
    return sum(
        int(node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in _nodes(found[0]["Plan"])
        if "Scan" in node["Node Type"] and node["Node Type"] != "Function Scan"
    )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from _nodes(each)


async def test_a_batch_of_the_close_reads_what_it_is_about(full: tuple[Held, Connection]) -> None:
    held, tx = full
    span = (b"\x10", b"\x20")
    arguments = (held.draw.id, held.room_id, held.shop_id, held.show_id, True, True, 0, held.draw.closed_at, *span)
    rows = await tx.fetch(facts._AT_CLOSE, *arguments)
    assert all(row["commented"] and row["bought"] for row in rows)
    assert 200 < len(rows) < 300
    assert len(rows) <= await _read(tx, facts._AT_CLOSE, *arguments) <= 5 * len(rows)
    ids = [row["entry_id"] for row in rows]
    assert await _read(tx, weighing._RAISE, held.draw.id, ids, [3] * len(ids), *span) <= 3 * len(rows)


async def test_who_joins_a_team_is_looked_up_and_nobody_else(full: tuple[Held, Connection]) -> None:
    held, tx = full
    people = [f"p{number}" for number in range(1, 6)] + [f"t{number}" for number in range(1, 6)] + ["new"]
    arguments = (people, held.shop_id, "another")
    assert {row["viewer"] for row in await tx.fetch(groupbuy_store._CUSTOMERS, *arguments)} == {*people} - {"new"}
    assert await _read(tx, groupbuy_store._CUSTOMERS, *arguments) <= 60


async def test_who_enters_is_looked_up_and_nobody_else(full: tuple[Held, Connection]) -> None:
    held, tx = full
    people = [f"p{number}" for number in range(1, 11)]
    arguments = (seed.ROOM, held.shop_id, "0", people, people, 3, True, True, held.show_id, 0)
    rows = await tx.fetch(facts._CANDIDATES, *arguments)
    assert all(row["commented"] and row["bought"] for row in rows)
    assert await _read(tx, facts._CANDIDATES, *arguments) <= 60
