"""Reads: what is asked about draws over HTTP, and what is told of them to who comes in."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from livestream.parts import Download, Ground, Reading
from livestream.protocol.draws import Draw, DrawPlan, DrawReceipt, DrawState, OwnDraw
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.http import (
    DrawPrizes,
    DrawReceiptView,
    DrawRefusals,
    DrawSetup,
    DrawTemplate,
    InclusionQuery,
    Listed,
    PageQuery,
)
from livestream.protocol.pushes import OwnDraws, Push
from livestream.storage.pool import Connection

from . import claims, prizes, refusals
from .entering import GAUGE, Granted, sign
from .publish import prize_name
from .published import Published
from .relays import Relays
from .rules import Rules
from .signing import public_of, shop_key
from .store import MS

_PROBED_S = 60.0
_plan = msgspec.json.Decoder(DrawPlan).decode
_rules = functools.lru_cache(maxsize=256)(msgspec.json.Decoder(Rules).decode)
_HEX = frozenset("0123456789abcdef")


#: draws that one is told of, opened last, beside those in which one has a prize: each is a signature for each who joins
_OWN_LAST = 3
_MINE = f"""
SELECT viewer_id, draw_id, d.plan->>'title' AS title, d.rules_hash, d.signing_key, entry_id, e.promised AS weight,
       {MS.format("e.at")} AS at, prize, p.lapsed_at, p.claimed_at, {MS.format("p.claim_until")} AS claim_until,
       {MS.format("c.delete_at")} AS delete_at, CASE WHEN prize IS NOT NULL THEN d.rules END AS rules
  FROM draw_entry e JOIN draw d USING (draw_id) LEFT JOIN draw_pick p USING (draw_id, entry_id)
  LEFT JOIN draw_claim c USING (draw_id, place)"""
#: by viewer, in order of draw
_OWN = f"""
SELECT own.* FROM unnest($2::text[]) AS v (viewer) CROSS JOIN LATERAL (
       {_MINE} WHERE viewer_id = viewer AND d.room_id = $1 ORDER BY d.opened_at DESC LIMIT $3) own
 UNION
{_MINE} WHERE viewer_id = ANY($2) AND d.room_id = $1
   AND prize IS NOT NULL AND p.lapsed_at IS NULL
   AND (p.claim_until > statement_timestamp() OR c.delete_at > statement_timestamp())
 ORDER BY viewer_id, draw_id"""


class Reads:
    """Of one gateway process."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._probed: tuple[float, bool] | None = None
        self._published = Published(ground.database)
        self._sign = functools.lru_cache(maxsize=50_000)(sign)
        self.by_name: Mapping[str, Callable[[Reading], Awaitable[msgspec.Struct | Download]]] = {
            "draws": self._history,
            "draw_setup": self._setup,
            "draw_receipt": self._receipt,
            "draw_refusals": self._refusals,
            "draw_prizes": self._prizes,
            "draw_proof": self._proof,
            "draw_inclusion": self._inclusion,
            "draw_claims": self._claims,
        }

    async def own(
        self, connection: Connection, room_id: str, viewers: Mapping[str, str]
    ) -> Mapping[str, Sequence[Push]]:
        """Where viewers (pseudonym → the shop's id) stand in the room's draws."""
        latest = await connection.fetchrow(
            "SELECT entries, state FROM draw WHERE room_id = $1 AND opened_at IS NOT NULL"
            " ORDER BY opened_at DESC LIMIT 1",
            room_id,
        )
        if latest is None:
            return {}
        by_viewer: dict[str, list[OwnDraw]] = {}
        for row in await connection.fetch(_OWN, room_id, list(viewers.values()), _OWN_LAST):
            by_viewer.setdefault(row["viewer_id"], []).append(self._own_draw(row))
        goes_on = latest["state"] in ("open", "closed")  # who is in none is told how many are
        return {
            who: [OwnDraws(entries=latest["entries"], draws=by_viewer.get(viewer_id, []))]
            for who, viewer_id in viewers.items()
            if goes_on or viewer_id in by_viewer
        }

    def _own_draw(self, row: asyncpg.Record) -> OwnDraw:
        plain = OwnDraw(draw=row["draw_id"], title=row["title"], receipt=self._receipt_of(row))
        if row["prize"] is None or row["lapsed_at"] is not None:
            return plain
        return msgspec.structs.replace(
            plain,
            prize=row["prize"],
            prize_title=prize_name(_rules(row["rules"]), row["prize"]),
            claim_until=row["claim_until"],
            claimed=row["claimed_at"] is not None,
            delete_at=row["delete_at"],
        )

    def _receipt_of(self, row: asyncpg.Record) -> DrawReceipt | None:
        """None: the draw was opened before keys were kept."""
        if row["signing_key"] is None:
            return None
        return self._sign(
            Granted(
                draw_id=row["draw_id"],
                rules_hash=row["rules_hash"],
                signing_key=row["signing_key"],
                entry_id=row["entry_id"],
                weight=row["weight"],
                at_ms=row["at"],
                key=None,
            )
        )

    async def _history(self, reading: Reading) -> Listed:
        page: PageQuery = reading.query
        before = int(page.before) if page.before is not None and page.before.isdecimal() else None
        async with self._ground.database.read() as connection:
            rows = await connection.fetch(
                """
                SELECT number, body::text AS body, entries FROM draw
                 WHERE room_id = $1 AND opened_at IS NOT NULL AND ($2::bigint IS NULL OR number < $2)
                 ORDER BY number DESC LIMIT $3""",
                reading.room_id,
                None if before is None else min(before, 2**62),
                page.limit + 1,
            )
        items = [_past(row["body"], row["entries"]) for row in rows[: page.limit]]
        more = len(rows) > page.limit
        return Listed(items=items, next=str(rows[page.limit - 1]["number"]) if more else None)

    async def _setup(self, reading: Reading) -> DrawSetup:
        async with self._ground.database.read() as connection:
            rows = await connection.fetch(
                "SELECT name, plan::text AS plan FROM draw_template WHERE shop_id = $1 ORDER BY name", reading.shop_id
            )
            shop = await connection.fetchrow(
                "SELECT name, rehearsal_of IS NOT NULL AS rehearsal FROM shop WHERE shop_id = $1", reading.shop_id
            )
        assert shop is not None
        async with self._ground.database.transaction() as tx:
            key = await shop_key(tx, reading.shop_id)
        return DrawSetup(
            templates=[DrawTemplate(name=row["name"], plan=_plan(row["plan"])) for row in rows],
            organiser=shop["name"],
            drand=await self._reachable(),
            teams=self._ground.team_members is not None,
            rehearsal=shop["rehearsal"],
            shop_key=public_of(key).hex(),
        )

    async def _reachable(self) -> bool:
        """A relay answers; asked once a minute at most."""
        now = time.monotonic()
        if self._probed is None or now - self._probed[0] > _PROBED_S:
            async with Relays.open(self._ground.settings.drand_relays) as relays:
                self._probed = (now, await relays.reachable())
        return self._probed[1]

    async def _receipt(self, reading: Reading) -> DrawReceiptView:
        draw_id = _draw_id(reading)
        async with self._ground.database.read() as connection:
            row = await connection.fetchrow(
                f"""
                SELECT draw_id, rules_hash, signing_key, root, entry_id, promised AS weight, {MS.format("e.at")} AS at
                  FROM draw JOIN draw_entry e USING (draw_id)
                 WHERE draw_id = $1 AND room_id = $2 AND viewer_id = $3""",
                draw_id,
                reading.room_id,
                reading.viewer_id,
            )
        mine = None if row is None else self._receipt_of(row)
        if row is None or mine is None:
            raise Refused(ErrorCode.ENTRY_NOT_FOUND)
        if row["root"] is None:
            return DrawReceiptView(receipt=mine)
        return DrawReceiptView(receipt=mine, inclusion=await self._published.inclusion(draw_id, row["entry_id"].hex()))

    async def _prizes(self, reading: Reading) -> DrawPrizes:
        async with self._ground.database.transaction(snapshot=True) as tx:
            return await prizes.of(tx, reading.room_id, reading.path["draw"])

    async def _refusals(self, reading: Reading) -> DrawRefusals:
        page: PageQuery = reading.query
        async with self._ground.database.read() as connection:
            return await refusals.page(connection, reading.room_id, reading.path["draw"], page.before, page.limit)

    async def _proof(self, reading: Reading) -> Download:
        draw_id = _draw_id(reading)
        return Download(f"draw-{draw_id}.json", "application/json", await self._published.proof(draw_id))

    async def _inclusion(self, reading: Reading) -> msgspec.Struct:
        query: InclusionQuery = reading.query
        return await self._published.inclusion(_draw_id(reading), query.entry)

    async def _claims(self, reading: Reading) -> Download:
        draw_id = _draw_id(reading)
        async with self._ground.database.read() as connection:
            body = await claims.as_csv(connection, reading.shop_id, draw_id)
        return Download(f"draw-{draw_id}.csv", "text/csv", body)


async def entered(connection: Connection, draws: Sequence[Draw]) -> dict[str, int]:
    """How many are in the one that is open, if one is."""
    going_on = [draw.id for draw in draws if draw.state is DrawState.OPEN]
    if not going_on:
        return {}
    return {GAUGE: await connection.fetchval("SELECT entries FROM draw WHERE draw_id = ANY($1)", going_on)}


def _draw_id(reading: Reading) -> str:
    draw_id = reading.path["draw"]
    if len(draw_id) != 32 or not _HEX.issuperset(draw_id):
        raise Refused(ErrorCode.DRAW_NOT_FOUND, draw_id[:64])
    return draw_id


def _past(body: str, entries: int) -> dict[str, Any]:
    """A draw as history shows it: without the text of its rules, which the proof has."""
    draw: dict[str, Any] = msgspec.json.decode(body)
    draw.pop("rules", None)
    draw.setdefault("entries", entries)
    return draw
