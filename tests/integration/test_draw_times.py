"""A draw's moments: what came first is first, whoever waited for a lock, and late is late though nobody swept."""

from __future__ import annotations

import asyncio

import pytest

from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.draws import DrawState, DrawWeights
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.show import ShowState
from livestream.storage.pool import Database
from lottery import stages, store, weighing
from tests.support import live_draws as draws
from tests.support.live_draws import HOST, checked, close, conduct, enter, look, opened, refused
from tests.support.nodes import Node, actor, node


async def _waiting(database: Database, count: int) -> None:
    """So many sessions wait for a lock."""
    for _ in range(2000):
        async with database.read() as connection:
            if await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") >= count:
                return
        await asyncio.sleep(0.005)
    raise TimeoutError


async def _due_since(database: Database, seconds: float) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            "UPDATE deadline SET due_at = clock_timestamp() - $1 * interval '1 second' WHERE kind = 'draw_close'",
            seconds,
        )


async def test_an_entry_that_got_the_lock_before_the_close_is_not_later_than_the_close(
    desk: Node, database: Database
) -> None:
    """The close has the room's lock and the time, and waits behind the entry for the draw's."""
    draw_id = await opened(desk)
    async with database.transaction() as tx:
        await tx.execute("SELECT 1 FROM draw WHERE draw_id = $1 FOR NO KEY UPDATE", draw_id)
        entering = asyncio.create_task(enter(desk, draw_id))
        await _waiting(database, 1)
        closing = asyncio.create_task(close(desk, draw_id))
        await _waiting(database, 2)
        await asyncio.sleep(0.05)  # a moment that was read before the lock would show
    receipt = await entering
    await closing
    closed_at = (await look(database, draw_id)).closed_at
    assert closed_at is not None
    assert receipt.entered_ms <= closed_at
    await conduct(database)
    await draws.reveal(desk, draw_id)
    await conduct(database)
    report = await checked(database, draw_id, receipt)
    assert report.ok, report


async def test_two_gateways_and_a_close_leave_no_entry_later_than_it(
    desk: Node, database: Database, settings: Settings
) -> None:
    async with node(database, settings, 2, beat=True) as other:
        draw_id = await opened(desk)
        asked = [asyncio.create_task(enter((desk, other)[n % 2], draw_id, f"v{n}")) for n in range(300)]
        await asyncio.sleep(0.05)
        await close(desk, draw_id)
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
    closed_at = (await look(database, draw_id)).closed_at or 0
    assert [each for each in outcomes if not isinstance(each, Refused) and each.entered_ms > closed_at] == []  # type: ignore[union-attr]


async def test_who_is_in_gets_the_same_receipt_by_the_same_key_also_after_the_close(
    desk: Node, database: Database
) -> None:
    """The reply was lost, and the draw closed before the same was sent again."""
    draw_id = await opened(desk)
    receipt = await enter(desk, draw_id, key="k")
    await close(desk, draw_id)
    assert await enter(desk, draw_id, key="k") == receipt
    assert await refused(enter(desk, draw_id, "bea", key="k")) is ErrorCode.DRAW_NOT_OPEN
    async with database.read() as connection:
        assert await connection.fetch("SELECT pseudonym FROM draw_refusal") == [("p-bea",)]


async def test_past_its_latest_close_a_draw_is_not_called_off(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    await enter(desk, draw_id)
    await _due_since(database, 30)
    assert await refused(desk.run(HOST, c.CancelDraw(ref=1, draw=draw_id, why="other people"))) is ErrorCode.DRAW_STATE
    await desk.run(HOST, c.SetShow(ref=1, state=ShowState.ENDED))
    assert await stages.end_open(database, draws.ROOM, draw_id)
    assert (await look(database, draw_id)).state is DrawState.CLOSED


async def test_a_show_that_ended_before_the_latest_close_called_the_draw_off_though_nobody_swept(
    desk: Node, database: Database
) -> None:
    draw_id = await opened(desk)
    await desk.run(HOST, c.SetShow(ref=1, state=ShowState.ENDED))
    await asyncio.sleep(0.02)
    await _due_since(database, 0.01)
    await conduct(database)
    assert (await look(database, draw_id)).state is DrawState.CANCELLED


async def test_an_entry_and_the_end_of_a_break_see_one_clock(desk: Node, database: Database) -> None:
    """Deadline, break and clock are one statement: not the old deadline without the break."""
    draw_id = await opened(desk)
    await desk.run(HOST, c.Freeze(ref=1))
    await _due_since(database, -0.05)
    async with database.transaction() as tx:
        await tx.execute("UPDATE room SET frozen_at = clock_timestamp()")
    await asyncio.sleep(0.1)  # over by the clock on the wall, not by the room's
    entering = [asyncio.create_task(enter(desk, draw_id, f"v{n}")) for n in range(40)]
    await desk.run(HOST, c.Unfreeze(ref=1))
    outcomes = await asyncio.gather(*entering, return_exceptions=True)
    assert [each for each in outcomes if isinstance(each, BaseException)] == []


# -- weights


async def test_weights_freeze_at_the_close_with_what_came_since_the_entry(
    desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weighing, "_AT_ONCE", 2)
    draw_id = await opened(desk, weights=DrawWeights(commented=5, bought=2), law_read=True)
    receipts = {viewer: await enter(desk, draw_id, viewer) for viewer in ("ann", "bea", "cid", "dan", "eve")}
    for viewer in ("ann", "cid"):
        await desk.run(actor(viewer), c.Comment(ref=1, text=f"hello from {viewer}"))
    await close(desk, draw_id)
    await desk.run(actor("bea"), c.Comment(ref=1, text="too late"))
    async with database.transaction() as tx:
        await tx.execute("UPDATE draw_entry SET weight = 8 WHERE pseudonym = 'p-dan'")  # had been judged so at entry
    await conduct(database)
    assert {receipt.weight for receipt in receipts.values()} == {1}
    async with database.read() as connection:
        weights = dict(await connection.fetch("SELECT viewer_id, weight FROM draw_entry"))
    assert weights == {"ann": 6, "bea": 1, "cid": 6, "dan": 8, "eve": 1}
    assert (await look(database, draw_id)).weight == 22
    await draws.reveal(desk, draw_id)
    await conduct(database)
    for receipt in receipts.values():
        assert (await checked(database, draw_id, receipt)).ok


async def test_once_weighed_nothing_changes_a_weight(desk: Node, database: Database) -> None:
    draw_id = await opened(desk, weights=DrawWeights(commented=5))
    await enter(desk, draw_id)
    await desk.run(actor(), c.Comment(ref=1, text="hello"))
    await close(desk, draw_id)
    async with database.read() as connection:
        held = await store.look(connection, draw_id)
    assert held is not None
    await weighing.weigh(database, held, None)
    async with database.transaction() as tx:
        await tx.execute("UPDATE draw_entry SET weight = 1")
    await asyncio.gather(*(weighing.weigh(database, held, None) for _ in range(3)))
    async with database.read() as connection:
        assert await connection.fetchval("SELECT weight FROM draw_entry") == 1
