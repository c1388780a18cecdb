"""Rooms: which rooms there are, for pages; remembered for a moment, so that a page view is no query."""

from __future__ import annotations

import time
from dataclasses import dataclass

from livestream.room.store import read_state, require_room
from livestream.storage.pool import Database

_REMEMBER_S = 5.0
_LISTED = 100


@dataclass(frozen=True, slots=True)
class RoomEntry:
    room_id: str
    title: str


class Rooms:
    """Reads the rooms' names."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rooms: list[RoomEntry] = []
        self._read_at = -_REMEMBER_S

    async def listed(self) -> list[RoomEntry]:
        """The newest rooms.

        Raises:
            Unavailable: Postgres is away.
        """
        if time.monotonic() - self._read_at > _REMEMBER_S:
            async with self._database.read() as connection:
                rows = await connection.fetch(
                    "SELECT room_id, state::text FROM room JOIN shop USING (shop_id)"
                    " WHERE rehearsal_of IS NULL ORDER BY room.created_at DESC, room_id LIMIT $1",
                    _LISTED,
                )
            self._rooms = [RoomEntry(row["room_id"], read_state(row["state"]).title) for row in rows]
            self._read_at = time.monotonic()
        return self._rooms

    async def require(self, room_id: str) -> None:
        """Raises:
        Refused: ROOM_NOT_FOUND.
        """
        if any(room.room_id == room_id for room in await self.listed()):
            return
        async with self._database.read() as connection:
            await require_room(connection, room_id)
