"""Seed: the demo shop of a laptop. One room, one show that is on air, and a key made for this folder alone."""

from __future__ import annotations

import secrets
import time

import asyncpg

from livestream.auth import ShopKey
from livestream.config import ConfigError
from livestream.ids import IdMaker
from livestream.protocol.events import Show, ShowChanged
from livestream.protocol.show import ShowState
from livestream.storage import roomlog
from livestream.storage.direct import connected

SHOP = "demo"
ROOM = "demo"


async def seed(dsn: str) -> None:
    """Make what is missing; a second call finds all there."""
    async with connected(dsn) as connection, connection.transaction():
        made = await connection.fetchval(
            "INSERT INTO shop (shop_id, name, demo) VALUES ($1, 'Demo shop', true) "
            "ON CONFLICT DO NOTHING RETURNING true",
            SHOP,
        )
        if made:
            await _fill(connection)


async def _fill(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await connection.execute(
        "INSERT INTO shop_key (kid, shop_id, algorithm, key) VALUES ($1, $2, 'HS256', $3)",
        f"{SHOP}-{secrets.token_hex(4)}",
        SHOP,
        secrets.token_hex(32),
    )
    await connection.execute(
        "INSERT INTO room (room_id, shop_id, title, anonymous_comments) VALUES ($1, $2, 'Demo room', true)", ROOM, SHOP
    )
    await connection.execute("INSERT INTO room_head (room_id) VALUES ($1)", ROOM)
    now_ms = int(time.time() * 1000)
    show = Show(
        id=IdMaker(0).next(now_ms), title="Tonight's show", state=ShowState.LIVE, starts_at=now_ms, live_at=now_ms
    )
    await connection.execute(
        """
        INSERT INTO show (show_id, room_id, title, state, starts_at, live_at)
        SELECT $1, $2, $3, 'live', at, at FROM to_timestamp($4::double precision / 1000) AS at""",
        show.id,
        ROOM,
        show.title,
        show.starts_at,
    )
    await roomlog.append(connection, ROOM, [ShowChanged(show=show)])


async def refuse_demo_shops(dsn: str) -> None:
    """A shop made for a laptop has a key that lies in a folder and a room anyone may write in: not in production.

    Raises:
        ConfigError: there is one.
    """
    async with connected(dsn) as connection:
        found = await connection.fetchval("SELECT string_agg(shop_id, ', ') FROM shop WHERE demo")
    if found:
        raise ConfigError(f"the production profile refuses a database with a demo shop ({found}): use another database")


async def signing_key(dsn: str, shop_id: str) -> ShopKey | None:
    """The newest key under which a command may sign for a shop."""
    async with connected(dsn) as connection:
        row = await connection.fetchrow(
            """
            SELECT kid, shop_id, algorithm, key FROM shop_key
             WHERE shop_id = $1 AND algorithm = 'HS256' AND retired_at IS NULL ORDER BY created_at DESC LIMIT 1""",
            shop_id,
        )
        return None if row is None else ShopKey(row["kid"], row["shop_id"], row["algorithm"], row["key"])
