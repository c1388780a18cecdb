"""Faults hurt what they are meant for and nothing else, and what heals is seen to heal."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from loadtest.faults import breaking
from loadtest.faults.breaking import Breaking, is_well
from loadtest.faults.hurt import HurtError, pids_of, victim
from loadtest.own import end_postgres
from loadtest.result import Collected, Second, Times
from loadtest.scenario import Fault
from loadtest.shelf import load
from loadtest.target import Process, Target
from tests.support.shows import wait_for
from tests.support.waiting import until

_SLEEP = "import time; time.sleep(60)"
#: as `serve` does: it starts its Postgres again, under another number
_SERVE = """
import subprocess
while True:
    each = subprocess.Popen(["postgres", "-c", "while :; do sleep 1; done", "-D"], executable="/bin/sh")
    print(each.pid, flush=True)
    each.wait()
"""


def begun(pid: int) -> int:
    """Its command line can be read: that takes a moment longer than its start."""
    wait_for(lambda: Path(f"/proc/{pid}/cmdline").read_bytes() != b"", seconds=15)
    return pid


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[int]:
    """A process with these arguments; its number."""
    process = subprocess.Popen([sys.executable, "-c", _SLEEP, *arguments])
    try:
        yield begun(process.pid)
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def word() -> str:
    """One that stands in no other command line of this machine."""
    return f"gateway-{secrets.token_hex(8)}"


def test_only_whole_arguments_tell_a_process(word: str) -> None:
    with (
        running(f"/var/log/{word}.log"),
        running(f"/srv/{word}/other"),
        running(f"{word}-2"),
        running(f"about {word}"),
        running("serve", word) as meant,
    ):
        assert pids_of(Process(match=[word])) == [meant]
        assert pids_of(Process(match=[word, "worker"])) == []
        assert victim("gateway", Process(match=["serve", word])) == meant


def test_of_several_none_is_hurt_unless_it_is_said_whose_they_are(word: str) -> None:
    with running(word) as one, running(word) as other:
        with pytest.raises(HurtError, match=f"{min(one, other)}, {max(one, other)}.*say `within`"):
            victim("gateway", Process(match=[word]))
        assert victim("gateway", Process(match=[word], within=os.getpid())) == min(one, other)
    with pytest.raises(HurtError, match="no process 'gateway' runs"):
        victim("gateway", Process(match=[word]))


def test_neither_we_nor_those_who_started_us_are_hurt() -> None:
    for pid in (os.getpid(), os.getppid()):
        line = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode()
        assert pid not in pids_of(Process(match=[line.split("\0")[0]]))


def test_a_number_from_a_file_is_believed_only_if_it_is_the_process_that_is_meant(word: str, tmp_path: Path) -> None:
    file = tmp_path / "gateway.pid"
    process = Process(match=[word], pid_file=str(file))
    with running(word) as meant, running("other") as stranger:
        for wrong in ("", "x", "0", "1", f"-{meant}", f"{os.getpid()}", f"{os.getppid()}", f"{stranger}", f"{2**22}"):
            file.write_text(wrong)
            with pytest.raises(HurtError, match=r"gateway\.pid"):
                pids_of(process)
        file.write_text(f"{meant}\nmore\n")
        assert pids_of(process) == [meant]
    with pytest.raises(HurtError, match="which is no process with"):
        pids_of(process)


def test_the_postgres_of_our_own_is_found_anew_each_time() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SERVE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as serve:
        started: list[int] = []
        try:
            assert serve.stdout is not None
            started.append(begun(int(serve.stdout.readline())))
            for _ in range(2):
                end_postgres(serve.pid)
                started.append(begun(int(serve.stdout.readline())))
            assert len(set(started)) == 3
        finally:
            serve.kill()
            with contextlib.suppress(ProcessLookupError):
                os.kill(started[-1] if started else serve.pid, 9)  # the others are no more


def test_where_no_postgres_runs_nothing_is_ended() -> None:
    with running("serve") as serve, pytest.raises(HurtError, match="no process 'postgres' runs"):
        end_postgres(serve)


# -- what is broken, and when it is well again


def _second(number: int, heard: int, present: int = 100) -> Second:
    return Second(
        second=number, present=present, counts={}, driver_cpu=0.1, busiest=0.1, late_ms=1,
        times={"say.seen": Times(count=heard, p50=10, p99=20, max=30)} if heard else {},
    )  # fmt: skip


def test_nobody_is_well_who_does_not_hear_the_host() -> None:
    scenario = load("faults")  # five words a second, four witnesses and the host
    whole = (100 + 4 + 1) * 5
    assert is_well(_second(1, whole), 100, scenario)
    assert not is_well(_second(1, whole // 2), 100, scenario), "half of them hear nothing, and the others soon"
    assert not is_well(_second(1, 0), 100, scenario)
    assert not is_well(_second(1, whole, present=98), 100, scenario)


def _breaking(collected: Collected, stop: asyncio.Event) -> Breaking:
    phase = load("faults").phase[0]
    fault = Fault(at_s=0, do="restart_postgres", recover_s=5)
    scenario = msgspec.structs.replace(load("faults"), phase=[msgspec.structs.replace(phase, fault=[fault])])
    return Breaking(scenario, Target(restart_postgres=["true"]), None, collected, stop)


async def test_what_is_broken_counts_for_as_long_as_it_really_is(monkeypatch: pytest.MonkeyPatch) -> None:
    repaired, stop = asyncio.Event(), asyncio.Event()

    async def hurt(fault: Fault, target: Target) -> None:
        await repaired.wait()

    monkeypatch.setattr(breaking, "hurt", hurt)
    collected = Collected(load("faults"), 1)
    doing = _breaking(collected, stop)
    task = asyncio.create_task(doing.run(asyncio.get_running_loop().time()))
    await until(lambda: collected.faults, "it breaks")
    assert collected.faults[0][1] == math.inf
    repaired.set()
    await until(lambda: collected.faults[0][1] < math.inf, "it is over")
    began, end = collected.faults[0]
    assert end > began + 5
    stop.set()
    await task
    assert [(mark.text, mark.recovered_s) for mark in doing.marks] == [("restart_postgres", None)]
    assert doing.trouble == [], "who ends it early saw no recovery fail"


async def test_an_early_end_ends_what_is_broken_first(monkeypatch: pytest.MonkeyPatch) -> None:
    steps, stop = [], asyncio.Event()

    async def hurt(fault: Fault, target: Target) -> None:
        steps.append("broken")
        try:
            await asyncio.sleep(60)
        finally:
            steps.append("mended")

    monkeypatch.setattr(breaking, "hurt", hurt)
    task = asyncio.create_task(_breaking(Collected(load("faults"), 1), stop).run(asyncio.get_running_loop().time()))
    await until(lambda: steps, "it breaks")
    stop.set()
    await task
    assert steps == ["broken", "mended"]
