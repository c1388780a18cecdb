"""Circuit: leaves a dependency alone that keeps failing. Pure: the time is an argument.

closed ──`FAILURES` in a row──> open ──after `REST_S`: one try──> closed, or open again
"""

from __future__ import annotations

from dataclasses import dataclass

FAILURES = 5
REST_S = 5.0


@dataclass(slots=True)
class Circuit:
    """Of one dependency."""

    failed: int = 0  #: in a row
    next_try_at: float = 0.0

    @property
    def open(self) -> bool:
        """It is left alone, but for a try now and then."""
        return self.failed >= FAILURES

    def lets_through(self, now: float) -> bool:
        """May it be asked now? While open, one caller in `REST_S` may."""
        if not self.open:
            return True
        if now < self.next_try_at:
            return False
        self.next_try_at = now + REST_S
        return True

    def succeeded(self) -> None:
        self.failed = 0

    def failed_at(self, now: float) -> None:
        self.failed += 1
        self.next_try_at = now + REST_S
