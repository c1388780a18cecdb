"""A draw of the public beacon while workers are killed: at the close, at the root, and with a relay's answer under way.

The beacon is the test's own, with a key of its own that the workers are told;
all else is real: processes, kill -9, Postgres, HTTP, BLS signatures.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp import web

from livestream.config import Settings
from livestream.deployment import to_environ
from livestream.protocol.draws import BeaconKind, DrawState
from livestream.storage.pool import Database
from lottery import conduct, quicknet, store
from tests.support import live_draws as draws
from tests.support.live_draws import checked, close, enter, look, opened
from tests.support.nodes import node
from tests.support.ports import free_port

pytestmark = pytest.mark.alone  # it counts seconds, or what the whole machine holds

_WORKER = """
import asyncio, os, sys
from lottery import quicknet
quicknet.PUBLIC_KEY = bytes.fromhex(sys.argv[1])
from livestream import worker
from livestream.config import load
from livestream.deployment import secret_of
settings = load(environ=os.environ)
asyncio.run(worker.run(settings, secret_of(settings)))
"""


class Workers:
    """Two worker processes; one that is killed is replaced."""

    def __init__(self, settings: Settings) -> None:
        self._environ = {**os.environ, **to_environ(settings)}
        self._running: list[asyncio.subprocess.Process] = []
        self.kills = 0

    async def start(self) -> None:
        key = draws.beacon_public_key().hex()
        made = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _WORKER, key, env=self._environ, stdout=asyncio.subprocess.DEVNULL
        )
        self._running.append(made)

    async def kill(self, count: int = 1) -> None:
        """kill -9 the oldest, and start as many."""
        for victim in [self._running.pop(0) for _ in range(count)]:
            assert victim.returncode is None
            os.kill(victim.pid, signal.SIGKILL)
            await victim.wait()
            self.kills += 1
            await self.start()

    async def end(self) -> None:
        for each in self._running:
            with contextlib.suppress(ProcessLookupError):
                each.kill()
            await each.wait()


@pytest.fixture
async def relay() -> AsyncIterator[tuple[str, list[asyncio.Event]]]:
    """A relay that takes two questions, says so, and never answers them; then it says the truth."""
    asked = [asyncio.Event(), asyncio.Event()]
    count = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal count
        count += 1
        if count <= len(asked):
            asked[count - 1].set()
            await asyncio.sleep(60)
        number = int(request.match_info["round"])
        return web.json_response({"round": number, "signature": draws.sign_round(number).hex()})

    app = web.Application()
    app.router.add_get(f"/{quicknet.CHAIN}/public/{{round}}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}", asked
    await runner.cleanup()


async def _until(database: Database, draw_id: str, state: DrawState, rooted: bool = False) -> None:
    async with asyncio.timeout(60):
        while (draw := await look(database, draw_id)).state is not state or (rooted and not draw.root):
            assert draw.state is not DrawState.VOID, draw.why
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("own_beacon")
async def test_a_draw_of_the_public_beacon_has_one_result_whoever_is_killed(
    database: Database,
    settings: Settings,
    seeded: str,
    relay: tuple[str, list[asyncio.Event]],
) -> None:
    url, asked = relay
    workers = Workers(msgspec.structs.replace(settings, drand_relays=(url,)))
    try:
        async with node(database, settings, 77, beat=True) as desk:
            draw_id = await opened(desk, beacon=BeaconKind.DRAND)
            receipts = [await enter(desk, draw_id, f"v{number}") for number in range(30)]
            await workers.start()
            await workers.start()
            await close(desk, draw_id)
            await workers.kill()
            await _until(database, draw_id, DrawState.CLOSED, rooted=True)
            root = (await look(database, draw_id)).root
            await draws.rewind(database, draw_id, 20)  # its round is there now
            for each in asked:
                async with asyncio.timeout(60):
                    await each.wait()
                await workers.kill(2)  # with the answer under way
            await _until(database, draw_id, DrawState.DRAWN)
    finally:
        await workers.end()
    assert workers.kills == 5
    draw = await look(database, draw_id)
    assert (draw.root, draw.entries) == (root, 30)
    signature = draws.sign_round(draw.round)
    async with database.read() as connection:
        held = await store.look(connection, draw_id)
        assert held is not None
        entries = await store.entries(connection, draw_id)
        told = await connection.fetch(
            "SELECT event->>'t' AS t, count(*) AS n FROM room_log WHERE event->>'t' LIKE 'draw_%' GROUP BY 1"
        )
        assert await connection.fetchval("SELECT count(*) FROM notice WHERE event->>'t' = 'you_won'") == 2
    assert {row["n"] for row in told} == {1}
    expected = conduct.draw(
        held.open_rules, store.closing_of(held), entries, quicknet.randomness(signature), signature, 0
    )
    assert tuple(winner.entry for winner in draw.winners) == expected.winners
    assert {each.entry_id for each in entries} == {receipt.entry_id for receipt in receipts}
    assert (await checked(database, draw_id)).ok
