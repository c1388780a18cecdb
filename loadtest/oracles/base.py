"""Oracle: judges one promise from what viewers saw and what can be read afterwards.

A new promise is a class here and a line in `oracles/__init__.py`. `read` may
ask the server, or run a command, when all is over; `judge` is pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import msgspec

from ..messages import Account


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What an oracle says of one promise."""

    name: str
    ok: bool | None  #: None: nothing could be said
    text: str
    examples: list[str] = []


class Source(Protocol):
    """Where reads come from: the room of the run."""

    async def log(self) -> list[dict[str, Any]]: ...
    async def comments(self) -> list[dict[str, Any]]: ...
    async def deals(self) -> list[dict[str, Any]]: ...
    async def teams(self, deal: str) -> list[dict[str, Any]]: ...
    async def orders(self, deal: str) -> list[dict[str, Any]]: ...
    async def settlement(self, deal: str) -> list[dict[str, str]]: ...
    async def seats(self, viewer: int) -> list[dict[str, Any]]: ...
    async def draws(self) -> list[dict[str, Any]]: ...
    async def proof(self, draw: str) -> bytes: ...
    async def claims(self, draw: str) -> list[dict[str, str]]: ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """What all workers saw."""

    accounts: list[Account]
    faults: bool = False  #: something was broken on purpose: best effort may have lost
    rehearsal: bool = True  #: nobody but us was there; a real room has others, and a past that is not judged
    cut_short: bool = False  #: it was ended before its end: what is under way then says nothing

    def total(self, name: str) -> int:
        return sum(int(getattr(account, name)) for account in self.accounts)

    def notes(self, behaviour: str) -> list[list[Any]]:
        return [note for account in self.accounts for note in account.notes.get(behaviour, [])]

    @property
    def uncertain(self) -> int:
        """Commands that may have been done without our knowing."""
        return self.total("unknown") + self.total("unanswered")

    def of_us(self, *kinds: str) -> set[str] | None:
        """Ids of what this run made, was refused, or noted first in notes of these kinds; None, in a rehearsal: all."""
        if self.rehearsal:
            return None
        refused = {str(note[4]) for note in self.notes("too_late")}
        return refused | {str(note[0]) for kind in ("made", *kinds) for note in self.notes(kind)}

    def merged(self, name: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for account in self.accounts:
            for key, count in getattr(account, name).items():
                found[key] = found.get(key, 0) + count
        return found

    def told(self, *words: str) -> list[str]:
        """Examples that workers gave with one of these words."""
        return [each for account in self.accounts for each in account.examples if any(word in each for word in words)]


class Oracle:
    """See above."""

    name: ClassVar[str]

    async def under_way(self, source: Source) -> str:
        """What is not decided yet and will be by itself; empty: nothing. Asked again and again before the end."""
        return ""

    async def read(self, source: Source, evidence: Evidence) -> Any:
        """What to ask when all is over."""
        return None

    def judge(self, evidence: Evidence, read: Any) -> list[Finding]:
        raise NotImplementedError
