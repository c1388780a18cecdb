"""The door: whose comments are over the limit, and what a process shows alone while Redis is away."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livestream.bus import connect
from livestream.protocol.limits import Rate
from livestream.room.door import Door, _last_of_each
from tests.support.ports import free_port


@pytest.mark.parametrize(
    ("authors", "over", "refused"),
    [
        ("", {}, set()),
        ("abc", {}, set()),
        ("abab", {"a": 0, "b": 0}, set()),
        ("abab", {"a": 1}, {2}),
        ("aaaa", {"a": 3}, {1, 2, 3}),
        ("abcab", {"a": 1, "b": 2}, {1, 3, 4}),
    ],
)
def test_of_each_author_the_last_comments_are_over(authors: str, over: dict[str, int], refused: set[int]) -> None:
    assert _last_of_each(authors, over) == refused


@given(st.text("abc", max_size=30), st.dictionaries(st.sampled_from("abc"), st.integers(0, 40)))
def test_as_many_are_refused_as_are_over(authors: str, over: dict[str, int]) -> None:
    refused = Counter(authors[position] for position in _last_of_each(authors, over))
    for author, count in Counter(authors).items():
        assert refused[author] == min(count, over.get(author, 0))


@pytest.fixture
async def alone() -> AsyncIterator[Door]:
    """A door without Redis: nobody listens there."""
    client = connect(f"redis://127.0.0.1:{free_port()}")
    yield Door(client, Rate(20, 1.0))
    await client.aclose()


async def test_without_redis_nobody_is_refused_and_the_budget_is_the_processes_own(alone: Door) -> None:
    first = await alone.admit("room", 5.0, ["a"] * 100)
    assert (first.budget, first.refused) == (5, frozenset())
    assert (await alone.admit("room", 5.0, ["a"] * 100)).budget <= 1


async def test_without_redis_too_staff_use_no_budget(alone: Door) -> None:
    assert (await alone.admit("room", 5.0, ["host"] * 9, {"host"})).budget == 0
    assert (await alone.admit("room", 5.0, ["host", "a", "b"], {"host"})).budget == 2


async def test_without_redis_each_room_has_its_own_budget(alone: Door) -> None:
    assert (await alone.admit("one", 3.0, ["a"] * 9)).budget == 3
    assert (await alone.admit("two", 4.0, ["a"] * 9)).budget == 4


async def test_a_room_that_shows_less_than_one_a_second_still_shows_its_first(alone: Door) -> None:
    assert (await alone.admit("slow", 0.2, ["a"])).budget == 1
    assert (await alone.admit("slow", 0.2, ["a"])).budget == 0
