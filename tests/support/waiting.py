"""Waiting: until something holds that another task or process brings about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], object], what: str, within_s: float = 15.0) -> None:
    """Wait until it holds.

    Raises:
        AssertionError: it did not; `what` says what was waited for.
    """
    try:
        async with asyncio.timeout(within_s):
            while not holds():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {within_s} s: {what}") from None
