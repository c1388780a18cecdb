"""Stats: medians and spreads over rounds, and what makes a run void. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .figures import Figure, Line, Taken

#: above this share of its core the client measured itself
CLIENT_BUSY_PCT = 85.0


@dataclass(frozen=True, slots=True)
class Summary:
    """A figure over the rounds that count."""

    median: float
    low: float
    high: float
    rounds: int

    @property
    def spread_pct(self) -> float:
        """Half of the distance between the extremes, of the median."""
        return (self.high - self.low) / 2 / self.median * 100 if self.median else 0.0


def summarise(values: Sequence[float]) -> Summary | None:
    """None: no round counts."""
    if not values:
        return None
    return Summary(statistics.median(values), min(values), max(values), len(values))


def verdict(figure: Figure, summary: Summary | None) -> str:
    """`reached`, `missed`, `void`, or `–` where there is no target."""
    if summary is None:
        return "void"
    if figure.least is None and figure.most is None:
        return "–"
    return "reached" if figure.reached(summary.median) else "missed"


def client_busy_pct(runs: Iterable[Taken]) -> float:
    """The busiest client of a round, in any phase."""
    return max((line["client_busy_pct"] for taken in runs for client in taken.phases for line in client), default=0.0)


def is_void(runs: Iterable[Taken]) -> bool:
    return client_busy_pct(runs) > CLIENT_BUSY_PCT


def flatten(line: dict[str, object]) -> Line:
    """One level of numbers: {"says": {"ok": 3}} becomes says_ok; refusals by code are also summed."""
    flat: dict[str, float] = {}
    for name, value in line.items():
        if isinstance(value, dict):
            flat |= {f"{name}_{inner}": number for inner, number in flatten(value).items()}
            if all(isinstance(number, int) for number in value.values()):
                flat[name] = sum(value.values())
        elif isinstance(value, int | float):
            flat[name] = value
    return flat
