"""Migrate: brings a database's schema up to this code's, file by file.

Files are `migrations/NNNN_name.sql`, each applied once in a transaction of its
own, under an advisory lock, so that any number of processes may start at once.
Sibling packages bring theirs through the entry point group
`livestream.migrations` (name → package with a `migrations` folder).
"""

from __future__ import annotations

import hashlib
import importlib.resources
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.resources.abc import Traversable

import asyncpg

from livestream.protocol.errors import LivestreamError
from livestream.storage.direct import connected

_LOCK = 0x6C697665  # any number that only we use
_TABLE = """
CREATE TABLE IF NOT EXISTS migration (
    name        text PRIMARY KEY,
    sha256      text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp()
)"""


class MigrationError(LivestreamError):
    """Database and code do not fit; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str  #: package and file
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All there are, in order: ours, then the siblings' by name."""
    packages = [("livestream", "livestream.storage")]
    packages += sorted((point.name, point.value) for point in entry_points(group="livestream.migrations"))
    return [
        Migration(f"{name}/{file.name}", file.read_text("utf-8"))
        for name, package in packages
        for file in _files(importlib.resources.files(package) / "migrations")
    ]


def _files(folder: Traversable) -> list[Traversable]:
    return sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)


async def migrate(dsn: str) -> list[str]:
    """Apply what is missing; returns the names of what was applied.

    Raises:
        DatabaseAway
        MigrationError: a file fails, was changed after it was applied, or the database is newer than this code.
    """
    async with connected(dsn) as connection:
        # Held by the session: it ends with the connection, whatever happens here.
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute(_TABLE)
        rows = await connection.fetch("SELECT name, sha256 FROM migration")
        applied: dict[str, str] = {row["name"]: row["sha256"] for row in rows}
        known = migrations()
        _check(known, applied)
        missing = [migration for migration in known if migration.name not in applied]
        for migration in missing:
            await _apply(connection, migration)
        return [migration.name for migration in missing]


async def _apply(connection: asyncpg.Connection[asyncpg.Record], migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO migration (name, sha256) VALUES ($1, $2)", migration.name, migration.sha256
            )
    except asyncpg.PostgresError as error:
        raise MigrationError(f"migration {migration.name} failed and left nothing behind: {error}") from error


def _check(known: list[Migration], applied: dict[str, str]) -> None:
    by_name = {migration.name: migration for migration in known}
    for name, sha256 in applied.items():
        if name not in by_name:
            raise MigrationError(f"the database is newer than this program (it has {name}): install the newer version")
        if by_name[name].sha256 != sha256:
            raise MigrationError(f"migration {name} was changed after it was applied: restore the file")


async def new_epoch(dsn: str) -> str:
    """Tell all clients that the past has changed. To be done after a restore that kept the cluster's identity."""
    async with connected(dsn) as connection:
        value: str = await connection.fetchval("UPDATE epoch SET value = gen_random_uuid()::text RETURNING value")
        return value
