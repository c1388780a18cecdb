"""What group buys ask of Postgres: each question waits for the scheduler beside a busy fan-out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from groupbuy import reads
from groupbuy.payments.port import Way
from livestream import seed
from livestream.config import Settings
from livestream.parts import Reading
from livestream.protocol.http import PageQuery
from livestream.storage.pool import Database
from tests.support.market import Market
from tests.support.purse import Purse


@pytest.fixture
async def market(settings: Settings, seeded: str) -> AsyncIterator[Market]:
    """One process with one connection, which can be listened to."""
    single = await Database.connect(settings.database_url, msgspec.structs.replace(settings, pool_size=1))
    made = Market(single, settings, Purse(Way.AUTHORISE), processes=1)
    await made.stock_up()
    yield made
    await single.close()


async def test_a_batch_of_joins_is_eight_round_trips_however_many_it_holds(market: Market) -> None:
    deal = await market.open_deal()
    teams = [(await market.open_team(f"leader-{number}", deal)).team.id for number in range(10)]
    asked: list[str] = []
    async with market.database.read() as connection:
        connection.add_query_logger(lambda record: asked.append(record.query))
    joins = [market.join(f"v{number}", deal, team=teams[number // 2], key=f"k{number}") for number in range(20)]
    await asyncio.gather(*joins)
    assert len(asked) == 8, asked
    assert asked[0].startswith("BEGIN")
    assert asked[-1].startswith("COMMIT")


async def test_a_page_of_deals_is_two_questions_however_many_they_are(market: Market) -> None:
    opened = [await market.open_deal(closes_in_s=3600) for _ in range(4)]
    await market.open_team("ann", opened[1])
    asked: list[str] = []
    async with market.database.read() as connection:
        connection.add_query_logger(lambda record: asked.append(record.query))
        found = await reads.deals(connection, Reading({}, PageQuery(limit=3), room_id=seed.ROOM))
        more = await reads.deals(connection, Reading({}, PageQuery(before=found.next), room_id=seed.ROOM))
    assert len(asked) == 4, asked
    items = [*found.items, *more.items]
    assert [each["id"] for each in items] == opened[::-1]
    assert [each["left"] for each in items] == [300, 300, 297, 300]
    assert [each["seats_free"] for each in items] == [0, 0, 2, 0]
    assert all(each["closes_at"] for each in items)
