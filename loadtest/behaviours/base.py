"""Behaviour: one thing that people do, as a module of its own. Pure: time and dice are arguments.

A new one (entering a draw, joining a team) is a class here, a line in
`behaviours/__init__.py`, and an oracle that judges what it wrote down:

    learn    what the room said: is a draw open, which teams need one more?
    command  what this viewer sends now, or None: there is nothing to do
    seen     the due time that an event carries, for the time from due to seen
    note     what to write down of a command and its reply, for the oracles
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from livestream.protocol.commands import Command
from livestream.protocol.events import Event
from livestream.protocol.pushes import AnyPush
from livestream.protocol.replies import AnyReply

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


class Behaviour:
    """See above. One object a process.

    Args:
        sentences: what people write.
    """

    name: ClassVar[str]
    options: ClassVar[type[Options]] = Options
    needs_token: ClassVar[bool] = False  #: anonymous viewers never do it

    def __init__(self, sentences: list[str]) -> None:
        self.sentences = sentences

    def learn(self, push: AnyPush) -> None:
        """The room said something. Called once a process, not once a viewer."""

    def command(self, who: Who, task: Task) -> Command | None:
        raise NotImplementedError

    def seen(self, event: Event) -> int | None:
        """When what caused this event was due; None: it is not this behaviour's."""
        return None

    def note(self, command: Command, reply: AnyReply) -> list[Any] | None:
        """What the oracles need to know. Error replies come, too."""
        return None


def marked(text: str, due_us: int) -> str:
    """A text that carries when it was due."""
    return f"{text} #{due_us}"


def mark_of(text: str) -> int | None:
    """When a text was due; None: it carries no mark."""
    found = _MARK.search(text)
    return int(found[1]) if found else None
