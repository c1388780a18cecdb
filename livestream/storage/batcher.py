"""Batcher: group commit. Commands that arrive while one transaction runs share the next.

    submit ──> queue ──> run(batch): one transaction ──> each caller's answer, after COMMIT
                 ^                |
                 └── gathers while it runs

An idle batcher starts at once: the wait is never longer than the transaction
before, and a pause where one is set. A poisoned command does not fail its
neighbours: the batch is halved until it stands alone.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeVar

import structlog

from livestream.metrics import BATCH_SECONDS, BATCH_SIZE
from livestream.protocol.errors import ErrorCode, Internal, LivestreamError, Refused

from .pool import Contention, Poison

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_log = structlog.get_logger()
_RETRIES = 5
_SEVERAL = 8  #: in a batch: they come faster than it takes, and more are on their way


class Batcher(Generic[Item, Answer]):
    """Runs items in batches, one batch at a time, in order of arrival.

    Args:
        name: what it batches; batchers of one kind share it.
        run: stores a batch in one transaction. Returns one outcome an item, in
            order: an answer, or a `Refused` that concerns this item alone.
        prepare: what a batch needs outside the transaction, once however often `run` is tried.
        gather_s: wait so long before a batch, where company matters more than delay.
        pause_s: the same in a rush alone, after a batch of several: where a transaction's round trips are dear, small
            batches would keep the machine busy with little else.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | Refused]]],
        *,
        size: int,
        queue: int,
        prepare: Callable[[Sequence[Item]], Awaitable[None]] | None = None,
        gather_s: float = 0.0,
        pause_s: float = 0.0,
    ) -> None:
        self._name = name
        self._run = run
        self._prepare = prepare
        self._size = size
        self._queue_limit = queue
        self._gather_s = gather_s
        self._pause_s = pause_s
        self._queue: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Answer:
        """Have an item stored; returns after COMMIT.

        Raises:
            Refused: the item's own refusal, or BUSY when too many wait.
            Unavailable, OutcomeUnknown: as the transaction ended. Internal: a bug of ours, which is logged.
        """
        if len(self._queue) >= self._queue_limit:
            raise Refused(ErrorCode.BUSY, f"{self._name}: too many wait", retry_after_ms=1000)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._queue.append((item, future))
        if self._worker is None:
            # It ends with the queue, and every failure goes to the callers: it needs no keeper.
            self._worker = loop.create_task(self._drain(), name=f"batcher {self._name}")
        return await future

    async def _drain(self) -> None:
        pause_s = self._gather_s
        try:
            while self._queue:
                if pause_s and len(self._queue) < self._size:
                    await asyncio.sleep(pause_s)
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._size))]
                BATCH_SIZE.labels(self._name).observe(len(batch))
                try:
                    with BATCH_SECONDS.labels(self._name).time():
                        await self._ready(batch)
                finally:
                    _abandon(batch)
                pause_s = max(self._gather_s, self._pause_s if len(batch) >= _SEVERAL else 0.0)
        finally:
            self._worker = None
            _abandon(self._queue)
            self._queue.clear()

    async def _ready(self, batch: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        if self._prepare is not None:
            try:
                await self._prepare([item for item, _ in batch])
            except LivestreamError as error:
                self._fail(batch, error)
                return
            except Exception as error:
                self._bug(batch, error)
                return
        await self._settle(batch)

    async def _settle(self, batch: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            outcomes = await self._attempt([item for item, _ in batch])
            answered = list(zip(batch, outcomes, strict=True))
        except Poison as error:
            if len(batch) > 1:
                half = len(batch) // 2
                await self._settle(batch[:half])
                await self._settle(batch[half:])
                return
            _log.error("batch.poison", batcher=self._name, error=str(error))
            self._fail(batch, Refused(ErrorCode.INVALID, "a value in it cannot be stored"))
        except LivestreamError as error:
            self._fail(batch, error)
        except Exception as error:
            self._bug(batch, error)
        else:
            for (_, future), outcome in answered:
                if future.done():
                    continue
                if isinstance(outcome, Refused):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _bug(self, batch: list[tuple[Item, asyncio.Future[Answer]]], error: Exception) -> None:
        """Logged once for all, with the one traceback there is."""
        _log.error("batch.bug", batcher=self._name, exc_info=error)
        for _, future in batch:
            if not future.done():
                future.set_exception(Internal(self._name))

    async def _attempt(self, items: list[Item]) -> Sequence[Answer | Refused]:
        for attempt in range(_RETRIES):
            try:
                return await self._run(items)
            except Contention:
                await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))
        raise Refused(ErrorCode.BUSY, f"{self._name}: the rows stay locked", retry_after_ms=1000)

    def _fail(self, batch: list[tuple[Item, asyncio.Future[Answer]]], error: Exception) -> None:
        for _, future in batch:
            if not future.done():
                future.set_exception(error)


def _abandon(batch: Iterable[tuple[Item, asyncio.Future[Answer]]]) -> None:
    """Who was not answered by the time the batcher ends is told so: only when it is cancelled."""
    for _, future in batch:
        if not future.done():
            future.cancel()
