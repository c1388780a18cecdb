"""Group buys while Postgres itself is killed with -9 and stands still, in a server of this test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from livestream.config import Settings
from livestream.embedded import Stores
from livestream.storage.pool import Database
from tests.support import databases
from tests.support.fair import Fair, fair
from tests.support.folders import open_folder
from tests.support.gateways import Gateways
from tests.support.people import People
from tests.support.storm import STORMS, postgres_killed, postgres_paused, storm

pytestmark = pytest.mark.alone  # it counts seconds, or what the whole machine holds

BLOWS = {"Postgres killed": postgres_killed, "Postgres paused 10 s": postgres_paused}


@pytest.fixture
async def stores() -> AsyncIterator[Stores]:
    """Postgres and Valkey that may be killed: they are started again, as `serve` does."""
    with open_folder() as folder:
        async with Stores.start(folder / "data") as running:
            await databases.make_template(running.database_url)
            watching = asyncio.create_task(running.watch())
            yield running
            watching.cancel()
            await asyncio.wait([watching])


@pytest.fixture
async def market(
    settings: Settings, start_gateway: Callable[..., Gateways], people: People, database: Database, tmp_path: Path
) -> AsyncIterator[Fair]:
    async with fair(settings, start_gateway, people, database, tmp_path) as running:
        yield running


@pytest.mark.timeout(400)
@pytest.mark.parametrize("what", BLOWS)
async def test_what_was_acknowledged_outlives(stores: Stores, market: Fair, database: Database, what: str) -> None:
    await storm(market, database, BLOWS[what](stores), 2, 2.0)


@pytest.mark.trial
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("what", BLOWS)
async def test_twenty_blows(stores: Stores, market: Fair, database: Database, what: str) -> None:
    await storm(market, database, BLOWS[what](stores), 20, 10.0)
    STORMS.write(what, 20, len(market.acked), 0, len(market.refused))
