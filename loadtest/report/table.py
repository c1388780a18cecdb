"""Table: several runs side by side, as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..result import Result
from ..thresholds import Judged

_HEAD = (
    "| scenario | viewers | seconds | verdict | nearest to its threshold | promises | driver, cores | server, cores |\n"
    "|---|---|---|---|---|---|---|---|\n"
)


def table(runs: Sequence[Result]) -> str:
    """One line a run."""
    return _HEAD + "".join(map(_line, runs))


def _line(result: Result) -> str:
    kept = sum(each.ok is True for each in result.findings)
    judged = sum(each.ok is not None for each in result.findings)
    cells = [
        f"`{result.scenario}`",
        f"{result.viewers:,}",
        f"{result.seconds:.0f}",
        result.verdict,
        _nearest(result.thresholds),
        f"{kept} of {judged} kept",
        f"{result.driver.get('cores', 0):.2f}",
        _cores(result),
    ]
    return f"| {' | '.join(cells)} |\n"


def _nearest(thresholds: Sequence[Judged]) -> str:
    """The threshold of which most is used up; a time that nobody measured is missed by the whole of it."""

    def used(each: Judged) -> float:
        if each.value is None:
            return float("inf")
        return each.value / each.most if each.most else float(each.value > 0)

    if not thresholds:
        return "none"
    worst = max(thresholds, key=used)
    return f"{worst.text}: {worst.shown}"


def _cores(result: Result) -> str:
    """The server's mean, where it runs on this machine."""
    seen = [each.server["cores"] for each in result.timeline if "cores" in each.server]
    return f"{sum(seen) / len(seen):.2f}" if seen else "–"
