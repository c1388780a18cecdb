"""Worker: one process of virtual viewers. Told what to do on its input, tells what it sees on its output."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time

import uvloop

from .descriptors import allow_files
from .driver import Driver
from .messages import HEAD_BYTES, Finish, Go, Message, Plan, Played, Quiet, Ready, Stop, ToWorker, for_worker, packed

_TICK_S = 1.0
_BEAT_S = 0.02  #: how often the loop's own lateness is looked at


class Link:
    """Both ways to the conductor."""

    def __init__(self, reader: asyncio.StreamReader, descriptor: int) -> None:
        self._reader = reader
        self._descriptor = descriptor

    async def receive(self) -> ToWorker | None:
        """None: the conductor is gone."""
        try:
            size = int.from_bytes(await self._reader.readexactly(HEAD_BYTES), "big")
            return for_worker(await self._reader.readexactly(size))
        except asyncio.IncompleteReadError:
            return None

    def send(self, message: Message) -> None:
        data = memoryview(packed(message))
        while data:
            data = data[os.write(self._descriptor, data) :]


async def main() -> None:
    """Until the conductor says that it is over, or is gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    link = Link(reader, sys.stdout.fileno())
    plan = await link.receive()
    if not isinstance(plan, Plan):
        return
    allow_files()
    driver = Driver(plan, loop)
    gc.collect()
    gc.freeze()
    link.send(Ready(worker=plan.worker, trouble=await driver.gather()))
    go = await link.receive()
    if isinstance(go, Go):
        await _run(driver, link, go.start_us)


async def _run(driver: Driver, link: Link, start_us: int) -> None:
    """A task that fails ends the process at once: the conductor would wait for its word for ever."""
    async with asyncio.TaskGroup() as tasks:
        beside = [
            tasks.create_task(_beat(driver)),
            tasks.create_task(_tell(driver, link, start_us)),
            tasks.create_task(_play(driver, link, start_us)),
        ]
        await _obey(driver, link, start_us)
        for task in beside:
            task.cancel()


async def _obey(driver: Driver, link: Link, start_us: int) -> None:
    """Until the conductor says that it is over, or is gone."""
    while (message := await link.receive()) is not None:
        if isinstance(message, Stop):
            await driver.quiet(message.within_s)
            link.send(Quiet(worker=driver.plan.worker))
        elif isinstance(message, Finish):
            account = await driver.finish(message.top, message.within_s)
            link.send(driver.tick(int((driver.now_us() - start_us) / 1e6)))
            link.send(account)
            await asyncio.sleep(0.2)  # for the close frames
            return


async def _play(driver: Driver, link: Link, start_us: int) -> None:
    """Task."""
    await driver.play(start_us)
    link.send(Played(worker=driver.plan.worker))


async def _tell(driver: Driver, link: Link, start_us: int) -> None:
    """Task: a tick a second, at the second."""
    second = 0
    while True:
        second += 1
        await asyncio.sleep(max(0.0, (start_us + second * _TICK_S * 1e6 - driver.now_us()) / 1e6))
        link.send(driver.tick(second - 1))


async def _beat(driver: Driver) -> None:
    """Task: how late is this process's own loop?"""
    while True:
        before = time.monotonic_ns()
        await asyncio.sleep(_BEAT_S)
        driver.was_late((time.monotonic_ns() - before) // 1000 - int(_BEAT_S * 1e6))


if __name__ == "__main__":
    uvloop.run(main())
