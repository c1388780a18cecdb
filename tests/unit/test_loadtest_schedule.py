"""The schedule: rates, ramps, spikes and arrivals are as they were asked for, whatever the server does."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.scenario import Action, Spike
from loadtest.schedule import Rate, due, least_present, rate_of, spread, steady
from loadtest.shelf import load


def test_as_many_are_due_as_the_rate_says() -> None:
    found = list(due(Rate(50, 50, 100), Random(1)))
    assert len(found) == pytest.approx(5000, rel=0.05)
    assert found == sorted(found)
    assert 0 <= found[0] <= found[-1] < 100


def test_a_ramp_rises_evenly() -> None:
    found = list(due(Rate(0, 100, 100), Random(1)))
    first, second = (sum(low <= at < low + 50 for at in found) for low in (0, 50))
    assert first == pytest.approx(1250, rel=0.1)
    assert second == pytest.approx(3750, rel=0.1)


def test_a_spike_multiplies_the_rate_while_it_lasts() -> None:
    rate = Rate(10, 10, 100, spike_at_s=40, spike_s=10, spike_times=5)
    found = list(due(rate, Random(1)))
    assert sum(40 <= at < 50 for at in found) == pytest.approx(500, rel=0.15)
    assert len(found) == pytest.approx(900 + 500, rel=0.1)


@given(
    shares=st.lists(st.floats(0.1, 1), min_size=1, max_size=6),
    per_s=st.floats(1, 100),
    viewers=st.integers(10, 1000),
)
def test_the_shares_of_all_workers_are_the_whole_rate(shares: list[float], per_s: float, viewers: int) -> None:
    whole = sum(shares)
    for action in (Action(do="comment", per_s=per_s), Action(do="comment", per_viewer_s=per_s / viewers)):
        rates = [rate_of(action, 10, viewers, share / whole) for share in shares]
        assert sum(rate.at(5) for rate in rates) == pytest.approx(per_s)


def test_the_rate_of_a_spike_is_taken_from_the_action() -> None:
    action = Action(do="comment", per_s=[10, 20], spike=Spike(at_s=2, seconds=3, times=4))
    rate = rate_of(action, 10, 100, 0.5)
    assert [rate.at(each) for each in (0, 1.9, 2, 4.9, 5, 10)] == pytest.approx([5, 5.95, 24, 29.8, 7.5, 10])


def test_a_rate_of_nothing_is_never_due() -> None:
    assert list(due(Rate(0, 0, 100), Random(1))) == []


def test_a_rush_brings_half_of_them_in_the_first_tenth() -> None:
    found = spread(1000, 100, "rush")
    assert sum(at <= 10 for at in found) == 500
    assert found == sorted(found)
    assert found[-1] < 100


def test_the_heartbeat_is_even() -> None:
    assert list(steady(2, 3)) == [0, 0.5, 1, 1.5, 2, 2.5]


def test_who_must_be_there_follows_from_the_phases_before() -> None:
    warm_up = load("warm-up")  # 40 % by 20 s, all by 40 s, then a fifth leaves
    assert [least_present(warm_up, second) for second in (0, 19, 21, 39, 41, 49)] == [0, 0, 600, 600, 1200, 1200]
