"""DataDir: the folder of one embedded deployment. Lock, secret, passwords, and where sockets lie.

data/            0700 (0711 for root: the servers' user must pass through)
  lock           held while `serve` runs
  secrets.json   0600: our secret and the stores' passwords
  postgres/      0700, the servers' user's
  valkey/        0700, the servers' user's
  run/           sockets
  *.log
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import TextIO

from livestream.account import Account
from livestream.protocol.errors import LivestreamError

USER = "livestream"  #: of the embedded Postgres, and its database
_SOCKET_PATH_MOST = 100  #: sun_path holds 108 bytes, and the servers add a name


class DataDirError(LivestreamError):
    """The data folder cannot be used; the text says what to do."""


def locate(path: Path, account: Account) -> Path:
    """Where a data folder really lies: below /root and the like the servers' user could not reach it."""
    path = path.absolute()
    if account.reaches(path.parent):
        return path
    return Path("/var/lib/livestream") / hashlib.sha256(str(path).encode()).hexdigest()[:12]


class DataDir:
    """An opened data folder."""

    def __init__(self, path: Path, account: Account) -> None:
        self.path = path
        self.account = account
        self._lock: TextIO | None = None

    @classmethod
    def open(cls, path: Path, account: Account) -> DataDir:
        """Make the folder if need be and lock it.

        Raises:
            DataDirError: unwritable, unreachable for the servers' user, or in use.
        """
        path = locate(path, account)
        data = cls(path, account)
        try:
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o711 if account.switched else 0o700)
            data._take_lock()
            data.folder("run", 0o711 if account.switched else 0o700)
        except OSError as error:
            raise DataDirError(
                f"cannot use the data folder {path}: {error.strerror}; choose another with --data-dir"
            ) from None
        return data

    def _take_lock(self) -> None:
        lock = (self.path / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise DataDirError(
                f"the data folder {self.path} is in use by process {holder}: stop it, or choose another with --data-dir"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def folder(self, name: str, mode: int = 0o700) -> Path:
        """A subfolder that belongs to the servers' user."""
        path = self.path / name
        path.mkdir(exist_ok=True)
        self.account.own(path, mode)
        return path

    def sockets(self) -> Path:
        """Where sockets lie: `run`, or a short folder under /tmp where `run` is too deep for a socket's name."""
        run = self.path / "run"
        if len(str(run)) <= _SOCKET_PATH_MOST - len("/.s.PGSQL.5432.lock"):
            return run
        short = Path("/tmp") / f"livestream-{hashlib.sha256(str(run).encode()).hexdigest()[:12]}"
        short.mkdir(mode=0o700, exist_ok=True)
        if short.stat().st_uid not in (os.geteuid(), self.account.uid):
            raise DataDirError(f"{short} belongs to somebody else: choose a shorter path with --data-dir")
        self.account.own(short, 0o711 if self.account.switched else 0o700)
        return short

    @property
    def database_url(self) -> str:
        return f"postgresql://{USER}:{self.secret('postgres')}@/{USER}?host={self.sockets()}"

    @property
    def redis_url(self) -> str:
        return f"unix://:{self.secret('valkey')}@{self.sockets()}/valkey.sock"

    def secret(self, name: str) -> str:
        """A random secret of this folder, made when first asked for."""
        file = self.path / "secrets.json"
        known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        if name not in known:
            known[name] = secrets.token_hex(32)
            fresh = file.with_suffix(".new")
            fresh.touch(mode=0o600)
            fresh.write_text(json.dumps(known))
            fresh.replace(file)
        return known[name]

    def reachable_copy(self, package: Path, *beside: Path) -> Path:
        """A package's files where the servers' user can run them: in place, or copied once into the folder."""
        if self.account.reaches(package):
            return package
        target = self.path / "bin" / f"{package.name}-{int(package.stat().st_mtime)}"
        if not target.exists():
            partial = target.with_name(target.name + ".partial")
            shutil.rmtree(partial, ignore_errors=True)
            for source in (package, *beside):
                shutil.copytree(source, partial / source.name, symlinks=True)
            partial.rename(target)
        return target / package.name
