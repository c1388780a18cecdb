"""Tasks: ending them for sure."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

_AGAIN_S = 0.1


async def cancel_all(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel these tasks until they have ended.

    One cancellation may be swallowed on its way through a library (redis-py does, while it connects), and a task
    that missed it would run for ever.
    """
    tasks = list(tasks)
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_AGAIN_S)
