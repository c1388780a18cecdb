"""Shows: a whole `livestream serve` as a process, in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.support.gateways import answers, clean_environ
from tests.support.ports import free_port

READY_S = 60.0
_END_S = 40.0


class Show:
    """One `serve`.

    Args:
        wrapper: a command that runs the command, as another user say.
    """

    def __init__(
        self, data_dir: Path, log: Path, arguments: Sequence[str] = (), *, wrapper: Sequence[str] = (), **environ: str
    ) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.log = log
        self.options = ["--port", str(self.port), "--data-dir", str(data_dir), *arguments]
        self.environ = clean_environ(LIVESTREAM_DRAIN_S="0.2", LIVESTREAM_LOG_FORMAT="json", **environ)
        self._wrapper = list(wrapper)
        self.process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [*self._wrapper, sys.executable, "-m", "livestream", *self.options, "serve"],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def output(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def wait_until_ready(self) -> None:
        """Until the links were printed, or in a later life until /readyz answers."""
        wait_for(lambda: self.process.poll() is not None or "busy room" in self.output(), self)
        wait_for(lambda: self.process.poll() is not None or answers(f"{self.url}/readyz"), self)
        assert self.process.poll() is None, self.output()

    def kill(self) -> None:
        """kill -9 of `serve` alone."""
        self.process.kill()
        self.process.wait()

    def start_again(self) -> None:
        self.log.write_bytes(b"")
        self.process = self._spawn()
        self.wait_until_ready()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(_END_S)

    def processes(self) -> dict[int, str]:
        """Pid and command of everything that runs for this show: what names its folder, and its children."""
        return running(str(self.data_dir), f"LIVESTREAM_DATA_DIR={self.data_dir}")

    def pid_of(self, *words: str) -> int:
        """The one process with all of these words in its command."""
        found = [pid for pid, command in self.processes().items() if all(word in command for word in words)]
        assert found, f"no {words} in {self.processes()}"
        return min(found)


def running(*marks: str) -> dict[int, str]:
    """Living processes with one of these in their command or environment."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            environ = (folder / "environ").read_bytes().decode("utf-8", "replace")
            if state != "Z" and int(folder.name) != os.getpid() and any(mark in command + environ for mark in marks):
                found[int(folder.name)] = command
    return found


def wait_for(condition: Callable[[], bool], show: Show | None = None, seconds: float = READY_S) -> None:
    """Poll until it holds.

    Raises:
        AssertionError: it does not in that time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s\n{show.output() if show else ''}"
        time.sleep(0.05)


@contextlib.contextmanager
def show(folder: Path, *arguments: str, wrapper: Sequence[str] = (), **environ: str) -> Iterator[Show]:
    """A show with its data in `folder`/data; nothing of it is left at the end."""
    started = Show(folder / "data", folder / "serve.log", arguments, wrapper=wrapper, **environ)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.stop()
        wait_for(lambda: not started.processes(), started, 20)
