"""Privacy: what group buys have stored of a person, and taking a person out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from livestream.protocol.events import RefundRequest
from livestream.protocol.personal import Person, without
from livestream.storage.pool import Connection

from . import store

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


async def marks(connection: Connection, person: Person, shops: Sequence[str]) -> Person:
    """Teams in which they have a seat: others' notices name its members. An order has the id of its seat."""
    rows = await connection.fetch(
        "SELECT team_id, seat_id, seat.name FROM seat JOIN deal USING (deal_id)"
        " WHERE viewer = $1 AND shop_id = ANY($2)",
        person.pseudonym,
        list(shops),
    )
    return replace(
        person,
        purchases=[*person.purchases, *(row["seat_id"] for row in rows)],
        teams={**person.teams, **{row["team_id"]: row["name"] for row in rows}},
    )


async def erase(tx: Connection, person: Person, shops: Sequence[str]) -> None:
    """Nobody's: the sums must go on to close, so rows stay, under a name that was never a pseudonym.

    Live seats count until they end; each erased seat gets a name of its own, since a viewer has one live seat a deal.
    """
    await _lock(tx, person, shops)
    await _refunds(tx, person, shops)
    for table in ("seat", "team_order"):
        await tx.execute(
            f"""
            UPDATE {table} SET viewer = 'erased-' || seat_id{", name = ''" if table == "seat" else ""}
             WHERE viewer = $1 AND deal_id IN (SELECT deal_id FROM deal WHERE shop_id = ANY($2))""",
            person.pseudonym,
            list(shops),
        )


#: refunds that tell of a person, who bought, asked or decided. Arguments: pseudonym, shops.
_REFUNDS = """
  FROM order_refund r JOIN deal USING (deal_id) JOIN seat USING (seat_id)
 WHERE shop_id = ANY($2) AND (seat.viewer = $1 OR asker = $1 OR strpos(body::text, $1) > 0)"""


async def _lock(tx: Connection, person: Person, shops: Sequence[str]) -> None:
    """Deals, then teams (`store`): whoever has one in hand now is through, and who comes next reads what was erased."""
    rows = await tx.fetch(
        f"""
        SELECT deal_id, team_id FROM seat JOIN deal USING (deal_id) WHERE viewer = $1 AND shop_id = ANY($2)
         UNION SELECT r.deal_id, team_id {_REFUNDS}""",
        person.pseudonym,
        list(shops),
    )
    for deal_id in sorted({row["deal_id"] for row in rows}):
        await store.hold(tx, deal_id)
    await tx.execute(
        "SELECT FROM team WHERE team_id = ANY($1) ORDER BY team_id FOR NO KEY UPDATE", [row["team_id"] for row in rows]
    )


async def _refunds(tx: Connection, person: Person, shops: Sequence[str]) -> None:
    for row in await tx.fetch(f"SELECT refund_id, asker, body::text {_REFUNDS}", person.pseudonym, list(shops)):
        body = without(msgspec.json.decode(row["body"], type=RefundRequest), person)
        await tx.execute(
            "UPDATE order_refund SET asker = $2, body = $3::text::json WHERE refund_id = $1",
            row["refund_id"],
            "" if row["asker"] == person.pseudonym else row["asker"],
            msgspec.json.encode(body).decode(),
        )
