"""Pool: one process's connections to Postgres, and the only place that knows the driver's exceptions.

What `transaction()` raises, beside what its body raises:

    Unavailable      Postgres is away, frozen or refused the statement for lack of time; nothing was done
    OutcomeUnknown   the connection broke, or fell silent, during COMMIT
    Contention       deadlock, lock time-out or serialisation failure; nothing was done, try the same again
    Poison           SQLSTATE class 22 or 23: a value in it cannot be stored; nothing was done
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from typing import TypeAlias

import asyncpg
import structlog

from livestream.config import Settings
from livestream.protocol.errors import LivestreamError, OutcomeUnknown, Unavailable

_log = structlog.get_logger()
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

#: how much longer than the server's own limits a client waits before it takes the server for frozen
_SILENCE_S = 2.0
_CONTENTION = frozenset({"40P01", "40001", "55P03"})
_LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InternalClientError,
)
#: SQLSTATE classes that tell of the server's state and not of our statement
_AWAY_CLASSES = ("08", "25006", "25P03", "28", "3D", "53", "57", "58", "XX")


class Contention(LivestreamError):
    """Another transaction was in the way; the same again may pass."""


class Poison(LivestreamError):
    """One value of the transaction cannot be stored."""


class _BareConnection(asyncpg.Connection):
    """Skips the reset round trip on release: we hold no session state."""

    def get_reset_query(self) -> str:
        return ""


class Database:
    """The pool of one process. Every session has short time-outs: no transaction may stop a room."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], timeout_s: float) -> None:
        self._pool = pool
        self._timeout_s = timeout_s

    @classmethod
    async def connect(cls, dsn: str, settings: Settings, *, name: str = "livestream") -> Database:
        """Open the pool.

        Raises:
            Unavailable: Postgres does not answer.
        """
        limit = str(settings.statement_timeout_ms)
        timeout_s = settings.statement_timeout_ms / 1000 + _SILENCE_S
        with _translated():
            pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=settings.pool_size,
                timeout=timeout_s,
                command_timeout=timeout_s,
                connection_class=_BareConnection,
                server_settings={
                    "application_name": name,
                    "statement_timeout": limit,
                    # Half: else the statement's own limit is over first, and contention would look like absence.
                    "lock_timeout": str(settings.statement_timeout_ms // 2),
                    "idle_in_transaction_session_timeout": limit,
                    # A statement keeps the plan of its first uses. On a table that was empty then, that is to read all
                    # of it; and in a rush it is full long before there are statistics to make a new plan by.
                    "enable_seqscan": "off",
                },
            )
        return cls(pool, timeout_s)

    @classmethod
    async def connect_when_up(cls, settings: Settings, stop: asyncio.Event, *, name: str) -> Database | None:
        """Open the pool to `settings.database_url`, waiting for Postgres; None: told to stop meanwhile."""
        while not stop.is_set():
            try:
                return await cls.connect(settings.database_url, settings, name=name)
            except Unavailable as error:
                _log.warning("postgres.away", error=str(error.__cause__))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), timeout=random.uniform(0.2, 1.0))
        return None

    async def close(self) -> None:
        """Close politely, or after a moment by force."""
        with contextlib.suppress(*_LOST, asyncpg.PostgresError):
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    @contextlib.asynccontextmanager
    async def transaction(self, *, snapshot: bool = False) -> AsyncIterator[Connection]:
        """Run a body in one transaction; commits when it ends, rolls back when it raises.

        Args:
            snapshot: read-only, every statement sees the same moment.
        """
        async with self._session() as connection:
            transaction = (
                connection.transaction(isolation="repeatable_read", readonly=True)
                if snapshot
                else connection.transaction()
            )
            with _translated():
                await transaction.start()
            try:
                with _translated():
                    yield connection
            except BaseException:
                with contextlib.suppress(*_LOST, asyncpg.PostgresError):
                    await transaction.rollback()
                raise
            try:
                await transaction.commit()
            except _LOST as error:
                raise OutcomeUnknown(str(error)) from error
            except asyncpg.PostgresError as error:
                if _away(error):
                    raise OutcomeUnknown(str(error)) from error
                raise _translate(error) from error

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A connection for single statements that only read."""
        async with self._session() as connection:
            with _translated():
                yield connection

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[Connection]:
        try:
            connection = await self._pool.acquire(timeout=self._timeout_s)
        except (*_LOST, asyncpg.PostgresError) as error:
            raise Unavailable("postgres") from error  # whatever it says: there is no session
        try:
            yield connection
        except (Unavailable, OutcomeUnknown):
            with contextlib.suppress(asyncpg.InterfaceError):  # a lost one has left the pool by itself
                connection.terminate()  # it may be talking to a frozen server: never hand it on
            raise
        finally:
            with contextlib.suppress(*_LOST, asyncpg.PostgresError):
                await self._pool.release(connection, timeout=self._timeout_s)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """The driver's exceptions to ours. A body asks Postgres alone: any OSError in it is taken for Postgres's."""
    try:
        yield
    except _LOST as error:
        raise Unavailable("postgres") from error
    except asyncpg.PostgresError as error:
        raise _translate(error) from error


def _away(error: asyncpg.PostgresError) -> bool:
    return (error.sqlstate or "").startswith(_AWAY_CLASSES)


def _translate(error: asyncpg.PostgresError) -> Exception:
    if error.sqlstate in _CONTENTION:
        return Contention(str(error))
    if _away(error):
        return Unavailable("postgres")
    if (error.sqlstate or "").startswith(("22", "23")):
        return Poison(f"{error.sqlstate} {type(error).__name__}")  # its text quotes the value
    return error
