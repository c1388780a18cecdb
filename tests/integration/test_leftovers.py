"""Leftovers: whatever a killed `serve` and its servers left behind, the next start gets past it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from livestream.account import account
from livestream.embedded import EmbeddedError, Stores, postgres
from livestream.storage.direct import connected
from tests.support.folders import open_folder
from tests.support.gateways import clean_environ

_HOLD = """
import asyncio, sys
from pathlib import Path
from livestream.embedded import Stores
async def hold():
    async with Stores.start(Path(sys.argv[1])):
        print("up", flush=True)
        await asyncio.sleep(600)
asyncio.run(hold())
"""


@pytest.fixture
def data() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder / "data"


def _hold(data: Path) -> subprocess.Popen[str]:
    """A process that holds the stores of a folder."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(data)], stdout=subprocess.PIPE, text=True, env=clean_environ(SHOP_KEY="hush")
    )
    assert holder.stdout is not None
    with holder.stdout as said:
        assert said.readline() == "up\n"
    return holder


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _kill(holder: subprocess.Popen[str], *more: int) -> None:
    for pid in (*more, holder.pid):
        os.kill(pid, signal.SIGKILL)
    holder.wait()


def _stranger() -> subprocess.Popen[bytes]:
    """Another program of the servers' user."""
    return subprocess.Popen(["sleep", "600"], preexec_fn=account().become(signal.SIGKILL))


async def _starts(data: Path) -> None:
    async with Stores.start(data) as stores, connected(stores.database_url) as connection:
        assert await connection.fetchval("SELECT 42") == 42


async def test_a_start_right_after_a_kill_waits_for_the_older_servers(data: Path) -> None:
    for _ in range(3):
        _kill(_hold(data))
        await _starts(data)


async def test_a_start_right_after_everything_was_killed_succeeds(data: Path) -> None:
    holder = _hold(data)
    _kill(holder, *_children(holder.pid))
    await _starts(data)


async def test_an_older_server_that_lives_on_is_ended(data: Path) -> None:
    holder = _hold(data)
    older = int((data / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(older, signal.SIGSTOP)  # so that it misses the news of its parent's death
    _kill(holder)
    starting = asyncio.ensure_future(_starts(data))
    await asyncio.sleep(0.5)
    assert not starting.done()
    os.kill(older, signal.SIGCONT)
    await starting


async def test_a_process_number_that_went_to_another_program_is_seen_through(data: Path) -> None:
    holder = _hold(data)
    files = [data / "postgres" / "postmaster.pid", data / "run" / ".s.PGSQL.5432.lock"]
    texts = [file.read_text().splitlines(keepends=True) for file in files]
    _kill(holder, *_children(holder.pid))
    with _stranger() as stranger:
        for file, lines in zip(files, texts, strict=True):
            file.write_text("".join([f"{stranger.pid}\n", *lines[1:]]))
        await _starts(data)
        assert stranger.poll() is None
        stranger.kill()


def test_the_servers_are_told_nothing_of_our_environment(data: Path) -> None:
    holder = _hold(data)
    try:
        told = [Path(f"/proc/{pid}/environ").read_bytes() for pid in _children(holder.pid)]
        assert len(told) == 2
        assert not any(b"hush" in environ for environ in told)
    finally:
        _kill(holder)


async def test_a_disk_without_room_is_one_line(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_FREE_BYTES", sys.maxsize)  # no disk has so much
    with pytest.raises(EmbeddedError, match="MB are free on the disk"):
        await _starts(data)
    monkeypatch.undo()
    await _starts(data)
