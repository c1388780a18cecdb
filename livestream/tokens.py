"""Tokens: what `livestream token` makes: tokens for people of a shop, and one-use links for its pages."""

from __future__ import annotations

import time

from livestream import seed
from livestream.auth import Identity, mint
from livestream.bus import connect
from livestream.config import ConfigError, Settings
from livestream.protocol.roles import OPERATORS, STAFF, Role
from livestream.storage.direct import connected
from livestream.tickets import Tickets

_HAS_ROOM = """SELECT true FROM room JOIN shop USING (shop_id)
    WHERE room_id = $1 AND coalesce(rehearsal_of, shop_id) = $2"""


async def mint_many(
    settings: Settings,
    count: int,
    *,
    shop: str,
    viewer: str,
    name: str | None,
    role: str,
    room: str | None,
    ttl_s: int,
) -> list[str]:
    """Tokens; several are for viewer-1, viewer-2 and so on.

    Raises:
        ConfigError: the shop has no key that we could sign with.
    """
    key = await seed.signing_key(settings.database_url, shop)
    if key is None:
        raise ConfigError(f"the shop {shop!r} is unknown, or has no HS256 key to sign with")
    now_ms = int(time.time() * 1000)
    people = [viewer] if count == 1 else [f"{viewer}-{number}" for number in range(1, count + 1)]
    return [
        mint(key, viewer_id=person, role=Role(role), name=name or person, room_id=room, ttl_s=ttl_s, now_ms=now_ms)
        for person in people
    ]


async def link(
    settings: Settings, *, shop: str, viewer: str, name: str | None, role: str, room: str | None, ttl_s: int
) -> list[str]:
    """A link that signs one person in once.

    Raises:
        ConfigError: the shop has no such room.
        Unavailable: Redis is away.
    """
    # An operator looks after the whole shop; everybody else's link is for the room whose page it opens.
    bound = room if Role(role) in OPERATORS else room or seed.ROOM
    room = room or seed.ROOM
    async with connected(settings.database_url) as connection:
        if not await connection.fetchval(_HAS_ROOM, room, shop):
            raise ConfigError(f"the shop {shop!r} has no room {room!r}: name one with --shop and --room")
    client = connect(settings.redis_url)
    try:
        identity = Identity(shop, viewer, Role(role), name or viewer, bound, None, int(time.time() * 1000))
        ticket = await Tickets(client).issue(identity, ttl_s)
    finally:
        await client.aclose()
    page = "host" if Role(role) in STAFF else "r"
    return [f"{settings.public_url or settings.local_url}/{page}/{room}#ticket={ticket}"]
