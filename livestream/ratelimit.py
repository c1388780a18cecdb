"""TokenBucket: `burst` at once, then `per_s` a second. Pure: the time is an argument."""

from __future__ import annotations

from livestream.protocol.limits import Rate


class TokenBucket:
    """One bucket. Starts full."""

    __slots__ = ("_at", "_tokens")

    def __init__(self, rate: Rate, now: float) -> None:
        self._tokens = float(rate.burst)
        self._at = now

    def take(self, rate: Rate, now: float, wanted: int = 1) -> int:
        """Take up to `wanted` tokens; returns how many were there."""
        self._tokens = min(rate.burst, self._tokens + (now - self._at) * rate.per_s)
        self._at = now
        granted = min(wanted, int(self._tokens))
        self._tokens -= granted
        return granted

    def wait_ms(self, rate: Rate) -> int:
        """How long until one token is there, as of the last `take`."""
        return max(0, int((1 - self._tokens) / rate.per_s * 1000) + 1)
