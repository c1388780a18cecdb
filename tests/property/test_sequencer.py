"""Sequencer: any order, any repeats, any cut into messages: each item once, in order."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from gateway.sequencer import Sequencer
from livestream.storage.roomlog import Logged


@given(
    st.integers(0, 10**6),
    st.integers(0, 60),
    st.lists(st.integers(0, 59), max_size=80),
    st.randoms(use_true_random=False),
)
def test_each_item_once_in_order_whatever_comes_when(
    top: int, count: int, repeats: list[int], chance: random.Random
) -> None:
    numbers = list(range(count)) + [number for number in repeats if number < count]
    chance.shuffle(numbers)
    sequencer: Sequencer[Logged] = Sequencer(top)
    handed: list[int] = []
    seen: set[int] = set()
    while numbers:
        size = chance.randint(1, 5)
        part, numbers = numbers[:size], numbers[size:]
        handed += [item.seq for item in sequencer.push([Logged(top + 1 + n, 0, b"{}") for n in part])]
        seen |= {top + 1 + n for n in part}
        reached = next(n for n in range(top + 1, top + count + 2) if n not in seen) - 1
        assert handed == list(range(top + 1, reached + 1))
        assert sequencer.top == reached
        assert sequencer.gap == any(seq > reached for seq in seen)
    assert handed == list(range(top + 1, top + 1 + count))
    assert not sequencer.gap
