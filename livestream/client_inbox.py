"""Inbox: pushes between the socket and whoever iterates over them.

A consumer that is too slow misses live and gauge pushes, counted; never the
log, a notice or a snapshot. So what waits is bounded by the host's pace, not
by the crowd's.
"""

from __future__ import annotations

import asyncio
from collections import deque

from livestream.protocol.lanes import Lane
from livestream.protocol.pushes import AnyPush

_SHEDDABLE = frozenset({Lane.LIVE, Lane.GAUGE})


class Inbox:
    """A queue for one consumer.

    Args:
        most: pushes that wait before live and gauge ones are dropped.
    """

    __slots__ = ("_ended", "_most", "_pushes", "_waiter", "dropped")

    def __init__(self, most: int) -> None:
        self._most = most
        self._pushes: deque[AnyPush] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._pushes)

    def put(self, push: AnyPush) -> None:
        if len(self._pushes) >= self._most and push.lane in _SHEDDABLE:
            self.dropped += 1
            return
        self._pushes.append(push)
        self._wake()

    def end(self) -> None:
        """Nothing will follow; what waits can still be read."""
        self._ended = True
        self._wake()

    async def get(self) -> AnyPush | None:
        """The next push; None after the last one."""
        while not self._pushes:
            if self._ended:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._pushes.popleft()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
