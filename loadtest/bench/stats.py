"""Stats: medians and spreads over rounds, and what makes a run void. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .figures import Figure, Line, Round, Taken

#: above this share of its core the client measured itself
CLIENT_BUSY_PCT = 85.0
#: above this share of the server's core the neighbours were measured; interrupts alone are some 3 %
NEIGHBOURS_PCT = 10.0
#: /proc/stat counts in hundredths of a second
MEASURABLE_S = 0.5


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


def client_busy_pct(round_: Round) -> float:
    """The busiest client of a round, in any phase."""
    return max((line["client_busy_pct"] for _, line in _lines(round_)), default=0.0)


def neighbours_pct(round_: Round) -> float:
    """What others than the server took of the server's core; 0 where the server has more than that core."""
    return max(
        (
            line["core0_busy_pct"] - line["server_busy_pct"]
            for taken, line in _lines(round_)
            if taken.gateways == 1 and line["secs"] >= MEASURABLE_S
        ),
        default=0.0,
    )


def void_reason(round_: Round) -> str | None:
    """Why a round does not count; None: it counts."""
    if client_busy_pct(round_) > CLIENT_BUSY_PCT:
        return f"the client was {client_busy_pct(round_):.0f} % busy"
    if neighbours_pct(round_) > NEIGHBOURS_PCT:
        return f"other processes took {neighbours_pct(round_):.0f} % of the server's core"
    return None


def _lines(round_: Round) -> Iterator[tuple[Taken, Line]]:
    return ((taken, line) for taken in round_.values() for client in taken.phases for line in client)


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
