"""A worker that dies at any point, or has others beside it: the next goes on and gets the same bytes, once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from livestream.protocol import commands as c
from livestream.protocol.draws import DrawState, DrawWeights
from livestream.protocol.errors import Unavailable
from livestream.storage.pool import Database
from livestream.storage.roomlog import Appended
from lottery import passing, stages, weighing
from tests.support import live_draws as draws
from tests.support.live_draws import checked, close, conductor, enter, look, opened, proof_of
from tests.support.nodes import Node, actor, until


@pytest.mark.parametrize("dies_at", range(5))
async def test_a_worker_that_dies_before_a_commit_leaves_nothing_half_done(
    dies_at: int, desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every statement that tells anything is the last of its transaction: dying there is dying anywhere in it."""
    draw_id = await opened(desk)
    for number in range(9):
        await enter(desk, draw_id, f"v{number}")
    async with database.transaction() as tx:
        await tx.execute("UPDATE deadline SET due_at = clock_timestamp() WHERE kind = 'draw_close'")
    told, died = 0, 0

    async def dying(*arguments: Any, **more: Any) -> Any:
        nonlocal told, died
        told += 1
        result = await real(*arguments, **more)
        if told - 1 == dies_at:
            died += 1
            raise error
        return result

    error = Unavailable("killed") if dies_at % 2 else KeyError("a bug")
    real = stages.tell
    monkeypatch.setattr(stages, "tell", dying)
    revealed = False
    while (draw := await look(database, draw_id)).state is not DrawState.DRAWN and told < 30:
        if draw.root and not revealed:
            await draws.reveal(desk, draw_id)
            revealed = True
        await draws.turn(database, conductor())
    assert (told, died) == (4 + died, dies_at < 4)
    assert (await checked(database, draw_id)).ok
    await _told_once(database)


@pytest.mark.parametrize("dies_at", range(3))
async def test_a_worker_that_dies_between_two_batches_of_weights_leaves_the_rest_to_the_next(
    dies_at: int, desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weighing, "_AT_ONCE", 3)
    draw_id = await opened(desk, weights=DrawWeights(commented=5))
    for number in range(9):
        await enter(desk, draw_id, f"v{number}")
        await desk.run(actor(f"v{number}"), c.Comment(ref=1, text=f"hello from {number}"))
    await close(desk, draw_id)
    raised, died = 0, 0

    async def dying(*arguments: Any) -> None:
        nonlocal raised, died
        raised += 1
        await real(*arguments)
        if raised - 1 == dies_at:
            died += 1
            raise Unavailable("killed")

    real = weighing._raise
    monkeypatch.setattr(weighing, "_raise", dying)
    for _ in range(4):
        await draws.turn(database, conductor())
    assert died == 1
    assert ((await look(database, draw_id)).weight, raised) == (54, 3 + dies_at + 1)
    await draws.reveal(desk, draw_id)
    await draws.conduct(database)
    assert (await checked(database, draw_id)).ok
    await _told_once(database)


async def test_a_worker_that_dies_after_a_commit_before_it_told_anybody_is_followed_by_one_that_goes_on(
    desk: Node, database: Database
) -> None:
    """What was committed is found by the gateways' heartbeat; the next worker takes each step once."""

    def dying(room_id: str, appended: Appended) -> None:
        raise Killed

    class Killed(Exception):
        pass

    draw_id = await opened(desk)
    for number in range(9):
        await enter(desk, draw_id, f"v{number}")
    await close(desk, draw_id)
    died = 0
    while (draw := await look(database, draw_id)).state is not DrawState.DRAWN:
        if draw.root and 2 not in draw.revealed:
            await draws.reveal(desk, draw_id)
        try:
            await draws.turn(database, conductor(told=dying))
        except* Killed:
            died += 1
        assert died < 10
    assert died == 3  # root, the server's secret, winners
    assert (await checked(database, draw_id)).ok
    await _told_once(database)
    channel = await desk.hub.channel(draws.ROOM)
    await until(lambda: channel.snapshot(False).draws[0].state is DrawState.DRAWN)


@pytest.mark.parametrize("commits", [False, True])
async def test_a_worker_that_dies_while_prizes_go_on_gives_each_to_one_reserve(
    commits: bool, desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_id = await opened(desk)
    for number in range(9):
        await enter(desk, draw_id, f"v{number}")
    await draws.drawn(desk, database, draw_id)
    await draws.hurry(database, draw_id, 8 * 24 * 3600)
    before = (await look(database, draw_id)).winners

    async def dying(*arguments: Any, **more: Any) -> Any:
        await real(*arguments, **more)
        raise Unavailable("killed")

    def deaf(room_id: str, appended: Appended) -> None:
        raise KeyError("killed")

    real = passing.tell
    if commits:
        with pytest.raises(ExceptionGroup):
            await conductor(told=deaf).pass_on(database)
    else:
        with monkeypatch.context() as patch:
            patch.setattr(passing, "tell", dying)
            assert await conductor().pass_on(database) == 0
        assert (await look(database, draw_id)).winners == before
        assert await conductor().pass_on(database) == 1
    assert await conductor().pass_on(database) == 0
    assert [each.place for each in (await look(database, draw_id)).winners] == [2, 3]
    async with database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM room_log WHERE event->>'t' = 'draw_passed_on'") == 2
        assert await connection.fetchval("SELECT count(*) FROM notice WHERE event->>'t' = 'your_prize_went_on'") == 2
        assert await connection.fetchval("SELECT count(*) FROM notice WHERE event->>'t' = 'you_won'") == 4


async def _told_once(database: Database) -> None:
    async with database.read() as connection:
        rows = await connection.fetch(
            "SELECT event->>'t' AS t, event->>'party' AS party, count(*) FROM room_log"
            " WHERE event->>'t' LIKE 'draw_%' GROUP BY 1, 2"
        )
        assert {row["count"] for row in rows} == {1}
        assert await connection.fetchval("SELECT count(*) FROM notice WHERE event->>'t' = 'you_won'") == 2
        assert await connection.fetchval("SELECT count(*) FROM draw_pick WHERE prize IS NOT NULL") == 2


async def test_many_workers_at_once_take_each_step_once(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    for number in range(9):
        await enter(desk, draw_id, f"v{number}")
    await close(desk, draw_id)
    for _ in range(6):
        await asyncio.gather(*(draws.turn(database, conductor()) for _ in range(4)))
        draw = await look(database, draw_id)
        if draw.root and 2 not in draw.revealed:
            await draws.reveal(desk, draw_id)
    assert (await look(database, draw_id)).state is DrawState.DRAWN
    before = await proof_of(database, draw_id)
    await draws.conduct(database)
    assert await proof_of(database, draw_id) == before
    await _told_once(database)


async def test_an_entry_and_the_close_race_and_each_entry_is_in_or_was_told(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    asked = [asyncio.create_task(enter(desk, draw_id, f"v{number}")) for number in range(200)]
    await asyncio.sleep(0.02)
    closing = asyncio.create_task(close(desk, draw_id))
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    await closing
    await draws.conduct(database)
    entered = {each.entry_id for each in outcomes if not isinstance(each, BaseException)}
    draw = await look(database, draw_id)
    async with database.read() as connection:
        stored = {row["id"] for row in await connection.fetch("SELECT encode(entry_id, 'hex') AS id FROM draw_entry")}
        late = await connection.fetchval("SELECT count(*) FROM draw_entry, draw WHERE draw_entry.at > closed_at")
        refused = await connection.fetchval("SELECT count(*) FROM draw_refusal WHERE code = 'draw_not_open'")
    assert stored == entered
    assert late == 0
    assert (draw.entries, refused) == (len(entered), 200 - len(entered))
