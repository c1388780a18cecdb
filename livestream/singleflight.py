"""SingleFlight: one question for all who ask it while it is under way. A join storm is one look-up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SingleFlight(Generic[Key, Value]):
    """Who asks first sets the work going; all get what comes of it, an error too. Who stops waiting stops nobody else:
    the first of a thousand closing the page must not fail the others.
    """

    def __init__(self) -> None:
        self._asked: dict[Key, asyncio.Task[Value]] = {}

    async def do(self, key: Key, work: Callable[[], Awaitable[Value]]) -> Value:
        """Raises:
        Whatever `work` raises, to each who asked.
        """
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = asyncio.create_task(self._fly(key, work))
        return await asyncio.shield(asked)

    async def _fly(self, key: Key, work: Callable[[], Awaitable[Value]]) -> Value:
        try:
            return await work()
        finally:
            del self._asked[key]  # before anybody wakes: who asks from now on asks anew

    async def end(self) -> None:
        """Cancel what is under way, where what it needs is about to be closed."""
        tasks = list(self._asked.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
