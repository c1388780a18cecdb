"""Limit: the search for the most that holds. Pure: told what held, it names what to try next.

Doubling until it breaks, or halving until it holds; then the middle between
the highest that held and the lowest that broke, until they are close. No probe
is believed alone where it decides: one that broke is tried once more, since
one bad second of a shared machine must not end a search, and the highest that
held must hold twice, since one lucky run is no limit.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Search:
    """Of a number of viewers, or a factor of the rates."""

    first: float
    least: float
    most: float
    close: float = 0.1  #: relative distance at which it ends
    grain: float = 0.0  #: nothing lies between two values so near: viewers are whole
    broke: float = 0.0  #: the lowest that did; 0: none yet
    _held: Counter[float] = field(default_factory=Counter)  #: how often, by value
    _doubted: float = 0.0

    @property
    def held(self) -> float:
        """The highest that did; 0: none yet."""
        return max(self._held, default=0.0)

    @property
    def sure(self) -> bool:
        """Did the highest that held hold twice?"""
        return self._held[self.held] > 1 if self._held else False

    def next(self) -> float | None:
        """What to try; None: it is over."""
        if self._doubted:
            return self._doubted
        value = self._further()
        return self.held if value is None and self._held and not self.sure else value

    def _further(self) -> float | None:
        held, broke = self.held, self.broke
        if not held and not broke:
            return min(self.most, max(self.least, self.first))
        if not broke:
            return None if held >= self.most else min(self.most, held * 2)
        if not held:
            return None if broke <= self.least else max(self.least, broke / 2)
        return None if broke - held <= max(self.close * broke, self.grain) else (held + broke) / 2

    def told(self, value: float, held: bool) -> None:
        """What came of it."""
        if held:
            self._held[value] += 1
            self._doubted = 0.0
        elif self._doubted != value:
            self._doubted = value
        else:
            self._doubted = 0.0
            self.broke = min(self.broke or value, value)
            self._held = Counter({each: count for each, count in self._held.items() if each < self.broke})
