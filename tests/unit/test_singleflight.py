"""SingleFlight: asked once for all, whoever of them goes away."""

from __future__ import annotations

import asyncio
import gc

import pytest

from livestream.singleflight import SingleFlight


class Work:
    """Something slow, which counts how often it was done."""

    def __init__(self, error: Exception | None = None) -> None:
        self.done = 0
        self.go = asyncio.Event()
        self._error = error

    async def __call__(self) -> int:
        self.done += 1
        await self.go.wait()
        if self._error is not None:
            raise self._error
        return self.done


async def _under_way(flight: SingleFlight[str, int], work: Work, count: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(flight.do("a", work)) for _ in range(count)]
    await asyncio.sleep(0.01)
    return tasks


async def test_all_who_ask_meanwhile_get_one_answer_and_the_next_a_new_one() -> None:
    flight, work = SingleFlight[str, int](), Work()
    tasks = await _under_way(flight, work, 3)
    work.go.set()
    assert await asyncio.gather(*tasks) == [1, 1, 1]
    assert await flight.do("a", work) == 2
    assert await flight.do("b", work) == 3


async def test_all_get_its_error_and_the_next_asks_anew() -> None:
    flight, work = SingleFlight[str, int](), Work(ValueError("away"))
    tasks = await _under_way(flight, work, 3)
    work.go.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [repr(each) for each in found] == ["ValueError('away')"] * 3
    with pytest.raises(ValueError, match="away"):
        await flight.do("a", work)
    assert work.done == 2


@pytest.mark.parametrize("gone", [[0], [2], [0, 1, 2]])
async def test_who_stops_waiting_stops_nobody_else(gone: list[int]) -> None:
    flight, work = SingleFlight[str, int](), Work()
    tasks = await _under_way(flight, work, 3)
    for each in gone:
        tasks[each].cancel()
    await asyncio.sleep(0.01)
    late = asyncio.create_task(flight.do("a", work))
    work.go.set()
    assert await late == 1
    for number, task in enumerate(tasks):
        if number in gone:
            assert task.cancelled()
        else:
            assert await task == 1


async def test_at_the_end_nothing_is_under_way() -> None:
    flight, work = SingleFlight[str, int](), Work()
    (task,) = await _under_way(flight, work, 1)
    await flight.end()
    with pytest.raises(asyncio.CancelledError):
        await task
    work.go.set()
    assert await flight.do("a", work) == 2


async def test_an_error_that_nobody_waits_for_any_more_is_nobodys() -> None:
    flight, work = SingleFlight[str, int](), Work(ValueError("away"))
    (task,) = await _under_way(flight, work, 1)
    task.cancel()
    await asyncio.sleep(0)
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    work.go.set()
    await asyncio.sleep(0.01)
    gc.collect()
    assert told == []


async def test_what_ends_before_it_began_is_asked_anew() -> None:
    flight, work = SingleFlight[str, int](), Work()
    task = asyncio.create_task(flight.do("a", work))
    await asyncio.sleep(0)
    await flight.end()
    with pytest.raises(asyncio.CancelledError):
        await task
    work.go.set()
    assert await flight.do("a", work) == 1
