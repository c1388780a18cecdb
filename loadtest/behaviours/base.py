"""Behaviour: one thing that people do, as a module of its own. Pure: time and dice are arguments.

A new one is a class here, a line in `behaviours/__init__.py`, and an oracle
that judges what it wrote down:

    learn     what the room said: is a draw open, which teams need one more?
    may       can this viewer do it at all, as things stand?
    command   what this viewer sends now, or None: there is nothing to do
    seen      the due time that an event carries, for the time from due to seen
    answered  what follows from a reply: facts for the oracles, and what people do next
    hears     the same, of what a viewer alone is told
    refusal   was it refused? A comment may be accepted, and be no entry
    late      what a refusal was about that says that others were quicker
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from livestream.protocol.commands import Command
from livestream.protocol.errors import ErrorCode
from livestream.protocol.events import Event
from livestream.protocol.pushes import AnyPush
from livestream.protocol.replies import AnyReply, Error

from ..dice import Dice

_MARK = re.compile(r" #(\d{6,20})$")


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a scenario may set. None, unless a behaviour has its own."""


@dataclass(slots=True)
class Who:
    """What a behaviour knows of the viewer who acts."""

    number: int
    name: str
    signed_in: bool
    memory: dict[str, Any] = field(default_factory=dict)  #: a behaviour's own, by its name


@dataclass(frozen=True, slots=True)
class Task:
    """One action that is due."""

    ref: int
    key: str
    due_us: int  #: on the clock that all processes of this machine share
    random: Dice
    options: Any
    about: Any = None  #: what a `Then` was about


@dataclass(frozen=True, slots=True)
class Noted:
    """A fact for the oracles."""

    kind: str
    values: list[Any]


@dataclass(frozen=True, slots=True)
class Timed:
    """Something was due then, and is there now."""

    metric: str
    due_us: int


@dataclass(frozen=True, slots=True)
class Then:
    """Something that people do next, so much later."""

    seconds: float
    do: str  #: a behaviour
    options: Any
    about: Any
    by_other: bool = False  #: by anybody else who can: an invite is passed on


@dataclass(frozen=True, slots=True)
class Visit:
    """A page elsewhere on which this viewer presses a button."""

    name: str  #: of its time, and of the note when it is done
    url: str
    form: dict[str, str]
    due_us: int
    about: list[Any]


Outcome = Noted | Timed | Then | Visit


class Behaviour:
    """See above. One object a process.

    Args:
        sentences: what people write.
    """

    name: ClassVar[str]
    options: ClassVar[type[Options]] = Options
    needs_token: ClassVar[bool] = False  #: anonymous viewers never do it
    scheduled: ClassVar[bool] = True  #: false: it follows from another one
    repeats: ClassVar[bool] = False  #: it may be sent again without a key: twice is once
    #: refusals that belong to it: others were quicker. An oracle says whether it was so
    races: ClassVar[frozenset[ErrorCode]] = frozenset()

    def __init__(self, sentences: list[str]) -> None:
        self.sentences = sentences

    def learn(self, push: AnyPush) -> None:
        """The room said something. Called once a process and kind of frame, not once a viewer."""

    def may(self, who: Who) -> bool:
        return True

    def command(self, who: Who, task: Task) -> Command | None:
        raise NotImplementedError

    def seen(self, event: Event) -> int | None:
        """When what caused this event was due; None: it is not this behaviour's."""
        return None

    def refusal(self, reply: AnyReply) -> ErrorCode | None:
        """Why it came to nothing; None: it was done."""
        return reply.code if isinstance(reply, Error) else None

    def late(self, who: Who, command: Command, task: Task) -> list[object]:
        """What a refusal among `races` was about, for the oracle: ids of the deal or draw, the team, the seat."""
        return []

    def answered(self, who: Who, command: Command, reply: AnyReply, task: Task) -> Iterable[Outcome]:
        """What follows from the reply. Error replies come, too."""
        return ()

    def hears(self, who: Who, push: AnyPush, random: Dice) -> Iterable[Outcome]:
        """What follows from a notice, or from one's own standing told after a join."""
        return ()


def marked(text: str, due_us: int) -> str:
    """A text that carries when it was due."""
    return f"{text} #{due_us}"


def mark_of(text: str) -> int | None:
    """When a text was due; None: it carries no mark."""
    found = _MARK.search(text)
    return int(found[1]) if found else None


def between(pair: tuple[float, float], random: Dice) -> float:
    """Seconds from and to."""
    return pair[0] + (pair[1] - pair[0]) * random.random()
