"""Seed: the demo shop of a laptop. One room, one show on air, a key made for this folder alone, things to sell."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

import asyncpg
import msgspec

from livestream import keys
from livestream.auth import ShopKey
from livestream.ids import IdMaker
from livestream.protocol.events import Chat, Policy, Product, Show, ShowChanged
from livestream.protocol.show import ShowState
from livestream.protocol.state import RoomState
from livestream.room import desk_store, desk_writes, deskwork, rooms
from livestream.room.desk import Decision
from livestream.room.desk_store import Loaded, Named
from livestream.storage.direct import connected

SHOP = "demo"
ROOM = "demo"
PRODUCTS = (
    Product(id="cup", title="Stoneware cup", price=1600, currency="EUR"),
    Product(id="teapot", title="Stoneware teapot", price=4900, currency="EUR"),
)


async def seed(dsn: str, products: Sequence[Product] = ()) -> None:
    """Make what is missing; a second call finds all there, and brings no products back that were taken out."""
    async with connected(dsn) as connection, connection.transaction():
        made = await connection.fetchval(
            "INSERT INTO shop (shop_id, name, demo) VALUES ($1, 'Demo shop', true) "
            "ON CONFLICT DO NOTHING RETURNING true",
            SHOP,
        )
        if made:
            await _fill(connection)
            await connection.executemany(
                "INSERT INTO product (shop_id, product_id, body) VALUES ($1, $2, $3::text::json)",
                [(SHOP, each.id, msgspec.json.encode(each).decode()) for each in products],
            )


async def _fill(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await connection.execute(
        "INSERT INTO shop_key (kid, shop_id, algorithm, key) VALUES ($1, $2, 'HS256', $3)",
        f"{SHOP}-{secrets.token_hex(4)}",
        SHOP,
        secrets.token_hex(32),
    )
    now_ms = int(time.time() * 1000)
    show = Show(
        id=IdMaker(0).next(now_ms),
        title="Tonight's show",
        state=ShowState.LIVE,
        starts_at=now_ms,
        began_at=now_ms,
        live_at=now_ms,
    )
    chat = Chat(anonymous=True)
    await rooms.create(connection, SHOP, RoomState(room=ROOM, title="Demo room", chat=chat), Policy(chat=chat))
    desk = await desk_store.load(connection, ROOM, Named())
    before, decision = Loaded.of(desk), Decision([ShowChanged(show=show)])
    desk.apply(decision)
    await desk_writes.write(connection, ROOM, before, desk, [decision])
    await deskwork.append(connection, ROOM, [decision])


async def signing_key(dsn: str, shop_id: str) -> ShopKey | None:
    """The newest key under which a command may sign for a shop."""
    async with connected(dsn) as connection:
        return await keys.newest(connection, shop_id)
