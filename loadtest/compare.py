"""Compare: what got better or worse between two runs, beyond the noise of each. Pure.

A run is cut into windows of some seconds. Two sets of windows differ when a
rank test says so (Mann-Whitney, two-sided) and the medians are far enough
apart to matter. The first seconds of a phase are not like the rest, so windows
are compared within their phase, by their place on the schedule.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from .result import Result, Second

_WINDOW_S = 3
_LEAST_WINDOWS = 5
_SURE = 0.01  #: chance of being wrong, for each line
_MATTERS = 0.10  #: relative difference of the medians
_LEAST_MS = 2.0  #: what is less than that nobody feels


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure in both runs."""

    name: str
    before: float
    after: float
    chance: float  #: that the difference is noise
    verdict: str  #: better, worse, same, unclear

    @property
    def change(self) -> float:
        return (self.after - self.before) / self.before if self.before else math.inf if self.after else 0.0


class NotComparable(ValueError):
    """Two different scenarios."""


def compare(before: Result, after: Result) -> list[Difference]:
    """All figures that both have.

    Raises:
        NotComparable
    """
    for name in ("scenario", "viewers"):
        if getattr(before, name) != getattr(after, name):
            raise NotComparable(f"{name} differs: {getattr(before, name)} and {getattr(after, name)}")
    found = []
    for metric in sorted(set(before.metrics) & set(after.metrics)):
        for part in ("p50", "p99"):
            was, now = (_windows(result, metric, part) for result in (before, after))
            found.append(_judge(f"{metric} {part}", was, now))
    for name, take in (("driver cores", "driver_cpu"), ("server cores", "cores")):
        was, now = (_plain(result.timeline, take) for result in (before, after))
        if was and now:
            found.append(_judge(name, was, now, least=0.02))
    return found


def promises(before: Result, after: Result) -> list[str]:
    """What is kept no longer, or kept again."""
    was = {each.name: each.ok for each in before.findings}
    return [
        f"{'kept again' if each.ok else 'broken now'}: {each.name}"
        for each in after.findings
        if each.name in was and was[each.name] != each.ok and None not in (was[each.name], each.ok)
    ]


def _windows(result: Result, metric: str, part: str) -> list[float]:
    """A value a window: of p50 the median of its seconds, of p99 the worst."""
    windows: dict[int, list[float]] = {}
    for second in result.timeline:
        times = second.times.get(metric)
        if times is not None:
            windows.setdefault(second.second // _WINDOW_S, []).append(times.p50 if part == "p50" else times.p99)
    return [statistics.median(each) if part == "p50" else max(each) for each in windows.values()]


def _plain(seconds: Sequence[Second], name: str) -> list[float]:
    values = [each.driver_cpu if name == "driver_cpu" else each.server.get(name) for each in seconds]
    return [each for each in values if each is not None]


def _judge(name: str, before: list[float], after: list[float], least: float = _LEAST_MS) -> Difference:
    was, now = statistics.median(before), statistics.median(after)
    if min(len(before), len(after)) < _LEAST_WINDOWS:
        return Difference(name, was, now, 1.0, "unclear")
    chance = mann_whitney(before, after)
    if chance > _SURE or abs(now - was) < least or abs(now - was) < _MATTERS * was:
        return Difference(name, was, now, chance, "same")
    return Difference(name, was, now, chance, "worse" if now > was else "better")


def mann_whitney(left: Sequence[float], right: Sequence[float]) -> float:
    """Chance that two samples so different come from one source: two-sided, normal approximation, ties corrected."""
    joined = sorted([(value, 0) for value in left] + [(value, 1) for value in right])
    ranks, ties, place = [0.0, 0.0], 0.0, 0
    while place < len(joined):
        end = place
        while end < len(joined) and joined[end][0] == joined[place][0]:
            end += 1
        rank = (place + 1 + end) / 2
        for _, side in joined[place:end]:
            ranks[side] += rank
        ties += (end - place) ** 3 - (end - place)
        place = end
    n, m = len(left), len(right)
    total = n + m
    u = ranks[0] - n * (n + 1) / 2
    spread = math.sqrt(n * m / 12 * (total + 1 - ties / (total * (total - 1))))
    if spread == 0:
        return 1.0
    z = (abs(u - n * m / 2) - 0.5) / spread
    return math.erfc(max(0.0, z) / math.sqrt(2))
