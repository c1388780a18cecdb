"""Clocks of a room: what closes by the clock is judged on the database's, stops in a freeze, and goes on by as much."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from livestream.config import Settings
from livestream.protocol.commands import Countdown, Freeze, SetShow, Unfreeze
from livestream.protocol.roles import Role
from livestream.protocol.show import ShowState
from livestream.room import chores
from livestream.storage import deadlines
from livestream.storage.deadlines import Deadline
from livestream.storage.pool import Database
from tests.support.gateways import Gateways
from tests.support.nodes import HOST_ID, Node, actor, node
from tests.support.people import People
from tests.support.wsclient import joined

ROOM = "demo"
HOST = actor(HOST_ID, Role.HOST)


@pytest.fixture
async def process(database: Database, settings: Settings, seeded: str) -> AsyncIterator[Node]:
    async with node(database, settings) as running:
        yield running


async def due(database: Database) -> list[str]:
    async with database.read() as connection:
        return [each.id for each in await deadlines.due(connection, ["countdown", "draw", "team"], 100)]


async def put(database: Database, kind: str, name: str, in_ms: int) -> None:
    async with database.transaction() as tx:
        now_ms = await tx.fetchval("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint")
        await deadlines.put(tx, [Deadline(ROOM, kind, name, now_ms + in_ms)])


async def test_what_is_due_is_told_earliest_first_and_only_of_the_kinds_asked_for(
    database: Database, seeded: str
) -> None:
    for name, in_ms in (("late", -10), ("early", -1000), ("future", 60_000)):
        await put(database, "draw", name, in_ms)
    await put(database, "poll", "other", -1000)
    assert await due(database) == ["early", "late"]


async def test_a_frozen_room_has_nothing_due_and_goes_on_by_as_long_as_the_break_took(
    process: Node, database: Database
) -> None:
    await put(database, "draw", "soon", 300)
    await process.run(HOST, Freeze(ref=1))
    await asyncio.sleep(0.7)
    assert await due(database) == []
    await process.run(HOST, Unfreeze(ref=2))
    assert await due(database) == []
    await asyncio.sleep(0.5)
    assert await due(database) == ["soon"]


async def test_all_deadlines_of_a_room_move_alike_and_no_other_rooms(process: Node, database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO room (room_id, shop_id) VALUES ('other', 'demo')")
        await deadlines.put(tx, [Deadline("other", "team", "x", 5_000_000)])
        await deadlines.put(tx, [Deadline(ROOM, "team", f"t{n}", 5_000_000 + n) for n in range(50)])
    await process.run(HOST, Freeze(ref=1))
    await asyncio.sleep(0.2)
    await process.run(HOST, Unfreeze(ref=2))
    async with database.read() as connection:
        rows = await connection.fetch(
            "SELECT id, floor(extract(epoch FROM due_at) * 1000)::bigint AS at FROM deadline ORDER BY id"
        )
    moved = {row["id"]: row["at"] for row in rows}
    assert moved.pop("x") == 5_000_000
    assert len({at - int(name[1:]) for name, at in moved.items()}) == 1
    assert all(at - 5_000_000 - int(name[1:]) >= 200 for name, at in moved.items())


async def test_a_countdown_is_ended_once_however_many_workers_there_are(process: Node, database: Database) -> None:
    await process.run(HOST, Countdown(ref=1, title="Sale", seconds=5))
    assert await chores.end_countdowns(database) == 0
    async with database.transaction() as tx:
        await tx.execute("UPDATE deadline SET due_at = due_at - interval '1 minute'")
        await tx.execute(
            "UPDATE room SET state = jsonb_set(state::jsonb, '{countdown,ends_at}', '1')::json WHERE room_id = $1", ROOM
        )
    ended = await asyncio.gather(*(chores.end_countdowns(database) for _ in range(5)))
    assert sum(ended) == 1
    channel = process.hub.channels[ROOM]
    await process.hub.catch_up(channel)
    assert channel.state.countdown is None


async def test_a_room_that_is_busy_holds_no_other_up(process: Node, database: Database) -> None:
    await process.run(HOST, Countdown(ref=1, title="Sale", seconds=5))
    async with database.transaction() as tx:
        await tx.execute("UPDATE deadline SET due_at = due_at - interval '1 minute'")
        await tx.execute(
            "UPDATE room SET state = jsonb_set(state::jsonb, '{countdown,ends_at}', '1')::json WHERE room_id = $1", ROOM
        )
        await tx.execute("INSERT INTO room (room_id, shop_id) VALUES ('busy', 'demo')")
        await deadlines.put(tx, [Deadline("busy", "countdown", "x", 1)])  # before the other
    async with database.transaction() as tx:
        await tx.execute("SELECT FROM room WHERE room_id = 'busy' FOR UPDATE")
        assert await chores.end_countdowns(database) == 1


async def test_the_end_of_a_show_takes_its_countdown_and_its_break_away(process: Node, database: Database) -> None:
    await process.run(HOST, Countdown(ref=1, title="Sale", seconds=60))
    await process.run(HOST, Freeze(ref=2))
    await process.run(HOST, SetShow(ref=3, state=ShowState.ENDED))
    async with database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM deadline") == 0
        assert await connection.fetchval("SELECT frozen_at FROM room WHERE room_id = $1", ROOM) is None


async def test_viewers_see_the_break_whenever_they_come_and_a_kill_does_not_end_it(
    start_gateway: Callable[..., Gateways], people: People
) -> None:
    gateway = start_gateway(count=2)
    async with contextlib.AsyncExitStack() as stack:
        host = await stack.enter_async_context(joined(gateway.ws_url, token=people.token("ada", Role.HOST)))
        viewer = await stack.enter_async_context(joined(gateway.ws_url, token=people.token("ann")))
        await host.ask("countdown", title="Sale", seconds=600)
        reply = await host.ask("freeze", message="Back soon", video_url="https://live.example/b")
        await viewer.until(lambda: viewer.state["seq"] == reply["seq"])
        frozen = viewer.state["freezing"]
        assert (frozen["message"], frozen["video_url"]) == ("Back soon", "https://live.example/b")
        ends_at = viewer.state["countdown"]["ends_at"]
    for process in list(gateway.processes):
        gateway.kill(process)
    await asyncio.to_thread(gateway.start, 1)
    async with (
        joined(gateway.ws_url, token=people.token("ada", Role.HOST)) as host,
        joined(gateway.ws_url, token=people.token("bob")) as late,
    ):
        assert late.state["freezing"] == frozen
        reply = await host.ask("unfreeze")
        await late.until(lambda: late.state["seq"] == reply["seq"])
        assert late.state["freezing"] is None
        assert late.state["countdown"]["ends_at"] > ends_at
