"""Behaviours: what viewers and the host do, by name. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from .base import Behaviour
from .claim import Claim
from .comment import Comment
from .enter import Enter
from .join_team import JoinTeam
from .leave_team import LeaveTeam
from .like import Like
from .open_team import OpenTeam
from .pay_seat import PaySeat
from .say import Say

BEHAVIOURS: dict[str, type[Behaviour]] = {
    each.name: each for each in (Comment, Like, Say, Enter, Claim, OpenTeam, JoinTeam, PaySeat, LeaveTeam)
}


def options_of(name: str, given: dict[str, Any]) -> Any:
    """A behaviour's options, checked.

    Raises:
        msgspec.ValidationError
    """
    return msgspec.convert(given, BEHAVIOURS[name].options)
