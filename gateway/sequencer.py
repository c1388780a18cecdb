"""Sequencer: puts numbered items that arrive in any order into theirs. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar


class Numbered(Protocol):
    @property
    def seq(self) -> int: ...


Item = TypeVar("Item", bound=Numbered)


class Sequencer(Generic[Item]):
    """Hands items out by seq, each once, none skipped. What is early waits here."""

    __slots__ = ("_early", "top")

    def __init__(self, top: int) -> None:
        self.top = top  #: the last one handed out
        self._early: dict[int, Item] = {}

    def push(self, items: Iterable[Item]) -> list[Item]:
        """Take items; returns those whose turn has come, in order. Known ones are ignored."""
        ready = []
        for item in items:
            if item.seq > self.top:
                self._early[item.seq] = item
        while (item := self._early.pop(self.top + 1, None)) is not None:  # type: ignore[assignment]
            ready.append(item)
            self.top += 1
        return ready

    def skip_to(self, top: int) -> list[Item]:
        """All up to there is known by other means; returns those whose turn has come by that."""
        if top > self.top:
            self._early = {seq: item for seq, item in self._early.items() if seq > top}
            self.top = top
        return self.push(())

    @property
    def gap(self) -> bool:
        """Something is here that cannot go out, since one before it is missing."""
        return bool(self._early)
