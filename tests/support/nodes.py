"""Nodes: what one gateway process knows and does, without its sockets, inside the test: service, hub and bus."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from gateway.clock import Clock
from gateway.hub import Hub
from livestream import seed
from livestream.bus import Bus, BusMessage
from livestream.config import Settings
from livestream.deployment import secret_of
from livestream.ids import IdMaker
from livestream.parts import Ground, Running
from livestream.protocol.commands import Command
from livestream.protocol.limits import Rate
from livestream.protocol.replies import AnyReply
from livestream.protocol.roles import Role
from livestream.pseudonyms import first_key
from livestream.room.desk import Actor
from livestream.room.door import Door
from livestream.room.review import Review
from livestream.room.service import RoomService
from livestream.storage.pool import Database
from livestream.tickets import Tickets
from livestream.webhooks.resolver import Targets

HOST_ID, VIEWER_ID = "ada", "ann"


def actor(viewer_id: str = VIEWER_ID, role: Role = Role.VIEWER) -> Actor:
    """Somebody in the seeded room."""
    return Actor(seed.SHOP, seed.ROOM, f"viewer:{viewer_id}", viewer_id, role, viewer_id.capitalize(), f"p-{viewer_id}")


class Node:
    """One process's view of the rooms."""

    def __init__(self, database: Database, settings: Settings, origin: int, tasks: asyncio.TaskGroup) -> None:
        clock = Clock()
        ids = IdMaker(origin)
        self.published: list[BusMessage] = []
        self.hub = Hub(database, settings, clock, tasks)
        self.bus = self.hub.bus = Bus(settings.redis_url, origin, self.hub.receive)
        self.parts = Running.start(
            Ground(
                database,
                self.bus.redis,
                settings,
                secret_of(settings),
                lambda: ids.next(clock.now_ms()),
                clock.now_ms,
                self._publish,
                origin,
            )
        )
        self.hub.asked_refunds = self.parts.asked_refunds
        self.service = RoomService(
            database,
            Door(self.bus.redis, Rate(settings.comment_rate_burst, settings.comment_rate_per_s)),
            Review(database, Targets.of(settings), self._publish, origin),
            Tickets(self.bus.redis),
            settings,
            lambda: ids.next(clock.now_ms()),
            clock.now_ms,
            self._publish,
            origin,
            first_key(secret_of(settings)),
            self.parts,
        )

    def _publish(self, room_id: str, message: BusMessage) -> None:
        self.published.append(message)
        self.hub.publish(room_id, message)

    async def run(self, who: Actor, command: Command) -> AnyReply:
        """Run a command in the seeded room, as dispatch does."""
        return await self.service.run(who, command, (await self.hub.channel(seed.ROOM)).local)


@contextlib.asynccontextmanager
async def node(database: Database, settings: Settings, origin: int = 1, *, beat: bool = False) -> AsyncIterator[Node]:
    """A node whose bus is up; `beat`: with its heartbeat."""
    async with asyncio.TaskGroup() as tasks:
        made = Node(database, settings, origin, tasks)
        running = [tasks.create_task(made.bus.send()), tasks.create_task(made.bus.listen())]
        if beat:
            running.append(tasks.create_task(made.hub.beat()))
        try:
            await until(lambda: made.bus.up)
            yield made
        finally:
            for task in running:
                task.cancel()
            await asyncio.wait(running)
            await made.bus.close()


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until it holds.

    Raises:
        TimeoutError: it does not in that time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not condition():
        if loop.time() > deadline:
            raise TimeoutError("it does not come true")
        await asyncio.sleep(0.005)
