"""Serving: `livestream serve` as a person starts it, in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from tests.support.gateways import clean_environ

_START_S = 60.0
_STOP_S = 40.0


class Serving:
    """One that runs, and what it said so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = ""
        self._logs: list[bytes] = []
        self._reading = [asyncio.ensure_future(self._listen()), asyncio.ensure_future(self._collect())]

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said += line.decode()

    async def _collect(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self._logs.append(line)

    @property
    def complaints(self) -> str:
        """What came on standard error, logs included."""
        return b"".join(self._logs).decode()

    def events(self, name: str) -> list[dict[str, object]]:
        """Log lines of one kind."""
        lines = [msgspec.json.decode(line) for line in self._logs if line.startswith(b"{")]
        return [line for line in lines if line.get("event") == name]

    async def until_said(self, pattern: str) -> str:
        """The first match, within a minute."""
        async with asyncio.timeout(_START_S):
            while not (found := re.search(pattern, self.said)):
                if self.process.returncode is not None:
                    raise AssertionError(f"it ended: {self.said}\n{self.complaints}")
                await asyncio.sleep(0.05)
        return found.group()

    async def until_logged(self, name: str, count: int = 1) -> list[dict[str, object]]:
        """The events, once there are so many."""
        async with asyncio.timeout(_START_S):
            while len(found := self.events(name)) < count:
                await asyncio.sleep(0.05)
        return found

    def children(self) -> dict[int, str]:
        """Pid and command line of those it started."""
        found = {}
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            with contextlib.suppress(FileNotFoundError):
                found[int(pid)] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def child(self, word: str) -> int:
        """The pid of the one child with this word in its command line."""
        (pid,) = [pid for pid, line in self.children().items() if word in line]
        return pid

    async def end(self) -> int:
        """Its exit code, when it ends by itself."""
        async with asyncio.timeout(_STOP_S):
            code = await self.process.wait()
            await asyncio.gather(*self._reading)
            return code

    async def interrupt(self) -> int:
        """Ctrl-C, as a terminal sends it: to the whole process group. Returns the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return await self.end()


@contextlib.asynccontextmanager
async def serving(*flags: str, **environ: str) -> AsyncIterator[Serving]:
    """Run `livestream serve` with these flags; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "livestream",
        "serve",
        *flags,
        env=clean_environ(LIVESTREAM_LOG_FORMAT="json", LIVESTREAM_DRAIN_S="0.2", PYTHONUNBUFFERED="1", **environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    run = Serving(process)
    try:
        yield run
    finally:
        if process.returncode is None:
            process.kill()
            await run.end()
