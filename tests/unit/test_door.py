"""The door: whose comments are over the limit, and what a process shows alone while Redis is away."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livestream.bus import connect
from livestream.protocol.limits import Rate
from livestream.room.door import Asked, Door, _last_of_each
from livestream.room.sampling import Standing
from tests.support.ports import free_port


def by(authors: str, standing: Standing = Standing.REST) -> list[Asked]:
    return [Asked(author, standing) for author in authors]


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
    assert set(_last_of_each(by(authors), {author: (count, 7) for author, count in over.items()})) == refused


@given(st.text("abc", max_size=30), st.dictionaries(st.sampled_from("abc"), st.integers(0, 40)))
def test_as_many_are_refused_as_are_over_and_told_how_long_to_wait(authors: str, over: dict[str, int]) -> None:
    waits = {author: (count, ord(author)) for author, count in over.items()}
    refused = _last_of_each(by(authors), waits)
    assert all(wait == ord(authors[position]) for position, wait in refused.items())
    counts = Counter(authors[position] for position in refused)
    for author, count in Counter(authors).items():
        assert counts[author] == min(count, over.get(author, 0))


@pytest.fixture
async def alone() -> AsyncIterator[Door]:
    """A door without Redis: nobody listens there."""
    client = connect(f"redis://127.0.0.1:{free_port()}")
    yield Door(client, Rate(20, 1.0))
    await client.aclose()


async def granted(door: Door, room_id: str, per_s: float, asked: list[Asked]) -> int:
    return sum((await door.admit(room_id, per_s, 0, asked)).granted)


async def test_without_redis_nobody_is_refused_and_the_budget_is_the_processes_own(alone: Door) -> None:
    first = await alone.admit("room", 5.0, 0, by("a" * 100))
    assert (first.granted, first.refused) == ([0, 0, 0, 5], {})
    assert await granted(alone, "room", 5.0, by("a" * 100)) <= 1


async def test_without_redis_too_staff_and_what_is_not_shown_use_no_budget(alone: Door) -> None:
    assert await granted(alone, "room", 5.0, by("host" * 9, Standing.STAFF)) == 0
    assert await granted(alone, "room", 5.0, [Asked("a", Standing.REST, quiet=True)] * 9) == 0
    assert await granted(alone, "room", 5.0, [*by("h", Standing.STAFF), *by("ab")]) == 2


async def test_without_redis_too_buyers_find_what_the_rest_had_to_leave(alone: Door) -> None:
    assert await granted(alone, "room", 6.0, by("a" * 50)) == 6
    assert await granted(alone, "room", 6.0, by("b" * 50, Standing.BUYER)) >= 3


async def test_without_redis_each_room_has_its_own_budget_until_it_is_forgotten(alone: Door) -> None:
    assert await granted(alone, "one", 3.0, by("a" * 9)) == 3
    assert await granted(alone, "two", 4.0, by("a" * 9)) == 4
    alone.forget("one")
    assert await granted(alone, "one", 3.0, by("a" * 9)) == 3


async def test_a_room_that_shows_less_than_one_a_second_still_shows_its_first(alone: Door) -> None:
    assert await granted(alone, "slow", 0.2, by("a")) == 1
    assert await granted(alone, "slow", 0.2, by("a")) == 0
