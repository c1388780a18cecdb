"""Herald: tells rooms what was committed for their deals, and what is left of these a moment later. One a process.

What is told is best effort, like all of the bus: a gateway counts anew what it missed. That it is told at all is not:
a deal whose gauges could not be read stays for the next turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from livestream.bus import BusMessage
from livestream.storage.pool import Database

from . import gauges
from .crier import Crier
from .engine import Told


class Herald:
    """What one process has to tell.

    Args:
        publish: hands a room's message to the gateways.
        origin: the process's number on the bus.
    """

    def __init__(self, publish: Callable[[str, BusMessage], None], origin: int) -> None:
        self._publish = publish
        self._origin = origin
        self._crier = Crier(publish, origin)
        self.stirred: dict[str, str] = {}  #: room by deal: their gauges are to be told

    def told(self, deal_id: str, told: Told) -> None:
        """Tell what was committed; the deal's gauges follow with the next turn of `tell_gauges`."""
        self._crier.pass_on(told.room_id, told.message)
        if told.stirred:
            self.stirred[deal_id] = told.room_id

    async def tell_gauges(self, database: Database) -> Sequence[str]:
        """Tell what is left of the deals that changed; returns their ids.

        Raises:
            Unavailable: they wait for the next turn.
        """
        stirred, self.stirred = self.stirred, {}
        if not stirred:
            return []
        try:
            async with database.read() as connection:
                found = await gauges.read(connection, list(stirred))
        except BaseException:
            self.stirred = stirred | self.stirred
            raise
        for deal_id, own in found.items():
            self._publish(stirred[deal_id], BusMessage(origin=self._origin, gauges=own.values()))
        return list(stirred)
