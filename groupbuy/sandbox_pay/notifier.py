"""Notifier: sends the sandbox's webhooks, signed, until they are taken. In no promised order, as providers do."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable, Mapping

import aiohttp
import structlog

from groupbuy.payments.port import Way
from groupbuy.payments.sandbox_keys import Keys
from livestream.webhooks import signature

from .store import Event, Store

_log = structlog.get_logger()
_AT_ONCE = 64
_TIMEOUT_S = 5.0
_TURN_S = 0.2  #: how late what falls due by the clock may be
_LONGEST_WAIT_S = 60
_TRIES = 200  #: then it is given up: about three hours
_FORGED_SECRET = signature.secret_of(b"nobody's key, for forgeries....")


class Notifier:
    """Runs until it is cancelled.

    Args:
        lapse: what is due by the clock, done before each turn.
    """

    def __init__(self, store: Store, keys: Mapping[Way, Keys], lapse: Callable[[], None]) -> None:
        self._store = store
        self._keys = keys
        self._lapse = lapse
        self._wake = asyncio.Event()

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        under_way: set[str] = set()  # one that nobody answers keeps one place, not the others waiting
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            asyncio.TaskGroup() as group,
        ):
            while True:
                self._wake.clear()
                self._lapse()
                for event in self._store.due_events(_now_ms(), _AT_ONCE + len(under_way)):
                    if event.id not in under_way and len(under_way) < _AT_ONCE:
                        under_way.add(event.id)
                        sending = group.create_task(self._deliver(session, event))
                        sending.add_done_callback(functools.partial(self._done, under_way, event.id))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _TURN_S)

    def _done(self, under_way: set[str], event_id: str, _: asyncio.Task[None]) -> None:
        under_way.discard(event_id)
        self.wake()

    async def _deliver(self, session: aiohttp.ClientSession, event: Event) -> None:
        taken = await asyncio.gather(*(self._send(session, event) for _ in range(event.copies)))
        if all(taken) or event.forged or event.tries + 1 >= _TRIES:  # nobody ought to take a forgery
            self._store.drop_event(event.id)
            return
        wait_s = min(_LONGEST_WAIT_S, 2.0**event.tries / 4)
        later = dataclasses.replace(event, due_at_ms=_now_ms() + int(wait_s * 1000), tries=event.tries + 1, copies=1)
        self._store.put_event(later)

    async def _send(self, session: aiohttp.ClientSession, event: Event) -> bool:
        secret = _FORGED_SECRET if event.forged else self._keys[event.way].webhook
        headers = signature.headers([secret], event.id, int(time.time()), event.body)
        headers["Content-Type"] = "application/json"
        try:
            async with session.post(event.url, data=event.body, headers=headers, allow_redirects=False) as response:
                return 200 <= response.status < 300
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            _log.info("sandbox.webhook_not_taken", webhook=event.id, error=type(error).__name__)
            return False


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
