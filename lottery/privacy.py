"""Privacy: what draws have stored of a person, and taking a person out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from livestream.protocol.draws import Draw
from livestream.protocol.personal import Person, without
from livestream.storage.pool import Connection

from .store import MS


async def export(
    connection: Connection, who: str, viewer_id: str, shops: Sequence[str]
) -> Mapping[str, list[dict[str, Any]]]:
    """What is stored of a person (pseudonym, the shop's id) in these shops' draws."""
    entries = await connection.fetch(
        f"""
        SELECT draw_id, encode(entry_id, 'hex') AS entry_id, weight, {MS.format("at")} AS at, name
          FROM draw_entry JOIN draw USING (draw_id) WHERE viewer_id = $1 AND shop_id = ANY($2) ORDER BY at""",
        viewer_id,
        list(shops),
    )
    claimed = await connection.fetch(
        f"""
        SELECT draw_id, prize, form::text AS form, {MS.format("c.at")} AS at, {MS.format("c.delete_at")} AS delete_at
          FROM draw_claim c JOIN draw_pick USING (draw_id, place) JOIN draw_entry e USING (draw_id, entry_id)
          JOIN draw USING (draw_id)
         WHERE e.viewer_id = $1 AND shop_id = ANY($2) AND c.delete_at > statement_timestamp() ORDER BY c.at""",
        viewer_id,
        list(shops),
    )
    refused = await connection.fetch(
        f"""
        SELECT draw_id, code, times, {MS.format("first_at")} AS first_at FROM draw_refusal JOIN room USING (room_id)
         WHERE pseudonym = $1 AND shop_id = ANY($2) ORDER BY first_at""",
        who,
        list(shops),
    )
    return {
        "entries": [dict(row) for row in entries],
        "claims": [{**row, "form": msgspec.json.decode(row["form"])} for row in claimed],
        "refusals": [dict(row) for row in refused],
    }


async def marks(connection: Connection, person: Person, shops: Sequence[str]) -> Person:
    """Entries that were drawn: the room saw their names, masked."""
    rows = await connection.fetch(
        """
        SELECT encode(entry_id, 'hex') AS entry_id, draw_id FROM draw_entry
          JOIN draw_pick USING (draw_id, entry_id) JOIN draw USING (draw_id)
         WHERE viewer_id = $1 AND shop_id = ANY($2)""",
        person.viewer_id,
        list(shops),
    )
    entries, draws = ([*old, *(row[name] for row in rows)] for name, old in
                      (("entry_id", person.entries), ("draw_id", person.draws)))  # fmt: skip
    return replace(person, entries=entries, draws=draws)


async def rooms(connection: Connection, person: Person, shops: Sequence[str]) -> list[str]:
    """Rooms of draws that go on with them: each may tell of them at any moment. What one told stands in a log."""
    rows = await connection.fetch(
        "SELECT DISTINCT room_id FROM draw_entry JOIN draw USING (draw_id) WHERE viewer_id = $1 AND shop_id = ANY($2)"
        " AND state IN ('open', 'closed', 'drawn')",
        person.viewer_id,
        list(shops),
    )
    return [row["room_id"] for row in rows]


async def erase(connection: Connection, person: Person, shops: Sequence[str]) -> None:
    """Take a person out: their entries stay, which proofs rest on, and lead to nobody any more."""
    bodies = await connection.fetch("SELECT draw_id, body::text FROM draw WHERE draw_id = ANY($1)", list(person.draws))
    for row in bodies:
        body = msgspec.json.encode(without(msgspec.json.decode(row["body"], type=Draw), person)).decode()
        await connection.execute("UPDATE draw SET body = $2::text::json WHERE draw_id = $1", row["draw_id"], body)
    await connection.execute(
        """
        DELETE FROM draw_claim USING draw_pick p, draw_entry e, draw d
         WHERE draw_claim.draw_id = p.draw_id AND draw_claim.place = p.place AND e.draw_id = p.draw_id
           AND e.entry_id = p.entry_id AND d.draw_id = e.draw_id AND e.viewer_id = $1 AND d.shop_id = ANY($2)""",
        person.viewer_id,
        list(shops),
    )
    await connection.execute(
        """
        UPDATE draw_entry SET pseudonym = NULL, viewer_id = NULL, name = NULL, key = NULL FROM draw d
         WHERE d.draw_id = draw_entry.draw_id AND viewer_id = $1 AND shop_id = ANY($2)""",
        person.viewer_id,
        list(shops),
    )
    await connection.execute(
        "DELETE FROM draw_refusal USING room WHERE room.room_id = draw_refusal.room_id AND pseudonym = $1"
        " AND shop_id = ANY($2)",
        person.pseudonym,
        list(shops),
    )
