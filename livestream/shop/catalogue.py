"""Catalogue: a shop's products, and the purchases that its backend reports."""

from __future__ import annotations

import msgspec

from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import Featured, Product, ProductVariant, YouBought
from livestream.protocol.shop import PutProduct, RemoveProduct, ReportPurchase
from livestream.room.desk import Decision
from livestream.room.products import load_products, with_stock
from livestream.storage.pool import Connection

from .actions import Action, rooms_of
from .administration import pseudonym_of

_product = msgspec.json.Decoder(Product).decode
_encode = msgspec.json.Encoder().encode


async def put_product(action: Action, command: PutProduct) -> None:
    showing = await _showing(action, command.product)
    product = Product(
        id=command.product,
        title=command.title,
        price=command.price,
        currency=command.currency,
        exponent=command.exponent,
        tax_included=command.tax_included,
        reference_price=command.reference_price,
        pictures=command.pictures,
        url=command.url,
        ar_model=command.ar_model,
        variants=[ProductVariant(id=each.id, title=each.title, price=each.price) for each in command.variants],
    )
    await action.tx.execute(
        """
        INSERT INTO product (shop_id, product_id, body) VALUES ($1, $2, $3::text::json)
            ON CONFLICT (shop_id, product_id) DO UPDATE SET body = excluded.body, removed_at = NULL""",
        action.shop_id,
        product.id,
        _encode(product).decode(),
    )
    stock = {each.id: each.stock for each in command.variants if each.stock is not None}
    if command.stock is not None:
        stock[""] = command.stock
    await action.tx.execute(
        "DELETE FROM stock WHERE shop_id = $1 AND product_id = $2 AND variant_id <> ALL($3)",
        action.shop_id,
        product.id,
        list(stock),
    )
    await action.tx.execute(
        """
        INSERT INTO stock (shop_id, product_id, variant_id, units)
        SELECT $1, $2, * FROM unnest($3::text[], $4::bigint[])
            ON CONFLICT (shop_id, product_id, variant_id) DO UPDATE SET units = excluded.units""",
        action.shop_id,
        product.id,
        list(stock),
        list(stock.values()),
    )
    shown = (await load_products(action.tx, action.shop_id, [product.id]))[product.id]
    for room_id in showing:
        action.tell(room_id, Decision([Featured(product=shown)], [action.acted(command, f"changed {product.id}")]))


async def remove_product(action: Action, command: RemoveProduct) -> None:
    showing = await _showing(action, command.product)
    status = await action.tx.execute(
        "UPDATE product SET removed_at = clock_timestamp()"
        " WHERE shop_id = $1 AND product_id = $2 AND removed_at IS NULL",
        action.shop_id,
        command.product,
    )
    if not int(status.split()[-1]):
        raise Refused(ErrorCode.PRODUCT_NOT_FOUND, command.product)
    for room_id in showing:
        action.tell(room_id, Decision([Featured()], [action.acted(command, f"removed {command.product}")]))


async def _showing(action: Action, product_id: str) -> list[str]:
    """Rooms in which a product is on screen. All are locked: none may put it there, as it was, meanwhile."""
    desks = await action.lock(await rooms_of(action.tx, action.shop_id))
    return [room_id for room_id, desk in desks.items() if desk.room.featured and desk.room.featured.id == product_id]


async def products_of(connection: Connection, shop_id: str) -> list[Product]:
    """All that are for sale, in the order in which they were made."""
    rows = await connection.fetch(
        """
        SELECT body::text, (SELECT json_object_agg(variant_id, units)::text FROM stock s
                             WHERE s.shop_id = $1 AND s.product_id = p.product_id) AS stock
          FROM product p WHERE shop_id = $1 AND removed_at IS NULL ORDER BY position""",
        shop_id,
    )
    return [with_stock(_product(row["body"]), row["stock"]) for row in rows]


async def report_purchase(action: Action, command: ReportPurchase) -> None:
    who = pseudonym_of(action, command.viewer)
    own = await rooms_of(action.tx, action.shop_id)
    if command.room is not None and command.room not in own:
        raise Refused(ErrorCode.ROOM_NOT_FOUND, command.room)
    desks = await action.lock(own if command.room is None else [command.room])
    if not await _is_new(action, command, who):
        return
    await action.tx.execute(
        """
        INSERT INTO person (shop_id, pseudonym, viewer_id, name, buyer) VALUES ($1, $2, $3, coalesce($4, ''), true)
            ON CONFLICT (shop_id, pseudonym) DO UPDATE SET buyer = true""",
        action.shop_id,
        who,
        command.viewer,
        command.name,
    )
    for room_id, desk in desks.items():
        if command.room is not None or desk.room.show is not None:
            action.tell(room_id, Decision(notices=[(who, YouBought())]))


async def _is_new(action: Action, command: ReportPurchase, who: str) -> bool:
    """Insert it; False: it was reported before, in the same words."""
    values = (
        who, command.room, command.product, command.variant, command.quantity, command.amount, command.currency,
        command.exponent,
    )  # fmt: skip
    made = await action.tx.fetchval(
        """
        INSERT INTO purchase (shop_id, purchase_id, pseudonym, room_id, product_id, variant_id, quantity, amount,
                              currency, exponent)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING true""",
        action.shop_id,
        command.purchase,
        *values,
    )
    if made:
        return True
    known = await action.tx.fetchrow(
        "SELECT pseudonym, room_id, product_id, variant_id, quantity, amount, currency, exponent FROM purchase"
        " WHERE shop_id = $1 AND purchase_id = $2",
        action.shop_id,
        command.purchase,
    )
    if known is None or tuple(known) != values:
        raise Refused(ErrorCode.KEY_REUSED, f"purchase {command.purchase} was reported with other facts")
    return False
