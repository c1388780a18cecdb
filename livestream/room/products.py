"""Products of the shop as rooms show them: those for sale, with their stock as of now."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from livestream.protocol.events import Product
from livestream.storage.pool import Connection

_product = msgspec.json.Decoder(Product).decode


async def load_products(tx: Connection, shop_id: str, product_ids: Sequence[str]) -> dict[str, Product]:
    """Products that are for sale, with their stock as of now."""
    rows = await tx.fetch(
        """
        SELECT product_id, body::text, (
               SELECT json_object_agg(variant_id, units)::text FROM stock s
                WHERE s.shop_id = $1 AND s.product_id = p.product_id) AS stock
          FROM product p WHERE shop_id = $1 AND product_id = ANY($2) AND removed_at IS NULL""",
        shop_id,
        product_ids,
    )
    return {row["product_id"]: with_stock(_product(row["body"]), row["stock"]) for row in rows}


def with_stock(product: Product, stock: str | None) -> Product:
    """A product with its present units.

    Args:
        stock: JSON, units by variant; `""` is the product without variants. None: nothing is counted.
    """
    units: dict[str, int] = msgspec.json.decode(stock) if stock else {}
    variants = [msgspec.structs.replace(each, stock=units.get(each.id)) for each in product.variants]
    return msgspec.structs.replace(product, stock=units.get(""), variants=variants)
