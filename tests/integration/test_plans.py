"""Batches ask about each person by a key: however many are in, spoke or bought, they read no more rows than that takes.

In a rush Postgres knows nothing of the tables yet, and a statement keeps the
plan that it made when they were empty.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import msgspec
import pytest

from groupbuy import store as deals
from livestream import seed
from livestream.protocol.draws import DrawNeeds, DrawWeights
from livestream.storage.pool import Connection, Database
from lottery import facts, store, weighing
from lottery.store import Held
from tests.support.live_draws import close, conduct, opened, reveal
from tests.support.nodes import Node, actor

_PEOPLE = 4000
#: all spoke, bought, are muted and in two draws, and four of them won in the one before
_FILL = (
    """
    INSERT INTO draw_entry (draw_id, entry_id, weight, promised, at, pseudonym, viewer_id, name)
    SELECT draw_id, substring(sha256(n::text::bytea) FOR 16), 1, 1, clock_timestamp(), 'p-v' || n, 'v' || n, 'N'
      FROM draw, generate_series(1, $2::int) n WHERE $1::text <> ''""",
    """
    INSERT INTO draw_pick (draw_id, place, entry_id, prize, given_at, claim_until)
    SELECT draw_id, row_number() OVER () - 1, entry_id, row_number() OVER () - 1, clock_timestamp(), clock_timestamp()
      FROM draw_entry WHERE draw_id <> $1 AND viewer_id IN ('v1', 'v2', 'v3', 'v4') AND $2::int > 0""",
    """
    INSERT INTO sanction (room_id, pseudonym, kind, at, by_name)
    SELECT room_id, 'p-v' || n, 'mute', clock_timestamp(), 'N' FROM draw, generate_series(1, $2::int) n
     WHERE draw_id = $1""",
    """
    INSERT INTO comment (room_id, comment_id, show_id, pseudonym, role, text, fate)
    SELECT room_id, lpad(n::text, 13, '0'), show_id, 'p-v' || n, 'viewer', 'hello', 'shown'
      FROM draw, generate_series(1, $2::int) n WHERE draw_id = $1""",
    """
    INSERT INTO purchase (shop_id, purchase_id, pseudonym, room_id, amount, currency, exponent)
    SELECT shop_id, 'a' || n, 'p-v' || n, room_id, 1, 'PLN', 2
      FROM draw, generate_series(1, $2::int) n WHERE draw_id = $1""",
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
_TABLES = ("draw_entry", "draw_pick", "sanction", "comment", "purchase", "seat", "team_order")
_ROWS = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int FROM pg_stat_xact_user_tables"
Ask = Callable[[Connection], Awaitable[object]]


@pytest.fixture
async def held(desk: Node, database: Database) -> Held:
    """A draw that asks for all there is to ask for; the one before it was drawn."""
    async with database.transaction() as tx:
        for table in _TABLES:
            await tx.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")  # it must not come to know
    before = await opened(desk)
    await close(desk, before)
    await conduct(database)
    await reveal(desk, before)
    await conduct(database)
    draw_id = await opened(
        desk,
        needs=DrawNeeds(commented=True, bought=True),
        weights=DrawWeights(commented=1, bought=1),
        exclude_winners_of=3,
        law_read=True,
    )
    async with database.read() as connection:
        found = await store.look(connection, draw_id)
    assert found is not None
    return found


@pytest.fixture(params=["force_custom_plan", "force_generic_plan"])
async def rows_of(
    held: Held, database: Database, request: pytest.FixtureRequest
) -> AsyncIterator[Callable[[Ask], Awaitable[int]]]:
    """How many rows a question takes from tables, once thousands are there."""
    async with database.transaction() as tx:
        await tx.execute(f"SET LOCAL plan_cache_mode = {request.param}")

        async def rows(ask: Ask) -> int:
            await ask(tx)  # the plan is made while the tables are empty
            async with _undone(tx):
                for statement in _FILL:
                    await tx.execute(statement, held.draw.id, _PEOPLE)
                before: int = await tx.fetchval(_ROWS)
                await ask(tx)
                after: int = await tx.fetchval(_ROWS)
            return after - before

        yield rows


@contextlib.asynccontextmanager
async def _undone(tx: Connection) -> AsyncIterator[None]:
    inner = tx.transaction()
    await inner.start()
    yield
    await inner.rollback()


async def test_a_batch_of_the_close_reads_what_it_is_about(
    held: Held, rows_of: Callable[[Ask], Awaitable[int]]
) -> None:
    span, found = (b"\x10", b"\x20"), []
    closed = replace(held, draw=msgspec.structs.replace(held.draw, closed_at=2**42))  # whatever the time is

    async def judge(tx: Connection) -> None:
        nonlocal found
        found = await facts.at_close(tx, closed, held.open_rules, 0, span, None)
        await weighing._raise(tx, held.draw.id, span, held.open_rules, found)

    rows = await rows_of(judge)
    assert all(each.facts.commented and each.facts.bought for each in found)
    assert 200 < len(found) < 300
    assert 2 * len(found) <= rows <= 6 * len(found)


async def test_who_enters_is_looked_up_and_nobody_else(held: Held, rows_of: Callable[[Ask], Awaitable[int]]) -> None:
    people, found = [actor(f"v{number}") for number in range(1, 11)], []

    async def ask(tx: Connection) -> None:
        nonlocal found
        moment = await facts.moment(tx, seed.ROOM)
        found = await facts.candidates(tx, held, held.open_rules, moment, people, None)

    rows = await rows_of(ask)
    assert all(each.facts.commented and each.facts.bought and each.muted and not each.banned for each in found)
    assert [each.won_lately for each in found] == [number < 5 for number in range(1, 11)]
    assert 10 <= rows <= 120


async def test_who_joins_a_team_is_looked_up_and_nobody_else(rows_of: Callable[[Ask], Awaitable[int]]) -> None:
    people = [f"p-v{number}" for number in range(1, 6)] + [f"t{number}" for number in range(1, 6)]
    found: set[str] = set()

    async def ask(tx: Connection) -> None:
        nonlocal found
        found = {row["viewer"] for row in await tx.fetch(deals._CUSTOMERS, [*people, "new"], seed.SHOP, "another")}

    rows = await rows_of(ask)
    assert found == set(people)
    assert 10 <= rows <= 60
