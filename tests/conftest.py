"""Stores for the tests: the real Postgres and Valkey, once a run, and a fresh database for each test."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
import redis.asyncio

from livestream.embedded import Stores
from livestream.storage.direct import connected
from livestream.storage.migrate import migrate

_TEMPLATE = "template_livestream"
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a developer exported must not change what is tested."""
    for name in os.environ:
        if name.startswith("LIVESTREAM_") or name in ("DATABASE_URL", "REDIS_URL"):
            monkeypatch.delenv(name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stores() -> AsyncIterator[Stores]:
    """Both servers, with a migrated template database."""
    with _folder() as folder:
        async with Stores.start(folder / "data") as running:
            async with _connected(running) as connection:
                await connection.execute(f"CREATE DATABASE {_TEMPLATE}")
            await migrate(database(running, _TEMPLATE))
            yield running


@pytest_asyncio.fixture
async def database_url(stores: Stores) -> AsyncIterator[str]:
    """A database of this test alone, with the schema and nothing in it."""
    name = f"test_{next(_numbers)}"
    async with _connected(stores) as connection:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    yield database(stores, name)
    async with _connected(stores) as connection:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture
async def empty_database_url(stores: Stores) -> AsyncIterator[str]:
    """A database of this test alone, without a schema."""
    name = f"empty_{next(_numbers)}"
    async with _connected(stores) as connection:
        await connection.execute(f"CREATE DATABASE {name}")
    yield database(stores, name)
    async with _connected(stores) as connection:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture
async def redis_url(stores: Stores) -> str:
    """The run's Valkey, emptied."""
    client = redis.asyncio.Redis.from_url(stores.redis_url)
    try:
        await client.flushall()
    finally:
        await client.aclose()
    return stores.redis_url


def database(stores: Stores, name: str) -> str:
    """The address of another database of the same server."""
    return stores.database_url.replace("@/livestream?", f"@/{name}?")


def _connected(stores: Stores) -> AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]:
    """To the server's own database, from where others are made and dropped."""
    return connected(database(stores, "postgres"))


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="livestream-test-"))
    try:
        path.chmod(0o755)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
