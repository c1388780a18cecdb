"""Review: asks a shop's own service about comments before they are shown. It has 200 ms; then its fallback decides.

Comments that arrive within a moment of each other go out as one request, signed
as webhooks are. A service that keeps failing is left alone for a while
(`moderation.circuit`), and staff are told so in their log.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import functools
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
import msgspec
import structlog

from livestream.bus import BusMessage
from livestream.metrics import REVIEW_SECONDS, REVIEWS
from livestream.moderation.circuit import Circuit
from livestream.protocol.errors import LivestreamError
from livestream.protocol.events import Acted
from livestream.protocol.roles import Role
from livestream.singleflight import SingleFlight
from livestream.storage import roomlog
from livestream.storage.pool import Database
from livestream.webhooks import post, signature
from livestream.webhooks.resolver import Targets
from livestream.webhooks.target import TargetRefused

_log = structlog.get_logger()
TIMEOUT_S = 0.2
_GATHER_S = 0.01  #: comments of one moment share a request
_AT_ONCE = 100  #: comments a request
_CONFIG_S = 5.0  #: how long a shop's settings are taken for granted
_ANSWER_BYTES = 64 * 1024


class Verdict(enum.StrEnum):
    """What becomes of a comment."""

    SHOW = "show"
    HOLD = "hold"
    REFUSE = "refuse"


class Reviewed(msgspec.Struct, frozen=True, kw_only=True):
    """A comment as the service gets it."""

    id: str
    room: str
    by: str  #: pseudonym: the same person, the same mark
    name: str
    text: str


class _Data(msgspec.Struct):
    comments: Sequence[Reviewed]


class _Request(msgspec.Struct, tag="comments.review", tag_field="type"):
    timestamp: int  #: Unix s
    data: _Data


class _Answer(msgspec.Struct):
    verdicts: dict[str, Verdict] = {}  #: by id; who is left out is shown


@dataclass(frozen=True, slots=True)
class Hook:
    """A shop's settings."""

    url: str
    secret: str
    fallback: Literal["show", "hold"]


@dataclass(slots=True)
class _Shop:
    hook: Hook | None = None
    read_at: float = -_CONFIG_S
    circuit: Circuit = field(default_factory=Circuit)
    waiting: list[tuple[Reviewed, asyncio.Future[Verdict]]] = field(default_factory=list)


_answer = msgspec.json.Decoder(_Answer).decode
_encode = msgspec.json.Encoder().encode


class Review:
    """The services of all shops, as one process asks them.

    Args:
        publish: hands what was committed to the hub and the bus.
    """

    def __init__(
        self, database: Database, targets: Targets, publish: Callable[[str, BusMessage], None], origin: int
    ) -> None:
        self._database = database
        self._targets = targets
        self._publish = publish
        self._origin = origin
        self._shops: dict[str, _Shop] = {}
        self._reading: SingleFlight[str, None] = SingleFlight()
        self._under_way: set[asyncio.Task[None]] = set()
        self._stack = contextlib.AsyncExitStack()
        self._client: aiohttp.ClientSession | None = None

    async def judge(self, shop_id: str, comment: Reviewed) -> Verdict:
        """What becomes of a comment. Cost where the shop has no service: a look into a dictionary."""
        shop = self._shops.setdefault(shop_id, _Shop())
        if time.monotonic() - shop.read_at > _CONFIG_S:
            await self._reading.do(shop_id, functools.partial(self._read, shop_id, shop))
        if shop.hook is None:
            return Verdict.SHOW
        loop = asyncio.get_running_loop()
        verdict: asyncio.Future[Verdict] = loop.create_future()
        shop.waiting.append((comment, verdict))
        if len(shop.waiting) == 1:
            loop.call_later(_GATHER_S, self._send, shop)
        elif len(shop.waiting) == _AT_ONCE:
            self._send(shop)
        return await verdict

    async def close(self) -> None:
        await self._stack.aclose()

    def _send(self, shop: _Shop) -> None:
        batch, shop.waiting = shop.waiting, []
        if shop.hook is None:  # taken away a moment ago
            for _, verdict in batch:
                if not verdict.done():
                    verdict.set_result(Verdict.SHOW)
        elif batch:  # else they went when they were enough
            task = asyncio.get_running_loop().create_task(self._settle(shop, shop.hook, batch))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _settle(self, shop: _Shop, hook: Hook, batch: Sequence[tuple[Reviewed, asyncio.Future[Verdict]]]) -> None:
        comments = [comment for comment, _ in batch]
        away_before = shop.circuit.open
        verdicts = await self._ask(hook, shop.circuit, comments)
        for comment, waiting in batch:
            verdict = Verdict(hook.fallback) if verdicts is None else verdicts.get(comment.id, Verdict.SHOW)
            REVIEWS.labels("fallback" if verdicts is None else verdict.value).inc()
            if not waiting.done():
                waiting.set_result(verdict)
        if shop.circuit.open != away_before:
            await self._tell(hook, shop.circuit.open, sorted({comment.room for comment in comments}))

    async def _read(self, shop_id: str, shop: _Shop) -> None:
        try:
            async with self._database.read() as connection:
                row = await connection.fetchrow(
                    "SELECT review_url, review_secret, review_fallback FROM shop WHERE shop_id = $1", shop_id
                )
        except LivestreamError as error:
            _log.warning("review.settings", shop=shop_id, error=repr(error))  # what was known holds on
        else:
            known = row is not None and row["review_url"] is not None
            shop.hook = Hook(*row) if known and row is not None else None
        shop.read_at = time.monotonic()

    async def _ask(self, hook: Hook, circuit: Circuit, comments: Sequence[Reviewed]) -> Mapping[str, Verdict] | None:
        """The service's verdicts; None: it gave none in time, or is left alone."""
        started = time.monotonic()
        if not circuit.lets_through(started):
            return None
        verdicts: Mapping[str, Verdict] | None = None
        try:
            async with asyncio.timeout(TIMEOUT_S):
                verdicts = await self._post(hook, comments)
        except (TargetRefused, aiohttp.ClientError, OSError, ValueError, msgspec.MsgspecError) as error:
            _log.info("review.failed", error=type(error).__name__)  # a time-out is an OSError
        except Exception:
            _log.exception("review.bug")
        now = time.monotonic()
        REVIEW_SECONDS.observe(now - started)
        if verdicts is None:
            circuit.failed_at(now)
        else:
            circuit.succeeded()
        return verdicts

    async def _post(self, hook: Hook, comments: Sequence[Reviewed]) -> Mapping[str, Verdict]:
        now = int(time.time())
        body = _encode(_Request(now, _Data(comments)))
        headers = signature.headers([hook.secret], f"msg_{secrets.token_hex(16)}", now, body)
        if self._client is None:
            self._client = await self._stack.enter_async_context(post.client(self._targets, parallel=64))
        url = self._targets.rules.check_url(hook.url)
        async with self._client.post(url, data=body, headers=headers, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            read = bytearray()
            async for piece in response.content.iter_any():
                read += piece
                if len(read) > _ANSWER_BYTES:
                    raise ValueError("the answer is too long")
        return _answer(read).verdicts

    async def _tell(self, hook: Hook, away: bool, rooms: Sequence[str]) -> None:
        """Tell staff that nobody, or somebody again, reviews their comments."""
        _log.warning("review.away" if away else "review.back", rooms=rooms)
        becomes = "shown" if hook.fallback == "show" else "held"
        what = (
            f"the review service does not answer: comments are {becomes} unreviewed"
            if away
            else "the review service answers again"
        )
        entry = Acted(who="", name="", role=Role.SERVICE, command="review", what=what)
        try:
            for room_id in rooms:
                async with self._database.transaction() as tx:
                    appended = await roomlog.append(tx, room_id, [], [entry])
                self._publish(room_id, BusMessage(origin=self._origin, appended=appended))
        except LivestreamError as error:
            _log.warning("review.untold", rooms=rooms, error=repr(error))
