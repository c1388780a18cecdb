"""Comments: accepted = shown + sampled out + collapsed + held, to the unit, with Redis and without it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from livestream.config import Settings
from livestream.embedded import Stores
from livestream.protocol.commands import Comment, SetChat
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import AnyReply, Posted
from livestream.protocol.roles import Role
from livestream.room.sampling import Fate
from livestream.storage.pool import Database
from tests.support.nodes import HOST_ID, Node, actor, node, until


async def fates(database: Database) -> Counter[str]:
    """Comments in the archive, by fate."""
    async with database.read() as connection:
        rows = await connection.fetch("SELECT fate, count(*) AS n FROM comment GROUP BY fate")
    return Counter({row["fate"]: row["n"] for row in rows})


def words(viewer: int, number: int) -> str:
    """What nobody else says: comments of the same words would be shown as one."""
    syllables = ("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu")
    return "".join(syllables[int(digit)] for digit in f"{viewer:03}{number:03}")


async def flood(processes: list[Node], viewers: int, each: int) -> list[AnyReply | BaseException]:
    """Everybody comments at once, viewers spread over the processes."""
    return await asyncio.gather(
        *(
            processes[viewer % len(processes)].run(actor(f"v{viewer}"), Comment(ref=n, text=words(viewer, n)))
            for n in range(each)
            for viewer in range(viewers)
        ),
        return_exceptions=True,
    )


def told(processes: list[Node]) -> tuple[int, int]:
    """What viewers were sent, and how many they were told are left out."""
    messages = [message for process in processes for message in process.published]
    return sum(len(message.live) for message in messages), sum(message.left_out for message in messages)


@pytest.fixture
async def two(database: Database, settings: Settings, seeded: str) -> AsyncIterator[list[Node]]:
    async with node(database, settings, 1) as first, node(database, settings, 2) as second:
        yield [first, second]


async def test_every_accepted_comment_has_one_fate_over_two_processes(two: list[Node], database: Database) -> None:
    answers = await flood(two, viewers=100, each=10)
    accepted = [answer for answer in answers if isinstance(answer, Posted)]
    found = await fates(database)
    assert len(accepted) == 1000
    assert found.total() == len(accepted)
    assert set(found) <= {fate.value for fate in Fate}
    assert found[Fate.SHOWN] == sum(answer.shown for answer in accepted)
    assert told(two) == (found[Fate.SHOWN], found[Fate.SAMPLED_OUT])


async def test_the_budget_is_shared_by_all_processes(two: list[Node], database: Database) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await flood(two, viewers=100, each=5)
    shown = (await fates(database))[Fate.SHOWN]
    assert 8 <= shown <= 8 + 8 * (loop.time() - began + 1)


async def test_a_full_queue_is_told_and_offered_is_accepted_and_busy(
    database: Database, settings: Settings, seeded: str
) -> None:
    narrow = msgspec.structs.replace(settings, batch_queue=100, batch_size=50)
    async with node(database, narrow) as process:
        answers = await flood([process], viewers=50, each=10)
    busy = [answer for answer in answers if isinstance(answer, Refused)]
    assert {refused.code for refused in busy} == {ErrorCode.BUSY}
    assert len(busy) + (await fates(database)).total() == 500
    assert told([process])[0] + told([process])[1] == 500 - len(busy)


async def test_who_talks_too_much_is_refused_and_nobody_else(two: list[Node], database: Database) -> None:
    loud = [two[n % 2].run(actor("loud"), Comment(ref=n, text=words(900, n))) for n in range(200)]
    quiet = [two[n % 2].run(actor(f"quiet{n}"), Comment(ref=n, text=words(n, 0))) for n in range(20)]
    answers = await asyncio.gather(*loud, *quiet, return_exceptions=True)
    assert all(isinstance(answer, Posted) for answer in answers[200:])
    refused = [answer for answer in answers[:200] if isinstance(answer, Refused)]
    assert {answer.code for answer in refused} == {ErrorCode.RATE_LIMITED}
    # 20 at once and 0.667 a second are 40 a window; the window may turn once meanwhile.
    assert 120 <= len(refused) <= 160
    assert (await fates(database)).total() == 220 - len(refused)


async def test_in_slow_mode_a_comment_is_judged_once_whatever_its_transaction_meets(
    database: Database, settings: Settings, seeded: str
) -> None:
    """Its row is locked for a moment, and a neighbour cannot be stored."""
    brief = msgspec.structs.replace(settings, statement_timeout_ms=200)
    impatient = await Database.connect(settings.database_url, brief)
    async with node(impatient, brief) as process:
        await process.run(actor(HOST_ID, Role.HOST), SetChat(ref=1, slow_mode_s=30))
        async with database.transaction() as tx:
            await tx.execute("LOCK TABLE comment IN EXCLUSIVE MODE")
            locked = asyncio.create_task(process.run(actor("ann"), Comment(ref=2, text="hello")))
            await asyncio.sleep(0.15)
        assert isinstance(await locked, Posted)
        answers = await asyncio.gather(
            *(
                process.run(actor(who), Comment(ref=3, text=text))
                for who, text in (("b", "ok"), ("c", "a\x00b"), ("d", "no"))
            ),
            return_exceptions=True,
        )
        assert [type(each) for each in answers] == [Posted, Refused, Posted]
    await impatient.close()


async def test_staff_are_shown_in_any_flood(two: list[Node]) -> None:
    host = actor(HOST_ID, Role.HOST)
    flooding = asyncio.create_task(flood(two, viewers=100, each=5))
    answers = [await two[0].run(host, Comment(ref=n, text=f"host {n}")) for n in range(10)]
    assert all(isinstance(answer, Posted) and answer.shown for answer in answers)
    await flooding


async def test_what_staff_say_takes_nothing_from_what_viewers_are_shown(two: list[Node]) -> None:
    host = actor(HOST_ID, Role.HOST)
    answers = await asyncio.gather(*(two[0].run(host, Comment(ref=n, text=f"host {n}")) for n in range(30)))
    answers += await asyncio.gather(*(two[0].run(actor(f"v{n}"), Comment(ref=n, text=words(n, 0))) for n in range(8)))
    assert all(isinstance(answer, Posted) and answer.shown for answer in answers)


@pytest.fixture
async def own_valkey(folder: Path) -> AsyncIterator[Stores]:
    """A Valkey that a test may kill."""
    async with Stores.start(folder / "own", with_postgres=False) as stores:
        yield stores


async def test_with_redis_gone_comments_are_accepted_sampled_and_told_all_the_same(
    database: Database, settings: Settings, seeded: str, own_valkey: Stores
) -> None:
    async with node(database, msgspec.structs.replace(settings, redis_url=own_valkey.redis_url)) as process:
        assert isinstance(await process.run(actor("v0"), Comment(ref=1, text="before")), Posted)
        (server,) = own_valkey._servers
        assert server.process is not None
        server.process.kill()
        await server.process.wait()
        answers = await flood([process], viewers=50, each=4)
        assert all(isinstance(answer, Posted) for answer in answers)
        found = await fates(database)
        assert found.total() == 201
        assert 1 <= found[Fate.SHOWN] <= 40
        assert told([process]) == (found[Fate.SHOWN], found[Fate.SAMPLED_OUT])
        await until(lambda: not process.bus.up)
        await server.start()
        await until(lambda: process.bus.up)
        assert isinstance(await process.run(actor("v1"), Comment(ref=1, text="after")), Posted)
