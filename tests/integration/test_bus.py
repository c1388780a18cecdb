"""The bus ends when it is told to, whatever it is doing."""

from __future__ import annotations

import asyncio
import random

import pytest

from livestream.bus import Bus
from livestream.tasks import cancel_all


@pytest.mark.parametrize("seed", range(3))
async def test_the_bus_ends_at_any_moment_of_its_start(redis_url: str, seed: int) -> None:
    moments = random.Random(seed)
    for _ in range(40):
        bus = Bus(redis_url, 1, lambda room_id, message: None)
        running = [asyncio.create_task(bus.send()), asyncio.create_task(bus.listen())]
        await asyncio.sleep(moments.random() * 0.01)
        await asyncio.wait_for(cancel_all(running), 5)
        await bus.close()
