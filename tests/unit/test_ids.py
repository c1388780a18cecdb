"""Ids: they sort by time, never repeat, and never go back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livestream.ids import ALPHABET, LENGTH, IdMaker, encode

_MS = st.integers(min_value=0, max_value=2**43 - 1)


def test_an_id_is_thirteen_lower_case_characters() -> None:
    made = IdMaker(7).next(1_790_000_000_000)
    assert len(made) == LENGTH == 13
    assert set(made) <= set(ALPHABET)
    assert made == made.lower()


@given(st.lists(_MS, min_size=2, max_size=50))
def test_ids_of_one_process_rise_whatever_the_clock_does(clock: list[int]) -> None:
    ids = IdMaker(3)
    made = [ids.next(now_ms) for now_ms in clock]
    assert made == sorted(set(made))


@given(_MS, st.integers(0, 2047), st.integers(0, 2047))
def test_a_later_millisecond_sorts_later_whatever_the_process(now_ms: int, first: int, second: int) -> None:
    if now_ms + 1 < 2**43:
        assert IdMaker(first).next(now_ms) < IdMaker(second).next(now_ms + 1)


@given(_MS, st.integers(0, 2047), st.integers(0, 2047))
def test_two_processes_differ_within_one_millisecond(now_ms: int, first: int, second: int) -> None:
    if first != second:
        assert IdMaker(first).next(now_ms) != IdMaker(second).next(now_ms)


def test_a_full_millisecond_borrows_from_the_next() -> None:
    ids = IdMaker(0)
    made = [ids.next(1000) for _ in range(5000)]
    assert made == sorted(set(made))
    assert IdMaker(0).next(1000) <= made[-1] < IdMaker(0).next(1003)


@given(st.integers(0, 2**65 - 1), st.integers(0, 2**65 - 1))
def test_the_encoding_keeps_the_order_of_numbers(first: int, second: int) -> None:
    assert (first < second) == (encode(first) < encode(second))
