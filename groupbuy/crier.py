"""Crier: what teams do, told to the whole room. The first at once; in a rush the newest few, and no oftener than that.

A thousand teams a second would be a frame to every viewer each tick, and
nobody reads them: seats and stock left, which are gauges, say how it goes.
They go with these, so that they cost no frame of their own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from livestream.bus import BusMessage
from livestream.protocol.groupbuy import TeamsLeftOut

_MOST = 8  #: a frame: nobody reads more in a second
_PAUSE_S = 2.0  #: between two frames of a room, from one process
_encode = msgspec.json.Encoder().encode


class _Waiting:
    """The newest events of a room, and how many were left out for them."""

    def __init__(self, events: Sequence[bytes]) -> None:
        self.newest: deque[bytes] = deque(maxlen=_MOST)
        self._all = 0
        self.add(events)

    def add(self, events: Sequence[bytes]) -> None:
        self.newest.extend(events)
        self._all += len(events)

    def take(self) -> list[bytes]:
        told, left_out = list(self.newest), self._all - len(self.newest)
        self.newest.clear()
        self._all = 0
        return [*told, _encode(TeamsLeftOut(count=left_out))] if left_out else told


class Crier:
    """Of all rooms of one process."""

    def __init__(self, publish: Callable[[str, BusMessage], None], origin: int) -> None:
        self._publish = publish
        self._origin = origin
        self._waiting: dict[str, _Waiting] = {}

    def pass_on(self, room_id: str, message: BusMessage) -> None:
        """Publish a message at once, but for its live events, which wait for their turn."""
        self.tell(room_id, message.live)
        self._publish(room_id, msgspec.structs.replace(message, live=[]))

    def tell(self, room_id: str, events: Sequence[bytes]) -> None:
        """Events (JSON) of the live lane. Those that wait longest are left out, and counted: they are stale first."""
        if not events:
            return
        waiting = self._waiting.get(room_id)
        if waiting is not None:
            waiting.add(events)
            return
        self._waiting[room_id] = _Waiting(events)
        self._cry(room_id)

    def _cry(self, room_id: str) -> None:
        waiting = self._waiting[room_id]
        if not waiting.newest:
            del self._waiting[room_id]
            return
        self._publish(room_id, BusMessage(origin=self._origin, notes=waiting.take()))
        asyncio.get_running_loop().call_later(_PAUSE_S, self._cry, room_id)
