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

import errno
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
_SOCKET_PATH_MOST = 107  #: bytes; sun_path holds 108 with its NUL
_LONGEST_NAME = "/.s.PGSQL.5432"
_FREE_BYTES = 100 * 1024 * 1024  #: a new database takes 45 MB, and its log needs room to turn


class DataDirError(LivestreamError):
    """The data folder cannot be used; the text says what to do."""


def locate(path: Path, account: Account) -> Path:
    """Where a data folder really lies: below /root and the like the servers' user could not reach it."""
    path = path.absolute()
    if account.reaches(path.parent):
        return path
    return Path("/var/lib/livestream") / hashlib.sha256(str(path).encode()).hexdigest()[:12]


def _make(path: Path) -> None:
    """With parents that others may pass through, whatever our umask is."""
    for folder in reversed([each for each in (path, *path.parents) if not each.exists()]):
        folder.mkdir()
        folder.chmod(0o755)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "it is not a folder")


def _require_made_by_us(path: Path) -> None:
    """Modes and owners inside are ours to set; in somebody's home they are not."""
    if not (path / "lock").exists() and any(path.iterdir()):
        raise DataDirError(
            f"{path} is not empty and no data folder of this program: choose another, or a new one, with --data-dir"
        )


class DataDir:
    """An opened data folder."""

    def __init__(self, path: Path, account: Account) -> None:
        self.path = path
        self.account = account
        self.moved = False  #: it lies elsewhere than was asked
        self._lock: TextIO | None = None

    @classmethod
    def open(cls, path: Path, account: Account) -> DataDir:
        """Make the folder if need be and lock it.

        Raises:
            DataDirError: unwritable, unreachable for the servers' user, full, somebody's, or in use.
        """
        wanted, path = path.absolute(), locate(path, account)
        data = cls(path, account)
        data.moved = path != wanted
        try:
            _make(path)
            _require_made_by_us(path)
            path.chmod(0o711 if account.switched else 0o700)
            data._take_lock()
            data.folder("run", 0o711 if account.switched else 0o700)
            free = shutil.disk_usage(path).free
        except OSError as error:
            raise DataDirError(
                f"cannot use the data folder {path}: {error.strerror}; choose another with --data-dir"
            ) from None
        if free < _FREE_BYTES:
            data.close()
            raise DataDirError(
                f"only {free >> 20} MB are free on the disk of {path}: free {_FREE_BYTES >> 20} MB, "
                "or choose another with --data-dir"
            )
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

    def require_ours(self, folder: Path) -> None:
        """Raises:
        DataDirError: it was made under another user.
        """
        owner = folder.stat().st_uid
        if owner != self.account.uid:
            raise DataDirError(
                f"{folder} belongs to user {owner} and the servers would run as {self.account.uid}: "
                "start as the user who made it, or choose another with --data-dir"
            )

    def private_file(self, path: Path, text: str) -> Path:
        """A file that the servers' user alone may read."""
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        self.account.own(path, 0o600)
        path.write_text(text)
        return path

    def sockets(self) -> Path:
        """Where sockets lie: `run`, or a short folder under /tmp where the path to `run` does not fit a socket's name.

        Raises:
            DataDirError: that folder is somebody else's.
        """
        run = self.path / "run"
        # A comma would make two hosts of it in a Postgres address.
        if len(os.fsencode(run)) + len(_LONGEST_NAME) <= _SOCKET_PATH_MOST and "," not in str(run):
            return run
        short = Path("/tmp") / f"livestream-{hashlib.sha256(os.fsencode(run)).hexdigest()[:12]}"
        short.mkdir(mode=0o700, exist_ok=True)
        found = short.lstat()  # /tmp is everybody's: a link there may lead anywhere
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), self.account.uid):
            raise DataDirError(f"{short} belongs to somebody else: choose a shorter path with --data-dir")
        self.account.own(short, 0o711 if self.account.switched else 0o700)
        return short

    @property
    def database_url(self) -> str:
        return f"postgresql://{USER}:{self.secret('postgres')}@/{USER}?host={quote(str(self.sockets()))}"

    @property
    def redis_url(self) -> str:
        return f"unix://:{self.secret('valkey')}@{quote(str(self.sockets()))}/valkey.sock"

    def secret(self, name: str) -> str:
        """A random secret of this folder, made when first asked for."""
        file = self.path / "secrets.json"
        known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        if name not in known:
            known[name] = secrets.token_hex(32)
            fresh = file.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            fresh.touch(mode=0o600)
            with fresh.open("w") as writing:
                json.dump(known, writing)
                writing.flush()
                os.fsync(writing.fileno())  # a lost password would lock us out of our own database
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
