"""Composition root of a gateway process: builds everything, runs it, and drains it.

listener ─> connection ─> edge ─> dispatch ─> join ──────> hub ─> channel ─> fan-out
                                      └─────> room service ─^        ^
                                                Postgres        bus (Redis)
"""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable

import structlog
from aiohttp import web

from livestream import lifeline, metrics, pseudonyms, seed
from livestream.auth import TokenVerifier, log_pseudonym
from livestream.bus import Bus
from livestream.config import Settings
from livestream.ids import IdMaker
from livestream.keys import KeyStore
from livestream.parts import Ground, Running
from livestream.ports import cannot_listen
from livestream.protocol.limits import Rate
from livestream.revocations import Revocations
from livestream.room.door import Door
from livestream.room.review import Review
from livestream.room.service import RoomService
from livestream.shop.service import ShopService
from livestream.storage.pool import Connection, Database
from livestream.tickets import Tickets
from livestream.webhooks.resolver import Targets

from .admission import Admission
from .api import Api
from .attendance import Attendance
from .callers import Callers
from .clock import Clock
from .dispatch import Dispatcher
from .edge import GatewayEdge
from .http import Http, metrics_page
from .hub import Hub
from .join import Joiner
from .keepalive import Keepalive
from .listener import Front, Fronts, bind
from .presence import Presence
from .rooms import Rooms
from .send import COMPILED
from .webhook_routes import WebhookRoutes

_log = structlog.get_logger()
_BACKLOG = 4096
_IDLE_CHECK_S = 20.0
#: Postgres must have answered within so many heartbeats for the process to count as ready
_READY_BEATS = 5
#: connections come and gone since the last freeze that make another worth it
_FREEZE_AFTER = 500
#: how long peers may take to answer the close frames of a drain
_LINGER_S = 1.0


async def run(settings: Settings, secret: bytes) -> None:
    """Serve until SIGTERM, then drain.

    Args:
        secret: signs resume tokens; the same in every process.

    Raises:
        ConfigError: the port cannot be had, or it is production and there is a demo shop.
    """
    stop = asyncio.Event()
    lifeline.stop_on_signals(stop)
    listening = bind(settings)
    async with lifeline.shown(metrics.LOOP_LAG.observe):
        database = await Database.connect_when_up(settings, stop, name="livestream gateway")
        if database is None:
            return
        try:
            if settings.production:
                await seed.refuse_demo_shops(settings.database_url)
            async with database.read() as connection:
                origin: int = await connection.fetchval("SELECT nextval('process_number')")
            async with asyncio.TaskGroup() as tasks:
                lifeline.end_with_broken_callbacks(tasks)
                gateway = Gateway(settings, secret, await pseudonyms.key_of(database, secret), database, origin, tasks)
                await gateway.serve(listening)
                await stop.wait()
                await gateway.drain()
        finally:
            await database.close()


class Gateway:
    """One process's parts."""

    def __init__(
        self,
        settings: Settings,
        secret: bytes,
        stand_ins: bytes,
        database: Database,
        origin: int,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._settings = settings
        self._database = database
        self._tasks = tasks
        self._clock = Clock()
        self._hub = Hub(database, settings, self._clock, tasks)
        self._bus = self._hub.bus = Bus(settings.redis_url, origin, self._hub.receive)
        ids = IdMaker(origin)
        keys = KeyStore(database)
        verifier = TokenVerifier(keys.find)
        tickets = Tickets(self._bus.redis)
        ground = Ground(
            database,
            self._bus.redis,
            settings,
            secret,
            lambda: ids.next(self._clock.now_ms()),
            self._clock.now_ms,
            self._hub.publish,
            origin,
        )
        parts = Running.start(ground)
        self._targets = Targets.of(settings)
        self._review = Review(database, self._targets, self._hub.publish, origin)
        self._service = RoomService(
            database,
            Door(self._bus.redis, Rate(settings.comment_rate_burst, settings.comment_rate_per_s)),
            self._review,
            tickets,
            settings,
            ground.new_id,
            ground.now_ms,
            ground.publish,
            origin,
            stand_ins,
            parts,
        )
        self._attendance = Attendance(database, self._hub.channels, self._hub.publish, origin, tasks)
        self._revocations = Revocations()
        joiner = Joiner(
            self._hub, database, verifier, self._revocations, tickets, self._attendance, secret, stand_ins, settings,
            self._clock, origin, parts,
        )  # fmt: skip
        self._admission = Admission(settings)
        self._keepalive = Keepalive(settings, self._clock.now_ms)
        dispatcher = Dispatcher(
            self._service,
            joiner,
            settings,
            tasks,
            lambda actor: log_pseudonym(secret, actor.shop_id, actor.key),
        )
        self._edge = GatewayEdge(self._admission, self._keepalive, dispatcher, settings)
        self._hub.on_beat = self._follow_revocations
        self._hub.on_gone = self._edge.close_room
        self._presence = Presence(
            self._bus.redis, self._hub, origin, lambda: self._admission.count, self._edge.hand_over
        )
        self._fronts = Fronts(settings.handshake_timeout_ms / 1000)
        shops = ShopService(
            database, self._bus.redis, stand_ins, self._hub.publish, origin, self._targets.rules, parts.parts
        )
        callers = Callers(
            self._hub,
            database,
            verifier,
            self._revocations,
            stand_ins,
            settings,
            self._clock,
            lambda request: self._admission.client_address(
                request.remote or "", request.headers.getall("X-Forwarded-For", [])
            ),
        )
        http = Http(
            self._admission,
            verifier,
            tickets,
            keys,
            Rooms(database),
            self._clock,
            self._revocations,
            stand_ins,
            self._ready,
            Api(
                callers, database, self._service, shops, WebhookRoutes(database, self._targets), parts, settings
            ).routes(),
            public_metrics=not settings.metrics_port,
        )
        self._runner = web.AppRunner(http.app(), access_log=None)
        self._metrics_runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._running: list[asyncio.Task[None]] = []

    async def serve(self, listening: socket.socket) -> None:
        """Start the tasks, then listen."""
        async with self._database.read() as connection:
            await self._revocations.read(connection)
        loop = asyncio.get_running_loop()
        for task in (
            self._bus.send(),
            self._bus.listen(),
            self._hub.beat(),
            self._keepalive.run(),
            self._fronts.run(),
            self._presence.run(),
            self._attendance.run(),
            self._forget_idle_rooms(),
            self._freeze_garbage(),
        ):
            self._running.append(self._tasks.create_task(task))
        await self._runner.setup()
        http_server = self._runner.server
        assert http_server is not None
        make_http: Callable[[], asyncio.Protocol] = http_server
        self._server = await loop.create_server(
            lambda: Front(self._fronts, self._edge.connect, make_http),
            sock=listening,
            backlog=_BACKLOG,
        )
        await self._serve_metrics()
        gc.collect()
        gc.freeze()
        _log.info("gateway.listening", host=self._settings.host, port=self._settings.port, compiled_send=COMPILED)

    async def _serve_metrics(self) -> None:
        """Where metrics have a port of their own, the first process that gets it answers for all."""
        if not self._settings.metrics_port:
            return
        app = web.Application()
        app.router.add_get("/metrics", metrics_page)
        self._metrics_runner = web.AppRunner(app, access_log=None)
        await self._metrics_runner.setup()
        site = web.TCPSite(
            self._metrics_runner, self._settings.metrics_host, self._settings.metrics_port, reuse_port=True
        )
        try:
            await site.start()
        except OSError as error:
            raise cannot_listen(
                self._settings.metrics_host, self._settings.metrics_port, error, "`metrics_port`"
            ) from None

    def _ready(self) -> dict[str, bool]:
        silence = asyncio.get_running_loop().time() - self._hub.beat_at
        return {
            "accepting": not self._admission.draining,
            "postgres": silence < _READY_BEATS * self._settings.heartbeat_ms / 1000 + 1,
        }

    async def _follow_revocations(self, connection: Connection) -> None:
        """With every heartbeat: close who came with what was revoked since the last."""
        for revocation in await self._revocations.read(connection):
            self._edge.revoke(revocation)

    async def _forget_idle_rooms(self) -> None:
        while True:
            await asyncio.sleep(_IDLE_CHECK_S)
            for room_id in await self._hub.drop_idle():
                self._service.forget(room_id)

    async def _freeze_garbage(self) -> None:
        """The collector walks every object it knows: hide the long-lived ones, connections above all, from it."""
        frozen = 0
        while True:
            await asyncio.sleep(1.0)
            count = self._admission.count
            if abs(count - frozen) >= _FREEZE_AFTER:
                gc.freeze()
                frozen = count

    async def drain(self) -> None:
        """Take nobody new, send everybody away over `drain_s`, and let running commands end."""
        _log.info("gateway.draining", connections=self._admission.count)
        self._admission.draining = True
        if self._server is not None:
            self._server.close()
        await self._edge.drain(self._settings.drain_s)
        await self._presence.leave()
        await self._edge.wait_until_empty(_LINGER_S)
        await self._runner.cleanup()
        if self._metrics_runner is not None:
            await self._metrics_runner.cleanup()
        # They end before their connections are closed: a client that loses its line while it is being
        # cancelled may tell of the first and forget the second.
        for task in self._running:
            task.cancel()
        await asyncio.wait(self._running)
        await self._bus.close()
        await self._review.close()
        self._targets.close()
        _log.info("gateway.stopped")
