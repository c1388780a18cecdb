"""Worker: does what is due. Any number may run: rows are claimed with SKIP LOCKED; none running only means late.

For the room alone that is housekeeping; draws, group buys and cues bring their
own chores through the entry point group `livestream.chores`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from livestream import lifeline, metrics
from livestream.config import Settings
from livestream.protocol.errors import LivestreamError
from livestream.room import chores
from livestream.storage import idempotency
from livestream.storage.pool import Database

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do again and again. `run` returns how much it did."""

    name: str
    every_s: float
    run: Callable[[Database], Awaitable[int]]


async def forget_old_keys(database: Database) -> int:
    """Delete idempotency keys that are past their day."""
    async with database.transaction() as tx:
        return await idempotency.forget_old(tx)


CHORES = [
    Chore("end_countdowns", 0.25, chores.end_countdowns),
    Chore("lift_sanctions", 1.0, chores.lift_sanctions),
    Chore("leave_unattended", 2.0, chores.leave_unattended),
    Chore("forget_old_keys", 60.0, forget_old_keys),
]


async def run(settings: Settings) -> None:
    """Work until SIGTERM; a chore that fails is tried again at its next turn."""
    stop = asyncio.Event()
    lifeline.stop_on_signals(stop)
    database = await Database.connect_when_up(settings, stop, name="livestream worker")
    if database is None:
        return
    _log.info("worker.started", chores=[chore.name for chore in CHORES])
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(_repeat(chore, database)) for chore in CHORES]
            running.append(tasks.create_task(lifeline.show_life(metrics.LOOP_LAG.observe)))
            await stop.wait()
            for task in running:
                task.cancel()
    finally:
        await database.close()
        _log.info("worker.stopped")


async def _repeat(chore: Chore, database: Database) -> None:
    while True:
        try:
            done = await chore.run(database)
        except LivestreamError as error:
            _log.warning("chore.failed", chore=chore.name, error=repr(error))
        else:
            if done:
                _log.info("chore.done", chore=chore.name, count=done)
        await asyncio.sleep(chore.every_s * random.uniform(0.9, 1.1))
