"""Callers: who asks over HTTP, whether they may be where they ask, and how often."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from aiohttp import web

from livestream.auth import Identity, TokenVerifier
from livestream.config import Settings
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import SanctionKind
from livestream.protocol.http import Operation
from livestream.protocol.limits import RATES, Rate, RateClass
from livestream.protocol.roles import STAFF
from livestream.ratelimit import TokenBucket
from livestream.revocations import Revocations
from livestream.room.admission import actor_of
from livestream.room.desk import Actor
from livestream.shop import reads
from livestream.shop.actions import ShopActor
from livestream.storage.pool import Database

from .asked import Asked
from .channel import Channel
from .clock import Clock
from .hub import Hub

_REMEMBERED = 10_000  #: people and addresses whose rate is known


class Callers:
    """Of one process.

    Args:
        stand_ins: key of pseudonyms.
        address_of: whence a request comes, our proxies aside.
    """

    def __init__(
        self,
        hub: Hub,
        database: Database,
        verifier: TokenVerifier,
        revocations: Revocations,
        stand_ins: bytes,
        settings: Settings,
        clock: Clock,
        address_of: Callable[[web.Request], str],
    ) -> None:
        self._hub = hub
        self._database = database
        self._verifier = verifier
        self._revocations = revocations
        self._stand_ins = stand_ins
        self._clock = clock
        self._rates = {
            **RATES,
            RateClass.COMMENT: Rate(settings.comment_rate_burst, settings.comment_rate_per_s),
            RateClass.STAFF: Rate(settings.staff_rate_burst, settings.staff_rate_per_s),
        }
        self._unsigned = Rate(settings.read_rate_burst, settings.read_rate_per_s)
        self._address_of = address_of
        self._buckets: OrderedDict[tuple[str, str], TokenBucket] = OrderedDict()

    async def identify(self, request: web.Request, operation: Operation) -> Identity | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not token and operation.roles is None:
            return None
        if scheme.lower() != "bearer" or not token:
            raise Refused(ErrorCode.TOKEN_INVALID, "send Authorization: Bearer <token>")
        identity = await self._verifier.verify(token, now_ms=self._clock.now_ms())
        if operation.roles is not None and identity.role not in operation.roles:
            raise Refused(ErrorCode.FORBIDDEN, f"`{operation.name}` is not for the role {identity.role}")
        return identity

    async def enter(self, asked: Asked) -> tuple[Channel, Actor | None]:
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
        actor = actor_of(self._stand_ins, identity, room)
        if self._revocations.covers(identity, room.base_shop_id, actor.pseudonym):
            raise Refused(ErrorCode.TOKEN_INVALID, "it was revoked")
        banned = room.sanction(actor.pseudonym, SanctionKind.BAN, self._clock.now_ms()) is not None
        if banned and not asked.operation.despite_ban:
            raise Refused(ErrorCode.BANNED)
        return channel, actor

    async def about_shop(self, asked: Asked) -> ShopActor:
        """Who asks about a shop: about their own, or a rehearsal of it."""
        identity, shop_id = asked.identity, asked.part("shop")
        assert identity is not None
        if identity.room_id is not None:
            raise Refused(ErrorCode.FORBIDDEN, "the token is for one room")
        async with self._database.read() as connection:
            base = await reads.base_shop(connection, shop_id)
        if base != identity.shop_id:
            raise Refused(ErrorCode.SHOP_NOT_FOUND, shop_id)
        who = reads.pseudonym_of(self._stand_ins, identity)
        if self._revocations.covers(identity, base, who):
            raise Refused(ErrorCode.TOKEN_INVALID, "it was revoked")
        self.take(who, RateClass.STAFF)
        return ShopActor(
            shop_id, base, identity.viewer_id, who, identity.role, identity.name or identity.role.value.capitalize()
        )

    def take_read(self, request: web.Request, identity: Identity | None) -> None:
        """Staff and the shop's backend read what they need; viewers and strangers are many."""
        if identity is None:
            self.take(self._address_of(request), RateClass.READ, self._unsigned)
        elif identity.role not in STAFF:
            self.take(f"{identity.shop_id}:{identity.viewer_id}", RateClass.READ)

    def take(self, who: str, kind: RateClass, rate: Rate | None = None) -> None:
        rate, now = rate or self._rates[kind], time.monotonic()
        slot = (who, kind.value)
        bucket = self._buckets.pop(slot, None) or TokenBucket(rate, now)
        self._buckets[slot] = bucket
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        if not bucket.take(rate, now):
            raise Refused(ErrorCode.RATE_LIMITED, str(kind), retry_after_ms=bucket.wait_ms(rate))


def _is_room(text: str) -> bool:
    return 0 < len(text) <= 64 and all(each in "abcdefghijklmnopqrstuvwxyz0123456789_-" for each in text)
