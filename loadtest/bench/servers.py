"""Servers: what the client loads. The limit, and the product by its own command line. Both on one core.

The product runs as a person runs it: `livestream serve` in a data folder of its
own. Then its gateways are moved to the first core; stores, worker and
supervisor stay on the second, with the client.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from .build import Programs
from .figures import Run

SERVER_CORE, CLIENT_CORE = 0, 1
ROOM = "demo"
_START_S = 90.0
_STOP_S = 30.0


class ServerError(Exception):
    """It did not start; the text holds its last words."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server that runs."""

    port: int
    pids: list[int]  #: whose CPU and memory are measured
    environ: Mapping[str, str] = field(default_factory=dict)  #: of the product's commands; empty: the limit

    def command(self, *arguments: str) -> str:
        """Run a command of the product; returns what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "livestream", *arguments],
            env={**os.environ, **self.environ},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise ServerError(f"livestream {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def tokens(self, role: str, count: int) -> list[str]:
        """So many different people of that role."""
        return self.command(
            "token", "--room", ROOM, "--viewer", role, "--role", role, "--ttl", "86400", "--count", str(count)
        ).split()

    def counters(self) -> dict[str, float]:
        """/metrics, summed over labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            return read_counters(answer.read().decode())

    def fates(self) -> dict[str, int]:
        """The archive's comments by fate, asked of Postgres itself: what the gateways count is not believed."""
        variables = Path(f"/proc/{self.pids[0]}/environ").read_bytes().split(b"\0")
        name = b"LIVESTREAM_DATABASE_URL="
        url = next(variable.removeprefix(name).decode() for variable in variables if variable.startswith(name))
        return asyncio.run(_count_fates(url))


async def _count_fates(url: str) -> dict[str, int]:
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT fate, count(*) AS count FROM comment GROUP BY fate")
        return {row["fate"]: row["count"] for row in rows}
    finally:
        await connection.close()


def read_counters(text: str) -> dict[str, float]:
    """Prometheus text to sums by name."""
    sums: dict[str, float] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, value = line.split("{")[0].split(" ")[0], line.rsplit(" ", 1)[1]
            sums[name] = sums.get(name, 0.0) + float(value)
    return sums


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def limit(programs: Programs) -> Iterator[Target]:
    """csend on the server's core."""
    port = free_port()
    process = subprocess.Popen(
        [programs.csend, "-p", str(port)], preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE})
    )
    try:
        _wait_for_port(port, process)
        yield Target(port, [process.pid])
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def product(run: Run, folder: Path) -> Iterator[Target]:
    """`livestream serve`, ready, with its gateways on the server's core.

    Two gateways take a core each: then the figure is no measure of a core.
    """
    port = free_port()
    environ = {
        "LIVESTREAM_DATA_DIR": str(folder),
        "LIVESTREAM_PORT": str(port),
        "LIVESTREAM_GATEWAYS": str(run.gateways),
        "LIVESTREAM_LOG_LEVEL": "warning",
        **{f"LIVESTREAM_{name}": value for name, value in run.settings.items()},
    }
    log = folder.with_suffix(".log")
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "livestream", "serve"],
            env={**os.environ, **environ},
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, {CLIENT_CORE}),
        )
    try:
        _wait_until_ready(port, process, log)
        pids = gateways_of(process.pid)
        if len(pids) != run.gateways:
            raise ServerError(f"{len(pids)} gateway processes run, not {run.gateways}")
        for number, pid in enumerate(pids):
            _pin(pid, (SERVER_CORE, CLIENT_CORE)[number % 2])
        yield Target(port, pids, environ)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def gateways_of(pid: int) -> list[int]:
    """Descendants that run `livestream gateway`."""
    found: list[int] = []
    for child in _children(pid):
        with contextlib.suppress(OSError):
            arguments = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            if b"gateway" in arguments:
                found.append(child)
        found += gateways_of(child)
    return sorted(found)


def _children(pid: int) -> list[int]:
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (task / "children").read_text().split())
    return children


def _pin(pid: int, core: int) -> None:
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise ServerError("the server did not start")


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        with (
            contextlib.suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2),
        ):
            return
        time.sleep(0.2)
    raise ServerError("`livestream serve` did not get ready:\n" + log.read_text()[-2000:])
