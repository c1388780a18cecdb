"""Herald: tells the gateways what the worker did, as a gateway tells the others. Best effort, like all of the bus."""

from __future__ import annotations

from livestream import bus
from livestream.bus import BusMessage
from livestream.storage.pool import Database

from . import gauges
from .engine import Told

ORIGIN = 0  #: of the worker; no gateway has this number


class Herald:
    """What one worker has to tell.

    Args:
        url: of Redis.
    """

    def __init__(self, url: str) -> None:
        self._redis = bus.connect(url)
        self._messages: dict[str, BusMessage] = {}
        self._stirred: dict[str, str] = {}  #: room by deal

    def told(self, deal_id: str, told: Told) -> None:
        """Take what was committed; it goes out with the next turn of `tell`."""
        self._message(told.room_id).merge(told.message)
        if told.stirred:
            self._stirred[deal_id] = told.room_id

    async def tell(self, database: Database) -> int:
        """Send what waits, with the gauges of the deals that it changed; returns to how many rooms.

        While Redis is away it is dropped: logs and notices are found by the heartbeat, and gauges wait.
        """
        stirred, self._stirred = self._stirred, {}
        if stirred:
            async with database.read() as connection:
                values = await gauges.read(connection, list(stirred))
            for deal_id, room_id in stirred.items():
                mine = {key: value for key, value in values.items() if key.startswith(f"deal_{deal_id}_")}
                self._message(room_id).gauges.update(mine)
        messages, self._messages = self._messages, {}
        if not messages:
            return 0
        try:
            await bus.publish(self._redis, messages)
        except bus.LOST:
            self._stirred = {**stirred, **self._stirred}
            return 0
        return len(messages)

    async def close(self) -> None:
        await self._redis.aclose()

    def _message(self, room_id: str) -> BusMessage:
        return self._messages.setdefault(room_id, bus.message_of(ORIGIN))
