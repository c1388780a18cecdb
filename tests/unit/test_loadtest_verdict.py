"""The verdict: histograms, what makes a run void, what is judged apart, and what weighs most."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.conductor import Seen
from loadtest.histogram import Histogram, quantile
from loadtest.messages import Tick
from loadtest.result import Collected
from loadtest.scrape import parse as parse_metrics
from loadtest.shelf import load
from loadtest.target import Target
from loadtest.thresholds import Judged
from loadtest.verdict import decided, judge


@given(st.lists(st.integers(1, 10_000_000), min_size=1, max_size=200))
def test_percentiles_are_right_to_three_digits(units: list[int]) -> None:
    histogram = Histogram()
    for unit in units:
        histogram.add({unit: 1})
    ordered = sorted(units)
    for percentile in (50.0, 90.0, 100.0):
        place = len(ordered) * percentile / 100  # the library rounds to the nearest
        low, high = ordered[max(0, int(place) - 1)], ordered[min(len(ordered) - 1, int(place))]
        assert low * 0.998 - 1 <= histogram.at(percentile) * 10 <= high * 1.002 + 1
    assert quantile({unit: units.count(unit) for unit in units}, 1.0) == ordered[-1] / 10


def test_histograms_of_two_workers_are_that_of_both() -> None:
    one, two, both = Histogram(), Histogram(), Histogram()
    one.add({10: 5})
    two.add({30: 5})
    both.add({10: 5, 30: 5})
    one.merge(two)
    assert one.summary() == both.summary()


def _tick(second: int, worker: int = 0, **more: object) -> Tick:
    plain = Tick(
        worker=worker, second=second, present=10, counts={}, times={"say.seen": {100: 10}}, cpu_s=0.2, late_ms=3
    )
    return msgspec.structs.replace(plain, **more)


def test_a_driver_that_was_the_bottleneck_makes_the_run_void() -> None:
    for change in ({"late_ms": 900.0}, {"cpu_s": 0.99}):
        collected = Collected(load("big-sale"), 1, [])
        for second in range(100):
            collected.add(_tick(second, **change if second % 10 == 0 else {}))
        assert collected.void_reasons(), change
    collected = Collected(load("big-sale"), 1, [])
    for second in range(100):
        collected.add(_tick(second, late_ms=900.0 if second == 50 else 3.0))
    assert collected.void_reasons() == [], "one bad second of a hundred is no bottleneck"


def test_the_wait_after_the_phases_does_not_thin_out_a_late_driver() -> None:
    scenario = load("warm-up")
    collected = Collected(scenario, 1)
    for second in range(400):
        collected.add(_tick(second, late_ms=900.0 if second in (20, 30, 40) else 3.0))
    assert collected.void_reasons(), "3 of 50 seconds, though not of 400"
    assert len(collected.played) == scenario.seconds


@pytest.mark.parametrize(("late", "void"), [((30, 200), True), ((30,), False), ((), False)])
def test_a_time_that_is_missed_by_late_seconds_of_the_driver_alone_is_void(late: tuple[int, ...], void: bool) -> None:
    scenario = msgspec.structs.replace(load("big-sale"), thresholds=["say.seen p99 <= 400 ms"])
    collected = Collected(scenario, 1)
    for second in range(600):
        slow = second in (30, 201)  # what was sent late in the 200th is seen in the next
        times = {"say.seen": {9_000: 400} if slow else {100: 10}}
        collected.add(_tick(second, times=times, late_ms=900.0 if second in late else 3.0))
    assert not collected.judged(scenario.limits())[0].ok
    assert bool(collected.void_reasons()) == void


def test_a_count_that_is_missed_is_no_matter_of_late_seconds() -> None:
    scenario = msgspec.structs.replace(load("big-sale"), thresholds=["gave_up <= 0"])
    collected = Collected(scenario, 1)
    for second in range(600):
        collected.add(_tick(second, counts={"gave_up": 1}, late_ms=900.0 if second == 5 else 3.0))
    assert collected.void_reasons() == []


def test_what_happens_while_something_is_broken_is_judged_apart() -> None:
    scenario = load("big-sale")
    collected = Collected(scenario, 1, [(10.0, 20.0)])
    for second in range(40):
        slow = 10 <= second < 20
        collected.add(_tick(second, times={"say.seen": {50_000 if slow else 100: 10}}))
    judged = {each.text: each for each in collected.judged(scenario.limits())}
    assert judged["say.seen p99 <= 400 ms"].ok
    assert collected.under_faults["say.seen"].at(50) == pytest.approx(5000, rel=0.01)


def test_a_second_is_complete_when_all_workers_told_of_it() -> None:
    collected = Collected(load("big-sale"), 2, [])
    assert collected.add(_tick(0)) is None
    second = collected.add(_tick(0, worker=1, late_ms=9.0))
    assert second is not None
    assert (second.present, second.late_ms, second.times["say.seen"].count) == (20, 9.0, 20)


async def test_an_answer_that_makes_no_sense_is_a_finding_and_not_the_end() -> None:
    class Garbage:
        def __getattr__(self, name: str) -> Any:
            async def answer(*_: object) -> Any:
                return [{}]

            return answer

    wish: Any = SimpleNamespace(scenario=load("big-sale"), target=Target(shop="s", room="main"))
    findings = await judge(wish, Seen(Collected(wish.scenario, 1, []), 1), Garbage())  # type: ignore[arg-type]
    found = {each.name: each for each in findings}
    for name in ("room log", "deals", "draws"):
        assert found[name].ok is False
        assert "cannot be judged: an answer is not as the protocol says: KeyError" in found[name].text
    assert found["every command got exactly one reply"].ok, "the others are judged all the same"


def test_metrics_that_are_none_are_left_alone() -> None:
    assert parse_metrics('# HELP a\na{b="c d"} 2\na 1.5\n') == {"a": 3.5}
    with pytest.raises(ValueError, match="ok"):
        parse_metrics("ok")


@pytest.mark.parametrize(
    ("broken", "void", "missed", "interrupted", "verdict"),
    [
        (False, False, False, False, "passed"),
        (False, False, True, False, "failed"),
        (False, True, True, False, "void"),
        (False, True, True, True, "interrupted"),
        (True, True, True, True, "failed"),
    ],
)
def test_a_broken_promise_weighs_most_and_speed_least(
    broken: bool, void: bool, missed: bool, interrupted: bool, verdict: str
) -> None:
    thresholds = [Judged("join p99 <= 1 s", 2000 if missed else 20, 1000, not missed)]
    found, reasons = decided(["lost"] * broken, ["late"] * void, thresholds, interrupted=interrupted)
    assert found == verdict
    assert ("lost" in reasons, "late" in reasons) == (broken, void)
    assert any(each.startswith("missed") for each in reasons) == (missed and not interrupted)
