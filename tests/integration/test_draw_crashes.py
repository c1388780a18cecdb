"""A worker that dies at any point, or has others beside it: the next goes on and gets the same bytes, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from livestream.config import Settings
from livestream.protocol.draws import DrawState
from livestream.protocol.errors import Unavailable
from livestream.storage.pool import Database
from lottery import stages
from tests.support import live_draws as draws
from tests.support.live_draws import checked, close, conductor, enter, look, opened, proof_of
from tests.support.nodes import Node, node


@pytest.fixture
async def desk(database: Database, settings: Settings, seeded: str) -> AsyncIterator[Node]:
    async with node(database, settings, beat=True) as running:
        yield running


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
