"""IdMaker: ids that sort by time and differ between processes. Pure: the time is an argument."""

from __future__ import annotations

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # no i, l, o, u: they are misread
LENGTH = 13
_PROCESS_BITS = 11
_COUNTER_BITS = 11
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_TRIPLES = [first + pair for first in ALPHABET for pair in _PAIRS]


class IdMaker:
    """13 characters: 43 bits of Unix ms, 11 of process number, 11 of a counter within the ms.

    Never goes back, even when the clock does; a full ms borrows from the next.
    """

    def __init__(self, process_number: int) -> None:
        self._process = process_number % (1 << _PROCESS_BITS)
        self._ms = 0
        self._count = 0

    def next(self, now_ms: int) -> str:
        """A new id."""
        if now_ms > self._ms:
            self._ms, self._count = now_ms, 0
        else:
            self._count += 1
            if self._count >> _COUNTER_BITS:
                self._ms, self._count = self._ms + 1, 0
        number = (self._ms << _PROCESS_BITS | self._process) << _COUNTER_BITS | self._count
        return encode(number)


def first_of(ms: int) -> str:
    """The least id of a millisecond: ids made before it are less."""
    return encode(ms << _PROCESS_BITS + _COUNTER_BITS)


def encode(number: int) -> str:
    """65 bits as 13 characters, in the order of the numbers."""
    return "".join([_TRIPLES[number >> 50], *[_PAIRS[number >> shift & 1023] for shift in (40, 30, 20, 10, 0)]])
