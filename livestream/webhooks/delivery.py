"""Delivery: the worker's chore that sends what is due. Any number of workers may run it.

claim ──> sign ──> post ──> decide ──> record
  │ killed anywhere on this way: the lease ends, and it is sent again under the same message id
  └ two workers: a row is leased to one of them, and the lease outlasts the attempt
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import structlog

from livestream.config import Settings
from livestream.metrics import WEBHOOK_SECONDS, WEBHOOKS
from livestream.protocol.errors import LivestreamError
from livestream.storage.pool import Connection, Database

from . import outbox, queue, schedule, signature
from .post import Answer, client, post
from .queue import Claimed
from .resolver import Targets

_log = structlog.get_logger()

#: so that one slow endpoint leaves slots to the others, and its own webhooks stay nearly in order
_PER_ENDPOINT = 4
#: what a lease has beyond the attempt itself, for the response's body and for Postgres to come back and record it
_SPARE_S = 20.0
_LOOK_S = 0.5  #: how often it looks for what has become due while something slow is under way
_RECORD_AGAIN_S = 0.5


class Courier:
    """Sends a deployment's webhooks from one process."""

    def __init__(self, settings: Settings, targets: Targets, session: aiohttp.ClientSession) -> None:
        self._targets = targets
        self._session = session
        self._parallel = settings.webhook_parallel
        self._timeout_s = settings.webhook_timeout_ms / 1000
        self._lease_s = self._timeout_s + _SPARE_S
        self._drain_s = settings.drain_s
        self._keep_days = settings.webhook_keep_days

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, settings: Settings, targets: Targets | None = None) -> AsyncIterator[Courier]:
        """A courier with its client, closed at the end."""
        targets = targets or Targets.of(settings)
        with contextlib.closing(targets):
            async with client(targets, settings.webhook_parallel) as session:
                yield cls(settings, targets, session)

    async def deliver(self, database: Database) -> int:
        """Chore: send until nothing is due and nothing under way; returns how many attempts were made.

        Cancelled, it lets what is under way end, for as long as a drain takes.

        Raises:
            LivestreamError: as the claim failed; what was claimed before is sent.
        """
        run = _Run(database)
        async with asyncio.TaskGroup() as tasks:
            try:
                while await self._fill(run, tasks):
                    await asyncio.wait(run.under_way, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                    run.forget_done()
            except asyncio.CancelledError:
                if run.under_way:
                    await asyncio.wait(run.under_way, timeout=self._drain_s)
                raise
            except LivestreamError as error:
                run.failure = error
        if run.failure is not None:
            raise run.failure
        return run.count

    async def stop_strays(self, database: Database) -> int:
        """Chore: fail what waits for endpoints that were disabled or removed."""
        return await _in_parts(database, queue.stop_strays)

    async def forget_old(self, database: Database) -> int:
        """Chore: delete messages past their days."""
        return await _in_parts(database, lambda tx: outbox.forget_old(tx, self._keep_days))

    async def _fill(self, run: _Run, tasks: asyncio.TaskGroup) -> bool:
        """Claim for the free slots. False: nothing is due and nothing under way."""
        free = self._parallel - len(run.under_way)
        if free:
            lease, claimed_at = secrets.token_hex(8), time.monotonic()
            busy = Counter(claimed.endpoint_id for claimed in run.under_way.values())
            async with run.database.transaction() as tx:
                found = await queue.claim(tx, free, _PER_ENDPOINT, busy, lease, self._lease_s)
            for claimed in found:
                task = tasks.create_task(self._deliver(run.database, claimed, lease, claimed_at + self._lease_s))
                run.under_way[task] = claimed
            run.count += len(found)
        return bool(run.under_way)

    async def _deliver(self, database: Database, claimed: Claimed, lease: str, lease_end: float) -> None:
        if time.monotonic() > lease_end - self._timeout_s:
            return  # this process was frozen since the claim: another may be sending it
        try:
            headers = signature.headers(claimed.secrets, claimed.message_id, int(claimed.now), claimed.body)
            answer = await post(self._session, self._targets, claimed.url, headers, claimed.body, self._timeout_s)
        except Exception:  # ours; it must not take the neighbours along, nor come back for ever
            _log.exception("webhook.bug", delivery=claimed.delivery_id)
            answer = Answer(None, "our fault; it is logged", 0)
        verdict = schedule.decide(
            answer.status,
            claimed.attempts + 1,
            random.random(),
            schedule.retry_after_s(answer.retry_after, claimed.now),
        )
        WEBHOOKS.labels(verdict.state.value if verdict.state != "pending" else "again").inc()
        WEBHOOK_SECONDS.observe(answer.duration_ms / 1000)
        await self._record(database, claimed, lease, lease_end, answer, verdict)

    async def _record(
        self,
        database: Database,
        claimed: Claimed,
        lease: str,
        lease_end: float,
        answer: Answer,
        verdict: schedule.Verdict,
    ) -> None:
        """Write the result down, again and again while Postgres is away and the lease lasts."""
        while True:
            try:
                async with database.transaction() as tx:
                    await queue.record(tx, claimed, lease, answer, verdict)
                return
            except LivestreamError as error:
                if time.monotonic() + _RECORD_AGAIN_S > lease_end:
                    _log.warning("webhook.not_recorded", delivery=claimed.delivery_id, error=repr(error))
                    return
            await asyncio.sleep(_RECORD_AGAIN_S)


class _Run:
    """What one turn of the chore has in hand."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.under_way: dict[asyncio.Task[None], Claimed] = {}
        self.count = 0
        self.failure: LivestreamError | None = None

    def forget_done(self) -> None:
        self.under_way = {task: claimed for task, claimed in self.under_way.items() if not task.done()}


async def _in_parts(database: Database, part: Callable[[Connection], Awaitable[int]]) -> int:
    """Repeat a bounded transaction until it finds nothing."""
    count = 0
    while True:
        async with database.transaction() as tx:
            done = await part(tx)
        count += done
        if not done:
            return count
