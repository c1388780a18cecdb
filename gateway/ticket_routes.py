"""TicketRoutes: the operations on one-use tickets, over HTTP: a link is asked for, and signs somebody in once."""

from __future__ import annotations

import msgspec
from aiohttp import web

from livestream.auth import Identity, TokenVerifier, mint, pseudonym, standing
from livestream.keys import KeyStore
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.http import TicketRequest
from livestream.protocol.roles import HOSTS
from livestream.revocations import Revocations
from livestream.tickets import Tickets

from .clock import Clock

_TICKET_TTL_S = 600


class TicketRoutes:
    """Of one process.

    Args:
        stand_ins: key of pseudonyms.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        tickets: Tickets,
        keys: KeyStore,
        revocations: Revocations,
        stand_ins: bytes,
        clock: Clock,
    ) -> None:
        self._verifier = verifier
        self._tickets = tickets
        self._keys = keys
        self._revocations = revocations
        self._stand_ins = stand_ins
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1/tickets", self._issue), web.post("/v1/tickets/redeem", self._redeem)]

    async def _issue(self, request: web.Request) -> web.StreamResponse:
        """A host's page asks for a one-use link for itself elsewhere, a shop's backend for one for its host."""
        identity = await self._bearer(request)
        if identity.role not in HOSTS:
            raise Refused(ErrorCode.FORBIDDEN)
        ticket = await self._tickets.issue(identity, _TICKET_TTL_S)
        return web.json_response({"ticket": ticket, "expires_at": self._clock.now_ms() + _TICKET_TTL_S * 1000})

    async def _redeem(self, request: web.Request) -> web.StreamResponse:
        try:
            body = msgspec.json.decode(await request.read(), type=TicketRequest)
        except (msgspec.DecodeError, RecursionError) as error:
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
