"""The pool: every way in which Postgres can fail becomes one of four, and the pool goes on afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import msgspec
import pytest

from livestream.config import Settings
from livestream.embedded import Stores
from livestream.protocol.errors import OutcomeUnknown, Unavailable
from livestream.storage.pool import Contention, Database, Poison
from tests.support.linecutter import LineCutter, line_cutter

TABLE = "CREATE TABLE thing (id integer PRIMARY KEY CHECK (id > 0), word text NOT NULL)"


@pytest.fixture
async def things(database: Database) -> Database:
    """A database with a small table."""
    async with database.transaction() as tx:
        await tx.execute(TABLE)
        await tx.execute("INSERT INTO thing VALUES (1, 'one')")
    return database


async def words(database: Database) -> list[str]:
    async with database.read() as connection:
        return [row["word"] for row in await connection.fetch("SELECT word FROM thing ORDER BY id")]


async def change(database: Database, then: str | Exception | Callable[[], None]) -> None:
    """A transaction that changes a row, and then runs, raises or does something before it ends."""
    async with database.transaction() as tx:
        await tx.execute("UPDATE thing SET word = 'changed'")
        if isinstance(then, str):
            await tx.execute(then)
        elif isinstance(then, Exception):
            raise then
        else:
            then()


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("INSERT INTO thing VALUES (1, 'again')", Poison),
        ("INSERT INTO thing VALUES (-1, 'below')", Poison),
        ("INSERT INTO thing VALUES (2, NULL)", Poison),
        ("SELECT 1 / 0", Poison),
        ("SELECT 'x'::integer", Poison),
        ("SELECT chr(0)", asyncpg.ProgramLimitExceededError),
        ("SELECT pg_sleep(60)", Unavailable),
        ("SELECT pg_terminate_backend(pg_backend_pid())", Unavailable),
        ("SET TRANSACTION READ ONLY; DELETE FROM thing", Unavailable),
        ("SELECT nonsense", asyncpg.UndefinedColumnError),
    ],
)
async def test_a_failing_statement_is_told_apart_and_nothing_is_done(
    things: Database, settings: Settings, statement: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await change(things, then=statement)
    assert await words(things) == ["one"]


async def test_a_row_that_stays_locked_is_told_in_time(things: Database, settings: Settings) -> None:
    holder = await asyncpg.connect(settings.database_url)  # without our time-outs
    await holder.execute("BEGIN; SELECT FROM thing FOR UPDATE")
    with pytest.raises(Contention):
        async with things.transaction() as tx:
            await tx.execute("SELECT FROM thing FOR UPDATE NOWAIT")
    began = asyncio.get_running_loop().time()
    with pytest.raises((Contention, Unavailable)):
        async with things.transaction() as tx:
            await tx.execute("UPDATE thing SET word = 'changed'")
    assert asyncio.get_running_loop().time() - began < 4
    await holder.close()
    assert await words(things) == ["one"]


async def test_a_deadlock_is_contention_for_one_and_nothing_for_the_other(things: Database) -> None:
    async with things.transaction() as tx:
        await tx.execute("INSERT INTO thing VALUES (2, 'two')")
    met = asyncio.Barrier(2)

    async def cross(first: int, second: int) -> str:
        try:
            async with things.transaction() as tx:
                await tx.execute("SET LOCAL deadlock_timeout = '100ms'")
                await tx.execute("UPDATE thing SET word = word || '!' WHERE id = $1", first)
                await met.wait()
                await tx.execute("UPDATE thing SET word = word || '!' WHERE id = $1", second)
        except Contention:
            return "contention"
        return "done"

    assert sorted(await asyncio.gather(cross(1, 2), cross(2, 1))) == ["contention", "done"]
    assert await words(things) == ["one!", "two!"]


async def test_a_role_that_may_not_come_in_any_more_is_unavailable(
    database: Database, database_url: str, settings: Settings
) -> None:
    async with database.read() as admin:
        await admin.execute("CREATE ROLE passing LOGIN PASSWORD 'a'")
    try:
        address = database_url.partition("@")[2]
        passing = await Database.connect(f"postgresql://passing:a@{address}", settings)
        async with database.read() as admin:
            await admin.execute("ALTER ROLE passing PASSWORD 'b'")
            await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'passing'")
        for _ in range(3):
            with pytest.raises(Unavailable):
                async with passing.read() as connection:
                    await connection.fetchval("SELECT 1")
        await passing.close()
    finally:
        async with database.read() as admin:
            await admin.execute("DROP ROLE passing")


async def test_what_the_body_raises_rolls_back_and_passes_through(things: Database) -> None:
    with pytest.raises(KeyError):
        await change(things, then=KeyError())
    assert await words(things) == ["one"]


async def test_a_snapshot_sees_one_moment_and_writes_nothing(things: Database) -> None:
    async with things.transaction(snapshot=True) as snapshot:
        assert await snapshot.fetchval("SELECT count(*) FROM thing") == 1
        async with things.transaction() as tx:
            await tx.execute("INSERT INTO thing VALUES (2, 'two')")
        assert await snapshot.fetchval("SELECT count(*) FROM thing") == 1
    with pytest.raises(Unavailable):  # as from a standby that was taken for the leader
        async with things.transaction(snapshot=True) as snapshot:
            await snapshot.execute("DELETE FROM thing")


async def test_a_commit_that_breaks_a_deferred_rule_is_poison_and_not_unknown(things: Database) -> None:
    async with things.transaction() as tx:
        await tx.execute("CREATE TABLE part (id integer REFERENCES thing DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(Poison):
        async with things.transaction() as tx:
            await tx.execute("INSERT INTO part VALUES (99)")


async def test_an_exhausted_pool_is_unavailable_after_its_time(things: Database, settings: Settings) -> None:
    small = await Database.connect(
        settings.database_url, msgspec.structs.replace(settings, pool_size=2, statement_timeout_ms=200)
    )
    async with small.read() as first, small.read() as second:
        assert first is not second
        with pytest.raises(Unavailable):
            async with small.read():
                pass
    assert await words(small) == ["one"]
    await small.close()


@pytest.fixture
async def cut(things: Database, settings: Settings, folder: Path) -> AsyncIterator[tuple[LineCutter, Database]]:
    """The same database through a line that can be cut."""
    async with line_cutter(settings.database_url, folder) as (cutter, url):
        database = await Database.connect(url, msgspec.structs.replace(settings, statement_timeout_ms=500))
        yield cutter, database
        await database.close()


@pytest.mark.parametrize("delivered", [True, False])
async def test_a_line_cut_during_commit_leaves_the_outcome_unknown(
    cut: tuple[LineCutter, Database], delivered: bool
) -> None:
    cutter, database = cut
    cutter.cut_at, cutter.deliver = b"COMMIT", delivered
    with pytest.raises(OutcomeUnknown):
        async with database.transaction() as tx:
            await tx.execute("UPDATE thing SET word = 'changed'")
    assert cutter.cuts == 1
    assert await words(database) == ["changed" if delivered else "one"]


async def test_silence_during_commit_leaves_the_outcome_unknown(cut: tuple[LineCutter, Database]) -> None:
    cutter, database = cut
    with pytest.raises(OutcomeUnknown):
        await change(database, then=cutter.hold_answers)
    cutter.let_answers()
    assert await words(database) == ["changed"]


@pytest.mark.parametrize("statement", [b"UPDATE thing", b"BEGIN"])
async def test_a_line_cut_before_commit_means_that_nothing_was_done(
    cut: tuple[LineCutter, Database], statement: bytes
) -> None:
    cutter, database = cut
    cutter.cut_at = statement
    with pytest.raises(Unavailable):
        async with database.transaction() as tx:
            await tx.execute("UPDATE thing SET word = 'changed'")
    assert cutter.cuts == 1
    assert await words(database) == ["one"]


async def test_silence_is_unavailable_in_time_and_the_next_statement_gets_another_line(
    cut: tuple[LineCutter, Database],
) -> None:
    cutter, database = cut
    assert await words(database) == ["one"]
    cutter.hold_answers()
    began = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable):
        await words(database)
    assert asyncio.get_running_loop().time() - began < 6
    cutter.let_answers()
    assert await words(database) == ["one"]


@pytest.fixture
async def own_postgres(folder: Path) -> AsyncIterator[Stores]:
    """A Postgres that a test may kill."""
    async with Stores.start(folder / "own", with_valkey=False) as stores:
        yield stores


async def test_a_postgres_that_is_frozen_or_dead_is_unavailable_and_its_return_is_noticed(
    own_postgres: Stores, settings: Settings
) -> None:
    database = await Database.connect(
        own_postgres.database_url, msgspec.structs.replace(settings, statement_timeout_ms=300)
    )
    async with database.transaction() as tx:
        await tx.execute(TABLE)
        await tx.execute("INSERT INTO thing VALUES (1, 'one')")
        backend: int = await tx.fetchval("SELECT pg_backend_pid()")
    os.kill(backend, signal.SIGSTOP)
    with pytest.raises(Unavailable):
        await words(database)
    os.kill(backend, signal.SIGCONT)
    assert await words(database) == ["one"]

    (server,) = own_postgres._servers
    assert server.process is not None
    server.process.kill()
    await server.process.wait()
    with pytest.raises(Unavailable):
        async with database.transaction() as tx:
            await tx.execute("UPDATE thing SET word = 'changed'")
    with pytest.raises(Unavailable):
        await Database.connect(own_postgres.database_url, settings)
    await server.start()
    assert await words(database) == ["one"]
    await database.close()
