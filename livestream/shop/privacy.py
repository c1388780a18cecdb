"""Privacy: reading all that is stored about one person. Taking them out is `erasing`."""

from __future__ import annotations

import json
from typing import Any

import asyncpg

from livestream.protocol.shop import Exported, ExportViewer
from livestream.room.erasure import erase
from livestream.storage.pool import Connection

from .actions import Action
from .people import person_of, place_of, told


async def export_viewer(action: Action, command: ExportViewer) -> None:
    tx = action.tx
    place = await place_of(tx, action.actor.base_shop_id)
    found = await person_of(action, command.viewer, place)
    who, rooms, shops = found.pseudonym, place.rooms, place.shops
    person = await tx.fetchrow(
        "SELECT viewer_id, name, buyer, seen_at FROM person WHERE shop_id = $1 AND pseudonym = $2",
        action.actor.base_shop_id,
        who,
    )
    own = "pseudonym = $1 AND room_id = ANY($2)"
    action.answer = Exported(
        viewer=command.viewer,
        person=_plain(person) if person else None,
        comments=await _rows(
            tx, f"SELECT room_id, show_id, at, text, fate, hidden_at FROM comment WHERE {own} ORDER BY at", who, rooms
        ),
        reports=await _rows(
            tx, "SELECT room_id, comment_id, at, why FROM report WHERE reporter = $1 AND room_id = ANY($2)", who, rooms
        ),
        purchases=await _rows(
            tx,
            "SELECT purchase_id, room_id, product_id, variant_id, quantity, amount, refunded, currency, exponent, at"
            " FROM purchase WHERE pseudonym = $1 AND shop_id = ANY($2)",
            who,
            shops,
        ),
        sanctions=await _rows(tx, f"SELECT room_id, kind, at, until, why FROM sanction WHERE {own}", who, rooms),
        notices=await _rows(tx, f"SELECT room_id, at, event::text AS event FROM notice WHERE {own}", who, rooms),
        blocked=await tx.fetchval("SELECT count(*) FROM block WHERE pseudonym = $1 AND shop_id = ANY($2)", who, shops),
        messages=await _rows(
            tx,
            "SELECT room_id, body::text AS event FROM host_message"
            " WHERE body->>'by' = $1 AND room_id = ANY($2) ORDER BY message_id",
            who,
            rooms,
        ),
        staff_log=[
            {"room_id": room, "seq": seq, "event": json.loads(event)}
            for room, seq, event in await told(tx, "staff_log", found, rooms)
            if erase(event, "staff_log", found) != event
        ],
        parts={part.name: dict(await part.export(tx, who, command.viewer, shops)) for part in action.parts},
    )


async def _rows(tx: Connection, query: str, *arguments: object) -> list[dict[str, object]]:
    return [_plain(row) for row in await tx.fetch(query, *arguments)]


def _plain(row: asyncpg.Record) -> dict[str, Any]:
    """Values as JSON has them; what is stored as JSON as it is."""
    plain = {}
    for key, value in row.items():
        if key == "event":
            plain[key] = json.loads(value)
        else:
            plain[key] = value.isoformat() if hasattr(value, "isoformat") else value
    return plain
