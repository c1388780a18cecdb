"""Supervisor: keeps processes alive. One that ends is started again; one that falls silent is killed first.

Children are told of our end by a pipe (`lifeline`), and write us a byte every
half second. They are in sessions of their own: the terminal's Ctrl-C reaches
us alone, and we end them in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import structlog

from livestream.lifeline import ALIVE_FD, LIFELINE_FD

_log = structlog.get_logger()
SILENCE_S = 3.0  #: a process whose loop did not turn for so long serves nobody
_START_S = 20.0  #: the first sign of life may take so long
_RESTART_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
STABLE_S = 30.0  #: after so long a life the next restart is quick again


def restart_delay(quick_deaths: int) -> float:
    """How long to wait before the next start, after so many lives shorter than `STABLE_S`. Pure."""
    return _RESTART_S[min(quick_deaths, len(_RESTART_S) - 1)]


def _pipe(closing: contextlib.ExitStack) -> tuple[BinaryIO, BinaryIO]:
    reader, writer = os.pipe()
    return closing.enter_context(open(reader, "rb", 0)), closing.enter_context(open(writer, "wb", 0))


@dataclass(frozen=True, slots=True)
class Program:
    """What to run."""

    name: str
    arguments: tuple[str, ...]
    environ: Mapping[str, str]
    stop_s: float  #: from SIGTERM to SIGKILL


class Child:
    """One program, run again and again until told to stop."""

    def __init__(self, program: Program, died: Callable[[int], None] = lambda pid: None) -> None:
        self.program = program
        self.pid: int | None = None
        self._died = died
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Task: until `stop`."""
        loop = asyncio.get_running_loop()
        quick_deaths = 0
        while not self._stopping.is_set():
            began = loop.time()
            status = await self._live()
            if self._stopping.is_set():
                return
            quick_deaths = 1 if loop.time() - began > STABLE_S else quick_deaths + 1
            delay = restart_delay(quick_deaths - 1)
            _log.error("process.died", process=self.program.name, status=status, restart_in_s=delay)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)

    def stop(self) -> None:
        self._stopping.set()

    async def _live(self) -> int:
        """One life; returns its exit status."""
        with contextlib.ExitStack() as pipes:
            alive_reader, alive_writer = _pipe(pipes)
            lifeline_reader, _ = _pipe(pipes)  # the child reads the end of it when we are gone
            try:
                process = await asyncio.create_subprocess_exec(
                    *self.program.arguments,
                    env={
                        **self.program.environ,
                        ALIVE_FD: str(alive_writer.fileno()),
                        LIFELINE_FD: str(lifeline_reader.fileno()),
                    },
                    stdin=subprocess.DEVNULL,
                    pass_fds=(alive_writer.fileno(), lifeline_reader.fileno()),
                    start_new_session=True,
                )
            except OSError as error:  # no memory or no process to be had: tried again like a death
                _log.error("process.not_started", process=self.program.name, error=str(error))
                return -1
            alive_writer.close()
            lifeline_reader.close()
            self.pid = process.pid
            watcher = asyncio.ensure_future(self._watch(process, alive_reader.fileno()))
            stopper = asyncio.ensure_future(self._end_when_told(process))
            try:
                return await process.wait()
            finally:
                watcher.cancel()
                stopper.cancel()
                await asyncio.gather(watcher, stopper, return_exceptions=True)
                self.pid = None
                self._died(process.pid)

    async def _watch(self, process: asyncio.subprocess.Process, alive: int) -> None:
        loop = asyncio.get_running_loop()
        os.set_blocking(alive, False)
        heard = asyncio.Event()

        def hear() -> bool:
            """Take what the pipe holds; False: nothing new."""
            with contextlib.suppress(BlockingIOError):
                if os.read(alive, 4096):
                    heard.set()
                    return True
                loop.remove_reader(alive)
            return False

        loop.add_reader(alive, hear)
        patience = _START_S
        try:
            while True:
                heard.clear()
                try:
                    await asyncio.wait_for(heard.wait(), patience)
                except TimeoutError:
                    # Were we stopped ourselves for a while, then its signs wait unread in the pipe.
                    if not (heard.is_set() or hear()):
                        _log.error("process.silent", process=self.program.name, pid=process.pid, seconds=patience)
                        with contextlib.suppress(ProcessLookupError):
                            process.kill()
                        return
                patience = SILENCE_S
        finally:
            loop.remove_reader(alive)

    async def _end_when_told(self, process: asyncio.subprocess.Process) -> None:
        await self._stopping.wait()
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(self.program.stop_s)
            process.kill()
