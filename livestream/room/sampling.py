"""Sampling: which of the comments that arrived together are shown. Pure.

A room shows a readable number a second. What the budget does not cover is
sampled out: archived, counted, but kept off the screens of others.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from livestream.protocol.roles import STAFF, Role


class Fate(enum.StrEnum):
    """What became of an accepted comment. accepted = the sum of these, to the unit."""

    SHOWN = "shown"
    SAMPLED_OUT = "sampled_out"
    COLLAPSED = "collapsed"
    HELD = "held"


def sample(roles: Sequence[Role], budget: int) -> list[Fate]:
    """Give each comment its fate, in order: staff are always shown and cost no budget, then first come.

    Args:
        roles: of the authors.
        budget: how many of the others may be shown.
    """
    fates = []
    for role in roles:
        if role in STAFF:
            fates.append(Fate.SHOWN)
        elif budget > 0:
            budget -= 1
            fates.append(Fate.SHOWN)
        else:
            fates.append(Fate.SAMPLED_OUT)
    return fates
