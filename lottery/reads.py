"""Reads: what is asked about draws over HTTP, and what is told of them to who comes in."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from livestream.parts import Download, Ground, Reading
from livestream.protocol.draws import DrawPlan, DrawReceipt
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.http import (
    DrawReceiptView,
    DrawSetup,
    DrawTemplate,
    InclusionQuery,
    Listed,
    PageQuery,
)
from livestream.protocol.pushes import DrawOwn, Push
from livestream.storage.pool import Connection

from . import claims, document, receipt
from .relays import Relays
from .signing import public_of, shop_key
from .store import MS

_PROBED_S = 60.0
_plan = msgspec.json.Decoder(DrawPlan).decode
_HEX = frozenset("0123456789abcdef")


class Reads:
    """Of one gateway process."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._probed: tuple[float, bool] | None = None
        self._issue = functools.lru_cache(maxsize=50_000)(self._sign)
        self.by_name: Mapping[str, Callable[[Reading], Awaitable[msgspec.Struct | Download]]] = {
            "draws": self._history,
            "draw_setup": self._setup,
            "draw_receipt": self._receipt,
            "draw_refusals": self._refusals,
            "draw_proof": self._proof,
            "draw_inclusion": self._inclusion,
            "draw_claims": self._claims,
        }

    async def own(
        self, connection: Connection, room_id: str, shop_id: str, viewers: Sequence[str]
    ) -> Mapping[str, Sequence[Push]]:
        """Where viewers stand in the draw that was opened last."""
        rows = await connection.fetch(
            f"""
            WITH latest AS (
                SELECT draw_id, entries, rules_hash, state FROM draw
                 WHERE room_id = $1 AND opened_at IS NOT NULL ORDER BY opened_at DESC LIMIT 1)
            SELECT who, draw_id, entries, rules_hash, entry_id, weight, {MS.format("e.at")} AS at, prize, claimed_at,
                   {MS.format("claim_until")} AS claim_until, lapsed_at
              FROM latest CROSS JOIN unnest($2::text[]) AS v (who)
             CROSS JOIN LATERAL (
                   SELECT entry_id, weight, at FROM draw_entry d
                    WHERE d.draw_id = latest.draw_id AND d.pseudonym = who OFFSET 0) e
              LEFT JOIN draw_pick p USING (draw_id, entry_id)
             UNION ALL
            SELECT who, draw_id, entries, rules_hash, NULL, NULL, NULL, NULL, NULL, NULL, NULL
              FROM latest CROSS JOIN unnest($2::text[]) AS v (who)
             WHERE state IN ('open', 'closed')
               AND NOT EXISTS (SELECT FROM draw_entry e WHERE e.draw_id = latest.draw_id AND e.pseudonym = who)""",
            room_id,
            list(viewers),
        )
        found: dict[str, Sequence[Push]] = {}
        for row in rows:
            mine = None
            if row["entry_id"] is not None:
                mine = self._issue(
                    shop_id, row["draw_id"], row["rules_hash"], row["entry_id"], row["weight"], row["at"]
                )
            kept = row["prize"] is not None and row["lapsed_at"] is None
            found[row["who"]] = [
                DrawOwn(
                    draw=row["draw_id"],
                    entries=row["entries"],
                    receipt=mine,
                    prize=row["prize"] if kept else None,
                    claim_until=row["claim_until"] if kept else None,
                    claimed=row["claimed_at"] is not None,
                )
            ]
        return found

    def _sign(
        self, shop_id: str, draw_id: str, rules_hash: bytes, entry_id: bytes, weight: int, at_ms: int
    ) -> DrawReceipt:
        """Ed25519 gives the same bytes for the same entry, so it needs no row of its own."""
        signed = receipt.issue(
            shop_key(self._ground.secret, shop_id),
            draw_id=bytes.fromhex(draw_id),
            rules_hash=rules_hash,
            entry_id=entry_id,
            weight=weight,
            entered_ms=at_ms,
        )
        return DrawReceipt(**msgspec.structs.asdict(signed))

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
        return DrawSetup(
            templates=[DrawTemplate(name=row["name"], plan=_plan(row["plan"])) for row in rows],
            organiser=shop["name"],
            drand=await self._reachable(),
            teams=self._ground.team_members is not None,
            rehearsal=shop["rehearsal"],
            shop_key=public_of(shop_key(self._ground.secret, reading.shop_id)).hex(),
        )

    async def _reachable(self) -> bool:
        """A relay answers; asked once a minute at most."""
        now = time.monotonic()
        if self._probed is None or now - self._probed[0] > _PROBED_S:
            async with Relays.open(self._ground.settings.drand_relays) as relays:
                self._probed = (now, await relays.reachable())
        return self._probed[1]

    async def _receipt(self, reading: Reading) -> DrawReceiptView:
        draw_id = reading.path["draw"]
        async with self._ground.database.transaction(snapshot=True) as tx:
            row = await tx.fetchrow(
                f"""
                SELECT draw.shop_id, draw_id, rules_hash, root, entry_id, weight, {MS.format("e.at")} AS at
                  FROM draw LEFT JOIN draw_entry e USING (draw_id)
                 WHERE draw_id = $1 AND room_id = $2 AND pseudonym = $3""",
                draw_id,
                reading.room_id,
                reading.who,
            )
            if row is None:
                raise Refused(ErrorCode.ENTRY_NOT_FOUND)
            proof = None
            if row["root"] is not None:
                proof = await document.inclusion(tx, draw_id, row["entry_id"].hex())
        mine = self._issue(row["shop_id"], draw_id, row["rules_hash"], row["entry_id"], row["weight"], row["at"])
        return DrawReceiptView(receipt=mine, inclusion=proof)

    async def _refusals(self, reading: Reading) -> Listed:
        async with self._ground.database.read() as connection:
            rows = await connection.fetch(
                f"""
                SELECT pseudonym AS who, code, times, {MS.format("first_at")} AS first_at,
                       {MS.format("last_at")} AS last_at
                  FROM draw_refusal WHERE room_id = $1 AND draw_id = $2
                 ORDER BY first_at, pseudonym, code LIMIT 1000""",
                reading.room_id,
                reading.path["draw"],
            )
        return Listed(items=[dict(row) for row in rows])

    async def _proof(self, reading: Reading) -> Download:
        draw_id = _draw_id(reading)
        async with self._ground.database.transaction(snapshot=True) as tx:
            found = await document.proof(tx, draw_id)
        return Download(f"draw-{draw_id}.json", "application/json", msgspec.json.encode(found))

    async def _inclusion(self, reading: Reading) -> msgspec.Struct:
        query: InclusionQuery = reading.query
        async with self._ground.database.transaction(snapshot=True) as tx:
            return await document.inclusion(tx, _draw_id(reading), query.entry)

    async def _claims(self, reading: Reading) -> Download:
        draw_id = _draw_id(reading)
        async with self._ground.database.read() as connection:
            body = await claims.as_csv(connection, reading.shop_id, draw_id)
        return Download(f"draw-{draw_id}.csv", "text/csv", body)


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
