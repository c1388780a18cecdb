"""Keepalive: ends connections that never join, fell silent, outlived their token, or do not go when told.

A wheel with one slot a second of the ping interval: each second the
connections of one slot are pinged and those of another must have answered, so
ten thousand viewers cost a few hundred pings a second and no timer each.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from livestream.config import Settings
from livestream.protocol.errors import CloseCode

from .connection import Connection
from .session import SessionState

#: how long a peer may take to answer our close frame
_CLOSE_S = 3.0


class Keepalive:
    """Clocks of all connections of one process. `tick` once a second.

    Args:
        renew: gives a connection a newer resume token, at each of its turns.
    """

    def __init__(self, settings: Settings, now_ms: Callable[[], int], renew: Callable[[Connection], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._now_ms = now_ms
        self._renew = renew
        self._join_s = settings.join_timeout_ms / 1000
        self._slots: list[dict[Connection, None]] = [{} for _ in range(settings.ping_interval_s)]
        self._grace = min(settings.pong_timeout_s, settings.ping_interval_s - 1)
        self._turn = 0
        self._next_slot = 0
        self._unjoined: dict[Connection, None] = {}  # oldest first
        self._closing: deque[Connection] = deque()

    def opened(self, connection: Connection) -> None:
        connection.deadline = self._loop.time() + self._join_s
        self._unjoined[connection] = None
        self._next_slot = (self._next_slot + 1) % len(self._slots)
        connection.slot = self._next_slot
        self._slots[connection.slot][connection] = None

    def closing(self, connection: Connection) -> None:
        """It was told to go; its socket must follow soon."""
        self._unjoined.pop(connection, None)
        self._slots[connection.slot].pop(connection, None)
        connection.deadline = self._loop.time() + _CLOSE_S
        self._closing.append(connection)

    async def run(self) -> None:
        """Task."""
        while True:
            await asyncio.sleep(1.0)
            self.tick()

    def tick(self) -> None:
        now = self._loop.time()
        self._end_unjoined(now)
        while self._closing and self._closing[0].deadline <= now:
            self._closing.popleft().abort()
        self._turn = (self._turn + 1) % len(self._slots)
        # The silent first: at an interval of one second both are the same slot, and who was pinged
        # just now has had no time to answer.
        for connection in list(self._slots[(self._turn - self._grace) % len(self._slots)]):
            if not connection.alive:
                connection.close(CloseCode.PONG_TIMEOUT)
        for connection in list(self._slots[self._turn]):
            self._watch_token(connection)
            self._renew(connection)
            connection.ping()

    def _end_unjoined(self, now: float) -> None:
        for connection in list(self._unjoined):
            if connection.session.state is SessionState.JOINED:
                del self._unjoined[connection]
                self._watch_token(connection)
            elif connection.deadline <= now:
                # Who did ask waits for us: in a storm of joins they must come back, not stay away.
                joining = connection.session.state is SessionState.JOINING
                connection.close(CloseCode.TRY_LATER if joining else CloseCode.JOIN_TIMEOUT)

    def _watch_token(self, connection: Connection) -> None:
        """Set a timer only for tokens that end before this connection's next turn."""
        if connection.expires_at_ms is None:
            return
        left_s = (connection.expires_at_ms - self._now_ms()) / 1000
        if left_s <= len(self._slots) + 1:
            self._loop.call_later(max(0.0, left_s), connection.close, CloseCode.TOKEN_EXPIRED)
