"""Api: what is under /v1 over HTTP. Routes are the protocol's operations; each is judged and run as on a websocket.

request ─> who (token) ─> body, query (validated by the operation's structs) ─> handler ─> JSON
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import msgspec
from aiohttp import web

from livestream.config import Settings
from livestream.metrics import COMMANDS
from livestream.parts import Download, Hooked, Reading, Running
from livestream.protocol.commands import Command
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.http import OPERATIONS, LogQuery, Operation, PageQuery, Products
from livestream.protocol.replies import Seated
from livestream.protocol.roles import STAFF, Role
from livestream.protocol.shop import ShopCommand
from livestream.room import store
from livestream.room.service import RoomService
from livestream.shop import reads
from livestream.shop.catalogue import products_of
from livestream.shop.service import ShopService
from livestream.storage.idempotency import Claim
from livestream.storage.pool import Database

from .asked import Asked, claim_of, read
from .callers import Callers
from .hub import Hub
from .webhook_routes import WebhookRoutes

Handler = Callable[[Asked], Awaitable[msgspec.Struct | Download]]


class Api:
    """The operations of one process."""

    def __init__(
        self,
        callers: Callers,
        database: Database,
        service: RoomService,
        hub: Hub,
        shops: ShopService,
        webhooks: WebhookRoutes,
        parts: Running,
        settings: Settings,
    ) -> None:
        self._callers = callers
        self._database = database
        self._service = service
        self._hub = hub
        self._shops = shops
        # Reads wait for each other, so that commands always find a connection to Postgres.
        self._reading = asyncio.Semaphore(max(1, settings.pool_size // 2))
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
        """One for every operation but those on tickets, which have routes of their own."""
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
            identity = await self._callers.identify(request, operation)
            asked = await read(request, operation, identity)
            if operation.method == "GET":
                self._callers.take_read(request, identity)
                async with self._reading:
                    answer = await handler(asked)
            else:
                answer = await handler(asked)
            if isinstance(answer, Download):
                return web.Response(
                    body=answer.body,
                    content_type=answer.content_type,
                    headers={"Content-Disposition": f'attachment; filename="{answer.name}"'},
                )
            return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

        return route

    async def _room_command(self, asked: Asked) -> msgspec.Struct:
        channel, actor = await self._callers.enter(asked)
        kind = asked.operation.command
        assert actor is not None
        assert kind is not None
        assert issubclass(kind, Command)
        self._callers.take(actor.pseudonym, kind.rate)
        if actor.role is Role.VIEWER and not actor.buyer:
            async with self._database.read() as connection:
                own = await store.own_states(connection, actor.shop_id, [actor.pseudonym])
            actor = msgspec.structs.replace(actor, buyer=actor.pseudonym in own and own[actor.pseudonym].buyer)
        key = {"key": asked.key} if asked.operation.keyed else {}
        fields = {name: getattr(asked.body, name) for name in asked.body.__struct_fields__}
        reply = await self._service.run(actor, kind(ref=0, **fields, **key), channel.local)
        COMMANDS.labels(asked.operation.name, "ok").inc()
        if isinstance(reply, Seated):
            self._hub.seat_taken(actor.room_id, actor.pseudonym, reply.own)
        return reply

    async def _shop_command(self, asked: Asked) -> msgspec.Struct:
        actor = await self._callers.about_shop(asked)
        kind = asked.operation.command
        assert kind is not None
        fields = {name: getattr(asked.body, name) for name in asked.body.__struct_fields__}
        answer = await self._shops.run(actor, kind(**fields), asked.key)  # type: ignore[arg-type]
        COMMANDS.labels(asked.operation.name, "ok").inc()
        return answer

    async def _room(self, asked: Asked) -> msgspec.Struct:
        channel, actor = await self._callers.enter(asked)
        return channel.snapshot(staff=actor is not None and actor.role in STAFF)

    async def _products(self, asked: Asked) -> msgspec.Struct:
        channel, _ = await self._callers.enter(asked)
        async with self._database.read() as connection:
            return Products(items=await products_of(connection, channel.local.shop_id))

    async def _comments(self, asked: Asked) -> msgspec.Struct:
        channel, actor = await self._callers.enter(asked)
        page: PageQuery = asked.query
        staff = actor is not None and actor.role in STAFF
        async with self._database.read() as connection:
            return await reads.comments(connection, channel.room_id, page, staff=staff)

    async def _log(self, asked: Asked) -> msgspec.Struct:
        channel, _ = await self._callers.enter(asked)
        part: LogQuery = asked.query
        async with self._database.read() as connection:
            return await reads.log(connection, channel.room_id, part)

    async def _staff_log(self, asked: Asked) -> msgspec.Struct:
        channel, _ = await self._callers.enter(asked)
        part: LogQuery = asked.query
        async with self._database.read() as connection:
            return await reads.staff_log(connection, channel.room_id, part)

    def _list(self, read: Callable[..., Awaitable[msgspec.Struct]]) -> Handler:
        async def handler(asked: Asked) -> msgspec.Struct:
            actor = await self._callers.about_shop(asked)
            async with self._database.read() as connection:
                return await read(connection, actor.shop_id)

        return handler

    async def _purchases(self, asked: Asked) -> msgspec.Struct:
        actor = await self._callers.about_shop(asked)
        async with self._database.read() as connection:
            return await reads.purchases(connection, actor.shop_id, asked.query)

    def _webhook(self, run: Callable[[str, Asked, Claim | None], Awaitable[msgspec.Struct]]) -> Handler:
        async def handler(asked: Asked) -> msgspec.Struct:
            actor = await self._callers.about_shop(asked)
            return await run(actor.shop_id, asked, claim_of(actor, asked))

        return handler

    def _part(self, run: Callable[[Reading], Awaitable[msgspec.Struct | Download]]) -> Handler:
        async def handler(asked: Asked) -> msgspec.Struct | Download:
            path, identity = dict(asked.request.match_info), asked.identity
            reading = Reading(path, asked.query, role=identity.role if identity else None)
            if "room" in path:
                channel, actor = await self._callers.enter(asked)
                who = actor.pseudonym if actor else ""
                viewer_id = (actor.viewer_id if actor else None) or ""
                reading = replace(
                    reading, shop_id=channel.local.shop_id, room_id=channel.room_id, who=who, viewer_id=viewer_id
                )
            elif "shop" in path:
                shop_actor = await self._callers.about_shop(asked)
                reading = replace(reading, shop_id=shop_actor.shop_id, who=shop_actor.pseudonym)
            return await run(reading)

        return handler


def _hook(runner: Hooked) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def hook(request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        await runner.notified(request.match_info["source"], headers, await request.read())
        return web.Response(status=204)

    return hook
