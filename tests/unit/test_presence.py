"""Presence: who counts, and when a process hands viewers over."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.presence import _LOOKS, Told, _fresh, lasting, surplus


@pytest.mark.parametrize(
    ("own", "counts", "handed"),
    [
        (0, [0, 0], 0),
        (100, [100, 100], 0),
        (120, [120, 80], 0),
        (149, [149, 51], 0),
        (150, [150, 50], 50),
        (1250, [1250, 750], 0),
        (1252, [1252, 748], 100),
        (10_000, [10_000, 0], 100),
        (0, [10_000, 0], 0),
    ],
)
def test_only_a_clear_surplus_is_handed_over_and_a_part_at_a_time(own: int, counts: list[int], handed: int) -> None:
    assert surplus(own, counts) == handed


@given(st.lists(st.integers(0, 20_000), min_size=2, max_size=8))
def test_rounds_of_handing_over_end_and_nobody_is_pushed_below_the_mean(counts: list[int]) -> None:
    mean = sum(counts) / len(counts)
    for _ in range(2000):
        handed = [surplus(own, counts) for own in counts]
        if not any(handed):
            break
        for index, count in enumerate(handed):
            if count:
                counts[index] -= count
                assert counts[index] >= mean - 1e-6
        for _ in range(sum(handed)):
            counts[counts.index(min(counts))] += 1
        mean = sum(counts) / len(counts)
    assert all(surplus(own, counts) == 0 for own in counts)


AGE = st.floats(0, 1.25)  #: how long ago the other told its number, in rounds: these are jittered


@given(st.integers(1, 3000), st.integers(1, 20), AGE)
def test_nobody_is_sent_away_because_many_come_everywhere(rate: int, rounds: int, age: float) -> None:
    """Two processes fill alike."""
    assert handed(lambda at: round(max(0, at) * rate), float(rounds), age) == 0


@given(st.integers(1, 20_000), st.floats(0.1, 5), st.floats(0, 1), st.floats(0, 9), AGE)
@example(held=1000, gone=1.9, left=0.0, since=3.0, age=1.2)
def test_nobody_is_sent_away_because_all_lines_broke_and_come_back(
    held: int, gone: float, left: float, since: float, age: float
) -> None:
    """Two processes lose the same and get it back `gone` rounds later."""
    assert handed(lambda at: round(held * left) if 0 <= at < gone else held, since, age) == 0


def looks(*counts: dict[str, int]) -> list[dict[str, Told]]:
    """One every two seconds, in each of which everybody told a new number."""
    return [{each: Told(count, 2 * at) for each, count in look.items()} for at, look in enumerate(counts)]


def test_what_lasts_is_handed_over() -> None:
    assert lasting(looks({"a": 300, "b": 100}, {"a": 290, "b": 90}, {"a": 310, "b": 120}), "a") == (290, [120])


def test_nobody_is_handed_to_a_process_that_just_appeared() -> None:
    seen = looks({"a": 300, "b": 100}, {"a": 300, "b": 100}, {"a": 300, "b": 100, "new": 0})
    assert lasting(seen, "a") == (300, [100])


def test_nobody_is_handed_to_a_process_that_fell_silent() -> None:
    seen = [{"a": Told(10_000, at), "dead": Told(5000, 0), "b": Told(9900, at)} for at in (0, 2, 4)]
    assert lasting(seen, "a") == (10_000, [9900])


def handed(held: Callable[[float], int], now: float, age: float) -> int:
    """How many are sent away by one of two processes that hold the same at each moment, in rounds. Each sees what the
    other held `age` ago.
    """
    seen = looks(*({"own": held(now + at), "other": held(now + at - age)} for at in range(1 - _LOOKS, 1)))
    own, others = lasting(seen, "own")
    return surplus(own, [own, *others])


def test_a_process_that_fell_silent_is_forgotten() -> None:
    table = {b"1": b"10:1000", b"2": b"20:993", b"3": b"30:992"}
    assert _fresh(table, 1000) == {"1": Told(10, 1000), "2": Told(20, 993)}
