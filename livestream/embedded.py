"""Embedded: real Postgres and Valkey in a data folder. The laptop's stores, and the tests'."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from livestream import recipes
from livestream.account import account
from livestream.daemon import Daemon, EmbeddedError
from livestream.datadir import USER, DataDir
from livestream.storage.direct import connected

__all__ = ["EmbeddedError", "Stores"]


class Stores:
    """The two stores of one data folder, running."""

    def __init__(self, data: DataDir, postgres: Daemon, valkey: Daemon) -> None:
        self.data = data
        self.database_url = data.database_url
        self.redis_url = data.redis_url
        self.postgres = postgres
        self.valkey = valkey

    @classmethod
    @contextlib.asynccontextmanager
    async def start(cls, data_dir: Path) -> AsyncIterator[Stores]:
        """Start both, making them at the first time; stop both at the end.

        Raises:
            DataDirError, EmbeddedError: one line that says what to do.
        """
        data = DataDir.open(data_dir, account())
        try:
            stores = cls(data, recipes.postgres(data), recipes.valkey(data))
            try:
                await stores.postgres.start()
                await stores.valkey.start()
                await stores._create_database()
                yield stores
            finally:
                # Postgres last, after it wrote what it holds; with Valkey nothing is lost.
                await stores.valkey.stop()
                await stores.postgres.stop()
        finally:
            data.close()

    async def watch(self) -> None:
        """Task: start again what dies."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.postgres.keep())
            tasks.create_task(self.valkey.keep())

    async def _create_database(self) -> None:
        async with connected(self.database_url.replace(f"@/{USER}?", "@/postgres?")) as connection:
            if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", USER):
                await connection.execute(f"CREATE DATABASE {USER}")
