"""The bus ends when it is told to, whatever it is doing, and misses no room."""

from __future__ import annotations

import asyncio
import random

import pytest

from livestream.bus import Bus, connect
from tests.support.waiting import until


@pytest.mark.parametrize("seed", range(3))
async def test_the_bus_ends_at_any_moment_of_its_start(redis_url: str, seed: int) -> None:
    moments = random.Random(seed)
    for _ in range(40):
        bus = Bus(redis_url, 1, lambda room_id, message: None)
        running = [asyncio.create_task(bus.send()), asyncio.create_task(bus.listen())]
        await asyncio.sleep(moments.random() * 0.01)
        for task in running:
            task.cancel()
        _, alive = await asyncio.wait(running, timeout=10)
        assert not alive
        await bus.close()


async def test_a_room_that_is_asked_for_while_the_bus_connects_is_heard(redis_url: str) -> None:
    client = connect(redis_url)
    for turns in range(12):  # of the loop, into the connecting
        bus = Bus(redis_url, 1, lambda room_id, message: None)
        listening = asyncio.create_task(bus.listen())
        for _ in range(turns):
            await asyncio.sleep(0)
        await bus.subscribe("demo")
        await until(lambda bus=bus: bus.up, "the bus is up")  # type: ignore[misc]
        for _ in range(200):
            (_, subscribers) = await client.execute_command("PUBSUB", "NUMSUB", "room:{demo}")
            if subscribers:
                break
            await asyncio.sleep(0.01)
        assert subscribers == 1, turns
        listening.cancel()
        await asyncio.wait([listening])
        await bus.close()
    await client.aclose()
