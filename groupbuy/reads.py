"""Reads: deals, teams, orders and the settlement, as HTTP gives them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import msgspec

from livestream.parts import Download, Reading
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.groupbuy import OwnSeat
from livestream.protocol.http import Listed, PageQuery, TeamsQuery
from livestream.protocol.roles import STAFF
from livestream.storage.pool import Connection

from . import gauges, store
from .store import Named
from .views import own, team_view

_OWN_MOST = 20  #: of one viewer: those that live or have an order before those that were given up, and newest first
_MS = "floor(extract(epoch FROM {}) * 1000)::bigint"
_HIGHEST_ID = "~"
_UNDECIDED = "undecided-"  #: in `next`, before the id of a team that was not decided when its page was read
#: those that are not decided, then the others; each by an index of its own, in one moment. A team that was not decided
#: on its page may be by now: where the next page begins is told, not read again, so that no other is passed over.
#: Arguments: deal, where each of the two begins, limit.
_ALL_TEAMS = """
SELECT team_id, undecided FROM (
   (SELECT team_id, true AS undecided FROM team
     WHERE deal_id = $1 AND state IN ('forming', 'settling') AND team_id < $2 ORDER BY team_id DESC LIMIT $4)
    UNION ALL
   (SELECT team_id, false FROM team
     WHERE deal_id = $1 AND state NOT IN ('forming', 'settling') AND team_id < $3 ORDER BY team_id DESC LIMIT $4)) t
 ORDER BY undecided DESC, team_id DESC LIMIT $4"""


async def deals(connection: Connection, reading: Reading) -> Listed:
    page: PageQuery = reading.query
    found = await store.deals_of(connection, reading.room_id, page.before or _HIGHEST_ID, page.limit)
    counted = await gauges.read(connection, [deal.deal_id for deal in found])
    items: list[dict[str, Any]] = []
    for deal in found:
        own = counted.get(deal.deal_id)
        if own is not None:  # else it was erased between the two questions
            items.append({**msgspec.to_builtins(deal.view()), "left": own.left, "seats_free": own.seats})
    return Listed(items=items, next=found[-1].deal_id if len(found) == page.limit else None)


async def teams(connection: Connection, reading: Reading) -> Listed:
    """For staff every team, those that are not decided first; for viewers those that they may join."""
    page: TeamsQuery = reading.query
    await _require_deal(connection, reading)
    deal_id, following = reading.path["deal"], None
    if page.invite is not None:
        rows = await connection.fetch(
            "SELECT team_id FROM team WHERE deal_id = $1 AND invite = $2", deal_id, page.invite
        )
    elif reading.role in STAFF:
        before = page.before or f"{_UNDECIDED}{_HIGHEST_ID}"
        begin = ("", before)
        if before.startswith(_UNDECIDED):
            begin = (before.removeprefix(_UNDECIDED), _HIGHEST_ID)
        rows = await connection.fetch(_ALL_TEAMS, deal_id, *begin, page.limit)
        if len(rows) == page.limit:
            following = f"{_UNDECIDED if rows[-1]['undecided'] else ''}{rows[-1]['team_id']}"
    else:
        rows = await connection.fetch(
            """
            SELECT team_id FROM team JOIN deadline ON kind = 'team' AND id = team_id JOIN room USING (room_id)
             WHERE deal_id = $1 AND team.state = 'forming' AND listed AND held + paid + waived < size
               AND due_at > least(clock_timestamp(), frozen_at)
             ORDER BY size - held - paid - waived, due_at LIMIT $2""",
            deal_id,
            page.limit,
        )
    ids = [row["team_id"] for row in rows]
    book = await store.look(connection, deal_id, Named(teams=set(ids)))
    assert book is not None
    items = [msgspec.to_builtins(team_view(book, each)) for each in ids if each in book.teams]
    return Listed(items=items, next=following)


async def own_seats(connection: Connection, reading: Reading) -> Listed:
    found = await seats_of(connection, reading.room_id, [reading.who])
    return Listed(items=[msgspec.to_builtins(each) for each in reversed(found.get(reading.who, []))])


async def seats_of(connection: Connection, room_id: str, viewers: Sequence[str]) -> dict[str, list[OwnSeat]]:
    """Seats of viewers in a room's deals, oldest first; those that were given up unpaid only for an hour.

    Cost: one statement where nobody has any, seven more a deal.
    """
    rows = (
        await connection.fetch(
            """
        SELECT viewer, s.deal_id, seat_id FROM unnest($2::text[]) AS v (viewer) CROSS JOIN LATERAL (
               SELECT deal.deal_id, seat_id FROM seat JOIN deal USING (deal_id) LEFT JOIN team_order o USING (seat_id)
                WHERE seat.viewer = v.viewer AND room_id = $1
                  AND (seat.state <> 'released' OR o.seat_id IS NOT NULL OR joined_at > now() - interval '1 hour')
                ORDER BY (seat.state <> 'released' OR o.seat_id IS NOT NULL) DESC, seat_id DESC LIMIT $3) s""",
            room_id,
            list(viewers),
            _OWN_MOST,
        )
        if viewers
        else []
    )
    named: dict[str, set[str]] = {}
    for row in rows:
        named.setdefault(row["deal_id"], set()).add(row["seat_id"])
    found: dict[str, list[OwnSeat]] = {}
    for deal_id, ids in named.items():
        book = await store.look(connection, deal_id, Named(seats=ids, money=True))
        if book is None:
            continue
        for team in book.teams.values():
            for seat in team.seats:
                if seat.seat_id in ids:
                    found.setdefault(seat.viewer, []).append(own(book, team.team_id, seat.seat_id))
    return {viewer: sorted(seats, key=lambda each: each.seat) for viewer, seats in found.items()}


_ORDERS = f"""
SELECT o.seat_id AS "order", o.team_id AS team, o.reference, d.reference AS deal_reference, viewer_id AS viewer,
       o.state, o.quantity, o.price, o.given_back, d.currency, d.exponent, d.tax_included,
       d.product_id AS product, d.variant_id AS variant, {_MS.format("o.placed_at")} AS placed_at,
       coalesce((SELECT sum(captured) FROM payment p WHERE p.seat_id = o.seat_id), 0)::bigint AS captured,
       coalesce((SELECT sum(refunded) FROM payment p WHERE p.seat_id = o.seat_id), 0)::bigint AS refunded
  FROM team_order o JOIN deal d USING (deal_id)
  LEFT JOIN person ON person.shop_id = d.shop_id AND pseudonym = o.viewer
 WHERE o.deal_id = $1 AND o.seat_id < $2 ORDER BY o.seat_id DESC LIMIT $3"""


async def orders(connection: Connection, reading: Reading) -> Listed:
    page: PageQuery = reading.query
    await _require_deal(connection, reading)
    rows = await connection.fetch(_ORDERS, reading.path["deal"], page.before or _HIGHEST_ID, page.limit)
    return Listed(items=[dict(row) for row in rows], next=rows[-1]["order"] if len(rows) == page.limit else None)


async def settlement(connection: Connection, reading: Reading) -> Download:
    """One line a payment that moved money, in the order of ids; the last line is their sum."""
    await _require_deal(connection, reading)
    deal_id = reading.path["deal"]
    rows = await connection.fetch(
        f"""
        SELECT p.payment_id, p.reference, p.seat_id, s.team_id, d.product_id, d.variant_id, o.quantity, o.state,
               o.price,
               p.authorised, p.captured, p.refunded, p.captured - p.refunded AS net,
               CASE WHEN p.wanted AND o.state = 'confirmed' THEN o.price - o.given_back ELSE 0 END AS sold,
               p.currency, p.exponent, d.tax_included, {_MS.format("p.made_at")} AS made_at,
               o.reference AS order_reference, d.reference AS deal_reference, viewer_id AS viewer, o.given_back
          FROM payment p JOIN seat s USING (seat_id) JOIN deal d ON d.deal_id = p.deal_id
          LEFT JOIN team_order o USING (seat_id)
          LEFT JOIN person ON person.shop_id = d.shop_id AND pseudonym = s.viewer
         WHERE p.deal_id = $1 AND (p.authorised > 0 OR p.captured > 0) ORDER BY p.payment_id""",
        deal_id,
    )
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    columns = (
        "payment_id", "reference", "seat_id", "team_id", "product_id", "variant_id", "quantity", "state", "price",
        "authorised", "captured", "refunded", "net", "sold", "currency", "exponent", "tax_included", "made_at",
        "order_reference", "deal_reference", "viewer", "given_back",
    )  # fmt: skip
    table.writerow(columns)
    for row in rows:
        table.writerow(["" if row[name] is None else _plain(row[name]) for name in columns])
    sums = {name: sum(row[name] for row in rows) for name in ("captured", "refunded", "net", "sold")}
    table.writerow(["total", *(sums.get(name, "") for name in columns[1:])])
    return Download(f"settlement-{deal_id}.csv", "text/csv", out.getvalue().encode())


def _plain(value: object) -> object:
    """Spreadsheets take a text that begins like a formula for one."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value


async def _require_deal(connection: Connection, reading: Reading) -> None:
    """Raises:
    Refused: DEAL_NOT_FOUND.
    """
    if not await connection.fetchval(
        "SELECT true FROM deal WHERE deal_id = $1 AND room_id = $2", reading.path["deal"], reading.room_id
    ):
        raise Refused(ErrorCode.DEAL_NOT_FOUND, reading.path["deal"])
