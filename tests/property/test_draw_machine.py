"""The draw's machine under any order of commands: what is decided, what is refused, and what can never happen."""

from __future__ import annotations

import contextlib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from livestream.protocol.draw_state import ENDED, evolve_draw, evolve_draws
from livestream.protocol.draws import (
    BeaconKind,
    Draw,
    DrawCancelled,
    DrawLogEvent,
    DrawPassedOn,
    DrawPlan,
    DrawPrizeLapsed,
    DrawRooted,
    DrawState,
    DrawVoided,
    DrawWinner,
    PassedWhy,
    PrizeTier,
)
from livestream.protocol.errors import ErrorCode, Refused
from lottery import cohosts, machine, publish, quicknet
from lottery.proof import Drawing
from lottery.rules import Rules, rules_hash

DRAW_ID = "0f" * 16
SECRETS = (b"a" * 32, b"b" * 32)
_PLACE = publish.Place("Room", False, False)
_ALLOWED = {
    DrawState.ANNOUNCED: {DrawState.OPEN, DrawState.CANCELLED},
    DrawState.OPEN: {DrawState.CLOSED, DrawState.CANCELLED},
    DrawState.CLOSED: {DrawState.CLOSED, DrawState.DRAWN, DrawState.VOID},
    DrawState.DRAWN: {DrawState.DRAWN, DrawState.SETTLED},
    DrawState.SETTLED: set(),
    DrawState.CANCELLED: set(),
    DrawState.VOID: set(),
}


def rules_of(beacon: BeaconKind, now_ms: int) -> tuple[Draw, Rules]:
    plan = DrawPlan(
        title="t", organiser="o", beacon=beacon, prizes=[PrizeTier(tier="1", name="n", value=1, currency="PLN")]
    )
    commitments = [cohosts.commitment(bytes.fromhex(DRAW_ID), n, SECRETS[n - 1]) for n in (1, 2)]
    given = [commitments[1].hex()] if beacon is BeaconKind.COHOSTS else []
    made = publish.beacon_of(DRAW_ID, plan, commitments[0], ["Ada"] * len(given), given)
    rules = publish.rules_of(DRAW_ID, plan, _PLACE, now_ms + 60_000, b"s" * 32, b"k" * 32, made)
    return publish.announced(DRAW_ID, plan), rules


def step(draw: Draw, rules: Rules, what: str, now_ms: int) -> DrawLogEvent:
    """Decide one command.

    Raises:
        Refused.
    """
    match what:
        case "open":
            return machine.open_(draw, publish.opened(draw, rules, rules_hash(rules), now_ms), [])
        case "close":
            return machine.close(draw, rules, now_ms)
        case "root":
            return machine.publish(draw, b"r" * 32, 3, 3, now_ms)
        case "reveal 1" | "reveal 2":
            number = int(what[-1])
            return machine.reveal(draw, rules, number, SECRETS[number - 1], now_ms)
        case "void":
            return machine.void_unrevealed(draw, now_ms)
        case "void unseen":
            return machine.void_unseen(draw, now_ms)
        case "pass on":
            return machine.pass_on(draw, DrawWinner(prize=0, place=1, entry="02" * 16, name="B•••"), PassedWhy.DECLINED)
        case "lapse":
            return machine.lapse(draw, 0, PassedWhy.UNCLAIMED)
        case "draw":
            drawing = Drawing(now_ms, "00" * 32, None, "00" * 32, (), ())
            return machine.draw(draw, drawing, [], 60)
        case "settle":
            return machine.settle(draw)
    return machine.cancel(draw, "why", now_ms, None)


def after(beacon: BeaconKind, now_ms: int, *steps: str) -> tuple[Draw, Rules]:
    """A draw that took these steps, all at one moment."""
    draw, rules = rules_of(beacon, now_ms)
    for what in steps:
        draw = evolve_draw(draw, step(draw, rules, what, now_ms))
    return draw, rules


COMMANDS = (
    "open", "close", "root", "reveal 1", "reveal 2", "void", "void unseen", "draw", "pass on", "lapse", "settle",
    "cancel",
)  # fmt: skip
#: a command and how long after the one before, ms
_life = st.lists(st.tuples(st.sampled_from(COMMANDS), st.integers(0, 70_000)), max_size=30)


@given(_life, st.sampled_from([BeaconKind.DRAND, BeaconKind.COHOSTS]))
def test_whatever_is_asked_a_draw_only_goes_where_the_picture_says(
    life: list[tuple[str, int]], beacon: BeaconKind
) -> None:
    now_ms = quicknet.GENESIS_MS + 10**9
    draw, rules = rules_of(beacon, now_ms)
    for what, later in life:
        now_ms += later
        before = msgspec.json.encode(draw)
        code, event = None, None
        try:
            event = step(draw, rules, what, now_ms)
        except Refused as refused:
            code = refused.code
        assert msgspec.json.encode(draw) == before, "neither a refusal nor a decision changes anything"
        if event is None:
            assert code in (ErrorCode.DRAW_STATE, ErrorCode.REVEAL_REFUSED)
            continue
        after = evolve_draw(draw, event)
        assert after.state in _ALLOWED[draw.state]
        if draw.closed_at is not None:
            assert after.state is not DrawState.CANCELLED
            assert (after.closed_at, after.round, after.rules) == (draw.closed_at, draw.round, draw.rules)
        if draw.root:
            assert after.root == draw.root
        if isinstance(event, DrawRooted) and after.beacon_at is not None:
            assert event.at < after.beacon_at
        if isinstance(event, DrawPassedOn | DrawPrizeLapsed):
            assert draw.state is DrawState.DRAWN
        if isinstance(event, DrawVoided):
            assert after.state in ENDED
        if isinstance(event, DrawCancelled) and draw.closes_at is not None:
            assert now_ms < draw.closes_at, "late is late"
        draw = after


@given(st.integers(0, 200_000), st.integers(0, 100_000))
def test_a_root_is_out_before_its_round_or_the_draw_is_void(closed_after: int, late: int) -> None:
    now_ms = quicknet.GENESIS_MS + 10**9 + closed_after
    draw, rules = after(BeaconKind.DRAND, now_ms, "open", "close")
    assert draw.beacon_at is not None
    assert 10_000 <= draw.beacon_at - now_ms < 13_000
    event = step(draw, rules, "root", now_ms + late)
    if isinstance(event, DrawRooted):
        assert event.at < quicknet.time_of(draw.round)
    else:
        assert now_ms + late > draw.beacon_at - machine.ROOT_MARGIN_MS


@given(st.integers(0, 20_000))
def test_a_root_counts_only_if_somebody_found_it_before_its_round_and_is_void_only_after(late: int) -> None:
    now_ms = quicknet.GENESIS_MS + 10**9
    draw, _ = after(BeaconKind.DRAND, now_ms, "open", "close", "root")
    seen, due = machine.was_seen(draw, now_ms + late), quicknet.time_of(draw.round)
    assert seen is (now_ms + late <= due - machine.SEEN_MARGIN_MS)
    voided = None
    with contextlib.suppress(Refused):
        voided = machine.void_unseen(draw, now_ms + late)
    assert (voided is not None) is (now_ms + late >= due)
    hosted, _ = after(BeaconKind.COHOSTS, now_ms, "open", "close", "root")
    assert machine.was_seen(hosted, now_ms + late)


@given(st.integers(0, 120_000))
def test_a_reveal_counts_for_exactly_60_s(late: int) -> None:
    now_ms = quicknet.GENESIS_MS + 10**9
    draw, rules = after(BeaconKind.COHOSTS, now_ms, "open", "close", "root")
    in_time = True
    try:
        step(draw, rules, "reveal 2", now_ms + late)
    except Refused:
        in_time = False
    assert in_time is (late <= 60_000)
    voided = False
    with contextlib.suppress(Refused):
        step(draw, rules, "void", now_ms + late)
        voided = True
    assert voided is not in_time


@given(st.integers(-5, 5), st.none() | st.integers(-5, 5))
def test_the_latest_close_is_judged_by_a_clock_that_a_break_stops(now: int, frozen_at: int | None) -> None:
    expected = now >= 0 if frozen_at is None else min(now, frozen_at) >= 0
    assert machine.due(0, now, frozen_at) is expected


def test_a_secret_that_was_not_promised_is_refused() -> None:
    now_ms = quicknet.GENESIS_MS + 10**9
    draw, rules = after(BeaconKind.COHOSTS, now_ms, "open", "close", "root")
    for party, secret in ((2, b"x" * 32), (1, SECRETS[1]), (3, SECRETS[1])):
        with contextlib.suppress(Refused):
            machine.reveal(draw, rules, party, secret, now_ms)
            raise AssertionError("revealed what was not promised")


@given(st.permutations(["01" * 16, "02" * 16, "03" * 16]))
def test_a_room_shows_the_draw_that_was_opened_last_and_those_that_wait(order: list[str]) -> None:
    draws: tuple[Draw, ...] = ()
    made, _ = rules_of(BeaconKind.DRAND, 0)
    for each in order:
        draws = evolve_draws(draws, machine.announce(msgspec.structs.replace(made, id=each), len(draws)))
    assert [each.id for each in draws] == order
    opened = msgspec.structs.replace(draws[1], state=DrawState.OPEN)
    draws = evolve_draws(draws, machine.open_(draws[1], opened, draws))
    assert [each.id for each in draws] == [order[1], order[0], order[2]]
