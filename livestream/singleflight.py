"""SingleFlight: one question for all who ask it while it is under way. A join storm is one look-up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from livestream.protocol.errors import Unavailable

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SingleFlight(Generic[Key, Value]):
    """The first who asks does the work; the others get what comes of it, an error too."""

    def __init__(self) -> None:
        self._asked: dict[Key, asyncio.Future[Value]] = {}

    async def do(self, key: Key, work: Callable[[], Awaitable[Value]]) -> Value:
        """Raises:
        Whatever `work` raises, to each who asked; Unavailable, where the one who worked was cancelled.
        """
        asked = self._asked.get(key)
        if asked is not None:
            return await asyncio.shield(asked)
        answer = self._asked[key] = asyncio.get_running_loop().create_future()
        try:
            value = await work()
        except BaseException as error:
            answer.set_exception(error if isinstance(error, Exception) else Unavailable("cancelled"))
            answer.exception()  # it may be that nobody else waits for it
            raise
        else:
            answer.set_result(value)
            return value
        finally:
            del self._asked[key]
