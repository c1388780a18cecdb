"""Bus: hints between gateway processes over Redis, one channel a room.

Nothing here is a promise. A message that is lost is found again by the
heartbeat (log, staff log, notices) or was best effort (live, gauge).

What a process publishes for a room while a publish is under way goes out as
one message with the next.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

import msgspec
import redis.asyncio
import redis.exceptions
import structlog

from livestream.storage.roomlog import Appended

_log = structlog.get_logger()
LOST = (redis.exceptions.RedisError, OSError, TimeoutError)
_RETRY_S = 0.25
_SILENCE_S = 2.0  #: without a word for so long Redis is asked; for so long again it counts as away


class BusMessage(msgspec.Struct, array_like=True, kw_only=True):
    """What processes tell each other about one room."""

    origin: int  #: process number; a process ignores its own
    appended: Appended = msgspec.field(default_factory=Appended)
    live: list[bytes] = []  #: events of the live lane, JSON
    left_out: int = 0
    gauges: dict[str, int] = {}
    notes: list[bytes] = []  #: events of the live lane that may wait for company, JSON
    seats: list[tuple[str, bytes]] = []  #: viewer and own seat (JSON), just taken: for their other screens

    def merge(self, other: BusMessage) -> None:
        """Append what `other` says, which came later."""
        self.appended.log.extend(other.appended.log)
        self.appended.staff.extend(other.appended.staff)
        self.appended.notices.extend(other.appended.notices)
        self.live.extend(other.live)
        self.left_out += other.left_out
        self.gauges.update(other.gauges)
        self.notes.extend(other.notes)
        self.seats.extend(other.seats)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(BusMessage).decode


def _channel(room_id: str) -> str:
    return f"room:{{{room_id}}}"


def message_of(origin: int) -> BusMessage:
    """An empty message, to merge others into."""
    return BusMessage(origin=origin, appended=Appended([], [], []), live=[], gauges={}, notes=[], seats=[])


async def publish(client: redis.asyncio.Redis, messages: Mapping[str, BusMessage]) -> None:
    """Send messages (by room id) to all processes, in one pipeline.

    Raises:
        LOST
    """
    pipeline = client.pipeline(transaction=False)
    for room_id, message in messages.items():
        pipeline.publish(_channel(room_id), _encode(message))
    await pipeline.execute()


class Bus:
    """One process's end of the bus.

    Args:
        receive: called with room id and message, for every message of another process.
    """

    def __init__(self, url: str, origin: int, receive: Callable[[str, BusMessage], None]) -> None:
        self.redis = connect(url)
        self._origin = origin
        self._receive = receive
        self._rooms: set[str] = set()
        self._outbox: dict[str, BusMessage] = {}
        self._wake = asyncio.Event()
        self._pubsub: redis.asyncio.client.PubSub | None = None
        self.up = False  #: the subscription stands

    def publish(self, room_id: str, message: BusMessage) -> None:
        """Send soon; merged with what waits for the same room. Lost without a word while Redis is away."""
        if self.up:
            self._waiting(room_id).merge(message)

    def seat_taken(self, room_id: str, viewer: str, own: bytes) -> None:
        """The same of a seat alone, at less cost: in a rush there is one for each join."""
        if self.up:
            self._waiting(room_id).seats.append((viewer, own))

    def _waiting(self, room_id: str) -> BusMessage:
        """What goes out with the next turn of `send`."""
        message = self._outbox.get(room_id)
        if message is None:
            message = self._outbox[room_id] = message_of(self._origin)
            self._wake.set()
        return message

    async def subscribe(self, room_id: str) -> None:
        """Receive a room's messages from now on, or from when Redis is back."""
        self._rooms.add(room_id)
        if self._pubsub is not None:
            with contextlib.suppress(*LOST):
                await self._pubsub.subscribe(_channel(room_id))

    async def unsubscribe(self, room_id: str) -> None:
        self._rooms.discard(room_id)
        if self._pubsub is not None:
            with contextlib.suppress(*LOST):
                await self._pubsub.unsubscribe(_channel(room_id))

    async def send(self) -> None:
        """Task: publish what `publish` gathered, in one pipeline a turn."""
        while True:
            end_if_cancelled()
            await self._wake.wait()
            self._wake.clear()
            batch, self._outbox = self._outbox, {}
            try:
                await publish(self.redis, batch)
            except LOST as error:
                _log.warning("bus.publish_lost", rooms=len(batch), error=str(error))
                await asyncio.sleep(_RETRY_S)

    async def listen(self) -> None:
        """Task: hold the subscription, again and again while Redis comes and goes."""
        while True:
            end_if_cancelled()
            try:
                await self._listen_once()
            except LOST as error:
                if self.up:
                    _log.warning("bus.down", error=str(error))
            self.up = False
            self._pubsub = None
            await asyncio.sleep(_RETRY_S)

    async def _listen_once(self) -> None:
        async with self.redis.pubsub() as pubsub:
            # A channel of our own keeps the subscription open while no room is active.
            await pubsub.subscribe(f"process:{self._origin}")
            self._pubsub = pubsub
            if self._rooms:  # also those asked for while we were connecting
                await pubsub.subscribe(*(_channel(room) for room in self._rooms))
            asked = False
            while True:
                message = await pubsub.get_message(timeout=_SILENCE_S)
                end_if_cancelled()
                if message is None:
                    if asked:
                        raise TimeoutError("Redis is silent")
                    await pubsub.ping()
                asked = message is None
                if not self.up:
                    self.up = True
                    _log.info("bus.up")
                if message is not None and message["type"] == "message":
                    self._deliver(message["channel"].decode(), message["data"])

    def _deliver(self, channel: str, data: bytes) -> None:
        try:
            message = _decode(data)
        except msgspec.DecodeError as error:
            _log.warning("bus.unreadable", channel=channel, error=str(error))
            return
        if message.origin != self._origin:
            self._receive(channel.removeprefix("room:{").removesuffix("}"), message)

    async def close(self) -> None:
        await self.redis.aclose()


def end_if_cancelled() -> None:
    """In a loop over Redis: a cancellation that reaches the client just as its answer does is swallowed there.

    Raises:
        asyncio.CancelledError: somebody wants this task to end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def connect(url: str) -> redis.asyncio.Redis:
    """A client with short time-outs: whoever asks Redis has an answer of its own for when it is away."""
    return redis.asyncio.Redis.from_url(url, socket_connect_timeout=1.0, socket_timeout=1.0, retry=None)
