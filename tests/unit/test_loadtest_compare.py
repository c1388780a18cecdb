"""Comparison of two runs: what is worse beyond the noise, phase by phase, and what may not be compared."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.compare import NotComparable, compare, count_test, notes, promises, rank_test
from loadtest.oracles import Finding
from loadtest.result import Mark, Result
from tests.support.load_results import load_result


def test_two_runs_of_the_same_are_the_same() -> None:
    wrong = sum(
        any(
            each.verdict in ("better", "worse") for each in compare(load_result(20, seed), load_result(20, seed + 1000))
        )
        for seed in range(50)
    )
    assert wrong <= 2


def test_what_is_half_as_slow_again_is_worse_and_back_again_better() -> None:
    before, after = load_result(20, 1), load_result(30, 2)
    assert {each.name: each.verdict for each in compare(before, after)}["say.seen p50"] == "worse"
    assert {each.name: each.verdict for each in compare(after, before)}["say.seen p99"] == "better"


def test_noise_that_is_larger_than_the_difference_hides_it() -> None:
    found = compare(load_result(20, 1, noise=0.9), load_result(21, 2, noise=0.9))
    assert {each.verdict for each in found} == {"same"}


def test_other_scenarios_are_not_compared() -> None:
    with pytest.raises(NotComparable, match="viewers"):
        compare(load_result(20, 1), load_result(20, 2, viewers=11))


@pytest.mark.parametrize("change", [{"rate": 2.0}, {"time": 0.5}, {"workers": 3}, {"digest": "other"}])
def test_runs_that_did_something_else_are_not_compared(change: dict[str, Any]) -> None:
    with pytest.raises(NotComparable, match=r"differs|was changed"):
        compare(load_result(20, 1), load_result(20, 2, **change))
    with pytest.raises(NotComparable, match="ended early"):
        compare(load_result(20, 1), load_result(20, 2, verdict="interrupted"))


def test_another_machine_and_a_void_run_are_told() -> None:
    told = notes(load_result(20, 1), load_result(20, 2, machine={"cores": "4"}, verdict="void"))
    assert told == [
        "note: the run of 2026-01-01 00:00:00 is void", "note: machine: cores was 2, and is 4",
    ]  # fmt: skip


def test_a_phase_that_got_slower_is_seen_among_others_that_did_not() -> None:
    def marked(after: float) -> Result:
        plain = load_result(20, 1)
        slower = load_result(after, 2).timeline
        marks = [Mark(at_s=at, seconds=20, text=text, kind="phase") for at, text in ((0, "a"), (20, "b"), (40, "c"))]
        marks.append(Mark(at_s=60, seconds=9, text="settling", kind="phase"))
        return msgspec.structs.replace(plain, timeline=[*plain.timeline[:40], *slower[40:]], marks=marks)

    found = {(each.phase, each.name): each.verdict for each in compare(marked(20), marked(60))}
    assert {found[each, "say.seen p50"] for each in ("a", "b")} == {"same"}
    assert found["c", "say.seen p50"] == "worse"
    assert ("settling", "say.seen p50") not in found


def test_what_is_measured_no_longer_is_worse() -> None:
    before = load_result(20, 1)
    timeline = [msgspec.structs.replace(each, times={}) for each in before.timeline]
    found = {
        each.name: each for each in compare(before, msgspec.structs.replace(before, timeline=timeline, metrics={}))
    }
    assert (found["say.seen p99"].verdict, found["say.seen p99"].after) == ("worse", None)
    assert "nothing was measured" in found["say.seen p99"].line


@pytest.mark.parametrize("name", ["dropped", "refused", "gave_up", "resets"])
def test_what_is_counted_more_often_is_worse(name: str) -> None:
    def verdict(before: int, after: int) -> str:
        found = compare(load_result(20, 1, totals={name: before}), load_result(20, 1, totals={name: after}))
        return {each.name: each.verdict for each in found}[f"{name} a minute"]

    assert [verdict(0, 20), verdict(20, 0), verdict(20, 24), verdict(5000, 6000), verdict(5000, 5300)] == [
        "worse", "better", "same", "worse", "same",
    ]  # fmt: skip


def test_the_count_test_gives_what_r_gives() -> None:
    # poisson.test(c(12, 2), c(1, 1)): p-value = 0.01294
    assert count_test(12, 60, 2, 60) == pytest.approx(0.01294, abs=1e-5)
    assert count_test(0, 60, 0, 60) == 1.0


@pytest.mark.parametrize("was", [True, None, "absent"])
def test_a_promise_that_is_broken_now_and_was_not_before_is_told(was: object) -> None:
    before = [] if was == "absent" else [Finding(name="order", ok=was, text="")]  # type: ignore[arg-type]
    broken = [Finding(name="order", ok=False, text="gap")]
    assert promises(load_result(20, 1, findings=before), load_result(20, 1, findings=broken)) == ["broken now: order"]
    assert promises(load_result(20, 1, findings=broken), load_result(20, 1, findings=broken)) == []
    kept = [Finding(name="order", ok=True, text="")]
    assert promises(load_result(20, 1, findings=broken), load_result(20, 1, findings=kept)) == ["kept again: order"]
    assert promises(load_result(20, 1, findings=kept), load_result(20, 1, findings=[])) == ["judged no longer: order"]


@given(st.lists(st.floats(0, 100), min_size=5, max_size=30), st.lists(st.floats(0, 100), min_size=5, max_size=30))
def test_the_rank_test_is_symmetric_and_a_chance(left: list[float], right: list[float]) -> None:
    chance = rank_test([(left, right)])
    assert 0 <= chance <= 1
    assert chance == pytest.approx(rank_test([(right, left)]))


def test_the_rank_test_gives_what_r_gives() -> None:
    # wilcox.test(1:3, 4:6, exact = FALSE): p-value = 0.08086
    assert rank_test([([1, 2, 3], [4, 5, 6])]) == pytest.approx(0.08086, abs=1e-5)
    assert rank_test([([1.0] * 8, [2.0] * 8)]) < 0.001
    assert rank_test([([1.0] * 8, [1.0] * 8)]) == 1.0
