"""Tickets: one-use codes that stand for an identity for a few minutes, to put into a link.

They live in Redis alone and fail closed: a flushed or absent Redis lets nobody in.
"""

from __future__ import annotations

import hashlib
import secrets

import msgspec
import redis.asyncio

from livestream.auth import Identity
from livestream.bus import LOST
from livestream.protocol.errors import ErrorCode, Refused, Unavailable

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

    async def redeem(self, code: str) -> Identity:
        """Whom the code stands for; it is worth nothing afterwards.

        Raises:
            Refused: TICKET_INVALID. Unavailable: Redis is away.
        """
        try:
            found = await self._redis.getdel(_key(code))
        except LOST as error:
            raise Unavailable("redis") from error
        if found is None:
            raise Refused(ErrorCode.TICKET_INVALID)
        return _decode(found)
