"""DataDir: the folder of one embedded deployment. Lock, secret, passwords, and where sockets lie.

data/            0700 (0711 for root: the servers' user must pass through)
  lock           held while `serve` runs
  secrets.json   0600: our secret and the stores' passwords
  postgres/      0700, the servers' user's
  valkey/        0700, the servers' user's
  run/           sockets
  bin/           the servers' programs, where their user cannot reach the installed ones
  *.log
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import stat
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from livestream.account import Account
from livestream.protocol.errors import LivestreamError

USER = "livestream"  #: of the embedded Postgres, and its database
_SOCKET_PATH_MOST = 100  #: sun_path holds 108 bytes, and the servers add a name
_ELSEWHERE = Path("/var/lib/livestream")
_CHOOSE = "choose another with --data-dir"


class DataDirError(LivestreamError):
    """The data folder cannot be used; the text says what to do."""


def locate(path: Path, account: Account) -> Path:
    """Where a data folder really lies: below /root and the like the servers' user could not reach it."""
    path = path.resolve()
    if account.reaches(path.parent):
        return path
    return _ELSEWHERE / hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


class DataDir:
    """A data folder."""

    def __init__(self, path: Path, account: Account) -> None:
        self.path = locate(path, account)
        self.account = account
        self.moved = self.path != path.resolve()  #: it lies elsewhere than was asked for
        self._lock: TextIO | None = None

    @classmethod
    def open(cls, path: Path, account: Account) -> DataDir:
        """Make the folder if need be and lock it.

        Raises:
            DataDirError: unwritable, somebody else's, unreachable for the servers' user, or in use.
        """
        data = cls(path, account)
        try:
            data._make()
            data._take_lock()
            data.folder("run", account.passage)
        except OSError as error:
            data.close()
            raise DataDirError(f"cannot use the data folder {data.path}: {error.strerror}; {_CHOOSE}") from None
        return data

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _make(self) -> None:
        missing = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir()
            folder.chmod(self.account.passage)  # whatever the umask
        if self.path not in missing:
            self._must_be_ours()
        self.path.chmod(self.account.passage)

    def _must_be_ours(self) -> None:
        """We change modes and owners in it: somebody's home is not taken for a data folder."""
        if any(self.path.iterdir()) and not (self.path / "lock").exists():
            raise DataDirError(f"{self.path} is not empty and not a data folder of livestream: {_CHOOSE}")
        postgres = self.path / "postgres"
        if postgres.exists() and postgres.stat().st_uid != self.account.uid:
            raise DataDirError(
                f"the data folder {self.path} is that of user {postgres.stat().st_uid}: run as that user, or {_CHOOSE}"
            )

    def _take_lock(self) -> None:
        lock = (self.path / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise DataDirError(
                f"the data folder {self.path} is in use by process {holder}: stop it, or {_CHOOSE}"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def folder(self, name: str, mode: int = 0o700) -> Path:
        """A subfolder that belongs to the servers' user."""
        path = self.path / name
        path.mkdir(exist_ok=True)
        self.account.own(path, mode)
        return path

    def file(self, path: Path, text: str) -> Path:
        """Write a file that only the servers' user may read. Made anew: the folder is theirs, and may hold a link."""
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as writing:
            writing.write(text)
            self.account.own(writing.fileno(), 0o600)
        return path

    def sockets(self) -> Path:
        """Where sockets lie: `run`, or a short folder under /tmp where `run` is too deep for a socket's name."""
        run = self.path / "run"
        if len(os.fsencode(run)) <= _SOCKET_PATH_MOST - len("/.s.PGSQL.5432.lock"):
            return run
        short = Path("/tmp") / f"livestream-{hashlib.sha256(os.fsencode(run)).hexdigest()[:12]}"
        short.mkdir(mode=0o700, exist_ok=True)
        status = short.lstat()  # anyone may have made something of that name, a link even
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (os.geteuid(), self.account.uid):
            raise DataDirError(f"{short} belongs to somebody else: choose a shorter path with --data-dir")
        self.account.own(short, self.account.passage)
        return short

    @property
    def database_url(self) -> str:
        return f"postgresql://{USER}:{self.secret('postgres')}@/{USER}?host={quote(str(self.sockets()))}"

    @property
    def redis_url(self) -> str:
        return f"unix://:{self.secret('valkey')}@{quote(str(self.sockets()))}/valkey.sock"

    @property
    def made(self) -> bool:
        """A `serve` ran here once."""
        return bool(self._secrets())

    def secret(self, name: str) -> str:
        """A random secret of this folder, made when first asked for."""
        known = self._secrets()
        if name not in known:
            known[name] = secrets.token_hex(32)
            file = self.path / "secrets.json"
            fresh = file.with_suffix(".new")
            fresh.touch(mode=0o600)
            with fresh.open("w") as writing:
                json.dump(known, writing)
                writing.flush()
                os.fsync(writing.fileno())  # without it the database could not be opened any more
            fresh.replace(file)
        return known[name]

    def _secrets(self) -> dict[str, str]:
        file = self.path / "secrets.json"
        try:
            known: dict[str, str] = json.loads(file.read_text())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise DataDirError(f"cannot read {file}: {error.strerror}; run as the user who runs `serve`") from None
        except ValueError:
            raise DataDirError(f"{file} is damaged: restore it from a backup, or {_CHOOSE}") from None
        return known

    def reachable_copy(self, package: Path, *beside: Path) -> Path:
        """A package's files where the servers' user can run them: in place, or copied once into the folder."""
        if self.account.reaches(package):
            return package
        programs = self.path / "bin"
        programs.mkdir(exist_ok=True)
        programs.chmod(self.account.passage)
        target = programs / f"{package.name}-{int(package.stat().st_mtime)}"
        if not target.exists():
            for older in programs.glob(f"{package.name}-*"):
                shutil.rmtree(older)
            partial = target.with_name(target.name + ".partial")
            partial.mkdir()
            partial.chmod(self.account.passage)
            for source in (package, *beside):
                shutil.copytree(source, partial / source.name, symlinks=True)
            partial.rename(target)
        return target / package.name
