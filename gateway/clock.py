"""Clock: the database's time, as of the last heartbeat, carried on by the monotonic clock."""

from __future__ import annotations

import time


class Clock:
    """Judges nothing that matters: deadlines are judged in Postgres. For tokens and for what clients show."""

    def __init__(self) -> None:
        self._offset_ms = time.time() * 1000 - time.monotonic() * 1000

    def set(self, now_ms: int) -> None:
        self._offset_ms = now_ms - time.monotonic() * 1000

    def now_ms(self) -> int:
        return int(time.monotonic() * 1000 + self._offset_ms)
