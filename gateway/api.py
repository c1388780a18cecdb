"""Api: what is under /v1 over HTTP. Routes are the protocol's operations; each is judged and run as on a websocket.

request ─> who (token) ─> body, query (validated by the operation's structs) ─> handler ─> JSON
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from aiohttp import web

from livestream.auth import Identity, TokenVerifier
from livestream.config import Settings
from livestream.metrics import COMMANDS
from livestream.parts import Download, Hooked, Reading, Running
from livestream.protocol.commands import Command
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import SanctionKind
from livestream.protocol.http import OPERATIONS, LogQuery, Operation, PageQuery, Products
from livestream.protocol.limits import RATES, Rate, RateClass
from livestream.protocol.roles import STAFF, Role
from livestream.protocol.shop import ShopCommand
from livestream.ratelimit import TokenBucket
from livestream.revocations import Revocations
from livestream.room import store
from livestream.room.admission import actor_of
from livestream.room.desk import Actor
from livestream.room.service import RoomService
from livestream.shop import reads
from livestream.shop.actions import ShopActor
from livestream.shop.catalogue import products_of
from livestream.shop.service import ShopService
from livestream.storage.pool import Database

from .channel import Channel
from .clock import Clock
from .hub import Hub
from .webhook_routes import WebhookRoutes

_KEY = "Idempotency-Key"
_KEY_CHARS = 64
_REMEMBERED = 10_000  #: people whose rate is known


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was judged: who, what, where."""

    request: web.Request
    operation: Operation
    identity: Identity | None
    body: Any
    query: Any
    key: str | None

    def part(self, name: str) -> str:
        """A part of the path."""
        return self.request.match_info[name]


Handler = Callable[[Asked], Awaitable[msgspec.Struct | Download]]


class Api:
    """The operations of one process."""

    def __init__(
        self,
        hub: Hub,
        database: Database,
        service: RoomService,
        shops: ShopService,
        webhooks: WebhookRoutes,
        parts: Running,
        verifier: TokenVerifier,
        revocations: Revocations,
        secret: bytes,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._hub = hub
        self._database = database
        self._service = service
        self._shops = shops
        self._verifier = verifier
        self._revocations = revocations
        self._secret = secret
        self._clock = clock
        self._rates = {
            **RATES,
            RateClass.COMMENT: Rate(settings.comment_rate_burst, settings.comment_rate_per_s),
            RateClass.STAFF: Rate(settings.staff_rate_burst, settings.staff_rate_per_s),
        }
        self._buckets: OrderedDict[tuple[str, str], TokenBucket] = OrderedDict()
        self._hooked = [runner for runner in parts.runners if isinstance(runner, Hooked)]
        self._handlers: dict[str, Handler] = {
            "room": self._room,
            "products": self._products,
            "comments": self._comments,
            "log": self._log,
            "staff_log": self._staff_log,
            "rooms": self._list(reads.rooms),
            "staff": self._list(reads.staff),
            "keys": self._list(reads.keys),
            "words": self._list(reads.words),
            "purchases": self._purchases,
            **{name: self._webhook(run) for name, run in webhooks.handlers.items()},
            **{name: self._part(run) for runner in parts.runners for name, run in runner.reads.items()},
        }

    def routes(self) -> list[web.RouteDef]:
        """One for every operation but those on tickets, which the pages' own part of HTTP runs."""
        operations = [
            web.route(each.method, each.path, self._route(each, self._handler(each)))
            for each in OPERATIONS
            if each.command is not None or each.name in self._handlers
        ]
        return [*operations, *(web.post("/v1/payments/{source}", _hook(each)) for each in self._hooked)]

    def _handler(self, operation: Operation) -> Handler:
        if operation.command is None:
            return self._handlers[operation.name]
        return self._shop_command if issubclass(operation.command, ShopCommand) else self._room_command

    def _route(self, operation: Operation, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def route(request: web.Request) -> web.StreamResponse:
            if any("\0" in part for part in request.match_info.values()):
                raise Refused(ErrorCode.INVALID, "no id has a NUL in it")
            asked = Asked(
                request,
                operation,
                await self._identify(request, operation),
                await _body(request, operation),
                _query(request, operation),
                _key(request, operation),
            )
            answer = await handler(asked)
            if isinstance(answer, Download):
                return web.Response(
                    body=answer.body,
                    content_type=answer.content_type,
                    headers={"Content-Disposition": f'attachment; filename="{answer.name}"'},
                )
            return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

        return route

    # -- who

    async def _identify(self, request: web.Request, operation: Operation) -> Identity | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not token and operation.roles is None:
            return None
        if scheme.lower() != "bearer" or not token:
            raise Refused(ErrorCode.TOKEN_INVALID, "send Authorization: Bearer <token>")
        identity = await self._verifier.verify(token, now_ms=self._clock.now_ms())
        if operation.roles is not None and identity.role not in operation.roles:
            raise Refused(ErrorCode.FORBIDDEN, f"`{operation.name}` is not for the role {identity.role}")
        return identity

    async def _enter(self, asked: Asked) -> tuple[Channel, Actor | None]:
        """The room, and who asks there; None: nobody in particular."""
        room_id = asked.part("room")
        if not _is_room(room_id):
            raise Refused(ErrorCode.ROOM_NOT_FOUND, room_id)
        channel = await self._hub.channel(room_id)
        identity = asked.identity
        if identity is None:
            return channel, None
        room = channel.local
        if identity.shop_id != room.base_shop_id or identity.room_id not in (None, room_id):
            raise Refused(ErrorCode.TOKEN_INVALID, "the token is for another room")
        actor = actor_of(self._secret, identity, room)
        if self._revocations.covers(identity, room.base_shop_id, actor.pseudonym):
            raise Refused(ErrorCode.TOKEN_INVALID, "it was revoked")
        if room.sanction(actor.pseudonym, SanctionKind.BAN, self._clock.now_ms()) is not None:
            raise Refused(ErrorCode.BANNED)
        return channel, actor

    async def _shop_actor(self, asked: Asked) -> ShopActor:
        """Who asks about a shop: about their own, or a rehearsal of it."""
        identity, shop_id = asked.identity, asked.part("shop")
        assert identity is not None
        if identity.room_id is not None:
            raise Refused(ErrorCode.FORBIDDEN, "the token is for one room")
        async with self._database.read() as connection:
            base = await reads.base_shop(connection, shop_id)
        if base != identity.shop_id:
            raise Refused(ErrorCode.SHOP_NOT_FOUND, shop_id)
        who = reads.pseudonym_of(self._secret, identity)
        if self._revocations.covers(identity, base, who):
            raise Refused(ErrorCode.TOKEN_INVALID, "it was revoked")
        self._take(who, RateClass.STAFF)
        return ShopActor(
            shop_id, base, identity.viewer_id, who, identity.role, identity.name or identity.role.value.capitalize()
        )

    def _take(self, who: str, kind: RateClass) -> None:
        rate, now = self._rates[kind], time.monotonic()
        slot = (who, kind.value)
        bucket = self._buckets.pop(slot, None) or TokenBucket(rate, now)
        self._buckets[slot] = bucket
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        if not bucket.take(rate, now):
            raise Refused(ErrorCode.RATE_LIMITED, str(kind), retry_after_ms=bucket.wait_ms(rate))

    # -- what

    async def _room_command(self, asked: Asked) -> msgspec.Struct:
        channel, actor = await self._enter(asked)
        kind = asked.operation.command
        assert actor is not None
        assert kind is not None
        assert issubclass(kind, Command)
        self._take(actor.pseudonym, kind.rate)
        if actor.role is Role.VIEWER and not actor.buyer:
            async with self._database.read() as connection:
                own = await store.own_states(connection, actor.shop_id, [actor.pseudonym])
            actor = msgspec.structs.replace(actor, buyer=actor.pseudonym in own and own[actor.pseudonym].buyer)
        key = {"key": asked.key} if asked.operation.keyed else {}
        fields = {name: getattr(asked.body, name) for name in asked.body.__struct_fields__}
        reply = await self._service.run(actor, kind(ref=0, **fields, **key), channel.local)
        COMMANDS.labels(asked.operation.name, "ok").inc()
        return reply

    async def _shop_command(self, asked: Asked) -> msgspec.Struct:
        actor = await self._shop_actor(asked)
        kind = asked.operation.command
        assert kind is not None
        fields = {name: getattr(asked.body, name) for name in asked.body.__struct_fields__}
        answer = await self._shops.run(actor, kind(**fields), asked.key)  # type: ignore[arg-type]
        COMMANDS.labels(asked.operation.name, "ok").inc()
        return answer

    async def _room(self, asked: Asked) -> msgspec.Struct:
        channel, actor = await self._enter(asked)
        return channel.snapshot(staff=actor is not None and actor.role in STAFF)

    async def _products(self, asked: Asked) -> msgspec.Struct:
        channel, _ = await self._enter(asked)
        async with self._database.read() as connection:
            return Products(items=await products_of(connection, channel.local.shop_id))

    async def _comments(self, asked: Asked) -> msgspec.Struct:
        channel, actor = await self._enter(asked)
        page: PageQuery = asked.query
        staff = actor is not None and actor.role in STAFF
        async with self._database.read() as connection:
            return await reads.comments(connection, channel.room_id, page, staff=staff)

    async def _log(self, asked: Asked) -> msgspec.Struct:
        channel, _ = await self._enter(asked)
        part: LogQuery = asked.query
        async with self._database.read() as connection:
            return await reads.log(connection, channel.room_id, part)

    async def _staff_log(self, asked: Asked) -> msgspec.Struct:
        channel, _ = await self._enter(asked)
        part: LogQuery = asked.query
        async with self._database.read() as connection:
            return await reads.staff_log(connection, channel.room_id, part)

    def _list(self, read: Callable[..., Awaitable[msgspec.Struct]]) -> Handler:
        async def handler(asked: Asked) -> msgspec.Struct:
            actor = await self._shop_actor(asked)
            async with self._database.read() as connection:
                return await read(connection, actor.shop_id)

        return handler

    async def _purchases(self, asked: Asked) -> msgspec.Struct:
        actor = await self._shop_actor(asked)
        async with self._database.read() as connection:
            return await reads.purchases(connection, actor.shop_id, asked.query)

    def _webhook(self, run: Callable[[str, Asked], Awaitable[msgspec.Struct]]) -> Handler:
        async def handler(asked: Asked) -> msgspec.Struct:
            actor = await self._shop_actor(asked)
            return await run(actor.shop_id, asked)

        return handler

    def _part(self, run: Callable[[Reading], Awaitable[msgspec.Struct | Download]]) -> Handler:
        async def handler(asked: Asked) -> msgspec.Struct | Download:
            path, identity = dict(asked.request.match_info), asked.identity
            reading = Reading(path, asked.query, role=identity.role if identity else None)
            if "room" in path:
                channel, actor = await self._enter(asked)
                who = actor.pseudonym if actor else ""
                viewer_id = (actor.viewer_id if actor else None) or ""
                reading = replace(
                    reading, shop_id=channel.local.shop_id, room_id=channel.room_id, who=who, viewer_id=viewer_id
                )
            elif "shop" in path:
                shop_actor = await self._shop_actor(asked)
                reading = replace(reading, shop_id=shop_actor.shop_id, who=shop_actor.pseudonym)
            return await run(reading)

        return handler


def _hook(runner: Hooked) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def hook(request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        await runner.notified(request.match_info["source"], headers, await request.read())
        return web.Response(status=204)

    return hook


async def _body(request: web.Request, operation: Operation) -> Any:
    if operation.body is None:
        return None
    if request.content_type not in ("application/json", "application/octet-stream"):
        raise web.HTTPUnsupportedMediaType
    raw = await request.read()
    try:
        return msgspec.json.decode(raw or b"{}", type=operation.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(ErrorCode.INVALID, str(error)) from None


def _query(request: web.Request, operation: Operation) -> Any:
    if operation.query is None:
        return None
    try:
        return msgspec.convert(dict(request.query), operation.query, strict=False)
    except msgspec.ValidationError as error:
        raise Refused(ErrorCode.INVALID, str(error)) from None


def _key(request: web.Request, operation: Operation) -> str | None:
    if not operation.keyed:
        return None
    key = request.headers.get(_KEY)
    if key is None and operation.needs_key:
        raise Refused(ErrorCode.INVALID, f"`{operation.name}` needs the header `{_KEY}`")
    if key is not None and not (0 < len(key) <= _KEY_CHARS and key.isascii() and key.isprintable()):
        raise Refused(ErrorCode.INVALID, f"`{_KEY}` has 1 to {_KEY_CHARS} printable ASCII characters")
    return key


def _is_room(text: str) -> bool:
    return 0 < len(text) <= 64 and all(each in "abcdefghijklmnopqrstuvwxyz0123456789_-" for each in text)
