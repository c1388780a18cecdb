"""Hub: the rooms of one gateway process, and what keeps them right.

A room is loaded when its first viewer comes, follows the bus, and is checked
against Postgres once a heartbeat: what the bus lost is read, once, for all.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from livestream.bus import Bus, BusMessage
from livestream.config import Settings
from livestream.metrics import HEARTBEAT_LAG, LOG_READS, POSTGRES_UP, REDIS_UP
from livestream.parts import Running
from livestream.protocol.errors import LivestreamError
from livestream.protocol.groupbuy import OwnSeat
from livestream.room import store
from livestream.room.local import LocalRoom
from livestream.room.words import Words
from livestream.singleflight import SingleFlight
from livestream.storage import roomlog
from livestream.storage.pool import Connection, Database
from livestream.storage.roomlog import Pulse

from .channel import RECENT_NOTICES, STAFF_TAIL, Channel, Loaded
from .clock import Clock
from .connection import Connection as Socket

_log = structlog.get_logger()
#: a room without viewers is dropped after so long
_IDLE_S = 60.0
#: clients get the heartbeat every so many beats: their countdowns drift less than a frame meanwhile
_BEATS_PER_PUSH = 5
#: what parts count is counted anew every so many beats: pages decide by it, and the bus may lose it or turn it around
_BEATS_PER_COUNT = 5
#: most events that one repair reads; more follow with the next
_REPAIR_EVENTS = 5000
_encode = msgspec.json.Encoder().encode


class Hub:
    """Rooms by id. Tasks: `beat`, and the bus's own."""

    def __init__(self, database: Database, settings: Settings, clock: Clock, tasks: asyncio.TaskGroup) -> None:
        self.channels: dict[str, Channel] = {}
        self.bus: Bus  # set by the composition root: bus and hub know each other
        self.parts = Running()  # set by it too: they publish to the hub
        self._database = database
        self._settings = settings
        self._clock = clock
        self._tasks = tasks
        self._loading: SingleFlight[str, Channel] = SingleFlight()
        self._words = Words()
        self._early: dict[str, list[BusMessage]] = {}
        self._reloading: set[str] = set()
        self._repairing: set[str] = set()
        self._catching_up: SingleFlight[str, None] = SingleFlight()
        self._reading_back: SingleFlight[str, None] = SingleFlight()
        self._counting: asyncio.Task[None] | None = None
        self.on_beat: Callable[[Connection], Awaitable[None]] | None = None  #: reads what else a process follows
        self.on_gone: Callable[[Channel], None] | None = None  #: closes who is in a room that is no more
        self.beat_at = 0.0  #: monotonic time of the last heartbeat that Postgres answered

    # -- rooms

    async def channel(self, room_id: str) -> Channel:
        """The room, loaded if it is not here yet; loaded once for all who ask meanwhile.

        Raises:
            Refused: ROOM_NOT_FOUND. Unavailable: Postgres is away.
        """
        channel = self.channels.get(room_id)
        if channel is not None:
            channel.expect()
            return channel
        return await self._loading.do(room_id, functools.partial(self._open, room_id))

    async def _open(self, room_id: str) -> Channel:
        async with self._database.read() as connection:
            await store.require_room(connection, room_id)  # strangers' guesses never reach Redis
        self._early[room_id] = []
        try:
            await self.bus.subscribe(room_id)
            channel = Channel(await self._load(room_id), self._settings)
        except BaseException:
            await self.bus.unsubscribe(room_id)
            raise
        finally:
            early = self._early.pop(room_id)
        self.channels[room_id] = channel
        for message in early:
            channel.receive(message)
        return channel

    async def _load(self, room_id: str) -> Loaded:
        async with self._database.transaction(snapshot=True) as tx:
            load = await store.load_room(tx, room_id, await self.parts.asked_refunds(tx, room_id))
            words = await self._words.of(tx, load.shop_id, load.staff.words_version)
            staff = await roomlog.read_staff_log(tx, room_id, load.staff_seq - STAFF_TAIL, STAFF_TAIL)
            pulse = await roomlog.read_pulse(tx, [])
            gauges = await self.parts.gauges(tx, load.state)
        await self.parts.sight(room_id, load.state)
        return Loaded(load, words, staff, pulse.epoch, gauges)

    async def drop_idle(self) -> list[str]:
        """Forget rooms that nobody has been in for a while; returns their ids."""
        loop = asyncio.get_running_loop()
        dropped = []
        for room_id, channel in list(self.channels.items()):
            # Judged at its turn: somebody may have come while the one before it was being dropped.
            if channel.idle_since is None or loop.time() - channel.idle_since <= _IDLE_S:
                continue
            del self.channels[room_id]
            dropped.append(room_id)
            await self.bus.unsubscribe(room_id)
            if room_id in self.channels or room_id in self._early:
                await self.bus.subscribe(room_id)  # opened anew meanwhile
        return dropped

    # -- what happened

    def publish(self, room_id: str, message: BusMessage) -> None:
        """After COMMIT: to our own viewers at once, to the others over the bus."""
        self.receive(room_id, message)
        self.bus.publish(room_id, message)

    def seat_taken(self, room_id: str, viewer: str, own: OwnSeat, asker: Socket | None = None) -> None:
        """After COMMIT: the answer goes to one screen of the viewer; their others are told, here and elsewhere.

        Best effort, and not a notice: a row and a number of the room's for each join would cost a rush more than it is
        worth, since nearly everybody has one screen.
        """
        told = _encode(own)
        channel = self.channels.get(room_id)
        if channel is not None:
            channel.seat_taken(viewer, told, asker)
        self.bus.seat_taken(room_id, viewer, told)

    def receive(self, room_id: str, message: BusMessage) -> None:
        for runner in self.parts.sighted(message.appended.log) if message.appended.log else ():
            self._tasks.create_task(runner.sight(room_id))  # fan-out waits for nothing
        channel = self.channels.get(room_id)
        if channel is not None:
            channel.receive(message)
            if channel.gap:
                self._repair_soon(channel)
            if channel.stale:
                self._reload_soon(channel)
        elif room_id in self._early:
            self._early[room_id].append(message)

    # -- what was lost

    def _repair_soon(self, channel: Channel, wait_s: float | None = None) -> None:
        if channel.room_id not in self._repairing:
            self._repairing.add(channel.room_id)
            wait_s = self._settings.gap_wait_ms / 1000 if wait_s is None else wait_s
            self._tasks.create_task(self._repair(channel, wait_s))

    async def _repair(self, channel: Channel, wait_s: float) -> None:
        """Read from Postgres what did not come over the bus, if it does not come in time."""
        try:
            await asyncio.sleep(wait_s)
            if channel.gap or not wait_s:
                await self.catch_up(channel)
        except LivestreamError as error:
            _log.warning("repair.failed", room=channel.room_id, error=str(error))  # the next heartbeat tries again
        finally:
            self._repairing.discard(channel.room_id)

    async def catch_up(self, channel: Channel) -> None:
        """Read what the bus has not brought; once a room, for all who ask meanwhile.

        Raises:
            Unavailable: Postgres is away.
        """
        await self._catching_up.do(channel.room_id, functools.partial(self._catch_up, channel))

    async def _catch_up(self, channel: Channel) -> None:
        LOG_READS.inc()
        room = channel.room_id
        async with self._database.read() as connection:
            events = await roomlog.read_log(connection, room, channel.log.top, _REPAIR_EVENTS)
            staff = await roomlog.read_staff_log(connection, room, channel.staff.top, _REPAIR_EVENTS)
            notices = await roomlog.read_notices(connection, room, channel.notices.top, _REPAIR_EVENTS)
        await self.parts.sight(room, events)
        channel.receive_log(events)
        channel.receive_staff(staff)
        channel.receive_notices(notices)

    async def read_back(self, channel: Channel) -> None:
        """Fill the tail with what was before this process: once a room, for all who resume.

        Raises:
            Unavailable: Postgres is away.
        """
        await self._reading_back.do(channel.room_id, functools.partial(self._read_back, channel))

    async def _read_back(self, channel: Channel) -> None:
        LOG_READS.inc()
        async with self._database.read() as connection:
            after = max(0, channel.log.top - self._settings.log_tail)
            events = await roomlog.read_log(connection, channel.room_id, after, self._settings.log_tail)
        channel.tail.extend_back(events)

    # -- the heartbeat

    async def beat(self) -> None:
        """Task: compare with Postgres once a heartbeat, twice as often while Redis is away."""
        loop = asyncio.get_running_loop()
        count = 0
        while True:
            interval = self._settings.heartbeat_ms / 1000 / (1 if self.bus.up else 2)
            await asyncio.sleep(interval)
            REDIS_UP.labels("gateway").set(self.bus.up)
            started = loop.time()
            tops = {room_id: channel.log.top for room_id, channel in self.channels.items()}
            try:
                async with self._database.read() as connection:
                    pulse = await roomlog.read_pulse(connection, list(tops))
                    if self.on_beat is not None:
                        await self.on_beat(connection)
            except LivestreamError as error:
                _log.warning("heartbeat.failed", error=repr(error))
                POSTGRES_UP.labels("gateway").set(0)
            else:
                POSTGRES_UP.labels("gateway").set(1)
                self.beat_at = loop.time()
                HEARTBEAT_LAG.set(self.beat_at - started)
                self._clock.set(pulse.now_ms)
                await self._compare(pulse, tops)
            count += 1
            if count % _BEATS_PER_PUSH == 0:
                self._push_heartbeat()
            if count % _BEATS_PER_COUNT == 0 and (self._counting is None or self._counting.done()):
                self._counting = self._tasks.create_task(self._count_anew())

    def _push_heartbeat(self) -> None:
        """Also while Postgres is away: a viewer who hears nothing for long takes the line for dead."""
        now_ms = self._clock.now_ms()
        for channel in self.channels.values():
            channel.heartbeat(now_ms)

    async def _count_anew(self) -> None:
        """Gauges of parts, room by room; beside the heartbeat, which must not wait for it."""
        try:
            for channel in list(self.channels.values()):
                if self.parts.may_own(channel.state):
                    async with self._database.read() as connection:
                        before = dict(channel.gauges)
                        found = await self.parts.gauges(connection, channel.state)
                    for key, value in found.items():
                        if channel.gauges.get(key) == before.get(key):  # else the bus brought a newer one meanwhile
                            channel.set_gauge(key, value)
        except LivestreamError as error:
            _log.warning("gauges.failed", error=repr(error))  # the next turn tries again

    async def _compare(self, pulse: Pulse, tops: dict[str, int]) -> None:
        for room_id in tops.keys() - pulse.heads.keys():
            await self._close_gone(room_id)
        for room_id, head in pulse.heads.items():
            channel = self.channels.get(room_id)
            if channel is None:
                continue
            undone = head.seq < tops[room_id]
            if channel.epoch != pulse.epoch or undone or channel.stale:
                self._reload_soon(channel, undone=undone)
            elif channel.behind(head):
                self._repair_soon(channel, wait_s=0)
            if head.likes is not None:
                channel.set_gauge("likes", head.likes)
            if channel.local.words_version != channel.local.staff.words_version:
                self._tasks.create_task(self._reload_words(channel.local))

    async def _close_gone(self, room_id: str) -> None:
        """The room is no more: a rehearsal that was erased."""
        channel = self.channels.pop(room_id, None)
        if channel is not None:
            _log.info("room.gone", room=room_id, connections=len(channel.fanout))
            await self.bus.unsubscribe(room_id)
            if self.on_gone is not None:
                self.on_gone(channel)

    async def _reload_words(self, room: LocalRoom) -> None:
        version = room.staff.words_version
        try:
            async with self._database.read() as connection:
                words = await self._words.of(connection, room.shop_id, version)
        except LivestreamError as error:
            _log.warning("words.failed", shop=room.shop_id, error=str(error))
        else:
            room.words, room.words_version = words, version

    # -- a past that changed

    def _reload_soon(self, channel: Channel, *, undone: bool = False) -> None:
        if channel.room_id not in self._reloading:
            self._reloading.add(channel.room_id)
            self._tasks.create_task(self._reload(channel, undone))

    async def _reload(self, channel: Channel, undone: bool) -> None:
        """Read the room anew, once however many events come meanwhile.

        Args:
            undone: Postgres knows less than we do.
        """
        try:
            while not await self._reload_once(channel, undone) or channel.stale:
                undone = False
        except LivestreamError as error:
            _log.warning("reload.failed", room=channel.room_id, error=str(error))  # the next heartbeat tries again
        finally:
            self._reloading.discard(channel.room_id)

    async def _reload_once(self, channel: Channel, undone: bool) -> bool:
        loaded = await self._load(channel.room_id)
        if undone or loaded.epoch != channel.epoch:
            _log.warning("room.restarted", room=channel.room_id, old=channel.epoch, new=loaded.epoch)
            channel.restart(loaded)
            return True
        async with self._database.read() as connection:
            after = max(0, loaded.room.notice_seq - RECENT_NOTICES)
            notices = await roomlog.read_notices(connection, channel.room_id, after, RECENT_NOTICES)
        return channel.reload(loaded, notices)
