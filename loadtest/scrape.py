"""Scrape: the server's own metrics beside the run, and its CPU where it runs on this machine."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import aiohttp

from .faults.hurt import descendants

_TICKS = os.sysconf("SC_CLK_TCK")
_TIMEOUT_S = 2.0
#: counters that are shown as a rate a second
_RATES = {
    "deliveries/s": "livestream_deliveries_total",
    "frames/s": "livestream_frames_total",
    "commands/s": "livestream_commands_total",
    "joins/s": "livestream_joins_total",
    "skipped frames/s": "livestream_skipped_frames_total",
    "log reads/s": "livestream_log_reads_total",
}
#: histograms of which the mean of a second is shown, in ms
_MEANS = {
    "loop lag ms": "livestream_loop_lag_seconds",
    "fan-out ms": "livestream_fanout_seconds",
    "batch ms": "livestream_batch_seconds",
}
_VALUES = {"connections": "livestream_connections"}


class Scrape:
    """Asked once a second.

    Args:
        url: of the metrics; a server that has none is loaded all the same.
        pid: of the server's first process, if it runs here.
    """

    def __init__(self, url: str, pid: int | None) -> None:
        self._url = url
        self._pid = pid
        self._before: dict[str, float] = {}
        self._at = 0.0

    async def look(self) -> dict[str, float]:
        """What is known of the last second."""
        now = time.monotonic()
        sums = await self._sums()
        if self._pid is not None:
            sums["cpu"] = sum(map(_cpu_s, [self._pid, *descendants(self._pid)]))
        before, passed = self._before, now - self._at
        self._before, self._at = sums, now
        if not before:
            return {}
        found = {}
        for name, metric in _RATES.items():
            if metric in sums and metric in before:
                found[name] = max(0.0, sums[metric] - before[metric]) / passed
        for name, metric in _MEANS.items():
            count = sums.get(metric + "_count", 0) - before.get(metric + "_count", 0)
            if count > 0:
                found[name] = (sums.get(metric + "_sum", 0) - before.get(metric + "_sum", 0)) / count * 1000
        found |= {name: sums[metric] for name, metric in _VALUES.items() if metric in sums}
        if "cpu" in sums and "cpu" in before:
            found["cores"] = max(0.0, sums["cpu"] - before["cpu"]) / passed
        return found

    async def _sums(self) -> dict[str, float]:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(self._url) as response:
                if response.status == 200:
                    return parse(await response.text())
        return {}


def parse(text: str) -> dict[str, float]:
    """Prometheus' text to sums by name, over all labels.

    Raises:
        ValueError: it is something else.
    """
    sums: dict[str, float] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            labelled, _, value = line.rpartition(" ")
            name = labelled.split("{")[0].split(" ")[0]
            sums[name] = sums.get(name, 0.0) + float(value)
    return sums


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
