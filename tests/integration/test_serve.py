"""Serve: one command brings everything up, keeps it up, and takes it down; what cannot be is one clear line."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from livestream.embedded import Stores
from tests.support.folders import open_folder
from tests.support.ports import free_port
from tests.support.serving import serving

_LINKS = r"host page +(\S+)#ticket=(\S+)\n"


@pytest_asyncio.fixture
async def data() -> AsyncIterator[Path]:
    with open_folder() as folder:
        yield folder / "data"


async def _status(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status


async def _redeem(base: str, ticket: str) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{base}/v1/tickets/redeem", json={"ticket": ticket}) as response,
    ):
        return response.status


async def _until_ready(base: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                if await _status(f"{base}/readyz") == 200:
                    return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_show_comes_up_and_the_next_start_finds_the_same(data: Path) -> None:
    port = free_port()
    flags = ("--port", str(port), "--data-dir", str(data), "--gateways", "2")
    base = f"http://localhost:{port}"
    async with serving(*flags) as first:
        ticket = (await first.until_said(_LINKS)).strip().partition("#ticket=")[2]
        names = sorted(line.split()[-1] for line in first.children().values() if "-m livestream" in line)
        assert names == ["gateway", "gateway", "worker"]
        assert await _redeem(base, ticket) == 200
        assert await _redeem(base, ticket) == 401
        children = list(first.children())
        assert await first.interrupt() == 0
        assert "Traceback" not in first.complaints
        assert first.events("process.died") == []
        assert not any(_alive(pid) for pid in children)
    secrets = (data / "secrets.json").read_text()
    async with serving(*flags) as second:
        await second.until_said(_LINKS)
        assert "schema: applied" not in second.said
        assert (data / "secrets.json").read_text() == secrets
        assert await second.interrupt() == 0


async def test_what_dies_or_freezes_is_started_again(data: Path) -> None:
    port = free_port()
    base = f"http://localhost:{port}"
    async with serving("--port", str(port), "--data-dir", str(data), "--gateways", "1") as run:
        await run.until_said(_LINKS)
        os.kill(run.child("gateway"), signal.SIGKILL)
        await run.until_logged("process.died")
        await _until_ready(base)
        frozen = run.child("gateway")
        os.kill(frozen, signal.SIGSTOP)
        assert (await run.until_logged("process.silent"))[0]["pid"] == frozen
        await run.until_logged("process.died", 2)
        await _until_ready(base)
        for store in ("postgres", "valkey"):
            os.kill(run.child(store), signal.SIGKILL)
            await run.until_logged("store.up")
        await _until_ready(base)
        assert await run.interrupt() == 0


async def test_a_supervisor_that_was_frozen_itself_kills_nobody(data: Path) -> None:
    async with serving("--port", str(free_port()), "--data-dir", str(data), "--gateways", "1") as run:
        await run.until_said(_LINKS)
        os.kill(run.process.pid, signal.SIGSTOP)
        await asyncio.sleep(5)
        os.kill(run.process.pid, signal.SIGCONT)
        await asyncio.sleep(1)
        assert run.events("process.silent") == []
        assert run.events("process.died") == []
        assert await run.interrupt() == 0


async def test_when_serve_is_killed_everything_it_started_ends(data: Path) -> None:
    async with serving("--port", str(free_port()), "--data-dir", str(data), "--gateways", "1") as run:
        await run.until_said(_LINKS)
        children = list(run.children())
        run.process.kill()
        async with asyncio.timeout(20):
            while any(_alive(pid) for pid in children):
                await asyncio.sleep(0.1)


async def _refused(*flags: str, **environ: str) -> str:
    async with serving(*flags, **environ) as run:
        assert await run.end() == 2
        assert "Traceback" not in run.complaints
        assert run.complaints.count("\n") == 1
        return run.complaints


async def test_a_taken_port_is_one_line_that_names_the_flag(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = await _refused("--port", port, "--data-dir", str(data))
    assert f"cannot listen on 127.0.0.1:{port} (Address already in use)" in said
    assert "--port" in said


async def test_a_data_folder_in_use_is_one_line_that_names_the_process(stores: Stores) -> None:
    said = await _refused("--port", str(free_port()), "--data-dir", str(stores.data.path))
    assert f"in use by process {os.getpid()}" in said
    assert "--data-dir" in said


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
async def test_a_show_for_development_never_leaves_the_machine(data: Path, host: str) -> None:
    said = await _refused("--host", host, "--port", str(free_port()), "--data-dir", str(data))
    assert "for this machine alone" in said
    said = await _refused("--no-demo", "--host", host, "--port", str(free_port()), "--data-dir", str(data))
    assert "for this machine alone" in said


async def test_production_refuses_embedded_stores_unless_asked_and_demo_shops_always(data: Path) -> None:
    flags = ("--port", str(free_port()), "--data-dir", str(data), "--gateways", "1")
    production = {
        "LIVESTREAM_PROFILE": "production",
        "LIVESTREAM_SECRET": "s" * 32,
        "LIVESTREAM_METRICS_PORT": str(free_port()),
    }
    asked = production | {"LIVESTREAM_EMBEDDED_IN_PRODUCTION": "true"}
    assert "`database_url` must be given" in await _refused(*flags, **production)
    assert "demo shop is refused" in await _refused(*flags, "--demo", **asked)
    async with serving(*flags, **asked) as run:
        await run.until_said("ready: ")
        assert "ticket" not in run.said
        assert await run.interrupt() == 0
    async with serving(*flags) as run:
        await run.until_said(_LINKS)
        assert await run.interrupt() == 0
    async with serving(*flags, **asked) as run:
        assert await run.end() == 2
        assert "holds the demo shop demo" in run.complaints


async def test_ctrl_c_during_the_start_is_a_clean_end(data: Path) -> None:
    async with serving("--port", str(free_port()), "--data-dir", str(data), "--gateways", "1") as run:
        await run.until_said("starting the embedded")
        assert await run.interrupt() == 0
        assert "Traceback" not in run.complaints
