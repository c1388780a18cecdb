"""Figures: what is measured, how, and the target of each number. Pure: tables and arithmetic.

A benchmark is a few runs that are repeated in interleaved rounds; a figure is
one number a round, made of those runs. Targets are on the median of rounds.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Line = Mapping[str, float]  #: numbers of one phase as the client told them
DEFLATE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

#: limits that would measure the limiter: a host of the benchmark says more than a person can
UNLIMITED: Mapping[str, str] = {"STAFF_RATE_BURST": "1000000", "STAFF_RATE_PER_S": "1000000"}
SHOW_ALL: Mapping[str, str] = {**UNLIMITED, "DISPLAY_PER_S": "1000000"}


class Server(enum.Enum):
    LIVESTREAM = "livestream"
    LIMIT = "csend"  #: a C loop of send(2)


@dataclass(frozen=True, slots=True)
class Run:
    """One server, its clients, and what they do."""

    phases: str  #: for fanload, with {s} for the seconds of a phase
    viewers: int = 5000
    server: Server = Server.LIVESTREAM
    settings: Mapping[str, str] = field(default_factory=lambda: UNLIMITED)
    gateways: int = 1
    clients: int = 1  #: processes that share the viewers
    senders: int = 0  #: viewers who comment
    extensions: str | None = None
    in_memory: bool = False  #: the stores' files lie in /dev/shm, where a COMMIT waits for no disk


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run gave."""

    connects: list[Line]  #: a client
    phases: list[list[Line]]  #: a client, a phase
    counters: Mapping[str, float]  #: of /metrics, summed over processes, as they rose during the phases
    fates: Mapping[str, int]  #: archived comments of the run, by fate
    gateways: int = 1

    def phase(self, index: int = 0) -> Line:
        """The only client's phase."""
        return self.phases[0][index]

    def total(self, name: str, index: int = 0) -> float:
        return sum(client[index].get(name, 0) for client in self.phases)

    def worst(self, name: str, index: int = 0) -> float:
        return max(client[index].get(name, 0) for client in self.phases)


Round = Mapping[str, Taken]  #: by name of the run


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: Callable[[Round], float]
    unit: str = ""
    least: float | None = None  #: target: at least
    most: float | None = None  #: target: at most

    @property
    def target(self) -> str:
        if self.least is not None:
            return f"≥ {self.least:,g}"
        return f"≤ {self.most:,g}" if self.most is not None else "–"

    def reached(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


@dataclass(frozen=True, slots=True)
class Benchmark:
    name: str
    title: str
    runs: Mapping[str, Run]
    figures: tuple[Figure, ...]


def ratio(name: str, above: str = "livestream", below: str = "csend") -> Callable[[Round], float]:
    """A phase's number of one run, over the same number of another run of the round."""
    return lambda round_: round_[above].phase()[name] / round_[below].phase()[name]


def of(name: str, run: str = "livestream") -> Callable[[Round], float]:
    """A phase's number."""
    return lambda round_: round_[run].phase()[name]


def faults(round_: Round) -> float:
    """Gaps and repeats in any viewer's seq, refs answered never or twice, viewers behind at the end."""
    names = ("seq_gaps", "seq_backwards", "behind", "unanswered", "answered_twice", "answered_astray")
    return sum(
        taken.total(name, index) for taken in round_.values() for index in range(len(taken.phases[0])) for name in names
    )


NO_FAULTS = Figure("gaps, repeats, refs not answered once", faults, most=0)
