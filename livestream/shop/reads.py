"""Reads: lists of a room and of a shop, a page at a time."""

from __future__ import annotations

import json
from typing import Any

import asyncpg

from livestream.auth import Identity, pseudonym
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.http import Listed, LogQuery, PageQuery
from livestream.storage import roomlog
from livestream.storage.pool import Connection
from livestream.storage.roomlog import Logged

_MS = "floor(extract(epoch FROM {}) * 1000)::bigint"


def pseudonym_of(stand_ins: bytes, identity: Identity) -> str:
    """By which the shop's rooms know the bearer of a token."""
    return pseudonym(stand_ins, identity.shop_id, f"viewer:{identity.viewer_id}")


async def base_shop(connection: Connection, shop_id: str) -> str:
    """The shop itself, or the one of which it is a rehearsal.

    Raises:
        Refused: SHOP_NOT_FOUND.
    """
    base: str | None = None
    if "\0" not in shop_id and len(shop_id) <= 64:
        base = await connection.fetchval("SELECT coalesce(rehearsal_of, shop_id) FROM shop WHERE shop_id = $1", shop_id)
    if base is None:
        raise Refused(ErrorCode.SHOP_NOT_FOUND, shop_id)
    return base


async def comments(connection: Connection, room_id: str, page: PageQuery, *, staff: bool) -> Listed:
    """Comments, newest first. Viewers get those on screen, staff all, with what became of them."""
    rows = await connection.fetch(
        f"""
        SELECT comment_id AS id, pseudonym AS by, coalesce(name, '') AS name, role, text,
               {_MS.format("comment.at")} AS at, fate, hidden_at IS NOT NULL AS hidden, held_why, ruled, reports,
               show_id AS show
          FROM comment JOIN room USING (room_id) LEFT JOIN person USING (shop_id, pseudonym)
         WHERE room_id = $1 AND ($2::text IS NULL OR comment_id < $2)
           AND ($3 OR (fate = 'shown' AND hidden_at IS NULL))
         ORDER BY comment_id DESC LIMIT $4""",
        room_id,
        page.before,
        staff,
        page.limit + 1,
    )
    kept = ("id", "by", "name", "role", "text", "at") if not staff else None
    return _page(
        [{key: value for key, value in row.items() if kept is None or key in kept} for row in rows], page, "id"
    )


async def log(connection: Connection, room_id: str, part: LogQuery) -> Listed:
    return _logged(await roomlog.read_log(connection, room_id, part.after, part.limit))


async def staff_log(connection: Connection, room_id: str, part: LogQuery) -> Listed:
    return _logged(await roomlog.read_staff_log(connection, room_id, part.after, part.limit))


def _logged(events: list[Logged]) -> Listed:
    return Listed(items=[{"seq": each.seq, "at": each.at, "event": json.loads(each.event)} for each in events])


async def rooms(connection: Connection, shop_id: str) -> Listed:
    return await _all(
        connection,
        f"""
        SELECT room_id AS room, state->>'title' AS title, state->'show'->>'state' AS show,
               {_MS.format("room.created_at")} AS created_at, frozen_at IS NOT NULL AS frozen, unattended,
               nullif(shop_id, $1) AS rehearsal
          FROM room JOIN shop USING (shop_id) WHERE shop_id = $1 OR rehearsal_of = $1 ORDER BY room_id""",
        shop_id,
    )


async def staff(connection: Connection, shop_id: str) -> Listed:
    return await _all(
        connection,
        "SELECT pseudonym, viewer_id AS viewer, name, role, nullif(room_id, '') AS room"
        " FROM staff JOIN person USING (shop_id, pseudonym) WHERE shop_id = $1 ORDER BY name, pseudonym, room_id",
        shop_id,
    )


async def keys(connection: Connection, shop_id: str) -> Listed:
    return await _all(
        connection,
        f"SELECT kid, algorithm, {_MS.format('created_at')} AS created_at, {_MS.format('retired_at')} AS retired_at"
        " FROM shop_key WHERE shop_id = $1 ORDER BY created_at, kid",
        shop_id,
    )


async def words(connection: Connection, shop_id: str) -> Listed:
    return await _all(connection, "SELECT text, action FROM word WHERE shop_id = $1 ORDER BY text", shop_id)


async def purchases(connection: Connection, shop_id: str, page: PageQuery) -> Listed:
    rows = await connection.fetch(
        f"""
        SELECT purchase_id AS purchase, pseudonym AS who, room_id AS room, product_id AS product, variant_id AS variant,
               quantity, amount, refunded, currency, exponent, {_MS.format("at")} AS at
          FROM purchase WHERE shop_id = $1 AND ($2::text IS NULL OR (at, purchase_id) < (
                SELECT p.at, p.purchase_id FROM purchase p WHERE p.shop_id = $1 AND p.purchase_id = $2))
         ORDER BY purchase.at DESC, purchase_id DESC LIMIT $3""",
        shop_id,
        page.before,
        page.limit + 1,
    )
    return _page([dict(row.items()) for row in rows], page, "purchase")


def _page(items: list[dict[str, Any]], page: PageQuery, cursor: str) -> Listed:
    """One more than the page was asked for, to know whether there is another."""
    shown = items[: page.limit]
    return Listed(items=shown, next=shown[-1][cursor] if len(items) > page.limit else None)


async def _all(connection: Connection, query: str, shop_id: str) -> Listed:
    rows: list[asyncpg.Record] = await connection.fetch(query, shop_id)
    return Listed(items=[dict(row.items()) for row in rows])
