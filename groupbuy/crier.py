"""Crier: what teams do, told to the whole room. The first at once; in a rush the newest few, and no oftener than that.

A thousand teams a second would be a frame to every viewer each tick, and
nobody reads them: seats and stock left, which are gauges, say how it goes.
They go with these, so that they cost no frame of their own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from livestream.bus import BusMessage

_MOST = 8  #: a frame: nobody reads more in a second
_PAUSE_S = 2.0  #: between two frames of a room, from one process


class Crier:
    """Of all rooms of one process."""

    def __init__(self, publish: Callable[[str, BusMessage], None], origin: int) -> None:
        self._publish = publish
        self._origin = origin
        self._waiting: dict[str, deque[bytes]] = {}

    def tell(self, room_id: str, events: Sequence[bytes]) -> None:
        """Events (JSON) of the live lane. Of those that wait the oldest are left out: they are stale the soonest."""
        if not events:
            return
        waiting = self._waiting.get(room_id)
        if waiting is not None:
            waiting.extend(events)
            return
        self._waiting[room_id] = deque(events, _MOST)
        self._cry(room_id)

    def _cry(self, room_id: str) -> None:
        waiting = self._waiting[room_id]
        if not waiting:
            del self._waiting[room_id]
            return
        self._publish(room_id, BusMessage(origin=self._origin, notes=list(waiting)))
        waiting.clear()
        asyncio.get_running_loop().call_later(_PAUSE_S, self._cry, room_id)
