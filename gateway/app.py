"""A gateway process: what `compose` built is run here, and drained.

listener ─> connection ─> edge ─> dispatch ─> join ──────> hub ─> channel ─> fan-out
                                      └─────> room service ─^        ^
                                                Postgres        bus (Redis)
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import msgspec
import structlog
from aiohttp import web

from livestream import lifeline, metrics, pseudonyms
from livestream.config import Settings
from livestream.descriptors import raise_limit
from livestream.exposure import refuse_demo_shops
from livestream.ports import cannot_listen
from livestream.storage.pool import Connection, Database

from . import compose, garbage
from .admission import fit
from .http import metrics_page
from .listener import Front, bind
from .send import COMPILED

_log = structlog.get_logger()
_BACKLOG = 4096
#: an HTTP socket without a request is closed after so long; a page's next request comes sooner
_KEEPALIVE_S = 15.0
#: how long the rest of a body may take that nobody wants any more
_BODY_LINGER_S = 1.0
_IDLE_CHECK_S = 20.0
#: Postgres must have answered within so many heartbeats for the process to count as ready
_READY_BEATS = 5
#: how long peers may take to answer the close frames of a drain
_LINGER_S = 1.0


async def run(settings: Settings, secret: bytes) -> None:
    """Serve until SIGTERM, then drain.

    Args:
        secret: signs resume tokens; the same in every process.

    Raises:
        ConfigError: the port cannot be had, or there is a demo shop where others reach us.
    """
    stop = asyncio.Event()
    lifeline.stop_on_signals(stop)
    settings = _with_room(settings)
    listening = bind(settings)
    async with lifeline.shown(metrics.LOOP_LAG.observe):
        database = await Database.connect_when_up(settings, stop, name="livestream gateway")
        if database is None:
            return
        try:
            await refuse_demo_shops(settings)
            async with database.read() as connection:
                origin: int = await connection.fetchval("SELECT nextval('process_number')")
            async with asyncio.TaskGroup() as tasks:
                lifeline.end_with_broken_callbacks(tasks)
                stand_ins = await pseudonyms.key_of(database, secret)
                gateway = Gateway(compose.Process(settings, secret, stand_ins, database, origin, tasks))
                await gateway.serve(listening)
                await stop.wait()
                await gateway.drain()
        finally:
            await database.close()


def _with_room(settings: Settings) -> Settings:
    """As many connections as there are descriptors for: who finds no room is told, and not cut off."""
    descriptors = raise_limit()
    most = fit(settings.max_connections, descriptors)
    if most < settings.max_connections:
        _log.warning(
            "gateway.few_descriptors", open_files=descriptors, max_connections=most, wanted=settings.max_connections
        )
    return msgspec.structs.replace(settings, max_connections=most)


class Gateway:
    """One process's parts."""

    def __init__(self, process: compose.Process) -> None:
        self._process = process
        self._settings = process.settings
        self._rooms = compose.inside(process)
        self._edge = compose.edge(process, self._rooms)
        self._rooms.hub.on_beat = self._follow_revocations
        self._rooms.hub.on_gone = self._edge.connections.close_room
        http = compose.http(process, self._rooms, self._edge, self._ready)
        self._runner = web.AppRunner(
            http.app(), access_log=None, keepalive_timeout=_KEEPALIVE_S, lingering_time=_BODY_LINGER_S
        )
        self._metrics_runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._running: list[asyncio.Task[None]] = []

    async def serve(self, listening: socket.socket) -> None:
        """Start the tasks, then listen."""
        async with self._process.database.read() as connection:
            await self._edge.revocations.read(connection)
        loop = asyncio.get_running_loop()
        for task in (
            self._rooms.bus.send(),
            self._rooms.bus.listen(),
            self._rooms.hub.beat(),
            self._edge.keepalive.run(),
            self._edge.fronts.run(),
            self._edge.presence.run(),
            self._edge.attendance.run(),
            self._edge.own_states.run(),
            self._forget_idle_rooms(),
            garbage.run(lambda: self._edge.admission.count),
        ):
            self._running.append(self._process.tasks.create_task(task))
        await self._runner.setup()
        http_server = self._runner.server
        assert http_server is not None
        make_http: Callable[[], asyncio.Protocol] = http_server
        self._server = await loop.create_server(
            lambda: Front(self._edge.fronts, self._edge.connections.connect, make_http),
            sock=listening,
            backlog=_BACKLOG,
        )
        await self._serve_metrics()
        garbage.freeze()
        _log.info("gateway.listening", host=self._settings.host, port=self._settings.port, compiled_send=COMPILED)
        if not COMPILED:
            _log.warning("gateway.slower", reason="no compiled send loop: install a compiler and Python's headers")

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
        silence = asyncio.get_running_loop().time() - self._rooms.hub.beat_at
        return {
            "accepting": not self._edge.admission.draining,
            "postgres": silence < _READY_BEATS * self._settings.heartbeat_ms / 1000 + 1,
        }

    async def _follow_revocations(self, connection: Connection) -> None:
        """With every heartbeat: close who came with what was revoked since the last."""
        for revocation in await self._edge.revocations.read(connection):
            self._edge.connections.revoke(revocation)

    async def _forget_idle_rooms(self) -> None:
        while True:
            await asyncio.sleep(_IDLE_CHECK_S)
            for room_id in await self._rooms.hub.drop_idle():
                self._rooms.service.forget(room_id)

    async def drain(self) -> None:
        """Take nobody new, send everybody away over `drain_s`, and let running commands end."""
        _log.info("gateway.draining", connections=self._edge.admission.count)
        self._edge.admission.draining = True
        if self._server is not None:
            self._server.close()
        await self._edge.connections.drain(self._settings.drain_s)
        await self._edge.presence.leave()
        await self._edge.connections.wait_until_empty(_LINGER_S)
        await self._runner.cleanup()
        if self._metrics_runner is not None:
            await self._metrics_runner.cleanup()
        # They end before their connections are closed: a client that loses its line while it is being
        # cancelled may tell of the first and forget the second.
        for task in self._running:
            task.cancel()
        await asyncio.wait(self._running)
        await self._rooms.bus.close()
        await self._rooms.review.close()
        self._rooms.targets.close()
        _log.info("gateway.stopped")
