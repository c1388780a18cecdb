"""Dice: what pure modules take of a random number generator, as an argument. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

_T = TypeVar("_T")


class Dice(Protocol):
    """`random.Random` is one."""

    def random(self) -> float: ...
    def randint(self, a: int, b: int) -> int: ...
    def expovariate(self, lambd: float) -> float: ...
    def choice(self, seq: Sequence[_T]) -> _T: ...
