"""Account: the unprivileged user that embedded servers run as when we are root, and the folders it needs."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_NAMES = ("livestream", "nobody")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Account:
    uid: int
    gid: int
    name: str

    @property
    def switched(self) -> bool:
        """The servers run as somebody else than we do."""
        return self.uid != os.geteuid()

    @property
    def passage(self) -> int:
        """Mode of a folder that the account must walk through and nobody may list."""
        return 0o711 if self.switched else 0o700

    def own(self, path: Path | int, mode: int) -> None:
        """Give a file or folder, or what an open descriptor holds, to the account."""
        if self.switched:
            os.chown(path, self.uid, self.gid)
        os.chmod(path, mode)

    def reaches(self, path: Path) -> bool:
        """Can the account walk down to this folder? Decided from the modes of what exists of it and its parents."""
        if not self.switched:
            return True
        for folder in (path, *path.parents):
            if not folder.exists():
                continue
            status = folder.stat()
            bit = 0o100 if status.st_uid == self.uid else 0o010 if status.st_gid == self.gid else 0o001
            if not status.st_mode & bit:
                return False
        return True

    def become(self, parent_gone: signal.Signals) -> Callable[[], None]:
        """For `preexec_fn`: drop to the account, and die by this signal when the parent dies."""
        parent = os.getpid()

        def switch() -> None:
            if self.switched:
                os.setgroups([])
                os.setgid(self.gid)
                os.setuid(self.uid)
            # After the change of user: the kernel forgets it there.
            _libc.prctl(_PR_SET_PDEATHSIG, int(parent_gone), 0, 0, 0)
            if os.getppid() != parent:  # it died before we asked
                os._exit(1)

        return switch


def account() -> Account:
    """Ourselves; for root the user `livestream` if there is one, else `nobody`."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), "ourselves")
    for name in _NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name)
    raise LookupError("no user to run the embedded servers as: create one called `livestream`")
