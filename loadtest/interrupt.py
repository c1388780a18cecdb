"""Interrupt: Ctrl-C once ends a run with its report, twice at once."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def interruptible() -> Iterator[asyncio.Event]:
    """An event that the first SIGINT or SIGTERM sets; the second cancels the task that is in here, which then only
    takes away what it made."""
    loop, task, stop = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()
    assert task is not None

    def heard() -> None:
        if stop.is_set():
            task.cancel()
        stop.set()

    for each in _SIGNALS:
        loop.add_signal_handler(each, heard)
    try:
        yield stop
    finally:
        for each in _SIGNALS:
            loop.remove_signal_handler(each)
