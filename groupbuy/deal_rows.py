"""Deal rows: a new deal, and what operators change of one."""

from __future__ import annotations

import msgspec

from livestream.storage import deadlines
from livestream.storage.deadlines import Deadline
from livestream.storage.pool import Connection

from .book import Book
from .deal import Deal
from .store import DEAL

_encode = msgspec.json.Encoder().encode


async def insert(tx: Connection, deal: Deal, most_held: int) -> None:
    """A new deal with its rules, stock and deadline. The caller holds the room's lock."""
    await tx.execute(
        """
        INSERT INTO deal (deal_id, room_id, shop_id, product_id, variant_id, title, state, currency, exponent,
                          tax_included, single_price, units, stock, version, reference)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)""",
        deal.deal_id,
        deal.room_id,
        deal.shop_id,
        deal.product_id,
        deal.variant_id,
        deal.title,
        deal.state,
        deal.currency,
        deal.exponent,
        deal.tax_included,
        deal.single_price,
        deal.units,
        deal.stock,
        deal.terms.version,
        deal.reference,
    )
    await _insert_terms(tx, deal)
    await tx.execute(
        "INSERT INTO deal_stock (deal_id, initial, free, most_held) VALUES ($1, $2, $2, $3)",
        deal.deal_id,
        deal.stock,
        most_held,
    )
    if deal.closes_at is not None:
        await deadlines.put(tx, [Deadline(deal.room_id, DEAL, deal.deal_id, deal.closes_at)])


async def _insert_terms(tx: Connection, deal: Deal) -> None:
    terms = deal.terms
    await tx.execute(
        """
        INSERT INTO deal_terms (deal_id, version, steps, leader_discount, life_s, hold_s, per_viewer, new_only, share)
        VALUES ($1, $2, $3::text::json, $4, $5, $6, $7, $8, $9)""",
        deal.deal_id,
        terms.version,
        _encode(terms.steps).decode(),
        terms.leader_discount,
        terms.life_s,
        terms.hold_s,
        terms.per_viewer,
        terms.new_only,
        terms.share,
    )


async def update(tx: Connection, book: Book, before: Deal) -> None:
    """What an operator changed. The caller holds the room's and the deal's lock."""
    deal = book.deal
    await tx.execute(
        "UPDATE deal SET state = $2, version = $3, sold_out = $4, why = $5 WHERE deal_id = $1",
        deal.deal_id,
        deal.state,
        deal.terms.version,
        deal.sold_out,
        deal.why,
    )
    if deal.terms.version != before.terms.version:
        await _insert_terms(tx, deal)
        # Lowering the share takes nothing from teams that are open.
        await tx.execute(
            "UPDATE deal_stock SET most_held = greatest(held, initial * $2::bigint / 100) WHERE deal_id = $1",
            deal.deal_id,
            deal.terms.share,
        )
    if deal.closes_at is None:
        await deadlines.drop(tx, deal.room_id, DEAL, [deal.deal_id])
    elif deal.closes_at != before.closes_at:
        await deadlines.put(tx, [Deadline(deal.room_id, DEAL, deal.deal_id, deal.closes_at)])
