"""Membership: who joined a team, for draws that ask for it."""

from __future__ import annotations

from collections.abc import Sequence

from livestream.storage.pool import Connection

_FOR_EVER = 2**52  #: Unix ms, far within what Postgres knows


async def team_members(
    connection: Connection, room_id: str, people: Sequence[str], since_ms: int, until_ms: int = _FOR_EVER
) -> set[str]:
    """Those (pseudonyms) who took a seat in a team of the room in that time, and have not given it up."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT viewer FROM seat JOIN deal USING (deal_id)
         WHERE room_id = $1 AND viewer = ANY($2) AND seat.state <> 'released'
           AND joined_at >= to_timestamp($3::double precision / 1000)
           AND joined_at <= to_timestamp($4::double precision / 1000)""",
        room_id,
        people,
        since_ms,
        until_ms,
    )
    return {row["viewer"] for row in rows}
