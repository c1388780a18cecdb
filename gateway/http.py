"""HTTP beside the websockets: the pages, health, metrics, and where all other routes come together."""

from __future__ import annotations

import importlib.resources
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from aiohttp import web

from livestream import metrics

from . import docs
from .guard import Guard, Handler
from .rooms import Rooms

DIST = Path(str(importlib.resources.files(__package__))) / "web" / "dist"
_BODY_BYTES = 64 * 1024
logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # peers' broken requests; our own faults are caught here


class Http:
    """The routes.

    Args:
        ready: what a newcomer needs, and whether it is there.
        api: routes under /v1.
    """

    def __init__(
        self,
        guard: Guard,
        rooms: Rooms,
        ready: Callable[[], dict[str, bool]],
        api: Iterable[web.RouteDef],
        public_metrics: bool,
    ) -> None:
        self._guard = guard
        self._rooms = rooms
        self._ready = ready
        self._api = api
        self._public_metrics = public_metrics

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard.middleware], client_max_size=_BODY_BYTES)
        app.add_routes(
            [
                web.get("/", self._landing),
                web.get("/r/{room}", self._page("index.html")),
                web.get("/host/{room}", self._page("host.html")),
                web.get("/check", self._check),
                *docs.routes(),
                *self._api,
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
            ]
        )
        if self._public_metrics:
            app.router.add_get("/metrics", metrics_page)
        if (DIST / "assets").is_dir():
            app.router.add_static("/assets", DIST / "assets")
        return app

    async def _landing(self, request: web.Request) -> web.StreamResponse:
        rooms = await self._rooms.listed()
        if len(rooms) == 1:
            raise web.HTTPFound(f"/r/{rooms[0].room_id}")
        return web.json_response({"rooms": [{"room": room.room_id, "title": room.title} for room in rooms]})

    def _page(self, name: str) -> Handler:
        async def page(request: web.Request) -> web.StreamResponse:
            await self._rooms.require(request.match_info["room"])
            return _built(name)

        return page

    async def _check(self, request: web.Request) -> web.StreamResponse:
        """The checker of lucky draws, which needs no room and works on a file too."""
        return _built("check.html")

    async def _healthz(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"alive": True})

    async def _readyz(self, request: web.Request) -> web.StreamResponse:
        checks = self._ready()
        return web.json_response(checks, status=200 if all(checks.values()) else 503)


async def metrics_page(request: web.Request) -> web.StreamResponse:
    body, content_type = metrics.render()
    return web.Response(body=body, headers={"Content-Type": content_type})


def _built(name: str) -> web.StreamResponse:
    if not (DIST / name).is_file():
        return web.Response(status=503, text="The pages are not built: run `make pages`.\n")
    return web.FileResponse(DIST / name, headers={"Cache-Control": "no-cache"})
