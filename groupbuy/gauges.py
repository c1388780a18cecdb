"""Gauges: units left and seats free of a deal, told to the room a moment after they changed, many changes at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from livestream.bus import BusMessage
from livestream.protocol.errors import LivestreamError
from livestream.storage.pool import Connection, Database

from . import chores
from .engine import Told

_PAUSE_S = 0.3  #: a gauge has a tick of a second anyway
_log = structlog.get_logger()


class Gauges:
    """Of all deals of one process."""

    def __init__(self, database: Database, publish: Callable[[str, BusMessage], None], origin: int) -> None:
        self._database = database
        self._publish = publish
        self._origin = origin
        self._waiting: dict[str, str] = {}
        self._task: asyncio.Task[None] | None = None

    def stir(self, deal_id: str, room_id: str) -> None:
        """Something about a deal's stock or seats changed."""
        self._waiting[deal_id] = room_id
        if self._task is None:
            # It ends with what waits, and its failures are logged: it needs no keeper.
            self._task = asyncio.get_running_loop().create_task(self._tell(), name="groupbuy gauges")

    async def _tell(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(_PAUSE_S)
                rooms, self._waiting = self._waiting, {}
                await self._read(rooms)
        except LivestreamError as error:
            _log.warning("groupbuy.gauges", error=repr(error))
        finally:
            self._task = None

    def _sold_out(self, deal_id: str, told: Told) -> None:
        self._publish(told.room_id, told.message)

    async def _read(self, rooms: dict[str, str]) -> None:
        async with self._database.read() as connection:
            values = await read(connection, list(rooms))
        for deal_id, room_id in rooms.items():
            found = {key: value for key, value in values.items() if key.startswith(f"deal_{deal_id}_")}
            self._publish(room_id, BusMessage(origin=self._origin, gauges=found))
            await chores.tell_sold_out(self._database, self._sold_out, deal_id)


async def read(connection: Connection, deal_ids: list[str]) -> dict[str, int]:
    """`deal_<id>_left`: units; `deal_<id>_seats`: free seats of teams that form."""
    rows = await connection.fetch(
        """
        SELECT deal_id, free, (SELECT coalesce(sum(size - held - paid - waived), 0)::bigint FROM team
                                WHERE team.deal_id = s.deal_id AND state = 'forming') AS seats
          FROM deal_stock s WHERE deal_id = ANY($1)""",
        deal_ids,
    )
    found: dict[str, int] = {}
    for row in rows:
        found[f"deal_{row['deal_id']}_left"] = row["free"]
        found[f"deal_{row['deal_id']}_seats"] = row["seats"]
    return found
