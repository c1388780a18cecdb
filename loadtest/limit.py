"""Limit: the search for the most that holds. Pure: told what held, it names what to try next.

Doubling until it breaks, or halving until it holds; then the middle between
the highest that held and the lowest that broke, until they are close. A probe
that broke is tried once more before it is believed: one bad second of a shared
machine must not end a search.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Search:
    """Of a number of viewers, or a factor of the rates."""

    first: float
    least: float
    most: float
    close: float = 0.1  #: relative distance at which it ends
    held: float = 0.0  #: the highest that did
    broke: float = 0.0  #: the lowest that did; 0: none yet
    tried: list[tuple[float, bool]] = field(default_factory=list)
    _doubted: float = 0.0

    def next(self) -> float | None:
        """What to try; None: it is over."""
        if self._doubted:
            return self._doubted
        if not self.tried:
            return min(self.most, max(self.least, self.first))
        if not self.broke:
            return None if self.held >= self.most else min(self.most, self.held * 2)
        if not self.held:
            return None if self.broke <= self.least else max(self.least, self.broke / 2)
        if self.broke - self.held <= self.close * self.broke:
            return None
        return (self.held + self.broke) / 2

    def told(self, value: float, held: bool) -> None:
        """What came of it."""
        self.tried.append((value, held))
        if held:
            self.held = max(self.held, value)
            self._doubted = 0.0
        elif self._doubted != value:
            self._doubted = value
        else:
            self._doubted = 0.0
            self.broke = min(self.broke or value, value)
