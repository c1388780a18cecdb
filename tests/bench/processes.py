"""Processes: CPU seconds of everything that a show runs, by what it is; and where a figure was taken."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
#: a word of the command, and what the process is; the first that fits
_ROLES = (("livestream gateway", "gateways"), ("livestream worker", "worker"), ("postgres", "postgres"),
          ("valkey", "valkey"), ("serve", "serve"))  # fmt: skip


def cpu_s(root: int) -> dict[str, float]:
    """CPU seconds so far, by role, of a process and all below it; children that ended count with their parent."""
    spent = dict.fromkeys((role for _, role in _ROLES), 0.0)
    for pid in _family(root):
        command = _text(f"/proc/{pid}/cmdline").replace("\0", " ")
        role = next((role for word, role in _ROLES if word in command), None)
        if role is not None:
            spent[role] += _spent_s(pid)
    return spent


def own_cpu_s(pids: Iterable[int]) -> float:
    """The same of single processes."""
    return sum(map(_spent_s, pids))


def each_thousand(before: Mapping[str, float], after: Mapping[str, float], count: int) -> dict[str, float]:
    """CPU seconds a thousand of what happened in between."""
    return {role: round((after[role] - before[role]) / max(1, count) * 1000, 3) for role in after}


def _family(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        fields = _stat(int(folder.name))
        if fields:
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _spent_s(pid: int) -> float:
    return sum(map(int, _stat(pid)[11:15])) / _TICKS


def _stat(pid: int) -> list[str]:
    """/proc's fields from the state on; none of one that ended."""
    return _text(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def where() -> dict[str, object]:
    """What a figure depends on beside the code: machine, commit, and how busy the machine was."""
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()},"
        f" Python {platform.python_version()}",
        "commit": _git("rev-parse", "--short=10", "HEAD") + ("+" if _git("status", "--porcelain", "-uno") else ""),
        "load_average_at_the_end": round(os.getloadavg()[0], 2),
    }


def _git(*arguments: str) -> str:
    """Empty where this is no checkout."""
    done = subprocess.run(["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def tell(figures: Mapping[str, object], out: Path | None) -> None:
    """Print a run's figures as JSON, and keep them where that is wanted."""
    text = json.dumps(figures, indent=1) + "\n"
    sys.stdout.write(text)
    if out:
        out.write_text(text)
