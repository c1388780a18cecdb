"""Profiling: where a gateway's time goes while the phases run, as text. With py-spy and perf, where installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .servers import CLIENT_CORE

_RATE = 200  #: samples a second
_TOP = 45


@contextlib.contextmanager
def profile(pids: list[int], target: Path) -> Iterator[None]:
    """Sample the first process until the block ends; write `target`."""
    if not pids:
        yield
        return
    recorders = [*_py_spy(pids[0], target), *_perf(pids[0], target)]
    try:
        yield
    finally:
        for recorder in recorders:
            recorder.process.send_signal(signal.SIGINT)
        parts = [recorder.text() for recorder in recorders]
        target.write_text("\n".join(parts) or "neither py-spy nor perf is installed\n")


@dataclass(frozen=True, slots=True)
class Recorder:
    title: str
    process: subprocess.Popen[bytes]
    file: Path
    read: Callable[[Path], str]

    def text(self) -> str:
        """What it recorded, once it has ended."""
        self.process.wait(60)
        text = self.read(self.file) if self.file.exists() else "it recorded nothing\n"
        self.file.unlink(missing_ok=True)
        return f"== {self.title}\n\n{text}"


def _read_py_spy(file: Path) -> str:
    return summarise_stacks(file.read_text())


def _read_perf(file: Path) -> str:
    return _report(file, "--sort", "dso") + "\n" + _report(file)


def _report(file: Path, *options: str) -> str:
    arguments = [
        "report",
        "--stdio",
        "--no-children",
        "-g",
        "none",
        "--percent-limit",
        "0.4",
        "-i",
        str(file),
        *options,
    ]
    done = subprocess.run(["perf", *arguments], capture_output=True, text=True, check=False)
    return "\n".join(line for line in done.stdout.splitlines() if line and not line.startswith("#")) + "\n"


def _py_spy(pid: int, target: Path) -> list[Recorder]:
    beside = Path(sys.executable).parent / "py-spy"
    program = str(beside) if beside.exists() else shutil.which("py-spy")
    file = target.with_suffix(".stacks")
    arguments = ["record", "--function", "-p", str(pid), "-f", "raw", "-r", str(_RATE), "-d", "3600", "-o", str(file)]
    return _start("Python functions (py-spy)", program, arguments, file, _read_py_spy)


def _perf(pid: int, target: Path) -> list[Recorder]:
    file = target.with_suffix(".perf")
    arguments = ["record", "-q", "-F", str(_RATE), "-p", str(pid), "-o", str(file)]
    return _start("All code, kernel included (perf)", shutil.which("perf"), arguments, file, _read_perf)


def _start(
    title: str, program: str | None, arguments: list[str], file: Path, read: Callable[[Path], str]
) -> list[Recorder]:
    """No recorder where the program is not installed. It keeps off the server's core."""
    if program is None:
        return []
    process = subprocess.Popen(
        [program, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {CLIENT_CORE}),
    )
    return [Recorder(title, process, file, read)]


def summarise_stacks(raw: str) -> str:
    """Folded stacks ("a;b;c 12" a line) to shares: of a function itself, and with all it calls."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        own[frames[-1]] += int(count)
        for frame in set(frames):
            whole[frame] += int(count)
    total = own.total() or 1
    text = []
    for title, counts in (("itself", own), ("with what it calls", whole)):
        text.append(f"{title}:")
        text += [f"  {count / total:6.1%}  {frame}" for frame, count in counts.most_common(_TOP)]
    return "\n".join(text) + "\n"
