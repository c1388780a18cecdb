"""Crowd: simulated viewers who arrive, watch, write, react and like.

Comments are due at the crowd's pace; who writes the next is drawn among those
whose turn it is. So the rate is held whatever the number of viewers, and no
viewer writes more often than a room lets anyone.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from random import Random

from livestream.client import Client, Closed, CommandError, connect
from livestream.protocol.events import Said
from livestream.protocol.pushes import AnyPush, Log

from .people import Person, exclamations, sentences
from .tally import Tally

TURN_S = 2.0  #: least time between two comments of one viewer: a room allows one each 1.5 s, lasting
_TICK_S = 0.1
_ARRIVE_AGAIN_S = 3.0
_FIRST_THOUGHT_S = 3.0  #: mean time from arriving to being ready to write
_LIKES_PER_VIEWER_S = 0.02
_REACTS = 0.12  #: share of viewers whom a host message moves to like
_ANSWERS = 0.03  #: share who write something short
_REACTION_S = (0.5, 5.0)
_HEAR_OUT_S = 3.0


@dataclass(slots=True, eq=False)
class Viewer:
    """One simulated person."""

    person: Person
    token: str | None
    local_addr: tuple[str, int] | None
    client: Client | None = None
    ready_at: float = 0.0  #: when their next turn to write comes, monotonic

    @property
    def present(self) -> bool:
        return self.client is not None and self.client.connected


@dataclass(slots=True)
class Crowd:
    """An audience of one room. `run` once."""

    url: str
    room: str
    viewers: Sequence[Viewer]
    comments_per_s: float
    ramp_s: float
    random: Random
    tally: Tally
    _tasks: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    _started: float = 0.0
    _under_way: int = 0  #: commands that wait for their reply
    _leaving: bool = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The crowd lives while the body runs; then everyone leaves."""
        self._started = time.monotonic()
        async with self._tasks as tasks:
            habits = [tasks.create_task(habit) for habit in (self._talk(), self._like())]
            lives = [tasks.create_task(self._look())]
            lives += [
                tasks.create_task(self._live(viewer, self._arrival_s(number)))
                for number, viewer in enumerate(self.viewers)
            ]
            try:
                yield
            finally:
                self._leaving = True
                await _cancel(habits)
                await self._hear_out()
                await _cancel(lives)

    async def _hear_out(self) -> None:
        """Nobody leaves in the middle of a sentence: wait for the replies that are under way, for a moment."""
        for _ in range(int(_HEAR_OUT_S / _TICK_S)):
            if not self._under_way:
                return
            await asyncio.sleep(_TICK_S)

    def _arrival_s(self, number: int) -> float:
        """When a viewer arrives: first a trickle, then more and more."""
        return float(self.ramp_s * ((number + 1) / len(self.viewers)) ** 0.5)

    # -- one viewer

    async def _live(self, viewer: Viewer, after_s: float) -> None:
        """Task."""
        await asyncio.sleep(after_s)
        first = True
        while True:
            try:
                await self._visit(viewer, first)
                return
            except Closed as closed:
                self.tally.troubles[str(closed)[:80]] += 1
                self.tally.failed += first
                first = False
            finally:
                viewer.client = None
            await asyncio.sleep(_ARRIVE_AGAIN_S * (1 + self.random.random()))

    async def _visit(self, viewer: Viewer, first: bool) -> None:
        received = self.tally.received

        def on_push(push: AnyPush) -> None:
            received[push.lane] += 1
            if type(push) is Log and isinstance(push.event, Said):
                self._react(viewer)

        client = connect(
            self.url,
            room=self.room,
            token=viewer.token,
            name=None if viewer.token else viewer.person.name,
            compression=False,  # the way is short, and five hundred inflate each frame anew
            local_addr=viewer.local_addr,
            on_push=on_push,
            open_timeout_s=20.0,
        )
        async with client:
            viewer.client = client
            viewer.ready_at = time.monotonic() + self.random.expovariate(1 / _FIRST_THOUGHT_S)
            self.tally.arrived += first
            await client.wait_closed()

    def _react(self, viewer: Viewer) -> None:
        """The host said something."""
        chance = self.random.random()
        if chance < _REACTS:
            self._tasks.create_task(self._react_later(viewer, chance < _ANSWERS))

    async def _react_later(self, viewer: Viewer, writes: bool) -> None:
        await asyncio.sleep(self.random.uniform(*_REACTION_S))
        if writes and viewer.ready_at <= time.monotonic():
            await self._write(viewer, self.random.choice(exclamations(viewer.person.language)))
        else:
            await self._send_likes(viewer)

    # -- all of them

    async def _talk(self) -> None:
        """Task: comments at the crowd's pace, with the unevenness of people."""
        due, last = 0.0, time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            due += (now - last) * self.comments_per_s * self.random.uniform(0.5, 1.5) * self._share_present()
            last = now
            for viewer in self._next_writers(int(due), now):
                self._tasks.create_task(self._write(viewer, self.random.choice(sentences(viewer.person.language))))
            due -= int(due)

    def _share_present(self) -> float:
        """While the crowd gathers, it writes as much less."""
        return self.tally.connected / len(self.viewers)

    def _next_writers(self, count: int, now: float) -> list[Viewer]:
        if not count:
            return []
        ready = [viewer for viewer in self.viewers if viewer.ready_at <= now and viewer.present]
        self.tally.unsaid += max(0, count - len(ready))
        return self.random.sample(ready, min(count, len(ready)))

    async def _write(self, viewer: Viewer, text: str) -> None:
        client = viewer.client
        if client is None or self._leaving:
            return
        viewer.ready_at = time.monotonic() + TURN_S * self.random.uniform(1.0, 1.5)
        self.tally.sent += 1
        async with self._asking(viewer):
            posted = await client.comment(text)
            self.tally.shown += posted.shown
            self.tally.left_out += not posted.shown

    @contextlib.asynccontextmanager
    async def _asking(self, viewer: Viewer) -> AsyncIterator[None]:
        """While a command is under way; counts its refusal, and waits as long as it says."""
        self._under_way += 1
        try:
            yield
        except CommandError as error:
            self.tally.refusals[error.code] += 1
            viewer.ready_at = time.monotonic() + TURN_S + (error.retry_after_ms or 0) / 1000
        except Closed:
            self.tally.refusals["left"] += 1
        finally:
            self._under_way -= 1

    async def _like(self) -> None:
        """Task: a heart here and there."""
        while True:
            await asyncio.sleep(1 / (_LIKES_PER_VIEWER_S * len(self.viewers)) * self.random.uniform(0.5, 1.5))
            self._tasks.create_task(self._send_likes(self.random.choice(self.viewers)))

    async def _send_likes(self, viewer: Viewer) -> None:
        client = viewer.client
        if client is None or not client.connected or self._leaving:
            return
        count = self.random.randint(1, 8)
        async with self._asking(viewer):
            await client.like(count)
            self.tally.likes += count

    async def _look(self) -> None:
        """Task: how many are here, and how late this process is itself."""
        worst, ticks = 0.0, 0
        while True:
            before = time.monotonic()
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            worst, ticks = max(worst, now - before - _TICK_S), ticks + 1
            if ticks % 5:
                continue
            clients = [viewer.client for viewer in self.viewers if viewer.client is not None]
            self.tally.connected = sum(client.connected for client in clients)
            self.tally.reconnects = sum(client.stats.reconnects for client in clients)
            self.tally.gaps = sum(client.stats.gaps for client in clients)
            self.tally.elapsed_s = now - self._started
            if not ticks % 10:
                self.tally.lag_ms, worst = worst * 1000, 0.0


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
