"""SingleFlight: one question for all who ask it while it is under way. A join storm is one look-up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SingleFlight(Generic[Key, Value]):
    """Who asks first sets the work going; all get what comes of it, an error too. Who gives up stops nobody else."""

    def __init__(self) -> None:
        self._asked: dict[Key, asyncio.Task[Value]] = {}

    async def do(self, key: Key, work: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        """Raises:
        Whatever `work` raises, to each who asked.
        """
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = asyncio.create_task(work())
            asked.add_done_callback(lambda task: self._answered(key, task))  # before anybody who waits wakes
        return await asyncio.shield(asked)

    def _answered(self, key: Key, task: asyncio.Task[Value]) -> None:
        del self._asked[key]
        if not task.cancelled():
            task.exception()  # it may be that nobody waits for it any more

    async def end(self) -> None:
        """Cancel what is under way, where what it needs is about to be closed."""
        tasks = list(self._asked.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
