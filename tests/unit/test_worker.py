"""Worker: a chore that fails, in whatever way, has its next turn and ends no other."""

from __future__ import annotations

import asyncio
from typing import cast

from livestream import worker
from livestream.parts import Chore
from livestream.protocol.errors import Unavailable
from livestream.storage.pool import Database


async def test_a_chore_that_breaks_has_its_next_turn_and_ends_no_other() -> None:
    turns = {"broken": 0, "away": 0, "sound": 0}

    def chore(name: str, error: Exception | None) -> Chore:
        async def run(database: Database) -> int:
            turns[name] += 1
            if error is not None:
                raise error
            return 0

        return Chore(name, 0.001, run)

    chores = [chore("broken", AssertionError("a bug")), chore("away", Unavailable("postgres")), chore("sound", None)]
    nothing = cast(Database, None)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(worker._repeat(each, nothing)) for each in chores]
        async with asyncio.timeout(10):
            while min(turns.values()) < 3:
                await asyncio.sleep(0.001)
        for task in running:
            task.cancel()
