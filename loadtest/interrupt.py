"""Interrupt: Ctrl-C, SIGTERM and the end of the terminal leave nothing behind, whenever they come.

while a run is played      the first one ends its phases, and there is a report; the second breaks it off
at any other time          the first one breaks it off
afterwards                 what is being taken away is taken away, however often somebody presses Ctrl-C
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

_T = TypeVar("_T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupt:
    """What signals do to the task that is in here. For `with`, around all of a command."""

    def __init__(self) -> None:
        self.heard = False
        self._task: asyncio.Task[Any] | None = None
        self._stop: asyncio.Event | None = None
        self._broken_off = False
        self._handled: list[signal.Signals] = []
        self._terminals: list[int] = []

    def __enter__(self) -> Interrupt:
        self._task = asyncio.current_task()
        self._terminals = [each for each in (1, 2) if os.isatty(each)]
        self._handled = list(_SIGNALS)
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # `nohup` wants it to go on
            self._handled.remove(signal.SIGHUP)
        loop = asyncio.get_running_loop()
        for each in self._handled:
            loop.add_signal_handler(each, self._on_signal, each)
        return self

    def __exit__(self, *exception: object) -> None:
        loop = asyncio.get_running_loop()
        for each in self._handled:
            loop.remove_signal_handler(each)

    @contextlib.contextmanager
    def played(self) -> Iterator[asyncio.Event]:
        """While a run is played: an event that the first signal sets."""
        self._stop = asyncio.Event()
        try:
            yield self._stop
        finally:
            self._stop = None

    def _on_signal(self, number: signal.Signals) -> None:
        self.heard = True
        if number == signal.SIGHUP:
            self._write_nowhere()
        if self._stop is not None and not self._stop.is_set():
            self._stop.set()
        elif not self._broken_off:
            self._broken_off = True
            assert self._task is not None
            self._task.cancel()

    def _write_nowhere(self) -> None:
        """The terminal is gone: what is still said must not fail the end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for each in self._terminals:
            os.dup2(nowhere, each)
        os.close(nowhere)


_before: set[int | signal.Signals] = set()  # what was blocked when the first of those who are deaf now became so
_deaf = 0  # how many are


@contextlib.contextmanager
def deaf() -> Iterator[None]:
    """For the start of processes that are not to hear what reaches all of a terminal's, not even in their first moment:
    whoever started them decides when they end. For ourselves, signals wait meanwhile, until the last start is through.
    """
    global _before, _deaf
    if not _deaf:
        _before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    _deaf += 1
    try:
        yield
    finally:
        _deaf -= 1
        if not _deaf:
            signal.pthread_sigmask(signal.SIG_SETMASK, _before)


async def to_the_end(work: Coroutine[Any, Any, _T]) -> _T:
    """Await it whole: who breaks it off waits until it is done.

    Raises:
        asyncio.CancelledError: it is done, and somebody wanted to break it off meanwhile.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    finally:
        await asyncio.wait([task])
