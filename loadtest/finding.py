"""Finding: the search for the limit as a person follows it: what comes next, how far it is, what came of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from .limit import Search
from .result import Result
from .scenario import Scenario, scaled

_LEAST_VIEWERS, _MOST_VIEWERS = 10, 15_000
_LEAST_RATE, _MOST_RATE = 0.01, 100.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of a search."""

    by_viewers: bool  #: else by a factor of the rates
    most: float | None = None  #: None: 15,000 viewers, or as many as the scenario has; 100 times the rate
    close: float = 0.1  #: relative distance at which it ends
    within_s: float = 3600.0  #: no run begins that would end later, by the longest before it


@dataclass(frozen=True, slots=True)
class Probe:
    """One run of it."""

    value: float
    verdict: str
    reasons: list[str]


@dataclass(slots=True)
class Finder:
    """Of one scenario. `now` is seconds of a monotonic clock."""

    base: Scenario
    bounds: Bounds
    probes: list[Probe] = field(default_factory=list)
    interrupted: bool = False  #: by a person, or by what went wrong
    late: bool = False  #: the time was over before the limit was close
    _search: Search = field(init=False)
    _value: float = 0.0
    _began: float | None = None
    _probe_began: float = 0.0
    _longest_s: float = 0.0

    def __post_init__(self) -> None:
        viewers = self.bounds.by_viewers
        first, least, grain = (self.base.viewers, _LEAST_VIEWERS, 1.0) if viewers else (1.0, _LEAST_RATE, 0.0)
        most = self.bounds.most or max(first, _MOST_VIEWERS if viewers else _MOST_RATE)
        self._search = Search(first, min(least, most), most, self.bounds.close, grain)
        self._longest_s = self.base.seconds  # the first run is weighed, too

    @property
    def held(self) -> float:
        return self._search.held

    @property
    def most(self) -> float:
        """It does not go beyond."""
        return self._search.most

    @property
    def rate(self) -> float:
        """By which the rates are multiplied now."""
        return 1.0 if self.bounds.by_viewers else self._value

    def next(self, now: float) -> Scenario | None:
        """What to play; None: it is over."""
        value = self._search.next()
        self._began = now if self._began is None else self._began
        self.late = value is not None and now - self._began + self._longest_s > self.bounds.within_s
        if value is None or self.late or self.interrupted:
            return None
        self._probe_began = now
        self._value = float(int(value)) if self.bounds.by_viewers else value
        if self.bounds.by_viewers:
            return scaled(self.base, viewers=int(value))
        return scaled(self.base, viewers=None, rate=value)

    def told(self, result: Result, now: float) -> str:
        """What came of it, in a line or some."""
        self._longest_s = max(self._longest_s, now - self._probe_began)
        self.probes.append(Probe(self._value, result.verdict, result.reasons))
        self.interrupted = self.interrupted or result.verdict == "interrupted"
        if result.verdict != "interrupted":
            self._search.told(self._value, result.passed)
        reasons = "".join(f"\n   {each}" for each in result.reasons)
        return f"-- {self.shown(self._value)}: {result.verdict}{reasons}"

    def head(self) -> str:
        """Before a run: which, and between what the limit is known to be."""
        known = [f"{word} {self.shown(value)}" for word, value in (("holds", self.held), ("not", self._search.broke))]
        shown = ", ".join(text for text, value in zip(known, (self.held, self._search.broke), strict=True) if value)
        passed_min = (self._probe_began - (self._began or 0.0)) / 60
        so_far = f"so far {shown}; " if shown else ""
        return (
            f"-- run {len(self.probes) + 1}: {self.shown(self._value)} "
            f"({so_far}{passed_min:.0f} of {self.bounds.within_s / 60:g} min)"
        )

    def text(self) -> str:
        """The end: each run, and the answer."""
        lines = [f"{self.shown(each.value):>16}  {each.verdict}" for each in self.probes]
        return "\n".join(["", *lines, self._answer()])

    def _answer(self) -> str:
        name, held, broke = self.base.name, self.held, self._search.broke
        if self.interrupted or self.late:
            why = "it was ended early" if self.interrupted else "the time is over"
            known = f"at least {self.shown(held)}" if held else "nothing that holds was found"
            return f"{name}: {why}: {known}" + (f", and not {self.shown(broke)}" if broke else "")
        if not held:
            return f"{name} does not hold even {self.shown(broke)}{self._blame(broke)}"
        end = f", and not {self.shown(broke)}{self._blame(broke)}" if broke else ", the most that was tried"
        return f"{name} holds {self.shown(held)}{end}"

    def _blame(self, value: float) -> str:
        """A driver at its limit says nothing of the server's."""
        void = [each.verdict == "void" for each in self.probes if each.value == value]
        return " (there the driver was at its limit, not the server)" if void and all(void) else ""

    def shown(self, value: float) -> str:
        """A value in words."""
        return f"{value:,.0f} viewers" if self.bounds.by_viewers else f"rate × {value:.3g}"
