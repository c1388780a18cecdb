"""Machine: what a result depends on beside the code."""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_LOOK_S = 1.0
_SYNCS = 500
_QUIET = 0.12  #: share of a core: a room full of idle viewers takes some of it


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and when a result was taken."""

    processor: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    commit: str
    changed: bool  #: files differ from the commit
    date: str  #: UTC
    fsync_p50_ms: float  #: of 8 KiB on the disk where the stores' files lie
    fsync_p99_ms: float
    compiled_send: bool | None = None  #: the gateway's send loop is in C; None: it was not asked yet


def describe() -> Machine:
    syncs = sorted(_fsync_ms())
    return Machine(
        processor=_line("/proc/cpuinfo", "model name"),
        cores=os.cpu_count() or 1,
        memory_gib=round(int(_line("/proc/meminfo", "MemTotal").split()[0]) / 1024**2, 1),
        kernel=platform.release(),
        python=platform.python_version(),
        commit=_git("rev-parse", "--short=10", "HEAD"),
        changed=bool(_git("status", "--porcelain", "--untracked-files=no")),
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        fsync_p50_ms=round(syncs[len(syncs) // 2], 2),
        fsync_p99_ms=round(syncs[len(syncs) * 99 // 100], 2),
        compiled_send=send_is_compiled(),
    )


def send_is_compiled() -> bool:
    """The gateway's send loop is in C; without it the figures are another program's."""
    return importlib.util.find_spec("gateway._send") is not None


def _fsync_ms() -> list[float]:
    """How long the disk takes, now and then and not in a rush, as for a host who speaks."""
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(_SYNCS):
            file.write(bytes(8192))
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
            time.sleep(0.02)
    return took


def wait_for_quiet(cores: Sequence[int], most_s: float) -> bool:
    """Wait for a second in which nobody uses the cores; False: there was none in time, go ahead anyway."""
    deadline = time.monotonic() + most_s
    while time.monotonic() < deadline:
        before = [_busy_s(core) for core in cores]
        time.sleep(_LOOK_S)
        if all(_busy_s(core) - was < _QUIET * _LOOK_S for core, was in zip(cores, before, strict=True)):
            return True
    return False


def _busy_s(core: int) -> float:
    fields = _line("/proc/stat", f"cpu{core} ").split()
    ticks = sum(map(int, fields[1:9])) - int(fields[4]) - int(fields[5])  # all but idle and waiting
    return ticks / os.sysconf("SC_CLK_TCK")


def _line(file: str, name: str) -> str:
    for line in Path(file).read_text().splitlines():
        if line.startswith(name):
            return line.split(":", 1)[-1].strip()
    return "0"


def _git(*arguments: str) -> str:
    """Empty where this is no checkout."""
    done = subprocess.run(["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip()
