"""Databases: one migrated template a run, cloned for each test."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from livestream.storage.migrate import migrate

TEMPLATE = "template_migrated"
EMPTY = "template0"
_numbers = itertools.count(1)


def named(url: str, database: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


async def make_template(server_url: str) -> None:
    """Make the migrated database that the others are copies of."""
    await _administer(server_url, f"CREATE DATABASE {TEMPLATE} TEMPLATE {EMPTY}")
    await migrate(named(server_url, TEMPLATE))


@contextlib.asynccontextmanager
async def cloned(server_url: str, template: str = TEMPLATE) -> AsyncIterator[str]:
    """A database of one test's own; dropped at the end, whoever is still connected.

    Args:
        template: `TEMPLATE`, or `EMPTY` for one without any table.
    """
    name = f"test_{next(_numbers)}"
    await _administer(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield named(server_url, name)
    finally:
        await _administer(server_url, f"DROP DATABASE {name} WITH (FORCE)")


async def _administer(server_url: str, statement: str) -> None:
    connection = await asyncpg.connect(named(server_url, "postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
