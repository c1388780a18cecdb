"""What is left of a deal: told a moment after it changed, whatever fails in between."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from groupbuy import gauges
from groupbuy.payments.port import Way
from livestream import seed
from livestream.bus import BusMessage
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.errors import Unavailable
from livestream.storage.pool import Connection, Database
from tests.support.market import Market
from tests.support.nodes import actor, node, until
from tests.support.purse import Purse


@pytest.fixture
async def market(database: Database, settings: Settings, seeded: str) -> Market:
    made = Market(database, settings, Purse(Way.AUTHORISE))
    await made.stock_up()
    return made


async def test_a_read_that_fails_is_made_good_though_nothing_else_happens(
    market: Market, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, failed = gauges.read, 0
    deal = await market.open_deal(stock=10)
    async with node(market.database, settings) as process:
        channel = await process.hub.channel(seed.ROOM)

        async def fail_once(connection: Connection, deal_ids: Sequence[str]) -> dict[str, gauges.Gauges]:
            nonlocal failed
            failed += 1
            if failed == 1:
                raise Unavailable("postgres")
            return await read(connection, deal_ids)

        monkeypatch.setattr(gauges, "read", fail_once)
        await process.run(actor("ann"), c.OpenTeam(ref=1, deal=deal))
        await until(lambda: channel.gauges[f"deal_{deal}_seats"] == 2)
        assert channel.gauges[f"deal_{deal}_left"] == 7
    assert failed == 2


async def test_what_the_bus_lost_is_counted_anew_within_a_few_heartbeats(market: Market, settings: Settings) -> None:
    deal = await market.open_deal(stock=10)
    quick = msgspec.structs.replace(settings, heartbeat_ms=20)
    async with node(market.database, quick, beat=True) as process:
        channel = await process.hub.channel(seed.ROOM)
        assert channel.gauges[f"deal_{deal}_left"] == 10
        await market.open_team("ann", deal)  # in a process that tells nobody
        await until(lambda: channel.gauges[f"deal_{deal}_left"] == 7, seconds=3)
        assert channel.gauges[f"deal_{deal}_seats"] == 2


async def test_what_the_bus_brings_while_it_is_counted_is_newer_than_the_count(
    market: Market, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = gauges.read
    deal = await market.open_deal(stock=10)
    left, seats = f"deal_{deal}_left", f"deal_{deal}_seats"
    async with node(market.database, settings) as process:
        channel = await process.hub.channel(seed.ROOM)
        await market.open_team("ann", deal)

        async def overtaken(connection: Connection, deal_ids: Sequence[str]) -> dict[str, gauges.Gauges]:
            found = await read(connection, deal_ids)
            process.hub.receive(seed.ROOM, BusMessage(origin=9, gauges={left: 4}))
            return found

        monkeypatch.setattr(gauges, "read", overtaken)
        await process.hub._count_anew()
        assert (channel.gauges[left], channel.gauges[seats]) == (4, 2)
