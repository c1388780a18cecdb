"""The batcher on Postgres: few transactions for many commands, and nobody suffers for a neighbour."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import asyncpg
import pytest

from livestream.config import Settings
from livestream.protocol.errors import ErrorCode, Internal, Refused, Unavailable
from livestream.storage.batcher import Batcher
from livestream.storage.pool import Database
from tests.support.nodes import until

Run: TypeAlias = Callable[[Sequence[int]], Awaitable[Sequence[int | Refused]]]


@pytest.fixture
async def numbers(database: Database) -> Database:
    """A table of numbers that refuses the 13 and remembers each row's transaction."""
    async with database.transaction() as tx:
        await tx.execute(
            """
            CREATE TABLE number (
                n integer PRIMARY KEY CHECK (n <> 13),
                tx bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint)"""
        )
    return database


def insert_into(database: Database) -> Run:
    """Store a batch in one transaction; negative numbers are refused one by one."""

    async def run(batch: Sequence[int]) -> list[int | Refused]:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO number (n) SELECT unnest($1::int[])", [n for n in batch if n >= 0])
        return [n * 10 if n >= 0 else Refused(ErrorCode.INVALID, "negative") for n in batch]

    return run


async def stored(database: Database) -> list[int]:
    async with database.read() as connection:
        return [row["n"] for row in await connection.fetch("SELECT n FROM number ORDER BY n")]


async def test_many_commands_share_few_transactions_and_each_gets_its_own_answer(numbers: Database) -> None:
    batcher: Batcher[int, int] = Batcher("test", insert_into(numbers), size=256, queue=10_000)
    count = 1000
    wanted = [n for n in range(count + 1) if n != 13]
    assert await asyncio.gather(*map(batcher.submit, wanted)) == [n * 10 for n in wanted]
    assert await stored(numbers) == wanted
    async with numbers.read() as connection:
        assert await connection.fetchval("SELECT count(DISTINCT tx) FROM number") <= 5


async def test_an_idle_batcher_starts_at_once_and_gathers_while_it_runs(numbers: Database) -> None:
    sizes: list[int] = []
    insert = insert_into(numbers)

    async def run(batch: Sequence[int]) -> Sequence[int | Refused]:
        sizes.append(len(batch))
        return await insert(batch)

    batcher: Batcher[int, int] = Batcher("test", run, size=40, queue=10_000)
    first = asyncio.create_task(batcher.submit(0))
    await until(lambda: sizes == [1])
    await asyncio.gather(*map(batcher.submit, range(100, 200)))
    assert await first == 0
    assert sizes == [1, 40, 40, 20]


async def test_a_refusal_is_the_commands_own(numbers: Database) -> None:
    batcher: Batcher[int, int] = Batcher("test", insert_into(numbers), size=256, queue=100)
    answers = await asyncio.gather(*map(batcher.submit, [1, -1, 2]), return_exceptions=True)
    assert [answers[0], answers[2]] == [10, 20]
    assert isinstance(answers[1], Refused)
    assert answers[1].detail == "negative"


async def test_a_poisoned_command_stands_alone_and_its_neighbours_are_stored(numbers: Database) -> None:
    runs: list[int] = []
    insert = insert_into(numbers)

    async def run(batch: Sequence[int]) -> Sequence[int | Refused]:
        runs.append(len(batch))
        return await insert(batch)

    batcher: Batcher[int, int] = Batcher("test", run, size=256, queue=1000)
    answers = await asyncio.gather(*map(batcher.submit, range(200)), return_exceptions=True)
    assert [n for n, answer in enumerate(answers) if answer != n * 10] == [13]
    assert isinstance(answers[13], Refused)
    assert answers[13].code is ErrorCode.INVALID
    assert await stored(numbers) == [n for n in range(200) if n != 13]
    assert len(runs) <= 2 * 8 + 1


async def test_contention_is_tried_again_until_the_lock_is_gone(numbers: Database, settings: Settings) -> None:
    holder = await asyncpg.connect(settings.database_url)
    await holder.execute("BEGIN; LOCK TABLE number")
    tries = 0

    async def run(batch: Sequence[int]) -> list[int]:
        nonlocal tries
        tries += 1
        if tries == 3:
            await holder.execute("COMMIT")
        async with numbers.transaction() as tx:
            await tx.execute("LOCK TABLE number NOWAIT")
            await tx.execute("INSERT INTO number (n) SELECT unnest($1::int[])", batch)
        return list(batch)

    batcher: Batcher[int, int] = Batcher("test", run, size=256, queue=100)
    assert await asyncio.gather(*map(batcher.submit, [1, 2, 3])) == [1, 2, 3]
    assert tries == 3
    assert await stored(numbers) == [1, 2, 3]
    await holder.close()


async def test_a_lock_that_stays_makes_it_busy(numbers: Database, settings: Settings) -> None:
    holder = await asyncpg.connect(settings.database_url)
    await holder.execute("BEGIN; LOCK TABLE number")

    async def run(batch: Sequence[int]) -> list[int]:
        async with numbers.transaction() as tx:
            await tx.execute("LOCK TABLE number NOWAIT")
        return list(batch)

    batcher: Batcher[int, int] = Batcher("test", run, size=256, queue=100)
    with pytest.raises(Refused) as refused:
        await batcher.submit(1)
    assert refused.value.code is ErrorCode.BUSY
    assert refused.value.retry_after_ms
    await holder.close()


async def test_a_full_queue_refuses_at_once_and_keeps_its_promises_to_those_in_it(numbers: Database) -> None:
    batcher: Batcher[int, int] = Batcher("test", insert_into(numbers), size=10, queue=50)
    answers = await asyncio.gather(*map(batcher.submit, range(100, 180)), return_exceptions=True)
    done = [answer for answer in answers if isinstance(answer, int)]
    busy = [answer for answer in answers if isinstance(answer, Refused)]
    assert (len(done), len(busy)) == (50, 30)
    assert {refused.code for refused in busy} == {ErrorCode.BUSY}
    assert len(await stored(numbers)) == 50


async def test_a_postgres_that_is_away_is_told_to_all_and_noticed_when_it_is_back(numbers: Database) -> None:
    away = True
    insert = insert_into(numbers)

    async def run(batch: Sequence[int]) -> Sequence[int | Refused]:
        if away:
            async with numbers.transaction() as tx:
                await tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return await insert(batch)

    batcher: Batcher[int, int] = Batcher("test", run, size=256, queue=100)
    answers = await asyncio.gather(*map(batcher.submit, [1, 2, 3]), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * 3
    away = False
    assert await batcher.submit(4) == 40
    assert await stored(numbers) == [4]


async def test_a_bug_is_told_to_its_batch_alone(numbers: Database) -> None:
    insert = insert_into(numbers)

    async def run(batch: Sequence[int]) -> Sequence[int | Refused]:
        if 7 in batch:
            raise ZeroDivisionError
        return await insert(batch)

    batcher: Batcher[int, int] = Batcher("test", run, size=1, queue=100)
    answers = await asyncio.gather(*map(batcher.submit, [6, 7, 8]), return_exceptions=True)
    assert [answers[0], answers[2]] == [60, 80]
    assert isinstance(answers[1], Internal)


async def test_who_does_not_wait_for_the_answer_harms_nobody(numbers: Database) -> None:
    batcher: Batcher[int, int] = Batcher("test", insert_into(numbers), size=256, queue=100, gather_s=0.02)
    impatient = asyncio.create_task(batcher.submit(1))
    patient = asyncio.create_task(batcher.submit(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == 20
    assert await stored(numbers) == [1, 2]


@pytest.mark.parametrize(("many", "sizes"), [(10, [10, 2]), (1, [1, 1, 1])])
async def test_after_a_batch_of_several_those_who_come_in_a_pause_share_the_next(many: int, sizes: list[int]) -> None:
    found: list[int] = []
    committed = asyncio.Event()

    async def run(batch: Sequence[int]) -> list[int]:
        found.append(len(batch))
        await committed.wait()
        return list(batch)

    batcher: Batcher[int, int] = Batcher("test", run, size=256, queue=100, pause_s=0.05)
    first = [asyncio.create_task(batcher.submit(number)) for number in range(many)]
    while not found:
        await asyncio.sleep(0)
    second = asyncio.create_task(batcher.submit(100))
    await asyncio.sleep(0)
    committed.set()
    await asyncio.gather(*first)
    while many == 1 and not second.done():
        await asyncio.sleep(0)  # nobody waits after a lone one
    assert await asyncio.gather(second, batcher.submit(101)) == [100, 101]
    assert found == sizes


async def test_what_is_prepared_is_prepared_once_however_often_a_batch_is_tried(numbers: Database) -> None:
    prepared: list[int] = []

    async def prepare(batch: Sequence[int]) -> None:
        prepared.extend(batch)

    batcher: Batcher[int, int] = Batcher("test", insert_into(numbers), size=256, queue=100, prepare=prepare)
    answers = await asyncio.gather(*map(batcher.submit, [12, 13, 14]), return_exceptions=True)
    assert [answers[0], answers[2]] == [120, 140]
    assert isinstance(answers[1], Refused)
    assert prepared == [12, 13, 14]


async def test_everybody_is_answered_where_answers_are_missing_and_where_the_batch_is_cancelled(
    numbers: Database,
) -> None:
    began = asyncio.Event()

    async def run(batch: Sequence[int]) -> list[int]:
        if 1 in batch:
            return [10]
        began.set()
        await asyncio.sleep(60)
        return list(batch)

    batcher: Batcher[int, int] = Batcher("test", run, size=2, queue=100)
    answers = await asyncio.gather(*map(batcher.submit, [1, 2]), return_exceptions=True)
    assert [type(each) for each in answers] == [Internal, Internal]
    waiting = [asyncio.ensure_future(batcher.submit(n)) for n in (3, 4, 5)]
    await began.wait()
    assert batcher._worker is not None
    batcher._worker.cancel()
    await asyncio.wait(waiting, timeout=5)
    assert all(each.cancelled() for each in waiting)
