"""Tickets: one-use codes that stand for an identity for a few minutes, to put into a link.

They live in Redis alone and fail closed: a flushed or absent Redis lets nobody in.
Who came with one is somebody for twelve hours at most, however often they come back.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable

import msgspec
import redis.asyncio

from livestream.auth import Identity
from livestream.bus import LOST
from livestream.protocol.errors import ErrorCode, Refused, Unavailable

SESSION_TTL_S = 12 * 3600
_decode = msgspec.json.Decoder(Identity).decode


def _key(code: str) -> str:
    # Redis never sees the code itself; whatever a stranger sends has a hash.
    return "ticket:" + hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


class Tickets:
    """Issues and redeems."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._redis = client

    async def issue(self, identity: Identity, ttl_s: int) -> str:
        """A fresh code, 128 bits.

        Raises:
            Unavailable: Redis is away.
        """
        code = secrets.token_urlsafe(16)
        try:
            await self._redis.set(_key(code), msgspec.json.encode(identity), ex=ttl_s)
        except LOST as error:
            raise Unavailable("redis") from error
        return code

    async def look(self, code: str, now_ms: int) -> Identity:
        """Whom the code stands for. It stays good: what else may refuse them is found out before it is used up.

        Raises:
            Refused: TICKET_INVALID. Unavailable: Redis is away.
        """
        return await self._found(self._redis.get(_key(code)), now_ms)

    async def redeem(self, code: str, now_ms: int) -> Identity:
        """The same; the code is worth nothing afterwards.

        Raises:
            Refused: TICKET_INVALID. Unavailable: Redis is away.
        """
        return await self._found(self._redis.getdel(_key(code)), now_ms)

    async def _found(self, answer: Awaitable[bytes | str | None], now_ms: int) -> Identity:
        try:
            found = await answer
        except LOST as error:
            raise Unavailable("redis") from error
        if found is None:
            raise Refused(ErrorCode.TICKET_INVALID)
        identity = _decode(found)
        latest = now_ms + SESSION_TTL_S * 1000
        ends_at = latest if identity.expires_at_ms is None else min(identity.expires_at_ms, latest)
        if ends_at <= now_ms:
            raise Refused(ErrorCode.TICKET_INVALID, "who it stands for may not come in any more")
        return msgspec.structs.replace(identity, expires_at_ms=ends_at)
