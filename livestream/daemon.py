"""Daemon: the life of one embedded server. Started, asked until it answers, started again when it dies, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from livestream.account import Account
from livestream.protocol.errors import LivestreamError
from livestream.supervisor import STABLE_S, restart_delay

_log = structlog.get_logger()
_START_S = 30.0
_STOP_S = 15.0
_TAIL_BYTES = 4096
#: of a Postgres that was killed, while the last of its processes still end
_PASSES = ("pre-existing shared memory block", "the database system is starting up")
#: all that the servers need to know of our environment, which holds secrets
ENVIRON = {"PATH": os.defpath, "LC_ALL": "C"}


class EmbeddedError(LivestreamError):
    """An embedded store cannot run; the text says what to do."""


class NotYet(Exception):
    """The server does not answer."""


@dataclass(slots=True)
class Daemon:
    """One server, whose folder nobody else uses: the data folder is locked."""

    name: str
    arguments: list[str]
    account: Account
    stop_signal: signal.Signals
    log: Path
    pid_files: tuple[Path, ...]  #: which the server writes; the first names it while it runs
    mark: Path  #: stands in its command line
    probe: Callable[[], Awaitable[None]]  #: raises NotYet until the server answers
    process: asyncio.subprocess.Process | None = None
    stopping: bool = False

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            EmbeddedError: it does not, and why.
        """
        await self._end_older()
        await self._run()
        deadline = asyncio.get_running_loop().time() + _START_S
        while True:
            try:
                return await self.probe()
            except NotYet as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise EmbeddedError(f"{self.name} does not answer ({error}); see {self.log}") from None
            if self.process is not None and self.process.returncode is not None:
                reason = self._last_line()
                if not any(text in reason for text in _PASSES):
                    raise EmbeddedError(f"{self.name} ended at once: {reason} (see {self.log})")
                await asyncio.sleep(0.2)
                await self._run()
            await asyncio.sleep(0.05)

    async def keep(self) -> None:
        """Task: start it again whenever it dies."""
        loop = asyncio.get_running_loop()
        quick_deaths = 0
        while not self.stopping:
            assert self.process is not None
            began = loop.time()
            status = await self.process.wait()
            if self.stopping:
                return
            quick_deaths = 0 if loop.time() - began > STABLE_S else quick_deaths + 1
            delay = restart_delay(quick_deaths - 1)
            _log.error("store.died", store=self.name, status=status, restart_in_s=delay)
            await asyncio.sleep(delay)
            try:
                await self.start()
                _log.info("store.up", store=self.name)
            except EmbeddedError as error:
                _log.error("store.down", store=self.name, error=str(error))

    async def stop(self) -> None:
        """Ask it to end, and end it when it does not."""
        self.stopping = True
        process = self.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self.stop_signal)
            try:
                await asyncio.wait_for(process.wait(), _STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _run(self) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=ENVIRON,
                start_new_session=True,  # the terminal's Ctrl-C is not for it
                preexec_fn=self.account.become(self.stop_signal),
            )

    async def _end_older(self) -> None:
        """End one that an earlier run left behind; it is ours to end, for we hold the folder's lock."""
        patience = round(_STOP_S / 0.1)
        for _ in range(patience):
            pid = self._older()
            if pid is None:
                return self._disown_pid_files()
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, self.stop_signal)
            await asyncio.sleep(0.1)
        raise EmbeddedError(f"an older {self.name} (process {pid}) does not end: stop it with `kill -9 {pid}`")

    def _older(self) -> int | None:
        try:
            pid = int(self.pid_files[0].read_text().split()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return None
        return pid if bytes(self.mark) in command else None

    def _disown_pid_files(self) -> None:
        """Where the number in a stale file has gone to another process, Postgres would refuse to start.

        Our own number instead tells it that the file is stale: it knows its parent's. To
        remove the file would also remove its check for survivors in the shared memory.
        """
        for file in self.pid_files:
            with contextlib.suppress(OSError):
                lines = file.read_text().splitlines(keepends=True)
                file.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))

    def _last_line(self) -> str:
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            lines = [line for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
        # What follows the complaint is advice and farewell.
        complaints = [line for line in lines[-5:] if any(word in line for word in ("FATAL", "PANIC", "Fatal", "ERROR"))]
        return (complaints or lines or ["it said nothing"])[-1].strip()
