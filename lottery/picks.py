"""Picks: which entries a seed draws, in order, each at most once. Pure.

A pick is weighted and without favour: of the 2^64 values those that would not divide evenly by the weight that is
left are thrown away and tried again.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence

_VALUES = 2**64


def picks(seed: bytes, weights: Sequence[int]) -> Iterator[int]:
    """Indexes of entries in the order drawn, until none is left: winners first, then reserves.

    `weights` stand in order of entry id, each 1 or more, together at most 2^64.

    Cost: O(n) at first, then O(log n) and about one HMAC a pick.
    """
    pool, left, counter = _Pool(weights), sum(weights), 0
    while left:
        value = int.from_bytes(hmac.digest(seed, b"pick" + counter.to_bytes(4, "big"), "sha256")[:8], "big")
        counter += 1
        if value >= _VALUES // left * left:
            continue
        index = pool.take(value % left)
        left -= weights[index]
        yield index


class _Pool:
    """Weights that are left, with their running sums in a Fenwick tree."""

    def __init__(self, weights: Sequence[int]) -> None:
        self._weights = weights
        self._tree = [0, *weights]
        for place in range(1, len(self._tree)):
            above = place + (place & -place)
            if above < len(self._tree):
                self._tree[above] += self._tree[place]
        self._top = 1 << len(weights).bit_length() >> 1

    def take(self, point: int) -> int:
        """Take out the first entry whose running sum exceeds `point`; its index."""
        place, step = 0, self._top
        while step:
            if place + step < len(self._tree) and self._tree[place + step] <= point:
                place += step
                point -= self._tree[place]
            step >>= 1
        index, gone = place, self._weights[place]
        place += 1
        while place < len(self._tree):
            self._tree[place] -= gone
            place += place & -place
        return index
