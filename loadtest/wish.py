"""Wish: what was asked for, and to whom it is told how it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .result import Collected, Second
from .scenario import Scenario
from .target import Target


class RunError(Exception):
    """It could not be played."""


@dataclass(slots=True)
class Wish:
    """One scenario against one target."""

    scenario: Scenario
    target: Target
    real_room: str = ""
    workers: int = 0  #: 0: by the number of viewers
    settle_s: float = 15.0  #: at the end, for everyone to know all of the log
    patience_s: float = 150.0  #: before that, for teams to end and money to arrive; a team lives a minute at least
    keep: bool = False  #: the rehearsal stays
    server_pid: int | None = None
    settings: dict[str, str] = field(default_factory=dict)  #: what to write down with the result
    rate: float = 1.0  #: by which the scenario's rates were multiplied; to write down
    time: float = 1.0  #: and its lengths


@dataclass(slots=True)
class Progress:
    """For the live view."""

    say: Callable[[str], None]
    on_second: Callable[[Second, Collected], None]
