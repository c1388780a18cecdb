"""Sampling: each comment has one fate; who is shown follows rank and order."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livestream.room.sampling import COMPETING, Fate, Standing, grant, most_saved, reserve, sample

STANDINGS = st.lists(st.sampled_from(Standing), max_size=60)
WANTS = st.lists(st.integers(0, 50), min_size=4, max_size=4)
RATE = st.floats(0.1, 100)


@given(STANDINGS, WANTS)
def test_fates_sum_to_the_comments_to_the_unit(standings: list[Standing], granted: list[int]) -> None:
    fates = Counter(sample(standings, granted))
    assert fates[Fate.SHOWN] + fates[Fate.SAMPLED_OUT] == len(standings)


@given(STANDINGS, WANTS)
def test_staff_are_always_shown_and_of_the_others_as_many_as_granted(
    standings: list[Standing], granted: list[int]
) -> None:
    fates = sample(standings, granted)
    for standing, count in [(Standing.STAFF, len(standings)), *zip(COMPETING, granted, strict=True)]:
        own = [fate for each, fate in zip(standings, fates, strict=True) if each is standing]
        assert own.count(Fate.SHOWN) == min(count, len(own))
        assert own == sorted(own, key=[Fate.SHOWN, Fate.SAMPLED_OUT].index), "first come, first shown"


@given(st.floats(0, 300), RATE, WANTS)
def test_nobody_gets_more_than_they_want_nor_all_together_more_than_there_is(
    tokens: float, per_s: float, wants: list[int]
) -> None:
    granted = grant(tokens, per_s, wants)
    assert all(0 <= got <= want for got, want in zip(granted, wants, strict=True))
    assert sum(granted) <= tokens


@given(RATE)
def test_a_flood_of_the_rest_leaves_the_reserve_to_those_who_matter_more(per_s: float) -> None:
    left = most_saved(per_s) - sum(grant(most_saved(per_s), per_s, [0, 0, 0, 1000]))
    assert left >= reserve(per_s)
    assert sum(grant(left, per_s, [1000, 0, 0, 0])) >= 1


@given(RATE)
def test_a_quiet_room_shows_the_first_of_anybody(per_s: float) -> None:
    for place in range(4):
        wants = [0, 0, 0, 0]
        wants[place] = 1
        assert grant(most_saved(per_s), per_s, wants) == wants


@pytest.mark.parametrize(
    ("standings", "granted", "shown"),
    [
        ("", (5, 5, 5, 5), ""),
        ("rrr", (0, 0, 0, 0), "..."),
        ("rrr", (0, 0, 0, 2), "ss."),
        ("rsr", (0, 0, 0, 1), "ss."),
        ("sss", (0, 0, 0, 0), "sss"),
        ("rbqf", (1, 1, 0, 0), ".ss."),
    ],
)
def test_examples(standings: str, granted: tuple[int, ...], shown: str) -> None:
    by_letter = {standing.name[0].lower(): standing for standing in Standing}
    fates = sample([by_letter[letter] for letter in standings], granted)
    assert "".join("s" if fate is Fate.SHOWN else "." for fate in fates) == shown
