"""Oracles: what must hold whatever the speed."""

from __future__ import annotations

from .answers import Answers
from .base import Evidence, Finding, Oracle, Source
from .comments import Comments
from .deals import Deals
from .draws import Draws
from .room_log import RoomLog

ORACLES: tuple[Oracle, ...] = (RoomLog(), Comments(), Deals(), Draws(), Answers())

__all__ = ["ORACLES", "Evidence", "Finding", "Oracle", "Source"]
