"""Oracles: what must hold whatever the speed."""

from __future__ import annotations

from .answers import Answers
from .base import Evidence, Finding, Oracle
from .comments import Comments
from .room_log import RoomLog

ORACLES: tuple[Oracle, ...] = (RoomLog(), Comments(), Answers())

__all__ = ["ORACLES", "Evidence", "Finding", "Oracle"]
