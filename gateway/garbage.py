"""Garbage: keeps the collector's pauses short where ten thousand connections live.

The collector walks every object it knows: those that live long, connections
above all, are hidden from it.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

#: connections come and gone since the last freeze that make another worth it
_FREEZE_AFTER = 500
#: A storm makes hundreds of thousands of objects that stay. With the thresholds of a script the collector would walk
#: them again and again, all in one pause now and then: here about once, until the next freeze hides them.
_THRESHOLDS = (2000, 50, 10)


def freeze() -> None:
    """Hide all that is alive. What is garbage by now goes first: frozen, it would stay for ever."""
    gc.collect()
    gc.freeze()


async def run(count_connections: Callable[[], int]) -> None:
    """Task: after a storm of joins or leaves."""
    gc.set_threshold(*_THRESHOLDS)
    frozen = 0
    while True:
        await asyncio.sleep(1.0)
        count = count_connections()
        if abs(count - frozen) >= _FREEZE_AFTER:
            freeze()
            frozen = count
