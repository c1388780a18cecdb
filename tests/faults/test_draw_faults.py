"""Gateways and the worker are killed in the rush into a draw and while it is drawn: no entry lost, one result."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import asyncpg
import msgspec
import pytest

from livestream import auth, seed
from livestream.account import account
from livestream.auth import ShopKey
from livestream.client import Client, connect
from livestream.datadir import DataDir
from livestream.protocol.draws import BeaconKind, DrawReceipt, DrawRooted
from livestream.protocol.pushes import Log
from livestream.protocol.roles import Role
from lottery import verify
from lottery.receipt import Held, Receipt
from tests.support.folders import open_folder
from tests.support.live_draws import COHOST_SECRET, commitment, plan
from tests.support.shows import Show, show

pytestmark = pytest.mark.alone  # it counts seconds, or what the whole machine holds

_VIEWERS = 120
_RUSH_S = 6.0


@pytest.fixture
def running() -> Iterator[Show]:
    with open_folder() as folder, show(folder, "--gateways", "2") as started:
        started.wait_until_ready()
        yield started


def _kill(started: Show, word: str) -> int:
    """kill -9 of one of these, if the supervisor has one up just now; returns how many."""
    found = [pid for pid, command in started.processes().items() if word in command]
    for pid in found[:1]:
        os.kill(pid, signal.SIGKILL)
    return len(found[:1])


def _client(started: Show, key: ShopKey, viewer: str, role: Role = Role.VIEWER) -> Client:
    token = auth.mint(
        key, viewer_id=viewer, role=role, name=viewer, room_id=None, ttl_s=3600, now_ms=int(time.time() * 1000)
    )
    return connect(f"ws://127.0.0.1:{started.port}/v1/ws", room=seed.ROOM, token=token, reply_timeout_s=60.0)


async def _reveal_when_rooted(host: Client, draw_id: str, rooted: asyncio.Event) -> None:
    async for push in host:
        if isinstance(push, Log) and isinstance(push.event, DrawRooted) and push.event.draw == draw_id:
            rooted.set()
            await host.reveal_draw(draw_id, 2, COHOST_SECRET.hex())
            return


async def _wait_for_state(dsn: str, draw_id: str, state: str) -> None:
    async with asyncio.timeout(50):
        while True:
            try:
                connection = await asyncpg.connect(dsn)
                try:
                    if await connection.fetchval("SELECT state FROM draw WHERE draw_id = $1", draw_id) == state:
                        return
                finally:
                    await connection.close()
            except OSError:
                pass
            await asyncio.sleep(0.1)


async def test_no_entry_is_lost_and_there_is_one_result_whoever_is_killed(running: Show) -> None:
    dsn = DataDir(Path(running.data_dir), account()).database_url
    key = await seed.signing_key(dsn, seed.SHOP)
    assert key is not None
    receipts: list[DrawReceipt] = []
    async with _client(running, key, "host", Role.HOST) as host:
        draw_id = (await host.create_draw(plan(beacon=BeaconKind.COHOSTS, seconds=120))).draw
        await host.open_draw(draw_id, commitments=[commitment(draw_id)], names=["host"])
        under_way = 0

        async def one(number: int) -> None:
            nonlocal under_way
            async with _client(running, key, f"viewer-{number}") as viewer:
                await asyncio.sleep(random.uniform(0, _RUSH_S))
                under_way += 1
                reply = await viewer.enter_draw(draw_id)
                under_way -= 1
                receipts.append(reply.receipt)

        async def hurt() -> None:
            kills = 0
            for _ in range(4):
                await asyncio.sleep(_RUSH_S / 5)
                kills += _kill(running, "livestream gateway") * (under_way > 0)
                _kill(running, "livestream worker")
            assert kills, "nothing was under way when a gateway was killed"

        async with asyncio.TaskGroup() as tasks:
            for number in range(_VIEWERS):
                tasks.create_task(one(number))
            tasks.create_task(hurt())
        assert len({receipt.entry_id for receipt in receipts}) == _VIEWERS

        rooted = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_reveal_when_rooted(host, draw_id, rooted))
            await host.close_draw(draw_id)
            kills = 0
            for _ in range(3):
                kills += _kill(running, "livestream worker")
                _kill(running, "livestream gateway")
                await asyncio.sleep(0.7)
            await rooted.wait()
            kills += _kill(running, "livestream worker")
            assert kills
        await _wait_for_state(dsn, draw_id, "drawn")

    connection = await asyncpg.connect(dsn)
    try:
        stored = {row["id"] for row in await connection.fetch("SELECT encode(entry_id, 'hex') AS id FROM draw_entry")}
        assert stored == {receipt.entry_id for receipt in receipts}
        assert await connection.fetchval("SELECT entries FROM draw") == _VIEWERS
        told = await connection.fetch(
            "SELECT event->>'t' AS t, count(*) FROM room_log WHERE event->>'t' LIKE 'draw_%' GROUP BY 1"
        )
        assert {row["t"]: row["count"] for row in told} == {
            "draw_announced": 1, "draw_opened": 1, "draw_closed": 1, "draw_rooted": 1, "draw_revealed": 2,
            "draw_drawn": 1,
        }  # fmt: skip
        assert await connection.fetchval("SELECT count(*) FROM notice WHERE event->>'t' = 'you_won'") == 2
    finally:
        await connection.close()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{running.url}/v1/draws/{draw_id}/proof") as answer,
    ):
        document = await answer.read()
    for receipt in receipts:
        report = verify.verify(document, Held(Receipt(**msgspec.structs.asdict(receipt))))
        assert report.ok, report
