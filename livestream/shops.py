"""Shops: making one, with its first key and its first room."""

from __future__ import annotations

import re
import secrets
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import asyncpg

from livestream.auth import ShopKey
from livestream.config import ConfigError
from livestream.protocol.events import Chat, Policy
from livestream.protocol.state import RoomState
from livestream.room import rooms
from livestream.storage.direct import connected

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


async def create(dsn: str, shop_id: str, *, name: str, room_id: str, room_title: str, time_zone: str) -> ShopKey:
    """Make a shop; returns the key under which its backend signs tokens.

    Raises:
        ConfigError: an id that does not fit or is taken, or an unknown time zone.
        DatabaseAway
    """
    for kind, value in (("shop", shop_id), ("room", room_id)):
        if not _ID.fullmatch(value):
            raise ConfigError(f"a {kind}'s id has 1 to 64 of a-z, 0-9, `_` and `-`, and begins with a letter or digit")
    require_time_zone(time_zone)
    key = ShopKey(f"{shop_id[:50]}-{secrets.token_hex(4)}", shop_id, "HS256", secrets.token_hex(32))
    async with connected(dsn) as connection:
        try:
            async with connection.transaction():
                await connection.execute(
                    "INSERT INTO shop (shop_id, name, time_zone) VALUES ($1, $2, $3)", shop_id, name, time_zone
                )
                await connection.execute(
                    "INSERT INTO shop_key (kid, shop_id, algorithm, key) VALUES ($1, $2, $3, $4)",
                    key.kid,
                    shop_id,
                    key.algorithm,
                    key.key,
                )
                chat = Chat()
                state = RoomState(room=room_id, title=room_title, chat=chat)
                if not await rooms.create(connection, shop_id, state, Policy(chat=chat)):
                    raise ConfigError(f"there is a room {room_id!r} already: take another id with --room")
        except asyncpg.UniqueViolationError:
            raise ConfigError(f"there is a shop {shop_id!r} already") from None
    return key


def require_time_zone(name: str) -> None:
    """Raises:
    ConfigError: this machine knows no such time zone.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(f"no time zone is called {name!r}; Europe/Warsaw would be one") from None
