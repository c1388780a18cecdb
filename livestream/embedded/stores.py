"""Stores: the embedded servers of one data folder, running."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from livestream.account import account
from livestream.datadir import DataDir

from .postgres import create_database, postgres
from .server import Server
from .valkey import valkey


class Stores:
    """What runs, and where."""

    def __init__(self, data: DataDir, servers: list[Server]) -> None:
        self.data = data
        self._servers = servers

    @classmethod
    @contextlib.asynccontextmanager
    async def start(
        cls, data_dir: Path, *, with_postgres: bool = True, with_valkey: bool = True
    ) -> AsyncIterator[Stores]:
        """Open the folder and start the servers in it, making them at the first time; stop them at the end.

        Raises:
            DataDirError, EmbeddedError: one line that says what to do.
        """
        data = DataDir.open(data_dir, account())
        servers: list[Server] = []
        try:
            if with_postgres:
                servers.append(postgres(data))
            if with_valkey:
                servers.append(valkey(data))
            for server in servers:
                await server.start()
            if with_postgres:
                await create_database(data)
            yield cls(data, servers)
        finally:
            # Valkey first: nothing is lost with it. Then Postgres, after it wrote what it holds.
            for server in reversed(servers):
                await server.stop()
            data.close()

    @property
    def database_url(self) -> str:
        return self.data.database_url

    @property
    def redis_url(self) -> str:
        return self.data.redis_url

    async def watch(self) -> None:
        """Task: start again what dies."""
        async with asyncio.TaskGroup() as tasks:
            for server in self._servers:
                tasks.create_task(server.keep())
