"""Refusals: who was not let in, and why. Each is written down, by the transaction that refused, and read by staff."""

from __future__ import annotations

from collections.abc import Mapping

from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.http import DrawRefusal, DrawRefusals
from livestream.storage.pool import Connection

from .store import MS

_NEWEST = 2**62  #: ms; later than all


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


async def page(connection: Connection, room_id: str, draw_id: str, before: str | None, limit: int) -> DrawRefusals:
    """Refusals of a draw, those that began last first.

    Args:
        before: `next` of the page before.

    Raises:
        Refused: DRAW_NOT_FOUND.
    """
    total = await connection.fetchrow(
        """
        SELECT count(DISTINCT pseudonym) AS people, coalesce(sum(times), 0)::bigint AS times
          FROM draw d LEFT JOIN draw_refusal USING (room_id, draw_id)
         WHERE room_id = $1 AND draw_id = $2 GROUP BY draw_id""",
        room_id,
        draw_id,
    )
    if total is None:
        raise Refused(ErrorCode.DRAW_NOT_FOUND, draw_id[:64])
    at, who, code = _place(before)
    rows = await connection.fetch(
        f"""
        SELECT * FROM (
            SELECT pseudonym AS who, code, times, {MS.format("first_at")} AS first_at, {MS.format("last_at")} AS last_at
              FROM draw_refusal WHERE room_id = $1 AND draw_id = $2) AS refused
         WHERE (first_at, who, code) < ($3, $4, $5) ORDER BY first_at DESC, who DESC, code DESC LIMIT $6""",
        room_id,
        draw_id,
        at,
        who,
        code,
        limit + 1,
    )
    items = [DrawRefusal(**{**row, "code": ErrorCode(row["code"])}) for row in rows[:limit]]
    last = items[-1] if len(rows) > limit else None
    return DrawRefusals(
        items=items,
        next=None if last is None else f"{last.first_at} {last.who} {last.code}",
        people=total["people"],
        times=total["times"],
    )


def _place(before: str | None) -> tuple[int, str, str]:
    """Where a page begins; what is no place is the newest."""
    at, who, code = (*(before or "").split(" ", 2), "", "")[:3]
    return (min(int(at), _NEWEST), who, code) if at.isdecimal() else (_NEWEST, "", "")
