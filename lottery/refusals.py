"""Refusals: who was not let in, and why. Each is written down, by the transaction that refused."""

from __future__ import annotations

from collections.abc import Mapping

from livestream.storage.pool import Connection


async def record(tx: Connection, room_id: str, refused: Mapping[tuple[str, str, str], int]) -> None:
    """Count refusals, by draw, pseudonym and code. Of draws that never were, nothing is kept."""
    if not refused:
        return
    keys = sorted(refused)
    await tx.execute(
        """
        INSERT INTO draw_refusal (room_id, draw_id, pseudonym, code, times)
        SELECT $1, r.* FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS r (draw_id, who, code, times)
         WHERE EXISTS (SELECT FROM draw WHERE draw.draw_id = r.draw_id)
            ON CONFLICT (room_id, draw_id, pseudonym, code)
            DO UPDATE SET times = draw_refusal.times + excluded.times, last_at = clock_timestamp()""",
        room_id,
        [draw_id for draw_id, _, _ in keys],
        [who for _, who, _ in keys],
        [code for _, _, code in keys],
        [refused[key] for key in keys],
    )
