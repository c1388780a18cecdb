"""DrawHooks: what a shop's server is told of lucky draws, as `data` of its webhooks. Docs follow from these."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from . import types
from .commands import ClaimForm
from .draws import DrawId, PassedWhy


class DrawHook(msgspec.Struct, frozen=True, kw_only=True):
    """What every webhook of a draw says."""

    kind: ClassVar[str]

    draw: DrawId  #: our id of the draw
    room: types.RoomId  #: our id of the room
    title: str  #: what the draw is called


class DrawOpenedHook(DrawHook, frozen=True):
    """It takes entries, and its rules stand"""

    kind = "draw.opened"


class DrawCancelledHook(DrawHook, frozen=True):
    """It was called off before it closed"""

    kind = "draw.cancelled"
    why: str  #: the reason that everybody reads; of a prize: `unclaimed`, `declined`, `disqualified`


class DrawVoidHook(DrawHook, frozen=True):
    """It closed and nobody wins: its list of entries was late, or a secret was not revealed"""

    kind = "draw.void"
    why: str  #: the reason that everybody reads; of a prize: `unclaimed`, `declined`, `disqualified`


class HookWinner(msgspec.Struct, frozen=True, kw_only=True):
    """Who has a prize."""

    prize: int  #: its place in the rules, from 0
    prize_name: str  #: its tier and what is won
    entry: str  #: as the proof has it
    viewer: str | None  #: your own id of the winner; null once the person was erased
    claim_until: types.Millis  #: then the prize goes to the next reserve


class DrawDrawnHook(DrawHook, frozen=True):
    """The winners are known"""

    kind = "draw.drawn"
    winners: list[HookWinner]  #: in the order of the prizes; fields as below


class DrawClaimedHook(DrawHook, frozen=True):
    """A winner said where the prize goes: **send it**"""

    kind = "draw.claimed"
    prize: int  #: its place in the rules, from 0
    prize_name: str  #: its tier and what is won
    viewer: str | None  #: your own id of the winner; null once the person was erased
    form: ClaimForm | None  #: `name`, and if filled in `address`, `email`, `phone`, `note`; null once deleted
    delete_at: types.Millis  #: when the form is deleted here, and should be at yours


class DrawPassedOnHook(DrawHook, frozen=True):
    """A prize went on to the next reserve"""

    kind = "draw.passed_on"
    winner: HookWinner  #: who has it now; fields as below
    why: PassedWhy  #: the reason that everybody reads; of a prize: `unclaimed`, `declined`, `disqualified`


class DrawPrizeLapsedHook(DrawHook, frozen=True):
    """A prize was taken from who had it, and no reserve is left: nobody has it"""

    kind = "draw.prize_lapsed"
    prize: int  #: its place in the rules, from 0
    prize_name: str  #: its tier and what is won
    why: PassedWhy  #: the reason that everybody reads; of a prize: `unclaimed`, `declined`, `disqualified`


class DrawSettledHook(DrawHook, frozen=True):
    """Every prize is handed over, claimed and its claim time over, or nobody's: nothing moves any more"""

    kind = "draw.settled"


DRAW_HOOKS: tuple[type[DrawHook], ...] = (
    DrawOpenedHook,
    DrawCancelledHook,
    DrawVoidHook,
    DrawDrawnHook,
    DrawClaimedHook,
    DrawPassedOnHook,
    DrawPrizeLapsedHook,
    DrawSettledHook,
)
