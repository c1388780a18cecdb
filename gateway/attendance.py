"""Attendance: tells Postgres that staff are in their rooms, so that a room nobody watches over can be told apart.

While staff are connected, their process says so every few seconds. When they
have been away for longer than the room's policy allows, the worker puts the
stricter rules in force; the first who comes back ends them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from livestream.bus import BusMessage
from livestream.protocol.errors import LivestreamError
from livestream.room import attendance
from livestream.room.desk import Actor
from livestream.room.store import staff_names
from livestream.storage.pool import Contention, Database

from .channel import Channel

_log = structlog.get_logger()
_EVERY_S = 10.0


class Attendance:
    """One process's staff."""

    def __init__(
        self,
        database: Database,
        channels: dict[str, Channel],
        publish: Callable[[str, BusMessage], None],
        origin: int,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._database = database
        self._channels = channels
        self._publish = publish
        self._origin = origin
        self._tasks = tasks

    def came(self, channel: Channel, actor: Actor) -> None:
        """Somebody of the staff joined."""
        self._tasks.create_task(self._came(channel, actor))

    async def _came(self, channel: Channel, actor: Actor) -> None:
        try:
            async with self._database.transaction() as tx:
                await attendance.remember(tx, actor)
                channel.local.staff_names = await staff_names(tx, actor.shop_id, actor.room_id)
        except (LivestreamError, Contention) as error:
            _log.warning("attendance.failed", room=channel.room_id, error=repr(error))  # the next round says it again
            return
        if channel.state.chat.unattended:
            await self._end_absence(channel.room_id)

    async def run(self) -> None:
        """Task."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self._read_names()
            attended = [channel for channel in self._channels.values() if channel.attended]
            if not attended:
                continue
            try:
                async with self._database.transaction() as tx:
                    await attendance.seen(tx, sorted(channel.room_id for channel in attended))
            except (LivestreamError, Contention) as error:
                _log.warning("attendance.failed", error=repr(error))
                continue
            for channel in attended:
                if channel.state.chat.unattended:
                    await self._end_absence(channel.room_id)

    async def _read_names(self) -> None:
        """Whom nobody may pretend to be: staff come through other processes too, and over HTTP."""
        try:
            async with self._database.read() as connection:
                for channel in list(self._channels.values()):
                    room = channel.local
                    room.staff_names = await staff_names(connection, room.shop_id, room.room_id)
        except LivestreamError as error:
            _log.warning("attendance.names", error=repr(error))

    async def _end_absence(self, room_id: str) -> None:
        try:
            appended = await attendance.set_unattended(self._database, room_id, False)
        except (LivestreamError, Contention) as error:
            _log.warning("attendance.failed", room=room_id, error=repr(error))  # one room's trouble is not another's
            return
        if appended is not None:
            self._publish(room_id, BusMessage(origin=self._origin, appended=appended))
