"""HTTP beside the websockets: pages, tickets, health, metrics, the protocol's reference."""

from __future__ import annotations

import asyncio
import importlib.resources
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import structlog
from aiohttp import web

from livestream import metrics
from livestream.auth import Identity, TokenVerifier, mint, pseudonym, standing
from livestream.keys import KeyStore
from livestream.protocol.errors import ERRORS, ErrorCode, Refused
from livestream.protocol.http import ErrorBody, Problem, TicketRequest, status_of
from livestream.protocol.roles import HOSTS
from livestream.revocations import Revocations
from livestream.tickets import Tickets

from . import docs
from .admission import Admission, same_origin
from .clock import Clock
from .failures import refusal
from .rooms import Rooms

DIST = Path(str(importlib.resources.files(__package__))) / "web" / "dist"
_TICKET_TTL_S = 600
_BODY_BYTES = 64 * 1024
_SECURITY = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: https:;"
    " frame-ancestors 'self'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_CORS = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
    "Access-Control-Expose-Headers": "Retry-After",
    "Access-Control-Max-Age": "600",
    "Vary": "Origin",
}
_log = structlog.get_logger()
logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # peers' broken requests; our own faults are caught here
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Http:
    """The routes. Raised refusals become JSON: {"error": {"code", "text"}}."""

    def __init__(
        self,
        admission: Admission,
        verifier: TokenVerifier,
        tickets: Tickets,
        keys: KeyStore,
        rooms: Rooms,
        clock: Clock,
        revocations: Revocations,
        stand_ins: bytes,
        ready: Callable[[], dict[str, bool]],
        api: list[web.RouteDef],
        public_metrics: bool,
        body_timeout_s: float,
    ) -> None:
        self._admission = admission
        self._verifier = verifier
        self._tickets = tickets
        self._keys = keys
        self._rooms = rooms
        self._clock = clock
        self._revocations = revocations
        self._stand_ins = stand_ins
        self._ready = ready
        self._api = api
        self._public_metrics = public_metrics
        self._body_timeout_s = body_timeout_s

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=_BODY_BYTES)
        app.add_routes(
            [
                web.get("/", self._landing),
                web.get("/r/{room}", self._page("index.html")),
                web.get("/host/{room}", self._page("host.html")),
                web.get("/check", self._check),
                *docs.routes(),
                *self._api,
                web.post("/v1/tickets", self._issue_ticket),
                web.post("/v1/tickets/redeem", self._redeem_ticket),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
            ]
        )
        if self._public_metrics:
            app.router.add_get("/metrics", metrics_page)
        if (DIST / "assets").is_dir():
            app.router.add_static("/assets", DIST / "assets")
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        if not self._admission.host_allowed(host):
            return _problem(421, "wrong_host", "This server does not serve that host; see the setting allowed_hosts.")
        proto = request.headers.getall("X-Forwarded-Proto", [])
        scheme = self._admission.forwarded_scheme(request.remote or "", proto)
        foreign = origin is not None and not same_origin(origin, host, scheme)
        if (
            foreign
            and request.path.startswith("/v1/")
            and not self._admission.origin_allowed(origin or "", host, scheme)
        ):
            return _problem(403, "wrong_origin", "Pages of that origin may not ask; see the setting allowed_origins.")
        response = await self._answer(request, handler)
        response.headers.update(_SECURITY)
        if foreign:
            response.headers.update({**_CORS, "Access-Control-Allow-Origin": origin or ""})
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return web.Response(status=204)
        try:
            if request.can_read_body and not await self._whole(request):
                late = _problem(408, "body_timeout", "The body did not come in time.")
                late.force_close()
                return late
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400 or not request.path.startswith("/v1/"):
                error.headers.update(_SECURITY)
                raise
            response = _problem(error.status, error.reason.lower().replace(" ", "_"), error.text or error.reason)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            return response
        except Exception as error:
            refused = refusal(error)
            if refused is None:
                _log.error("http.bug", method=request.method, route=_route_of(request), exc_info=error)
                refused = Refused(ErrorCode.INTERNAL)
            return _refusal(refused)

    async def _whole(self, request: web.Request) -> bool:
        """Read the body, which is kept for the handler; False: it does not come."""
        try:
            async with asyncio.timeout(self._body_timeout_s):
                await request.read()
        except TimeoutError:
            return False
        return True

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

    async def _issue_ticket(self, request: web.Request) -> web.StreamResponse:
        """A host's page asks for a one-use link for itself elsewhere, a shop's backend for one for its host."""
        identity = await self._bearer(request)
        if identity.role not in HOSTS:
            raise Refused(ErrorCode.FORBIDDEN)
        ticket = await self._tickets.issue(identity, _TICKET_TTL_S)
        return web.json_response({"ticket": ticket, "expires_at": self._clock.now_ms() + _TICKET_TTL_S * 1000})

    async def _redeem_ticket(self, request: web.Request) -> web.StreamResponse:
        try:
            body = msgspec.json.decode(await request.read(), type=TicketRequest)
        except msgspec.DecodeError as error:
            raise Refused(ErrorCode.INVALID, str(error)) from None
        now_ms = self._clock.now_ms()
        identity = await self._tickets.look(body.ticket, now_ms)
        self._require_unrevoked(identity)
        key = await self._keys.signing(identity.shop_id)
        identity = await self._tickets.redeem(body.ticket, now_ms)
        assert identity.expires_at_ms is not None
        ttl_s = (identity.expires_at_ms - now_ms) // 1000
        token = mint(
            key,
            viewer_id=identity.viewer_id,
            role=identity.role,
            name=identity.name,
            room_id=identity.room_id,
            ttl_s=ttl_s,
            now_ms=now_ms,
            issued_at_ms=identity.issued_at_ms,
            behind=standing(identity),
        )
        return web.json_response({"token": token, "expires_at": now_ms // 1000 * 1000 + ttl_s * 1000})

    async def _bearer(self, request: web.Request) -> Identity:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused(ErrorCode.TOKEN_INVALID, "send Authorization: Bearer <token>")
        identity = await self._verifier.verify(token, now_ms=self._clock.now_ms())
        self._require_unrevoked(identity)
        return identity

    def _require_unrevoked(self, identity: Identity) -> None:
        who = pseudonym(self._stand_ins, identity.shop_id, f"viewer:{identity.viewer_id}")
        if self._revocations.covers(identity, identity.shop_id, who):
            raise Refused(ErrorCode.TOKEN_INVALID, "it was revoked")

    async def _healthz(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"alive": True})

    async def _readyz(self, request: web.Request) -> web.StreamResponse:
        checks = self._ready()
        return web.json_response(checks, status=200 if all(checks.values()) else 503)


async def metrics_page(request: web.Request) -> web.StreamResponse:
    body, content_type = metrics.render()
    return web.Response(body=body, headers={"Content-Type": content_type})


def _refusal(refused: Refused) -> web.Response:
    info = ERRORS[refused.code]
    text = info.text + (f" ({refused.detail})" if refused.detail else "")
    response = _problem(status_of(refused.code), refused.code, text, info.temporary, refused.retry_after_ms)
    if refused.retry_after_ms is not None and response.status in (429, 503):
        response.headers["Retry-After"] = str(-(-refused.retry_after_ms // 1000))
    return response


def _problem(
    status: int, code: str, text: str, temporary: bool = False, retry_after_ms: int | None = None
) -> web.Response:
    body = Problem(error=ErrorBody(code=code, text=text, temporary=temporary, retry_after_ms=retry_after_ms))
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")


def _route_of(request: web.Request) -> str:
    """The route and not the path, in which people may stand."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""


def _built(name: str) -> web.StreamResponse:
    if not (DIST / name).is_file():
        return web.Response(status=503, text="The pages are not built: run `make pages`.\n")
    return web.FileResponse(DIST / name, headers={"Cache-Control": "no-cache"})
