"""Tally: what a crowd did and got, in numbers. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counts since the start."""

    wanted: int  #: viewers
    arrived: int = 0  #: joined at least once
    failed: int = 0  #: could not get in, or were sent away for good
    connected: int = 0
    sent: int = 0  #: comments
    shown: int = 0  #: acknowledged, and shown to all
    left_out: int = 0  #: acknowledged and archived, but a flood kept them off the screens
    likes: int = 0  #: hearts acknowledged
    unsaid: int = 0  #: comments due while everyone had to wait for their next turn
    reconnects: int = 0
    gaps: int = 0
    refusals: Counter[str] = field(default_factory=Counter)  #: by code
    received: Counter[str] = field(default_factory=Counter)  #: pushes of all viewers, by lane
    troubles: Counter[str] = field(default_factory=Counter)  #: why viewers failed
    lag_ms: float = 0.0  #: the longest that this process's loop was late, in the last second
    elapsed_s: float = 0.0

    @property
    def acked(self) -> int:
        return self.shown + self.left_out

    def line(self) -> str:
        """One line for a log."""
        parts = [
            f"{self.elapsed_s:4.0f} s",
            f"viewers {self.connected}/{self.wanted}",
            f"comments {self.sent} sent, {self.acked} acked ({self.shown} shown, {self.left_out} left out)",
            f"likes {self.likes}",
            "received " + (self._joined(self.received) or "nothing"),
            f"reconnects {self.reconnects}",
            f"lag {self.lag_ms:.0f} ms",
        ]
        if self.refusals:
            parts.append("refused " + self._joined(self.refusals))
        if self.failed:
            parts.append(f"failed {self.failed}: " + self._joined(self.troubles))
        return " · ".join(parts)

    def summary(self) -> str:
        """What there is to say at the end."""
        per_s = self.acked / self.elapsed_s if self.elapsed_s else 0.0
        lines = [
            f"{self.arrived} of {self.wanted} viewers came in, {self.elapsed_s:.0f} s",
            f"{self.sent} comments sent, {self.acked} acknowledged ({per_s:.1f} a second): "
            f"{self.shown} shown, {self.left_out} left out of the screens by the room's display budget",
            f"{self.likes} likes",
            f"received, all viewers together: {self._joined(self.received) or 'nothing'}",
            f"{self.reconnects} reconnects, {self.gaps} gaps",
        ]
        if self.refusals:
            lines.append(f"refused: {self._joined(self.refusals)}")
        if self.unsaid:
            lines.append(f"{self.unsaid} comments had no viewer whose turn it was: more viewers can write more")
        if self.failed:
            lines.append(f"{self.failed} viewers failed: {self._joined(self.troubles)}")
        return "\n".join(lines)

    @staticmethod
    def _joined(counts: Counter[str]) -> str:
        return ", ".join(f"{name} {count}" for name, count in counts.most_common())
