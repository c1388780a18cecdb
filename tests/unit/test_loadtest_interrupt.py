"""Signals while the load test plays and while it does not; what is made for a run is taken away however it ends."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any

import pytest

from loadtest import worker
from loadtest.interrupt import Interrupt, deaf, to_the_end
from loadtest.stage import borrowed
from tests.support.waiting import until

_ALL = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


async def _sent(number: int, work: Coroutine[None, None, None], ready: asyncio.Event) -> None:
    """Begin it, and send a signal when it is ready; raises what it raises."""
    task = asyncio.create_task(work)
    await ready.wait()
    os.kill(os.getpid(), number)
    await task


@pytest.mark.parametrize("number", _ALL)
async def test_a_signal_outside_of_a_run_breaks_off_what_is_there(number: int) -> None:
    ready = asyncio.Event()

    async def command() -> None:
        with Interrupt() as interrupt:
            with interrupt.played():
                pass
            ready.set()  # between two runs: no raw KeyboardInterrupt, and no signal without an effect
            await asyncio.sleep(60)

    with pytest.raises(asyncio.CancelledError):
        await _sent(number, command(), ready)


@pytest.mark.parametrize("number", _ALL)
async def test_the_first_signal_of_a_run_ends_its_phases_and_the_second_all_of_it(number: int) -> None:
    ready, steps = asyncio.Event(), []

    async def command() -> None:
        with Interrupt() as interrupt, interrupt.played() as stop:
            ready.set()
            await stop.wait()
            steps.append("stop")
            os.kill(os.getpid(), number)
            await asyncio.sleep(60)

    with pytest.raises(asyncio.CancelledError):
        await _sent(number, command(), ready)
    assert steps == ["stop"]


async def test_who_starts_several_processes_at_once_hears_again_when_the_last_has_started() -> None:
    async def start(seconds: float) -> None:
        with deaf():
            await asyncio.sleep(seconds)

    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    first, second = asyncio.create_task(start(0.05)), asyncio.create_task(start(0.1))
    await first
    assert {*_ALL} <= signal.pthread_sigmask(signal.SIG_BLOCK, [])
    await second
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


async def test_no_signal_breaks_off_the_clearing_up() -> None:
    ready, steps = asyncio.Event(), []

    async def clear() -> None:
        for number in _ALL:
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.05)
        steps.append("cleared")

    async def command() -> None:
        with Interrupt():
            try:
                ready.set()
                await asyncio.sleep(60)
            finally:
                await to_the_end(clear())

    with pytest.raises(asyncio.CancelledError):
        await _sent(signal.SIGTERM, command(), ready)
    assert steps == ["cleared"]


async def test_a_hang_up_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0.05)
            assert not interrupt.heard, "`nohup`"
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_what_is_being_made_when_the_run_is_broken_off_is_taken_away() -> None:
    go_on, steps = asyncio.Event(), []

    async def make() -> str:
        steps.append("asked")
        await go_on.wait()
        return "rehearsal"

    async def take_away(made: str) -> None:
        steps.append(f"{made} erased")

    async def run() -> None:
        async with borrowed(make(), take_away):
            steps.append("played")

    task = asyncio.create_task(run())
    await until(lambda: steps, "it is being made")
    task.cancel()
    await asyncio.sleep(0.05)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["asked", "rehearsal erased"]


class _Failing:
    """A driver whose schedule breaks, and a conductor who says nothing meanwhile."""

    def now_us(self) -> int:
        return 0

    def was_late(self, by_us: int) -> None:
        pass

    async def play(self, start_us: int) -> None:
        raise ZeroDivisionError

    async def receive(self) -> None:
        await asyncio.Event().wait()


async def test_a_task_of_a_worker_that_fails_ends_the_worker() -> None:
    failing: Any = _Failing()
    with pytest.raises(ExceptionGroup) as failed:
        async with asyncio.timeout(5):
            await worker._run(failing, failing, 10**12)
    assert failed.group_contains(ZeroDivisionError)
