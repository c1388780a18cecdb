"""Crew: the worker processes and the spoiled line, from their start to their end."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import msgspec

from .interrupt import deaf, to_the_end
from .messages import HEAD_BYTES, Address, FromWorker, Message, Plan, of_worker, packed
from .scenario import Bad

_END_S = 5.0


class CrewError(Exception):
    """A worker died."""


class Worker:
    """One of them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def send(self, message: Message) -> None:
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.write(packed(message))

    async def receive(self) -> FromWorker:
        """Raises:
        CrewError: it is gone.
        """
        assert self._process.stdout is not None
        try:
            size = int.from_bytes(await self._process.stdout.readexactly(HEAD_BYTES), "big")
            return of_worker(await self._process.stdout.readexactly(size))
        except asyncio.IncompleteReadError:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _END_S)
            code = self._process.returncode
            raise CrewError(f"a worker of the load test died (exit code {code}); what it said stands above") from None

    async def end(self) -> None:
        await _end(self._process)


@contextlib.asynccontextmanager
async def crew(plans: list[Plan]) -> AsyncIterator[list[Worker]]:
    """Workers with their plans; none is left at the end."""
    workers: list[Worker] = []
    try:
        for plan in plans:
            workers.append(Worker(await _started("loadtest.worker")))
            workers[-1].send(plan)
        yield workers
    finally:
        await to_the_end(_ended(workers))


async def _ended(workers: list[Worker]) -> None:
    await asyncio.gather(*(worker.end() for worker in workers))


class Line:
    """The spoiled line."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self._port = port

    def address(self, to: Address) -> Address:
        return msgspec.structs.replace(to, host="127.0.0.1", port=self._port, loopback=True)

    async def become(self, bad: Bad) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(bad) + b"\n")
        await self._process.stdin.drain()


@contextlib.asynccontextmanager
async def line(to: Address) -> AsyncIterator[Line]:
    """A line to that address, at first a good one."""
    process = await _started("loadtest.faults.line", to.host, str(to.port))
    assert process.stdout is not None
    try:
        said = await process.stdout.readline()
        if not said.strip().isdigit():
            raise CrewError("the line does not come up")
        yield Line(process, int(said))
    finally:
        await to_the_end(_end(process))


async def _started(module: str, *words: str) -> asyncio.subprocess.Process:
    with deaf():
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 26,
        )


async def _end(process: asyncio.subprocess.Process) -> None:
    """It ends when its input does."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        async with asyncio.timeout(_END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
