"""TokenBucket: `burst` at once, then `per_s` a second, whatever the pattern."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livestream.protocol.limits import Rate
from livestream.ratelimit import TokenBucket


def test_it_starts_full_and_gives_the_burst_at_once() -> None:
    bucket = TokenBucket(Rate(3, 1.0), now=100.0)
    assert [bucket.take(Rate(3, 1.0), 100.0) for _ in range(5)] == [1, 1, 1, 0, 0]


def test_it_refills_a_token_at_a_time_and_never_above_the_burst() -> None:
    rate = Rate(3, 2.0)
    bucket = TokenBucket(rate, 0.0)
    assert bucket.take(rate, 0.0, 3) == 3
    assert bucket.take(rate, 0.49) == 0
    assert bucket.take(rate, 0.5) == 1
    assert bucket.take(rate, 1000.0, 99) == 3


def test_who_asks_for_more_gets_what_is_there() -> None:
    rate = Rate(5, 1.0)
    bucket = TokenBucket(rate, 0.0)
    assert bucket.take(rate, 0.0, 4) == 4
    assert bucket.take(rate, 0.0, 4) == 1
    assert bucket.take(rate, 0.0, 0) == 0


def test_after_the_wait_that_it_names_a_token_is_there() -> None:
    for per_s in (0.5, 0.667, 3.0, 20.0):
        rate = Rate(2, per_s)
        bucket = TokenBucket(rate, 0.0)
        assert bucket.take(rate, 0.0, 2) == 2
        wait_s = bucket.wait_ms(rate) / 1000
        assert bucket.take(rate, wait_s) == 1
        assert wait_s <= 1 / per_s + 0.002


def test_with_a_token_there_the_wait_is_none() -> None:
    rate = Rate(2, 1.0)
    bucket = TokenBucket(rate, 0.0)
    bucket.take(rate, 0.0)
    assert bucket.wait_ms(rate) <= 1


@given(
    st.integers(1, 50),
    st.floats(0.01, 100),
    st.lists(st.tuples(st.floats(0, 10), st.integers(0, 60)), max_size=40),
)
def test_no_pattern_gets_more_than_burst_and_rate_allow(
    burst: int, per_s: float, asked: list[tuple[float, int]]
) -> None:
    rate = Rate(burst, per_s)
    now = 0.0
    bucket = TokenBucket(rate, now)
    granted = 0
    for pause_s, wanted in asked:
        now += pause_s
        got = bucket.take(rate, now, wanted)
        assert 0 <= got <= wanted
        granted += got
    assert granted <= burst + now * per_s + 1e-6
