"""Shops: making one, with its first key and its first room; and its keys, for who runs the deployment."""

from __future__ import annotations

import re
import secrets
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import asyncpg

from livestream.auth import ShopKey
from livestream.config import ConfigError
from livestream.protocol.events import Chat, Policy
from livestream.protocol.state import RoomState
from livestream.revocations import revoke
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
    key = _new_key(shop_id)
    async with connected(dsn) as connection:
        try:
            async with connection.transaction():
                await connection.execute(
                    "INSERT INTO shop (shop_id, name, time_zone) VALUES ($1, $2, $3)", shop_id, name, time_zone
                )
                await _put_key(connection, key)
                chat = Chat()
                state = RoomState(room=room_id, title=room_title, chat=chat)
                if not await rooms.create(connection, shop_id, state, Policy(chat=chat)):
                    raise ConfigError(f"there is a room {room_id!r} already: take another id with --room")
        except asyncpg.UniqueViolationError:
            raise ConfigError(f"there is a shop {shop_id!r} already") from None
    return key


async def retire_key(dsn: str, kid: str, *, last: bool) -> str:
    """Refuse a key from now on, and with it whoever came by it; returns the shop's id.

    Args:
        last: also where no other key is left: nobody of the shop gets in until it has a new one.

    Raises:
        ConfigError: no such key is in use, or it is the shop's last.
        DatabaseAway
    """
    async with connected(dsn) as connection, connection.transaction():
        shop_id = await connection.fetchval(
            "UPDATE shop_key SET retired_at = clock_timestamp()"
            " WHERE kid = $1 AND retired_at IS NULL RETURNING shop_id",
            kid,
        )
        if shop_id is None:
            raise ConfigError(f"no key {kid!r} is in use")
        left = await connection.fetchval(
            "SELECT count(*) FROM shop_key WHERE shop_id = $1 AND retired_at IS NULL", shop_id
        )
        if not left and not last:
            raise ConfigError(f"{kid!r} is the last key of {shop_id!r}: make a new one first, or say --last")
        await revoke(connection, shop_id, kid=kid)
    return str(shop_id)


async def add_key(dsn: str, shop_id: str) -> ShopKey:
    """Give a shop one more key.

    Raises:
        ConfigError: there is no such shop.
        DatabaseAway
    """
    key = _new_key(shop_id)
    async with connected(dsn) as connection:
        try:
            await _put_key(connection, key)
        except asyncpg.ForeignKeyViolationError:
            raise ConfigError(f"there is no shop {shop_id!r}") from None
    return key


def _new_key(shop_id: str) -> ShopKey:
    return ShopKey(f"{shop_id[:50]}-{secrets.token_hex(4)}", shop_id, "HS256", secrets.token_hex(32))


async def _put_key(connection: asyncpg.Connection[asyncpg.Record], key: ShopKey) -> None:
    await connection.execute(
        "INSERT INTO shop_key (kid, shop_id, algorithm, key) VALUES ($1, $2, $3, $4)",
        key.kid,
        key.shop_id,
        key.algorithm,
        key.key,
    )


def require_time_zone(name: str) -> None:
    """Raises:
    ConfigError: this machine knows no such time zone.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(f"no time zone is called {name!r}; Europe/Warsaw would be one") from None
