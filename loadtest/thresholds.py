"""Thresholds: what must be reached, as a person writes it. Pure.

say.seen p99 <= 500 ms          a percentile of a time: p50, p99, p99.9, max
flood: comment.reply p99 <= 1 s     the same within one phase
dropped <= 0.1 %                a share of all actions that were due and could be done
refused.claim <= 0              a count; with the name of an action that one alone
moot.enter <= 20 %              the share of those that nobody could do, of all that were due
The space before a unit may be left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

_TIME = re.compile(
    r"(?:(?P<phase>[^:]+):\s*)?(?P<metric>[a-z_]+(?:\.[a-z_]+)*)\s+(?P<part>p\d{1,2}(?:\.\d+)?|max)\s*"
    r"<=\s*(?P<value>\d+(?:\.\d+)?)\s*(?P<unit>ms|s)"
)
_COUNT = re.compile(
    r"(?:(?P<phase>[^:]+):\s*)?(?P<metric>[a-z_]+(?:\.[a-z_]+)?)\s*<=\s*(?P<value>\d+(?:\.\d+)?)\s*(?P<unit>%?)"
)
#: what may be counted or shared
COUNTS = frozenset(
    {
        "arrivals", "cues", "cut", "dial_failed", "dropped", "due", "ended", "entry_timeout", "gaps", "gave_up",
        "joins", "moot", "refused", "repeats", "resets", "resumes", "sent", "slow.ended", "too_late", "unreadable",
    }
)  # fmt: skip
#: what is counted of each action, too: `refused.claim`
OF_ACTIONS = frozenset({"dropped", "due", "moot", "refused", "too_late"})
#: what takes time, beside the reply to each action
_TIMES = frozenset({"say.seen", "comment.seen", "join", "resume", "back", "checkout", "pay_seat.told", "cue.reply"})
_SLOW = "slow."  #: before the name: of slow readers
_NEVER_SLOW = frozenset({"checkout", "cue.reply"})  #: a page beside the line; staff


class ThresholdError(ValueError):
    """It cannot be read."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """One line."""

    text: str
    metric: str
    most: float  #: ms for times, a share for `%`, else a count
    percentile: float | None = None  #: null: a share or a count; 100: the maximum
    share: bool = False
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of it."""

    text: str
    value: float | None  #: null: nothing was measured
    most: float
    ok: bool

    @property
    def shown(self) -> str:
        if self.value is None:
            return "nothing was measured"
        if self.text.rstrip().endswith("%"):
            return f"{self.value * 100:.3g} %"
        return f"{self.value:.4g} ms" if self.text.rstrip().endswith("s") else f"{self.value:.4g}"


def parse(text: str) -> Threshold:
    """Read one.

    Raises:
        ThresholdError
    """
    found = _TIME.fullmatch(text.strip())
    if found:
        part = found["part"]
        percentile = 100.0 if part == "max" else float(part[1:])
        most = float(found["value"]) * (1000 if found["unit"] == "s" else 1)
        return Threshold(text, found["metric"], most, percentile, phase=found["phase"])
    found = _COUNT.fullmatch(text.strip())
    if found:
        if found["phase"] is not None:
            raise ThresholdError(f"counts are of the whole run: write `{text.partition(':')[2].strip()}`")
        if found["metric"] not in COUNTS and found["metric"].partition(".")[0] not in OF_ACTIONS:
            raise ThresholdError(f"nothing is counted as {found['metric']!r}; there are {', '.join(sorted(COUNTS))}")
        share = found["unit"] == "%"
        return Threshold(text, found["metric"], float(found["value"]) / (100 if share else 1), share=share)
    raise ThresholdError("write `say.seen p99 <= 500 ms`, `dropped <= 0.1 %` or `resets <= 0`")


def measured(threshold: Threshold, behaviours: Collection[str]) -> bool:
    """Is there such a time or count? One that is misspelt would be missed, or kept, by silence after the whole run."""
    if threshold.percentile is None:
        action = threshold.metric.partition(".")[2]
        return threshold.metric in COUNTS or action in behaviours or action == "checkout"
    name = threshold.metric.removeprefix(_SLOW)
    if name != threshold.metric and name in _NEVER_SLOW:
        return False
    return name in _TIMES or (name.endswith(".reply") and name.removesuffix(".reply") in behaviours)


def due_of(metric: str, totals: Mapping[str, int]) -> int:
    """Of how many a share is: of what was due and could be done; `moot` is what could not, of all that was due."""
    name, dot, action = metric.partition(".")
    due = totals.get(f"due{dot}{action}", 0)
    return due if name == "moot" else due - totals.get(f"moot{dot}{action}", 0)


def judge(threshold: Threshold, value: float | None) -> Judged:
    """A time that nothing was measured of was not reached: silence is no success."""
    return Judged(threshold.text, value, threshold.most, value is not None and value <= threshold.most)
