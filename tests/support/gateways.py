"""Gateways: real gateway processes on one port, as `serve` would run them, without its supervisor."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from livestream import metrics
from livestream.config import PREFIX, Settings
from livestream.deployment import to_environ
from livestream.lifeline import LIFELINE_FD

_READY_S = 30.0
_STOP_S = 30.0


#: how variables begin that would set a setting
NOT_OURS = (PREFIX, "DATABASE_URL", "REDIS_URL", metrics.FOLDER)


def clean_environ(**more: str) -> dict[str, str]:
    """This process's environment without anything that would set a setting."""
    return {name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)} | more


#: what a library says, with a traceback, of a trouble that it gets over by itself: Postgres is away for a moment
_GOT_OVER = ("Failed to restore the pool connection floor",)


class Gateways:
    """Processes that serve one port. A process that the test did not kill itself must end well."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self._started = 0
        # Its other end closes when the test run dies, however it dies: then the gateways stop too.
        self._lifeline, self._our_end = os.pipe()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.settings.port}/v1/ws"

    def start(self, count: int = 1, environ: Mapping[str, str] = {}) -> list[subprocess.Popen[bytes]]:
        """So many more processes; returns when they listen and Postgres answers them."""
        started = [self._spawn(environ) for _ in range(count)]
        self._wait_until_ready()
        return started

    def _spawn(self, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        self._started += 1
        log = self.folder / f"gateway-{self._started}.log"
        shared = self.folder / "metrics"
        shared.mkdir(exist_ok=True)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "livestream", "gateway"],
                env=clean_environ(
                    **to_environ(self.settings),
                    **{metrics.FOLDER: str(shared), LIFELINE_FD: str(self._lifeline)},
                    **environ,
                ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[self._lifeline],
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """kill -9."""
        process.kill()
        process.wait()
        self.processes.remove(process)

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """SIGTERM, and wait for the drain.

        Raises:
            AssertionError: it did not end by itself, or not well.
        """
        self.processes.remove(process)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        try:
            status = process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"a gateway did not end in {_STOP_S} s\n{self.logs()}") from None
        assert status == 0, f"a gateway ended with {status}\n{self.logs()}"

    def stop_all(self) -> None:
        """At the end of a test: no process may have died of itself, none may have hit a bug of ours."""
        try:
            for process in list(self.processes):
                self.stop(process)
        finally:
            for process in self.processes:
                process.kill()
                process.wait()
            os.close(self._our_end)
            os.close(self._lifeline)
        lines = self.logs().splitlines()
        logs = "\n".join(line for line in lines if not any(words in line for words in _GOT_OVER))
        assert "Traceback" not in logs, logs
        assert '"exception"' not in logs, logs

    def logs(self) -> str:
        """What all of them wrote."""
        return "".join(path.read_text("utf-8", "replace") for path in sorted(self.folder.glob("gateway-*.log")))

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline and all(process.poll() is None for process in self.processes):
            if self.logs().count("gateway.listening") == self._started and self._all_ready():
                return
            time.sleep(0.02)
        raise AssertionError(f"a gateway does not come up\n{self.logs()}")

    def _all_ready(self) -> bool:
        """Every question is a new connection, and the kernel picks who gets it: ask often enough to meet all."""
        return all(answers(f"{self.url}/readyz") for _ in range(8 * len(self.processes) - 7))


def answers(url: str) -> bool:
    """Does it say 200?"""
    return status_of(url) == 200


def status_of(url: str) -> int | None:
    """Status of a GET; None: nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return int(response.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code
    except OSError:
        return None


@contextlib.contextmanager
def gateways(settings: Settings, folder: Path, count: int = 1) -> Iterator[Gateways]:
    """So many processes, ready; stopped at the end."""
    running = Gateways(settings, folder)
    try:
        running.start(count)
        yield running
    finally:
        running.stop_all()
