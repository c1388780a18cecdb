"""Herald: tells the gateways what the worker did, as a gateway tells the others. Best effort, like all of the bus."""

from __future__ import annotations

from collections.abc import Callable

from livestream.bus import BusMessage
from livestream.storage.pool import Database

from . import gauges
from .crier import Crier
from .engine import Told


class Herald:
    """What one worker has to tell.

    Args:
        publish: hands a room's message to the gateways.
        origin: the worker's number on the bus.
    """

    def __init__(self, publish: Callable[[str, BusMessage], None], origin: int) -> None:
        self._publish = publish
        self._origin = origin
        self._crier = Crier(publish, origin)
        self._stirred: dict[str, str] = {}  #: room by deal

    def told(self, deal_id: str, told: Told) -> None:
        """Tell what was committed; the deal's gauges follow with the next turn of `tell_gauges`."""
        self._crier.pass_on(told.room_id, told.message)
        if told.stirred:
            self._stirred[deal_id] = told.room_id

    async def tell_gauges(self, database: Database) -> int:
        """Tell what is left of the deals that changed; returns how many."""
        stirred, self._stirred = self._stirred, {}
        if stirred:
            async with database.read() as connection:
                values = await gauges.read(connection, list(stirred))
            for deal_id, room_id in stirred.items():
                own = {key: value for key, value in values.items() if key.startswith(f"deal_{deal_id}_")}
                self._publish(room_id, BusMessage(origin=self._origin, gauges=own))
        return len(stirred)
