"""Sampling: each comment has one fate; who is shown follows rank and order."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livestream.protocol.roles import STAFF, Role
from livestream.room.sampling import Fate, sample

ROLES = st.lists(st.sampled_from(Role), max_size=60)


@given(ROLES, st.integers(0, 80))
def test_fates_sum_to_the_comments_to_the_unit(roles: list[Role], budget: int) -> None:
    fates = Counter(sample(roles, budget))
    assert sum(fates.values()) == len(roles)
    assert fates[Fate.SHOWN] + fates[Fate.SAMPLED_OUT] == len(roles)


@given(ROLES, st.integers(0, 80))
def test_staff_are_always_shown_and_cost_nothing(roles: list[Role], budget: int) -> None:
    fates = sample(roles, budget)
    others = [fate for role, fate in zip(roles, fates, strict=True) if role not in STAFF]
    assert all(fate is Fate.SHOWN for role, fate in zip(roles, fates, strict=True) if role in STAFF)
    assert others.count(Fate.SHOWN) == min(budget, len(others))


@given(ROLES, st.integers(0, 80))
def test_among_viewers_the_first_are_shown(roles: list[Role], budget: int) -> None:
    others = [fate for role, fate in zip(roles, sample(roles, budget), strict=True) if role not in STAFF]
    assert others == sorted(others, key=[Fate.SHOWN, Fate.SAMPLED_OUT].index)


@pytest.mark.parametrize(
    ("roles", "budget", "shown"),
    [
        ("", 5, ""),
        ("vvv", 0, "..."),
        ("vvv", 2, "ss."),
        ("vhv", 1, "ss."),
        ("hmo", 0, "sss"),
        ("avav", 3, "sss."),
    ],
)
def test_examples(roles: str, budget: int, shown: str) -> None:
    by_letter = {role.value[0]: role for role in Role}
    fates = sample([by_letter[letter] for letter in roles], budget)
    assert "".join("s" if fate is Fate.SHOWN else "." for fate in fates) == shown
