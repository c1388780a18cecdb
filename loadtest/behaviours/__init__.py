"""Behaviours: what viewers and the host do, by name. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from .base import Behaviour
from .comment import Comment
from .like import Like
from .say import Say

BEHAVIOURS: dict[str, type[Behaviour]] = {each.name: each for each in (Comment, Like, Say)}


def options_of(name: str, given: dict[str, Any]) -> Any:
    """A behaviour's options, checked.

    Raises:
        msgspec.ValidationError
    """
    return msgspec.convert(given, BEHAVIOURS[name].options)
