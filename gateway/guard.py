"""Guard: what every HTTP request passes. Its host, its origin, the time for its body; and what goes with the answer.

Refusals under /v1 are JSON: {"error": {"code", "text"}}; those of pages are a line to read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from aiohttp import web

from livestream.protocol.errors import ERRORS, ErrorCode, Refused
from livestream.protocol.http import ErrorBody, Problem, status_of

from .admission import Admission, same_origin
from .failures import refusal

_API = "/v1/"
_SECURITY = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: https:;"
    " frame-ancestors 'self'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Server": "livestream",  # versions of what it is made of are nobody's business
}
_CORS = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
    "Access-Control-Expose-Headers": "Retry-After",
    "Access-Control-Max-Age": "600",
    "Vary": "Origin",
}
_log = structlog.get_logger()
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guard:
    """Of one process. Its `middleware` goes around all routes."""

    def __init__(self, admission: Admission, body_timeout_s: float) -> None:
        self._admission = admission
        self._body_timeout_s = body_timeout_s

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        if not self._admission.host_allowed(host):
            return _problem(421, "wrong_host", "This server does not serve that host; see the setting allowed_hosts.")
        scheme = self._admission.forwarded_scheme(request.remote or "", request.headers.getall("X-Forwarded-Proto", []))
        # Pages are for no other page to read: what is not under /v1 is told nobody's origin.
        foreign = request.path.startswith(_API) and origin is not None and not same_origin(origin, host, scheme)
        if foreign and not self._admission.origin_allowed(origin or "", host, scheme):
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
            if error.status < 400 or not request.path.startswith(_API):
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
            return _refusal(refused) if request.path.startswith(_API) else _line(refused)

    async def _whole(self, request: web.Request) -> bool:
        """Read the body, which is kept for the handler; False: it does not come."""
        try:
            async with asyncio.timeout(self._body_timeout_s):
                await request.read()
        except TimeoutError:
            return False
        return True


def _refusal(refused: Refused) -> web.Response:
    error = ErrorBody(
        code=refused.code,
        text=_told(refused),
        temporary=ERRORS[refused.code].temporary,
        retry_after_ms=refused.retry_after_ms,
        entered=refused.entered,
        not_entered=refused.not_entered,
        not_entered_why=refused.not_entered_why,
    )
    response = _answer(status_of(refused.code), error)
    if refused.retry_after_ms is not None and response.status in (429, 503):
        response.headers["Retry-After"] = str(-(-refused.retry_after_ms // 1000))
    return response


def _line(refused: Refused) -> web.Response:
    return web.Response(status=status_of(refused.code), text=f"{_told(refused)}\n")


def _told(refused: Refused) -> str:
    text = ERRORS[refused.code].text
    return f"{text} ({refused.detail})" if refused.detail else text


def _problem(status: int, code: str, text: str) -> web.Response:
    return _answer(status, ErrorBody(code=code, text=text))


def _answer(status: int, error: ErrorBody) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(Problem(error=error)), content_type="application/json")


def _route_of(request: web.Request) -> str:
    """The route and not the path, in which people may stand."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""
