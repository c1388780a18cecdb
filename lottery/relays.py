"""Relays: fetches rounds of drand. Nothing of what a relay says is believed: the round's signature is verified.

Several are asked at once and the first genuine answer counts; relays that are
away, lie or are late cost nothing but their answer, and one that goes on so is
asked less and less often. When none answers, a draw waits: never another
round, never another beacon.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import AsyncIterator, Callable, Sequence

import aiohttp
import msgspec
import structlog

from livestream.singleflight import SingleFlight

from .quicknet import CHAIN, signed

_TIMEOUT = aiohttp.ClientTimeout(total=3.0)
_MOST_BYTES = 4096
#: answers without the round that a relay may give in a row, as all do until it is there, before it has to rest
_PATIENCE = 8
_REST_S, _LONGEST_REST_S = 0.25, 10.0
_log = structlog.get_logger()


class _Round(msgspec.Struct):
    round: int
    signature: str


class Relays:
    """HTTP to relays of drand's quicknet.

    Args:
        urls: of relays, without a path.
        now_s: a clock that is never set back.
    """

    def __init__(
        self, urls: Sequence[str], session: aiohttp.ClientSession, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._urls = [url.rstrip("/") for url in urls]
        self._session = session
        self._now_s = now_s
        self._failures = dict.fromkeys(self._urls, 0)
        self._rests_until = dict.fromkeys(self._urls, 0.0)
        self._asked: SingleFlight[int, bytes | None] = SingleFlight()  #: by round

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, urls: Sequence[str]) -> AsyncIterator[Relays]:
        async with aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=True) as session:
            made = cls(urls, session)
            try:
                yield made
            finally:
                await made._asked.end()

    async def signature(self, round: int) -> bytes | None:
        """The genuine signature of a round; None: no relay has it yet.

        Cost: one request a relay, however many draws wait for the round.
        """
        return await self._asked.do(round, functools.partial(self._first, round))

    async def _first(self, round: int) -> bytes | None:
        """The first genuine answer of the relays that are awake."""
        now = self._now_s()
        asking = [asyncio.create_task(self._ask(url, round)) for url in self._urls if now >= self._rests_until[url]]
        try:
            for answer in asyncio.as_completed(asking):
                found = await answer
                if found is not None:
                    return found
            return None
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    async def reachable(self) -> bool:
        """A relay answers with a genuine round."""
        return await self.signature(1000) is not None

    async def _ask(self, url: str, round: int) -> bytes | None:
        found = await self._fetch(url, round)
        if found is not None:
            self._failures[url] = 0
            return found
        self._failures[url] += 1
        beyond = self._failures[url] - _PATIENCE
        if beyond > 0:
            self._rests_until[url] = self._now_s() + min(_LONGEST_REST_S, _REST_S * 2 ** min(beyond, 16))
        return None

    async def _fetch(self, url: str, round: int) -> bytes | None:
        try:
            async with self._session.get(f"{url}/{CHAIN}/public/{round}", allow_redirects=False) as response:
                if response.status != 200:
                    return None
                answer = msgspec.json.decode(await _whole(response.content), type=_Round)
            signature = bytes.fromhex(answer.signature)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, msgspec.DecodeError) as error:
            _log.info("draw.relay_away", relay=url, error=repr(error))
            return None
        if answer.round == round and signed(round, signature):
            return signature
        _log.warning("draw.relay_lies", relay=url, round=round)
        return None


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """All of an answer, in however many pieces it comes.

    Raises:
        ValueError: it is longer than any round.
    """
    body = b""
    while piece := await content.read(_MOST_BYTES):
        body += piece
        if len(body) > _MOST_BYTES:
            raise ValueError(f"more than {_MOST_BYTES} bytes")
    return body
