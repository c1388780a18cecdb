"""Direct: one connection to Postgres for the length of a command, outside any pool."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import asyncpg

from livestream.protocol.errors import LivestreamError

_CONNECT_S = 10.0


class DatabaseAway(LivestreamError):
    """Postgres does not let us in; the text says why and what to do."""


@contextlib.asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """Connect, and close at the end.

    Raises:
        DatabaseAway: no answer, a wrong address, a wrong password, or no schema.
    """
    try:
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(dsn, timeout=_CONNECT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise DatabaseAway(
            f"Postgres cannot be used ({reason}): is it running, and is DATABASE_URL right? "
            "Without DATABASE_URL, is `livestream serve` running on this data folder?"
        ) from None
    try:
        yield connection
    except asyncpg.UndefinedTableError as error:
        raise DatabaseAway(f"the database has no schema ({error}): run `livestream migrate`") from error
    finally:
        await connection.close()
