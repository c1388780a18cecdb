"""Gauges: units left and seats free of deals, counted by Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livestream.storage.pool import Connection


@dataclass(frozen=True, slots=True)
class Gauges:
    """Of one deal."""

    deal_id: str
    left: int  #: units
    seats: int  #: free ones, of teams that form

    def values(self) -> dict[str, int]:
        """As the gauge lane has them."""
        return {f"deal_{self.deal_id}_left": self.left, f"deal_{self.deal_id}_seats": self.seats}


async def read(connection: Connection, deal_ids: Sequence[str]) -> dict[str, Gauges]:
    """By deal; one that is no more is left out."""
    rows = await connection.fetch(
        """
        SELECT deal_id, free, (SELECT coalesce(sum(size - held - paid - waived), 0)::bigint FROM team
                                WHERE team.deal_id = s.deal_id AND state = 'forming') AS seats
          FROM deal_stock s WHERE deal_id = ANY($1)""",
        deal_ids,
    )
    return {row["deal_id"]: Gauges(row["deal_id"], row["free"], row["seats"]) for row in rows}
