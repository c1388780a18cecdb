"""Sampling: which of the comments that arrived together are shown. Pure.

A room shows a readable number a second. What the budget does not cover is
sampled out: archived, counted, but kept off the screens of others. Some of the
budget is kept back for those who matter more, so that they find some whenever
they speak:

    staff                   always shown, cost nothing
    buyers                  may use all of it
    questions               leave a third of the reserve to buyers
    first comment           leaves two thirds
    the rest                leave the reserve alone
"""

from __future__ import annotations

import enum
from collections.abc import Sequence


class Fate(enum.StrEnum):
    """What became of an accepted comment. accepted = the sum of these, to the unit."""

    SHOWN = "shown"
    SAMPLED_OUT = "sampled_out"
    COLLAPSED = "collapsed"
    HELD = "held"


class Standing(enum.IntEnum):
    """How much a comment matters, most first."""

    STAFF = 0
    BUYER = 1
    QUESTION = 2
    FIRST = 3  #: of its author in this show
    REST = 4


#: those that compete for the budget, in the order in which they are served
COMPETING = (Standing.BUYER, Standing.QUESTION, Standing.FIRST, Standing.REST)
#: share of the reserve that each leaves to those before it
LEAVES = {Standing.BUYER: 0.0, Standing.QUESTION: 1 / 3, Standing.FIRST: 2 / 3, Standing.REST: 1.0}


def reserve(per_s: float) -> float:
    """Tokens kept back for those who matter more."""
    return max(1.0, per_s / 2)


def most_saved(per_s: float) -> float:
    """Tokens a quiet room saves up: a second's worth for the rest, and the reserve."""
    return max(1.0, per_s) + reserve(per_s)


def grant(tokens: float, per_s: float, wants: Sequence[int]) -> list[int]:
    """Share tokens out. `door.lua` does the same over all processes.

    Args:
        wants: comments of each of `COMPETING`.

    Returns: how many of each are shown.
    """
    granted = []
    for standing, want in zip(COMPETING, wants, strict=True):
        count = max(0, min(want, int(tokens - LEAVES[standing] * reserve(per_s))))
        tokens -= count
        granted.append(count)
    return granted


def sample(standings: Sequence[Standing], granted: Sequence[int]) -> list[Fate]:
    """Give each comment its fate, in order; within a standing the first come are shown.

    Args:
        granted: how many of each of `COMPETING` may be shown.
    """
    left = {Standing.STAFF: len(standings), **dict(zip(COMPETING, granted, strict=True))}
    fates = []
    for standing in standings:
        left[standing] -= 1
        fates.append(Fate.SHOWN if left[standing] >= 0 else Fate.SAMPLED_OUT)
    return fates
