"""Supervisor: what dies is started again, what falls silent is killed, what is told to stop stops."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from livestream import supervisor
from livestream.supervisor import Child, Program, restart_delay

_LIVE = """
import os, signal, sys, time
open(sys.argv[1], "a").write(f"{os.getpid()}\\n")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    os.write(int(os.environ["LIVESTREAM_ALIVE_FD"]), b".")
    time.sleep(0.05)
"""
_STUBBORN = _LIVE.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")
_SILENT = "import sys, time; open(sys.argv[1], 'a').write('x\\n'); time.sleep(60)"
_ORPHAN = """
import os, sys
open(sys.argv[1], "a").write(f"{os.getpid()}\\n")
os.write(int(os.environ["LIVESTREAM_ALIVE_FD"]), b".")
os.read(int(os.environ["LIVESTREAM_LIFELINE_FD"]), 1)
open(sys.argv[1], "a").write("the supervisor is gone\\n")
"""


def child(code: str, notes: Path, *, stop_s: float = 10.0) -> Child:
    return Child(Program("test", (sys.executable, "-c", code, str(notes)), os.environ, stop_s))


async def lines(notes: Path, count: int) -> list[str]:
    """What the lives wrote, once there are so many lines."""
    async with asyncio.timeout(30):
        while len(found := written(notes)) < count:
            await asyncio.sleep(0.02)
    return found


def written(notes: Path) -> list[str]:
    return notes.read_text().splitlines() if notes.exists() else []


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


def test_the_first_restart_is_immediate_and_later_ones_wait_longer() -> None:
    delays = [restart_delay(deaths) for deaths in range(20)]
    assert delays[0] == 0.0
    assert delays == sorted(delays)
    assert 2 <= delays[-1] <= 10


async def test_what_is_killed_is_started_again(notes: Path) -> None:
    program = child(_LIVE, notes)
    running = asyncio.create_task(program.run())
    (first,) = await lines(notes, 1)
    os.kill(int(first), signal.SIGKILL)
    assert (await lines(notes, 2))[1] != first
    program.stop()
    await asyncio.wait_for(running, 10)
    assert program.pid is None


async def test_what_falls_silent_is_killed_and_started_again(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "SILENCE_S", 0.5)
    program = child(_LIVE, notes)
    running = asyncio.create_task(program.run())
    (first,) = await lines(notes, 1)
    os.kill(int(first), signal.SIGSTOP)
    assert (await lines(notes, 2))[1] != first
    program.stop()
    await asyncio.wait_for(running, 10)


async def test_what_never_shows_life_is_killed(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_START_S", 0.5)
    program = child(_SILENT, notes)
    running = asyncio.create_task(program.run())
    await lines(notes, 2)
    program.stop()
    await asyncio.wait_for(running, 10)


async def test_what_does_not_stop_is_killed(notes: Path) -> None:
    program = child(_STUBBORN, notes, stop_s=0.2)
    running = asyncio.create_task(program.run())
    (pid,) = await lines(notes, 1)
    program.stop()
    await asyncio.wait_for(running, 10)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


async def test_a_stop_does_not_wait_for_a_restart(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_RESTART_S", (60.0,))
    program = child("import sys; open(sys.argv[1], 'a').write('x\\n')", notes)
    running = asyncio.create_task(program.run())
    await lines(notes, 1)
    await asyncio.sleep(0.3)
    program.stop()
    await asyncio.wait_for(running, 5)
    assert len(written(notes)) == 1


async def test_a_program_that_cannot_be_run_is_tried_again_and_takes_nobody_down(notes: Path) -> None:
    program = Child(Program("test", ("/no/such/program",), os.environ, 1.0))
    running = asyncio.create_task(program.run())
    await asyncio.sleep(0.3)
    assert not running.done()
    program.stop()
    await asyncio.wait_for(running, 10)


async def test_each_death_is_told_with_its_pid(notes: Path) -> None:
    died: list[int] = []
    program = child("import sys, os; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n')", notes)
    program = Child(program.program, died.append)
    running = asyncio.create_task(program.run())
    pids = await lines(notes, 2)
    program.stop()
    await asyncio.wait_for(running, 10)
    assert died[:2] == [int(pid) for pid in pids[:2]]


async def test_a_child_reads_the_end_of_a_supervisor_that_was_killed(notes: Path) -> None:
    code = (
        "import asyncio, os, sys\n"
        "from livestream.supervisor import Child, Program\n"
        "program = Program('test', (sys.executable, '-c', sys.argv[2], sys.argv[1]), os.environ, 1.0)\n"
        "asyncio.run(Child(program).run())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(notes), _ORPHAN)
    await lines(notes, 1)
    parent.kill()
    await parent.wait()
    assert (await lines(notes, 2))[1] == "the supervisor is gone"
