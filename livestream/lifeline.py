"""Lifeline: how a child process and its supervisor know of each other's life.

The child writes a byte every half second to one pipe; a supervisor that reads
none for three seconds kills it. The child holds the reading end of another; it
reads its end when the supervisor is gone, and then stops too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

ALIVE_FD = "LIVESTREAM_ALIVE_FD"
LIFELINE_FD = "LIVESTREAM_LIFELINE_FD"
_BEAT_S = 0.5


def stop_on_signals(stop: asyncio.Event, environ: Mapping[str, str] = os.environ) -> None:
    """Set `stop` on SIGTERM, on SIGINT, and when the supervisor is gone."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if LIFELINE_FD in environ:
        lifeline = int(environ[LIFELINE_FD])

        def at_end() -> None:
            loop.remove_reader(lifeline)
            stop.set()

        loop.add_reader(lifeline, at_end)


@contextlib.asynccontextmanager
async def shown(observe_lag: Callable[[float], None]) -> AsyncIterator[None]:
    """Show life from the start, while a store is still waited for, to the end of the last clean-up."""
    task = asyncio.create_task(show_life(observe_lag))
    try:
        yield
    finally:
        task.cancel()


async def show_life(observe_lag: Callable[[float], None], environ: Mapping[str, str] = os.environ) -> None:
    """Task: tell the supervisor that the loop turns, and measure how late it turns.

    Args:
        observe_lag: called with the seconds that the loop was late.
    """
    alive = int(environ[ALIVE_FD]) if ALIVE_FD in environ else None
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _BEAT_S
        if alive is not None:
            with contextlib.suppress(OSError):
                os.write(alive, b".")
        await asyncio.sleep(_BEAT_S)
        observe_lag(max(0.0, loop.time() - due))


def end_with_broken_callbacks(tasks: asyncio.TaskGroup) -> None:
    """Let a callback that raises end the tasks, and with them the process, to be started anew.

    Its work is left half done, and unlike a task it has nobody to notice: a room
    would be silent and its process healthy.
    """

    async def fail(error: BaseException) -> None:
        raise error

    def on_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        loop.default_exception_handler(context)
        error = context.get("exception")
        if "handle" in context and error is not None:
            with contextlib.suppress(RuntimeError):  # they are ending already
                tasks.create_task(fail(error))

    asyncio.get_running_loop().set_exception_handler(on_error)
