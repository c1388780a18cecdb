"""The demo shop of a laptop: what a stranger finds there, and what stays as they left it."""

from __future__ import annotations

from livestream import seed
from livestream.storage.pool import Database


async def test_the_demo_has_things_to_sell_and_brings_none_back(database_url: str, database: Database) -> None:
    await seed.seed(database_url, seed.PRODUCTS)
    async with database.transaction() as tx:
        rows = await tx.fetch("SELECT product_id FROM product WHERE shop_id = $1 ORDER BY position", seed.SHOP)
        assert [row["product_id"] for row in rows] == ["cup", "teapot"]
        await tx.execute("DELETE FROM product WHERE product_id = 'cup'")
    await seed.seed(database_url, seed.PRODUCTS)
    async with database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM product") == 1
