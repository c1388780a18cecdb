"""Server: one embedded server process, brought up, kept up and taken down."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import redis.exceptions
import structlog

from livestream.account import Account
from livestream.protocol.errors import LivestreamError

_log = structlog.get_logger()
_START_S = 30.0
_STOP_S = 15.0
_ASK_AGAIN_S = 0.05
_RESTART_S = (0.1, 0.5, 1.0, 2.0, 5.0)
#: all that the servers are told of our environment: it holds secrets, and they run as somebody else
ENVIRON = {"PATH": os.defpath, "LC_ALL": "C", "ROOM": " " * 256}  # Valkey writes its title over it, in `ps`
_NO_ANSWER = (OSError, TimeoutError, asyncpg.PostgresError, redis.exceptions.RedisError)


class EmbeddedError(LivestreamError):
    """An embedded store cannot run; the text says what to do."""


async def _nothing() -> None:
    """For a server in whose way nothing can be."""


@dataclass(slots=True)
class Server:
    """How one server is started, asked and stopped."""

    name: str
    account: Account
    arguments: list[str]
    log: Path
    probe: Callable[[], Awaitable[None]]  #: raises until the server answers
    stop_signal: signal.Signals
    orphan_signal: signal.Signals  #: what it gets when we die
    #: asked when it ends at once: may an older one of this folder be in its way, that goes down by itself?
    older_one_goes: Callable[[float], bool] = lambda waited_s: False
    before_start: Callable[[], Awaitable[None]] = _nothing
    stdin: Path = Path(os.devnull)
    process: asyncio.subprocess.Process | None = None
    stopping: bool = False

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            EmbeddedError
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self.before_start()
        process = await self._run()
        while True:
            try:
                await self.probe()
                return
            except _NO_ANSWER as error:
                waited_s = loop.time() - began
                if waited_s > _START_S:
                    raise EmbeddedError(f"{self.name} does not answer ({error}); see {self.log}") from None
                await asyncio.sleep(_ASK_AGAIN_S)
                if process.returncode is not None:
                    if not self.older_one_goes(waited_s):
                        raise EmbeddedError(f"{self.name} ended at once: {_last_words(self.log)}") from None
                    process = await self._run()

    async def keep(self) -> None:
        """Task: start it again whenever it dies, until `stop`."""
        attempt = 0
        while self.process is not None:
            status = await self.process.wait()
            if self.stopping:
                return
            delay = _RESTART_S[min(attempt, len(_RESTART_S) - 1)]
            _log.error("store.died", store=self.name, status=status, restart_in_s=delay)
            await asyncio.sleep(delay)
            try:
                await self.start()
                attempt = 0
            except (EmbeddedError, OSError) as error:  # no memory for another process, say
                _log.error("store.down", store=self.name, error=str(error))
                attempt += 1

    async def stop(self) -> None:
        """Ask it to end, and end it when it does not."""
        self.stopping = True
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(self.stop_signal)
        self.process.send_signal(signal.SIGCONT)
        try:
            await asyncio.wait_for(self.process.wait(), _STOP_S)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def _run(self) -> asyncio.subprocess.Process:
        with self.log.open("ab") as log, self.stdin.open("rb") as stdin:
            self.process = await asyncio.create_subprocess_exec(
                *self.arguments,
                stdin=stdin,
                stdout=log,
                stderr=log,
                cwd="/",
                env=ENVIRON,
                start_new_session=True,  # the terminal's Ctrl-C is not for it
                preexec_fn=self.account.become(self.orphan_signal),
            )
        return self.process


def package(name: str) -> Path:
    """Folder of an installed wheel.

    Raises:
        EmbeddedError: it is not installed.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "the embedded stores are not installed: give DATABASE_URL and REDIS_URL, "
            "or install livestream with its `embedded` extra"
        )
    return Path(spec.origin).parent


def _last_words(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return f"{lines[-1]} (see {log})" if lines else f"see {log}"
