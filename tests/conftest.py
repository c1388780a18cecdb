"""Fixtures: from the running stores up to gateway processes with a seeded room.

    stores ─> database_url, redis_url ─> settings ─> database
                                            └──────> gateway, start_gateway
              seeded, people (tokens), desk, market

Everything is real and a test's own, but the two store servers, which the run shares.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import hypothesis
import msgspec
import pytest
import pytest_asyncio
import redis.asyncio

from livestream import seed
from livestream.config import Settings
from livestream.embedded import Stores
from livestream.storage.pool import Database
from lottery import quicknet
from tests.support import databases, live_draws
from tests.support.folders import open_folder
from tests.support.gateways import NOT_OURS, Gateways, gateways
from tests.support.market import Market, market_of
from tests.support.nodes import Node, node
from tests.support.people import People
from tests.support.ports import reserved_port

# Machines are shared and noisy: a property holds or it does not, however long an example took.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")

# Who is started with `nohup`, or in the background of a script, does not hear these, nor do those it starts.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a developer exported must not change what is tested."""
    for name in list(os.environ):
        if name.startswith(NOT_OURS):
            monkeypatch.delenv(name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stores() -> AsyncIterator[Stores]:
    """The embedded Postgres and Valkey of this run, with the migrated template."""
    with open_folder() as folder:
        async with Stores.start(folder / "data") as running:
            await databases.make_template(running.database_url)
            yield running


@pytest.fixture
async def database_url(stores: Stores) -> AsyncIterator[str]:
    """A migrated database without a row of ours."""
    async with databases.cloned(stores.database_url) as url:
        yield url


@pytest.fixture
async def empty_database_url(stores: Stores) -> AsyncIterator[str]:
    """A database without a table."""
    async with databases.cloned(stores.database_url, databases.EMPTY) as url:
        yield url


@pytest.fixture
async def redis_url(stores: Stores) -> str:
    """Redis, flushed."""
    client = redis.asyncio.Redis.from_url(stores.redis_url)
    await client.flushall()
    await client.aclose()
    return stores.redis_url


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a deployment of this test's own; its port is reserved. Drains are short."""
    with reserved_port() as port:
        yield Settings(
            database_url=database_url,
            redis_url=redis_url,
            secret=secrets.token_hex(32),
            data_dir=str(tmp_path / "data"),
            port=port,
            drain_s=0.2,
            log_format="json",
        )


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """A pool of connections to this test's database."""
    pool = await Database.connect(settings.database_url, settings, name="livestream test")
    yield pool
    await pool.close()


@pytest.fixture
async def seeded(database_url: str) -> str:
    """The demo shop with its room and a show on air; the room's id."""
    await seed.seed(database_url)
    return seed.ROOM


@pytest.fixture
async def desk(database: Database, settings: Settings, seeded: str) -> AsyncIterator[Node]:
    """A gateway's service over the seeded room, in this process and with its heartbeat, to run commands on."""
    async with node(database, settings, beat=True) as running:
        yield running


@pytest.fixture
def own_beacon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The public beacon has a key that the test can sign with: nobody has the real one."""
    monkeypatch.setattr(quicknet, "PUBLIC_KEY", live_draws.beacon_public_key())


@pytest.fixture
async def market(database: Database, settings: Settings, seeded: str) -> Market:
    """Group buys in the seeded room, at a provider of this test's own that holds money first."""
    return await market_of(database, settings)


@pytest.fixture
async def people(seeded: str, database_url: str) -> People:
    """Mints tokens for the seeded room."""
    key = await seed.signing_key(database_url, seed.SHOP)
    assert key is not None
    return People(key)


@pytest.fixture
def start_gateway(settings: Settings, seeded: str, tmp_path: Path) -> Iterator[Callable[..., Gateways]]:
    """Start gateway processes over the seeded room: `start_gateway(count=2, compress=False)`.

    `count` processes share a port, other arguments are settings.
    """
    with contextlib.ExitStack() as running:
        numbers = iter(range(1000))

        def start(count: int = 1, **overrides: object) -> Gateways:
            folder = tmp_path / f"gateways-{next(numbers)}"
            folder.mkdir()
            changed = msgspec.structs.replace(settings, **overrides)
            return running.enter_context(gateways(changed, folder, count))

        yield start


@pytest.fixture
def gateway(start_gateway: Callable[..., Gateways]) -> Gateways:
    """One gateway process over the seeded room."""
    return start_gateway()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in which a test can run stores of its own."""
    with open_folder() as made:
        yield made
