"""Prizes: what became of each prize of one draw, for staff. What winners wrote is not in it."""

from __future__ import annotations

import asyncpg

from livestream.protocol.draws import PassedWhy
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.http import DrawPrize, DrawPrizes, PrizeState
from livestream.storage.pool import Connection

from . import store
from .masking import mask
from .rules import Rules
from .store import MS

_NEXT = "SELECT min(place) FROM draw_pick WHERE draw_id = $1 AND prize IS NULL"
_HOLDERS = f"""
SELECT DISTINCT ON (prize) prize, place, encode(entry_id, 'hex') AS entry, name, gone_why,
       claim_until <= clock_timestamp() AS late, handed_at IS NOT NULL AS handed,
       {MS.format("claim_until")} AS claim_until, {MS.format("claimed_at")} AS claimed_at,
       {MS.format("delete_at")} AS delete_at
  FROM draw_pick JOIN draw_entry USING (draw_id, entry_id) LEFT JOIN draw_claim USING (draw_id, place)
 WHERE draw_id = $1 AND prize IS NOT NULL ORDER BY prize, given_at DESC, place DESC"""


async def of(connection: Connection, room_id: str, draw_id: str) -> DrawPrizes:
    """Every prize with who holds it, and whose turn is next.

    Raises:
        Refused: DRAW_NOT_FOUND.
    """
    held = await store.look(connection, draw_id)
    if held is None or held.room_id != room_id or held.rules is None:
        raise Refused(ErrorCode.DRAW_NOT_FOUND, draw_id)
    holders = {row["prize"]: row for row in await connection.fetch(_HOLDERS, draw_id)}
    waiting = await connection.fetchval(_NEXT, draw_id)
    names = [(tier.tier, tier.name) for tier in held.rules.prizes for _ in range(tier.quantity)]
    items = [_prize(held.rules, prize, *named, holders.get(prize)) for prize, named in enumerate(names)]
    return DrawPrizes(items=items, next_reserve=None if waiting is None else _reserve(held.rules, waiting))


def _prize(rules: Rules, prize: int, tier: str, name: str, row: asyncpg.Record | None) -> DrawPrize:
    if row is None or row["gone_why"]:
        why = None if row is None else PassedWhy(row["gone_why"])
        return DrawPrize(prize=prize, tier=tier, name=name, state=PrizeState.NOBODY, why=why)
    return DrawPrize(
        prize=prize,
        tier=tier,
        name=name,
        state=_state(row),
        winner=mask(row["name"]),
        entry=row["entry"],
        reserve=_reserve(rules, row["place"]),
        claim_until=row["claim_until"],
        claimed_at=row["claimed_at"],
        delete_at=row["delete_at"],
    )


def _state(row: asyncpg.Record) -> PrizeState:
    if row["handed"]:
        return PrizeState.HANDED
    if row["claimed_at"] is not None:
        return PrizeState.CLAIMED
    return PrizeState.LATE if row["late"] else PrizeState.WAITS


def _reserve(rules: Rules, place: int) -> int | None:
    """Number of a reserve from 1; None: drawn for a prize."""
    units = sum(tier.quantity for tier in rules.prizes)
    return place - units + 1 if place >= units else None
