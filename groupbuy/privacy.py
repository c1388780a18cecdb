"""Privacy: what group buys have stored of a person, and taking a person out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livestream.storage.pool import Connection

_EXPORT = {
    "seats": """
        SELECT seat_id, team_id, deal_id, seat.name, seat.state, joined_at::text FROM seat JOIN deal USING (deal_id)
         WHERE viewer = $1 AND shop_id = ANY($2) ORDER BY seat_id""",
    "orders": """
        SELECT seat_id AS order, team_order.state, quantity, price, currency, placed_at::text
          FROM team_order JOIN deal USING (deal_id) WHERE viewer = $1 AND shop_id = ANY($2) ORDER BY seat_id""",
    "payments": """
        SELECT payment_id, seat_id, payment.state, amount, payment.currency, captured, refunded, made_at::text
          FROM payment JOIN seat USING (seat_id) JOIN deal ON deal.deal_id = payment.deal_id
         WHERE viewer = $1 AND shop_id = ANY($2) ORDER BY payment_id""",
}


async def export(
    connection: Connection, pseudonym: str, _viewer_id: str, shops: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Seats, orders and payments of a person (pseudonym)."""
    return {
        kind: [dict(row) for row in await connection.fetch(query, pseudonym, list(shops))]
        for kind, query in _EXPORT.items()
    }


async def erase(tx: Connection, pseudonym: str, _viewer_id: str, shops: Sequence[str]) -> None:
    """Nobody's: the sums must go on to close, so rows stay, under a name that was never a pseudonym.

    Live seats count until they end; each erased seat gets a name of its own, since a viewer has one live seat a deal.
    """
    await tx.execute(
        "UPDATE order_refund SET asker = '' WHERE asker = $1 AND deal_id IN (SELECT deal_id FROM deal"
        " WHERE shop_id = ANY($2))",
        pseudonym,
        list(shops),
    )
    for table in ("seat", "team_order"):
        await tx.execute(
            f"""
            UPDATE {table} SET viewer = 'erased-' || seat_id{", name = ''" if table == "seat" else ""}
             WHERE viewer = $1 AND deal_id IN (SELECT deal_id FROM deal WHERE shop_id = ANY($2))""",
            pseudonym,
            list(shops),
        )
