"""Compare: what got better or worse between two runs, beyond the noise of each. Pure.

A run is cut into windows of some seconds. Two sets of windows differ when a
rank test says so (Mann-Whitney, two-sided) and the medians are far enough
apart to matter. The first seconds of a phase are not like the rest, nor is one
phase like another, so windows are ranked within their phase; a figure of the
whole run adds up the phases' tests (van Elteren). What is counted is compared
as a rate, as if each came by itself.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .result import Result, Second

_WINDOW_S = 3
_LEAST_WINDOWS = 5
_SURE = 0.01  #: chance of being wrong, for each line
_MATTERS = 0.10  #: relative difference of the medians, or rates
_LEAST_MS = 2.0  #: what is less than that nobody feels
_LEAST_CORES = 0.02
_COUNTS = ("dropped", "refused", "gave_up", "resets")  #: of which fewer are better
_EXACT = 1000  #: of more the bell curve is near enough

Windows = list[list[float]]  #: values of one run by phase, a value a window


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure in both runs."""

    name: str
    before: float
    after: float | None  #: null: it was not measured any more
    chance: float  #: that the difference is noise
    verdict: str  #: better, worse, same, unclear
    phase: str | None = None  #: null: of the whole run

    @property
    def line(self) -> str:
        """For people."""
        name = self.name if self.phase is None else f"{self.phase}: {self.name}"
        if self.after is None:
            return f"{self.verdict:<8} {name:<30} {self.before:>10.2f} → nothing was measured"
        change = (self.after - self.before) / self.before if self.before else math.inf if self.after else 0.0
        return f"{self.verdict:<8} {name:<30} {self.before:>10.2f} → {self.after:>10.2f}  {change:+.0%}"


class NotComparable(ValueError):
    """Two runs that did not do the same."""


def compare(before: Result, after: Result) -> list[Difference]:
    """All figures of the first one: of the whole run, and of each phase that is long enough.

    Raises:
        NotComparable
    """
    for result in (before, after):
        if result.verdict == "interrupted":
            raise NotComparable(f"the run of {result.started_at} was ended early: play it to its end")
    for name in ("scenario", "viewers", "rate", "time", "workers"):
        if getattr(before, name) != getattr(after, name):
            raise NotComparable(f"{name} differs: {getattr(before, name)} and {getattr(after, name)}")
    if before.digest != after.digest:
        raise NotComparable(f"the scenario {before.scenario!r} was changed between the two")
    found: list[Difference] = []
    for metric in sorted(before.metrics):
        for part in ("p50", "p99"):
            found += _compared(f"{metric} {part}", before, after, _time(metric, part), _of(part), _LEAST_MS)
    found += _compared("driver cores", before, after, lambda each: each.driver_cpu, statistics.median, _LEAST_CORES)
    found += _compared(
        "server cores", before, after, lambda each: each.server.get("cores"), statistics.median, _LEAST_CORES
    )
    return found + [_counted(name, before, after) for name in _COUNTS]


def promises(before: Result, after: Result) -> list[str]:
    """What is broken now and was not before, and what is kept again. What nobody judged before was not broken."""
    was = {each.name: each.ok for each in before.findings}
    told = []
    for each in after.findings:
        if each.ok is False and was.get(each.name) is not False:
            told.append(f"broken now: {each.name}")
        elif each.ok and was.get(each.name) is False:
            told.append(f"kept again: {each.name}")
    now = {each.name for each in after.findings if each.ok is not None}
    return told + [f"judged no longer: {name}" for name, ok in was.items() if ok and name not in now]


def notes(before: Result, after: Result) -> list[str]:
    """What to know of the two before they are believed."""
    told = [f"note: the run of {each.started_at} is void" for each in (before, after) if each.verdict == "void"]
    for name in ("machine", "settings"):
        one, other = getattr(before, name), getattr(after, name)
        keys = sorted(key for key in {*one, *other} if one.get(key) != other.get(key))
        told += [f"note: {name}: {key} was {one.get(key)}, and is {other.get(key)}" for key in keys]
    return told


def _compared(
    name: str,
    before: Result,
    after: Result,
    take: Callable[[Second], float | None],
    merge: Callable[[list[float]], float],
    least: float,
) -> list[Difference]:
    phases = [mark.text for mark in before.marks if mark.kind == "phase"]
    was, now = (_windows(result, take, merge) for result in (before, after))
    if not any(was):
        return []
    found = [_judged(name, was, now, least)]
    for phase, one, other in zip(phases, was, now, strict=False):
        if min(len(one), len(other)) >= _LEAST_WINDOWS:
            found.append(_judged(name, [one], [other], least, phase))
    return found


def _windows(result: Result, take: Callable[[Second], float | None], merge: Callable[[list[float]], float]) -> Windows:
    """By phase; seconds after the last one are nobody's."""
    phases = [mark for mark in result.marks if mark.kind == "phase" and mark.at_s < result.seconds]
    found: Windows = []
    for phase in phases:
        windows: dict[int, list[float]] = {}
        for second in result.timeline:
            value = take(second)
            if value is not None and phase.at_s <= second.second < phase.at_s + phase.seconds:
                windows.setdefault(int(second.second - phase.at_s) // _WINDOW_S, []).append(value)
        found.append([merge(each) for each in windows.values()])
    return found


def _time(metric: str, part: str) -> Callable[[Second], float | None]:
    def take(second: Second) -> float | None:
        times = second.times.get(metric)
        return None if times is None else times.p50 if part == "p50" else times.p99

    return take


def _of(part: str) -> Callable[[list[float]], float]:
    """Of p50 the median of a window's seconds, of p99 the worst."""
    return statistics.median if part == "p50" else max


def _judged(name: str, before: Windows, after: Windows, least: float, phase: str | None = None) -> Difference:
    whole_before, whole_after = ([value for each in windows for value in each] for windows in (before, after))
    was = statistics.median(whole_before)
    if not whole_after:
        return Difference(name, was, None, 0.0, "worse", phase)
    now = statistics.median(whole_after)
    if min(len(whole_before), len(whole_after)) < _LEAST_WINDOWS:
        return Difference(name, was, now, 1.0, "unclear", phase)
    chance = rank_test(list(zip(before, after, strict=False)))
    if chance > _SURE or abs(now - was) < least or abs(now - was) < _MATTERS * was:
        return Difference(name, was, now, chance, "same", phase)
    return Difference(name, was, now, chance, "worse" if now > was else "better", phase)


def _counted(name: str, before: Result, after: Result) -> Difference:
    """A minute."""
    was, now = before.totals.get(name, 0), after.totals.get(name, 0)
    chance = count_test(was, before.seconds, now, after.seconds)
    rates = was / before.seconds * 60, now / after.seconds * 60
    verdict = "worse" if rates[1] > rates[0] else "better"
    if chance > _SURE or abs(rates[1] - rates[0]) < _MATTERS * rates[0]:
        verdict = "same"
    return Difference(f"{name} a minute", *rates, chance, verdict)


def count_test(one: int, one_s: float, other: int, other_s: float) -> float:
    """Chance that two counts over so many seconds, so different, come at one rate: two-sided, given their sum."""
    total, share = one + other, other_s / (one_s + other_s)
    if total > _EXACT:
        z = (abs(other - total * share) - 0.5) / math.sqrt(total * share * (1 - share))
        return math.erfc(max(0.0, z) / math.sqrt(2))

    def between(least: int, most: int) -> float:
        return sum(math.comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(least, most + 1))

    return min(1.0, 2 * min(between(0, other), between(other, total)))


def rank_test(strata: Sequence[tuple[Sequence[float], Sequence[float]]]) -> float:
    """Chance that pairs of samples so different come from one source each: two-sided, normal approximation, ties
    corrected. Each pair is ranked by itself, and weighs the more the less it has of noise (van Elteren)."""
    away = variance = step = 0.0
    for left, right in strata:
        if not left or not right:
            continue
        total, (n, m) = len(left) + len(right), (len(left), len(right))
        u, ties = _ranked(left, right)
        weight = 1 / (total + 1)
        away += weight * (u - n * m / 2)
        variance += weight**2 * n * m / 12 * (total + 1 - ties / (total * (total - 1)))
        step = max(step, weight / 2)
    if variance <= 0:
        return 1.0
    return math.erfc(max(0.0, abs(away) - step) / math.sqrt(variance) / math.sqrt(2))


def _ranked(left: Sequence[float], right: Sequence[float]) -> tuple[float, float]:
    """How often the left is above the right, and what ties take of the variance."""
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
    return ranks[0] - len(left) * (len(left) + 1) / 2, ties
