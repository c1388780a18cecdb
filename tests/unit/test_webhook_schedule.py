"""The schedule of webhooks: what an answer leads to, and when it is tried again."""

from __future__ import annotations

import pytest

from livestream.webhooks.schedule import (
    ATTEMPTS,
    DELAYS_S,
    JITTER,
    RETRY_AFTER_MAX_S,
    State,
    Verdict,
    decide,
    retry_after_s,
)

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    assert decide(status, 1, 0.5) == decide(status, ATTEMPTS, 0.5, 60.0) == Verdict(State.DELIVERED)


@pytest.mark.parametrize("status", [None, 100, 199, 300, 301, 302, 307, 308, 400, 401, 404, 429, 500, 502, 503, 599])
def test_anything_else_is_tried_ten_times_over_more_than_three_days_and_then_failed(status: int | None) -> None:
    verdicts = [decide(status, attempts, 0.0) for attempts in range(1, ATTEMPTS + 1)]
    assert [verdict.state for verdict in verdicts] == [State.PENDING] * 9 + [State.FAILED]
    assert [verdict.delay_s for verdict in verdicts] == [*map(float, DELAYS_S), None]
    assert 75 * 3600 < sum(DELAYS_S) < 76 * 3600


def test_chance_only_adds_and_never_more_than_a_fifth() -> None:
    for attempts, delay in enumerate(DELAYS_S, 1):
        assert decide(500, attempts, 1.0).delay_s == pytest.approx(delay * (1 + JITTER))
        assert delay < (decide(500, attempts, 0.5).delay_s or 0) < delay * (1 + JITTER)


def test_gone_ends_it_at_the_first_try() -> None:
    assert decide(410, 1, 0.5) == Verdict(State.FAILED, gone=True)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_makes_it_later_never_sooner_and_silences_the_endpoint(status: int) -> None:
    assert decide(status, 1, 0.0, 90.0) == Verdict(State.PENDING, 90.0, 90.0)
    assert decide(status, 3, 0.0, 90.0) == Verdict(State.PENDING, float(DELAYS_S[2]), 90.0)
    assert decide(status, ATTEMPTS, 0.0, 90.0) == Verdict(State.FAILED, None, 90.0)


def test_retry_after_is_bounded_and_of_other_answers_ignored() -> None:
    assert decide(503, 1, 0.0, 1e9) == Verdict(State.PENDING, RETRY_AFTER_MAX_S, RETRY_AFTER_MAX_S)
    assert decide(500, 1, 0.0, 90.0) == Verdict(State.PENDING, 5.0)
    assert decide(503, 1, 0.0, 0.0) == Verdict(State.PENDING, 5.0)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("9" * 5000, 999_999_999_999.0),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
        ("Tue, 14 Nov 2023 22:12:20 GMT", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("Tue, 99 Nov 2023 22:14:20 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds
