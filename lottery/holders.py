"""Holders: who has which prize of a draw, and what may still become of it. Judged under the draw's lock."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from livestream.protocol.draws import DrawState, YourPrizeClaimed
from livestream.protocol.errors import ErrorCode, Refused
from livestream.storage.pool import Connection

from .publish import prize_name
from .store import MS, Held


@dataclass(frozen=True, slots=True)
class Holder:
    """An entry, with the prize that it has or had."""

    entry_id: str
    pseudonym: str | None  #: None: erased
    place: int
    prize: int
    late: bool  #: its claim time is over
    claimed: bool
    handed: bool  #: the shop says that they have it
    gone: bool  #: it went on
    delete_at: int | None  #: of what they wrote, Unix ms


_HOLDER = f"""
SELECT encode(entry_id, 'hex') AS entry_id, pseudonym, place, prize,
       claim_until <= to_timestamp($2::bigint / 1000.0) AS late, claimed_at IS NOT NULL AS claimed,
       handed_at IS NOT NULL AS handed, lapsed_at IS NOT NULL AS gone, {MS.format("delete_at")} AS delete_at
  FROM draw_pick JOIN draw_entry USING (draw_id, entry_id) LEFT JOIN draw_claim USING (draw_id, place)
 WHERE draw_id = $1 AND prize IS NOT NULL"""


async def of_viewer(tx: Connection, held: Held, viewer_id: str | None) -> Holder:
    """Raises:
    Refused: NOT_A_WINNER.
    """
    return _holder(await tx.fetchrow(f"{_HOLDER} AND viewer_id = $3", held.draw.id, held.now_ms, viewer_id))


async def of_prize(tx: Connection, held: Held, prize: int) -> Holder:
    """Who has it now, or had it last.

    Raises:
        Refused: NOT_A_WINNER, nobody ever had it.
    """
    number = min(prize, 2**31 - 1)
    row = await tx.fetchrow(f"{_HOLDER} AND prize = $3 ORDER BY place DESC LIMIT 1", held.draw.id, held.now_ms, number)
    return _holder(row)


def _holder(row: asyncpg.Record | None) -> Holder:
    if row is None:
        raise Refused(ErrorCode.NOT_A_WINNER)
    return Holder(**row)


def require_open(held: Held, holder: Holder) -> None:
    """A prize may go on: its draw is not settled, and it is neither in the winner's hands nor with somebody else.

    Raises:
        Refused: DRAW_STATE, CLAIM_LATE, CLAIMED.
    """
    if held.draw.state is not DrawState.DRAWN:
        raise Refused(ErrorCode.DRAW_STATE, f"it is {held.draw.state}")
    if holder.gone or (holder.late and not holder.claimed):
        raise Refused(ErrorCode.CLAIM_LATE)
    _require_not_handed(holder)


def _require_not_handed(holder: Holder) -> None:
    if holder.handed:
        raise Refused(ErrorCode.CLAIMED)


def require_unclaimed(holder: Holder) -> None:
    """Raises:
    Refused: CLAIMED, CLAIM_LATE.
    """
    if holder.claimed:
        raise Refused(ErrorCode.CLAIMED)
    if holder.gone or holder.late:
        raise Refused(ErrorCode.CLAIM_LATE)


async def hand_over(tx: Connection, held: Held, holder: Holder) -> tuple[str, YourPrizeClaimed] | None:
    """The shop says that the winner has it; returns what the winner is told.

    A prize that was claimed may be sent when its draw is long settled.

    Raises:
        Refused: DRAW_STATE, CLAIM_LATE, CLAIMED.
    """
    if held.draw.state is DrawState.SETTLED and holder.claimed:
        _require_not_handed(holder)
    else:
        require_open(held, holder)
    await tx.execute(
        """
        UPDATE draw_pick SET claimed_at = coalesce(claimed_at, to_timestamp($3::bigint / 1000.0)),
               handed_at = to_timestamp($3::bigint / 1000.0) WHERE draw_id = $1 AND place = $2""",
        held.draw.id,
        holder.place,
        held.now_ms,
    )
    return claimed(held, holder, holder.delete_at)


def claimed(held: Held, holder: Holder, delete_at: int | None) -> tuple[str, YourPrizeClaimed] | None:
    """What the winner is told; None: they were erased."""
    if holder.pseudonym is None:
        return None
    title = prize_name(held.open_rules, holder.prize)
    return holder.pseudonym, YourPrizeClaimed(
        draw=held.draw.id, title=held.draw.title, prize=holder.prize, prize_title=title, delete_at=delete_at
    )
