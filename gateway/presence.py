"""Presence: how many viewers a room has over all processes, and how many connections each process holds.

Every process writes its own numbers to Redis and reads the others'. A process
that stops writing is forgotten after a few seconds. While Redis is away each
process goes on with what it last knew of the others.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import redis.asyncio
import structlog

from livestream.bus import LOST, end_if_cancelled

from .hub import Hub

_log = structlog.get_logger()
_EVERY_S = 2.0
_FORGET_S = 7.0
_KEY_TTL_S = 60
#: hand viewers over only above this surplus: moving them costs a rejoin each
_SURPLUS_SHARE = 1.25
_SURPLUS_LEAST = 50
#: at most so many a round, so that a handover is never a storm
_SURPLUS_MOST = 100
#: a surplus lasts over so many exchanges: where all lines break at once, viewers are back here sooner than there
_LOOKS = 3
_PROCESSES = "gateways"


class Told(NamedTuple):
    """What a process wrote last."""

    number: int
    at: int  #: Unix s, by its clock


class Presence:
    """Counts viewers for the `viewers` gauge, and hands surplus connections over."""

    def __init__(
        self,
        client: redis.asyncio.Redis,
        hub: Hub,
        origin: int,
        count_connections: Callable[[], int],
        hand_over: Callable[[int], None],
    ) -> None:
        self._redis = client
        self._hub = hub
        self._field = str(origin)
        self._count_connections = count_connections
        self._hand_over = hand_over
        self._others: dict[str, int] = {}
        self._looks: deque[dict[str, Told]] = deque(maxlen=_LOOKS)  #: connections by process, the last look last

    async def run(self) -> None:
        """Task."""
        while True:
            end_if_cancelled()
            await asyncio.sleep(_EVERY_S * random.uniform(0.9, 1.1))
            try:
                await self._exchange()
            except LOST as error:
                _log.debug("presence.alone", error=str(error))
            for room_id, channel in self._hub.channels.items():
                channel.set_gauge("viewers", channel.count_viewers() + self._others.get(room_id, 0))

    async def _exchange(self) -> None:
        rooms = list(self._hub.channels.values())
        stamp = int(time.time())
        pipeline = self._redis.pipeline(transaction=False)
        own = {f"{{{channel.room_id}}}:presence": channel.count_viewers() for channel in rooms}
        own[_PROCESSES] = self._count_connections()
        for key, count in own.items():
            pipeline.hset(key, self._field, f"{count}:{stamp}")
            pipeline.expire(key, _KEY_TTL_S)
            pipeline.hgetall(key)
        answers = await pipeline.execute()
        tables = [_fresh(answer, stamp) for answer in answers[2::3]]
        for channel, table in zip(rooms, tables, strict=False):
            self._others[channel.room_id] = sum(told.number for field, told in table.items() if field != self._field)
        self._balance(tables[-1])

    def _balance(self, look: dict[str, Told]) -> None:
        self._looks.append(look)
        if len(self._looks) == _LOOKS:
            own, others = lasting(self._looks, self._field)
            self._hand_over(surplus(own, [own, *others]))

    async def leave(self) -> None:
        """Take our numbers away at once."""
        try:
            pipeline = self._redis.pipeline(transaction=False)
            for room_id in self._hub.channels:
                pipeline.hdel(f"{{{room_id}}}:presence", self._field)
            pipeline.hdel(_PROCESSES, self._field)
            await pipeline.execute()
        except LOST:
            pass  # forgotten by itself in a few seconds


def lasting(looks: Sequence[dict[str, Told]], field: str) -> tuple[int, list[int]]:
    """Our least number in these looks, and the most of each other process: no difference that passes by itself makes a
    surplus, neither while viewers stream in everywhere nor while they come back to all processes.

    Others count that were there in every look and told a new number meanwhile: who just appeared may not last, and who
    fell silent is no place to send anybody.
    """
    others = [
        each
        for each, told in looks[-1].items()
        if each != field and all(each in look for look in looks) and told.at > looks[0][each].at
    ]
    own = min(look[field].number for look in looks)
    return own, [max(look[each].number for look in looks) for each in others]


def surplus(own: int, counts: list[int]) -> int:
    """How many connections to hand over now, so that processes end up with about the same number."""
    mean = sum(counts) / len(counts)
    if own <= mean * _SURPLUS_SHARE or own - mean < _SURPLUS_LEAST:
        return 0
    return min(_SURPLUS_MOST, int(own - mean))


def _fresh(table: dict[bytes, bytes], stamp: int) -> dict[str, Told]:
    found = {}
    for field, value in table.items():
        count, at = value.decode().split(":")
        if stamp - int(at) <= _FORGET_S:
            found[field.decode()] = Told(int(count), int(at))
    return found
