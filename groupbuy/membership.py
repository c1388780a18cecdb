"""Membership: who joined a team, for draws that ask for it."""

from __future__ import annotations

from collections.abc import Sequence

from livestream.storage.pool import Connection


async def team_members(connection: Connection, room_id: str, people: Sequence[str], since_ms: int) -> set[str]:
    """Those (pseudonyms) who have taken a seat in a team of the room since then, and have not given it up."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT viewer FROM seat JOIN deal USING (deal_id)
         WHERE room_id = $1 AND viewer = ANY($2) AND seat.state <> 'released'
           AND joined_at >= to_timestamp($3::double precision / 1000)""",
        room_id,
        people,
        since_ms,
    )
    return {row["viewer"] for row in rows}
