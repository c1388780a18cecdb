"""The client's rules: when to come back, how long to wait, what follows on what."""

from __future__ import annotations

import pytest

from livestream.client_rules import (
    Backoff,
    Cursor,
    Next,
    ServerClock,
    Step,
    after_close,
    after_refusal,
    after_status,
)
from livestream.protocol.errors import CLOSES, CloseCode, ErrorCode


@pytest.mark.parametrize("code", CloseCode)
def test_every_close_code_is_followed_as_the_table_says(code: CloseCode) -> None:
    info = CLOSES[code]
    expected = Next.FRESH_TOKEN if info.fresh_token else Next.AGAIN if info.reconnect else Next.GIVE_UP
    assert after_close(code) is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (None, Next.AGAIN),
        (1006, Next.AGAIN),
        (1011, Next.AGAIN),
        (4099, Next.AGAIN),
        (4199, Next.FRESH_TOKEN),
        (4299, Next.GIVE_UP),
    ],
)
def test_an_unknown_close_code_is_judged_by_its_range(code: int | None, expected: Next) -> None:
    assert after_close(code) is expected


@pytest.mark.parametrize(
    ("code", "resuming", "expected"),
    [
        (ErrorCode.TOKEN_EXPIRED, True, Next.AFRESH),
        (ErrorCode.TOKEN_EXPIRED, False, Next.FRESH_TOKEN),
        (ErrorCode.TOKEN_INVALID, False, Next.FRESH_TOKEN),
        (ErrorCode.TICKET_INVALID, False, Next.GIVE_UP),
        (ErrorCode.ROOM_NOT_FOUND, True, Next.GIVE_UP),
        (ErrorCode.BUSY, True, Next.AGAIN),
        (ErrorCode.UNAVAILABLE, False, Next.AGAIN),
        ("a_code_of_next_year", False, Next.GIVE_UP),
    ],
)
def test_a_refused_join_is_tried_again_only_where_that_may_help(code: str, resuming: bool, expected: Next) -> None:
    assert after_refusal(code, resuming=resuming) is expected


@pytest.mark.parametrize(("status", "expected"), [(503, Next.AGAIN), (429, Next.AGAIN), (403, Next.GIVE_UP)])
def test_a_refused_handshake_is_tried_again_only_where_that_may_help(status: int, expected: Next) -> None:
    assert after_status(status) is expected


def test_waits_double_up_to_the_longest_and_are_jittered_over_the_whole_span() -> None:
    longest, shortest = Backoff(), Backoff()
    assert [longest.wait_s(1.0) for _ in range(7)] == [0.5, 1, 2, 4, 8, 16, 20]
    assert [shortest.wait_s(0.0) for _ in range(7)] == [0] * 7


def test_the_servers_hint_is_taken_as_it_is_first_and_with_jitter_after_failures() -> None:
    backoff = Backoff()
    assert backoff.wait_s(0.9, at_least_ms=1500) == 1.5
    assert backoff.wait_s(0.5, at_least_ms=1500) == 2.0


def test_only_a_connection_that_lasted_makes_the_next_wait_short() -> None:
    backoff = Backoff(tries=6)
    backoff.connected_for(1.0)
    assert backoff.tries == 6
    backoff.connected_for(60.0)
    assert backoff.tries == 0


def test_a_cursor_moves_by_one_and_tells_repeats_from_gaps() -> None:
    cursor = Cursor(7)
    assert cursor.step(7) is Step.REPEATED
    assert cursor.step(9) is Step.GAP
    assert cursor.seq == 7
    assert cursor.step(8) is Step.NEXT
    assert cursor.step(9) is Step.NEXT


def test_the_clock_believes_the_quickest_of_the_last_heartbeats() -> None:
    clock = ServerClock()
    assert clock.offset_ms == 0
    for way_ms in (80, 3, 40):
        clock.observe(1_000_000 + 500, 1_000_000 + way_ms)
    assert clock.offset_ms == 497
    for _ in range(16):  # the server's clock was set back: old samples must not hold it
        clock.observe(1_000_000, 1_000_000)
    assert clock.offset_ms == 0
