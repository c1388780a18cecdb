"""Worker: does what is due. Any number may run: rows are claimed with SKIP LOCKED; none running only means late.

What the room itself needs stands here; draws and group buys bring their own
chores with their `Part`. What they commit they tell the gateways over the bus,
as gateways tell each other; what is lost there the heartbeat finds.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import structlog

from livestream import lifeline, metrics, parts
from livestream.bus import Bus
from livestream.config import Settings
from livestream.parts import Chore, WorkGround
from livestream.protocol.errors import LivestreamError
from livestream.room import chores
from livestream.shop import retention
from livestream.storage import idempotency
from livestream.storage.pool import Database
from livestream.webhooks.delivery import Courier

_log = structlog.get_logger()


async def forget_old_keys(database: Database) -> int:
    """Delete idempotency keys that are past their day."""
    async with database.transaction() as tx:
        return await idempotency.forget_old(tx)


CHORES = [
    Chore("end_countdowns", 0.25, chores.end_countdowns),
    Chore("lift_sanctions", 1.0, chores.lift_sanctions),
    Chore("leave_unattended", 2.0, chores.leave_unattended),
    Chore("forget_old_keys", 60.0, forget_old_keys),
    Chore("forget_past", 300.0, retention.forget_past),
]


@contextlib.asynccontextmanager
async def _chores(settings: Settings, secret: bytes, bus: Bus, origin: int) -> AsyncIterator[list[Chore]]:
    """All chores, with what some of them hold open as long as the worker runs."""
    loaded = parts.load()
    ground = WorkGround(settings, secret, bus.publish, origin, parts.members_of(loaded))
    async with contextlib.AsyncExitStack() as stack:
        courier = await stack.enter_async_context(Courier.open(settings))
        of_parts = [await stack.enter_async_context(part.chores(ground)) for part in loaded]
        yield [
            *CHORES,
            *(chore for chores in of_parts for chore in chores),
            Chore("deliver_webhooks", 0.5, courier.deliver),
            Chore("stop_stray_webhooks", 5.0, courier.stop_strays),
            Chore("forget_old_webhooks", 600.0, courier.forget_old),
        ]


async def run(settings: Settings, secret: bytes) -> None:
    """Work until SIGTERM; a chore that fails is tried again at its next turn.

    Args:
        secret: of the deployment, the same in every process.
    """
    stop = asyncio.Event()
    lifeline.stop_on_signals(stop)
    async with lifeline.shown(metrics.LOOP_LAG.observe):
        database = await Database.connect_when_up(settings, stop, name="livestream worker")
        if database is None:
            return
        try:
            await _work(settings, secret, database, stop)
        finally:
            await database.close()
            _log.info("worker.stopped")


async def _work(settings: Settings, secret: bytes, database: Database, stop: asyncio.Event) -> None:
    async with database.read() as connection:
        origin: int = await connection.fetchval("SELECT nextval('process_number')")
    bus = Bus(settings.redis_url, origin, lambda _room, _message: None)  # it follows no room
    try:
        async with _chores(settings, secret, bus, origin) as chores, asyncio.TaskGroup() as tasks:
            _log.info("worker.started", chores=[chore.name for chore in chores])
            running = [tasks.create_task(_repeat(chore, database)) for chore in chores]
            talking = [tasks.create_task(bus.send()), tasks.create_task(bus.listen())]
            await stop.wait()
            await _end(running)  # some end what they have in hand
            await _end(talking)
    finally:
        await bus.close()


async def _end(running: list[asyncio.Task[None]]) -> None:
    for task in running:
        task.cancel()
    await asyncio.wait(running)


async def _repeat(chore: Chore, database: Database) -> None:
    while True:
        try:
            done = await chore.run(database)
        except LivestreamError as error:
            _log.warning("chore.failed", chore=chore.name, error=repr(error))
            metrics.CHORE_FAILURES.labels(chore.name).inc()
        except Exception:
            # A bug in one chore must not end the others: deadlines and money would stand still with it.
            _log.exception("chore.broken", chore=chore.name)
            metrics.CHORE_FAILURES.labels(chore.name).inc()
        else:
            if done:
                _log.info("chore.done", chore=chore.name, count=done)
        await asyncio.sleep(chore.every_s * random.uniform(0.9, 1.1))
