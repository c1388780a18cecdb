"""The verdict: histograms, comparison, the search for the limit, what makes a run void, and the reports."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from loadtest.cli import loadtest
from loadtest.compare import NotComparable, compare, count_test, mann_whitney, notes, promises
from loadtest.conductor import Seen
from loadtest.crew import CrewError
from loadtest.finding import Bounds, Finder
from loadtest.histogram import Histogram, quantile
from loadtest.limit import Search
from loadtest.messages import Tick
from loadtest.oracles import Finding
from loadtest.report.junit import junit
from loadtest.report.page import page
from loadtest.report.table import table
from loadtest.result import Collected, Mark, Result, Second, Times, decode, encode
from loadtest.scenario import scaled
from loadtest.scrape import parse as parse_metrics
from loadtest.shelf import load
from loadtest.target import Target
from loadtest.thresholds import Judged
from loadtest.verdict import decided, judge
from loadtest.wish import Wish


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


# -- compare


def _result(p50: float, seed: int, noise: float = 0.1, **more: object) -> Result:
    dice = random.Random(seed)

    def second(number: int) -> Second:
        value = p50 * (1 + dice.uniform(-noise, noise))
        return Second(
            second=number,
            present=10,
            counts={"sent": 3},
            times={"say.seen": Times(count=10, p50=value, p99=value * 3, max=value * 4)},
            driver_cpu=0.2,
            busiest=0.1,
            late_ms=2,
            server={"cores": 0.5},
        )

    histogram = Histogram()
    histogram.add({int(p50 * 10): 100})
    plain = Result(
        scenario="big-sale", text="<b>text</b>", target="http://127.0.0.1:1", started_at="2026-01-01 00:00:00",
        seconds=60, viewers=10, seed=1, workers=2, verdict="passed", reasons=[],
        thresholds=[Judged("say.seen p99 <= 500 ms", p50 * 3, 500, p50 * 3 <= 500)],
        findings=[
            Finding(name="order", ok=True, text="fine"),
            Finding(name="told", ok=None, text="not judged"),
            Finding(name="kept", ok=False, text="a < b", examples=["<script>alert(1)</script>\x07"]),
        ],
        totals={"sent": 3}, metrics={"say.seen": histogram.summary()}, under_faults={}, phases={},
        histograms={"say.seen": histogram.encoded()}, timeline=[second(number) for number in range(60)],
        marks=[
            Mark(at_s=0, seconds=60, text="talk", kind="phase"),
            Mark(at_s=20, seconds=2, text="kill gateway", kind="fault", recovered_s=1.5),
        ],
        driver={"cores": 0.2}, machine={"cores": "2"},
    )  # fmt: skip
    return msgspec.structs.replace(plain, **more)


def test_two_runs_of_the_same_are_the_same() -> None:
    wrong = sum(
        any(each.verdict in ("better", "worse") for each in compare(_result(20, seed), _result(20, seed + 1000)))
        for seed in range(50)
    )
    assert wrong <= 2


def test_what_is_half_as_slow_again_is_worse_and_back_again_better() -> None:
    before, after = _result(20, 1), _result(30, 2)
    assert {each.name: each.verdict for each in compare(before, after)}["say.seen p50"] == "worse"
    assert {each.name: each.verdict for each in compare(after, before)}["say.seen p99"] == "better"


def test_noise_that_is_larger_than_the_difference_hides_it() -> None:
    found = compare(_result(20, 1, noise=0.9), _result(21, 2, noise=0.9))
    assert {each.verdict for each in found} == {"same"}


def test_other_scenarios_are_not_compared() -> None:
    with pytest.raises(NotComparable, match="viewers"):
        compare(_result(20, 1), _result(20, 2, viewers=11))


@pytest.mark.parametrize("change", [{"rate": 2.0}, {"time": 0.5}, {"workers": 3}, {"digest": "other"}])
def test_runs_that_did_something_else_are_not_compared(change: dict[str, Any]) -> None:
    with pytest.raises(NotComparable, match=r"differs|was changed"):
        compare(_result(20, 1), _result(20, 2, **change))
    with pytest.raises(NotComparable, match="ended early"):
        compare(_result(20, 1), _result(20, 2, verdict="interrupted"))


def test_another_machine_and_a_void_run_are_told() -> None:
    told = notes(_result(20, 1), _result(20, 2, machine={"cores": "4"}, verdict="void"))
    assert told == [
        "note: the run of 2026-01-01 00:00:00 is void", "note: machine: cores was 2, and is 4",
    ]  # fmt: skip


def test_a_phase_that_got_slower_is_seen_among_others_that_did_not() -> None:
    def marked(after: float) -> Result:
        plain = _result(20, 1)
        slower = _result(after, 2).timeline
        marks = [Mark(at_s=at, seconds=20, text=text, kind="phase") for at, text in ((0, "a"), (20, "b"), (40, "c"))]
        marks.append(Mark(at_s=60, seconds=9, text="settling", kind="phase"))
        return msgspec.structs.replace(plain, timeline=[*plain.timeline[:40], *slower[40:]], marks=marks)

    found = {(each.phase, each.name): each.verdict for each in compare(marked(20), marked(60))}
    assert {found[each, "say.seen p50"] for each in ("a", "b")} == {"same"}
    assert found["c", "say.seen p50"] == "worse"
    assert ("settling", "say.seen p50") not in found


def test_what_is_measured_no_longer_is_worse() -> None:
    before = _result(20, 1)
    timeline = [msgspec.structs.replace(each, times={}) for each in before.timeline]
    found = {
        each.name: each for each in compare(before, msgspec.structs.replace(before, timeline=timeline, metrics={}))
    }
    assert (found["say.seen p99"].verdict, found["say.seen p99"].after) == ("worse", None)
    assert "nothing was measured" in found["say.seen p99"].line


@pytest.mark.parametrize("name", ["dropped", "refused", "gave_up", "resets"])
def test_what_is_counted_more_often_is_worse(name: str) -> None:
    def verdict(before: int, after: int) -> str:
        found = compare(_result(20, 1, totals={name: before}), _result(20, 1, totals={name: after}))
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
    assert promises(_result(20, 1, findings=before), _result(20, 1, findings=broken)) == ["broken now: order"]
    assert promises(_result(20, 1, findings=broken), _result(20, 1, findings=broken)) == []
    kept = [Finding(name="order", ok=True, text="")]
    assert promises(_result(20, 1, findings=broken), _result(20, 1, findings=kept)) == ["kept again: order"]
    assert promises(_result(20, 1, findings=kept), _result(20, 1, findings=[])) == ["judged no longer: order"]


@given(st.lists(st.floats(0, 100), min_size=5, max_size=30), st.lists(st.floats(0, 100), min_size=5, max_size=30))
def test_the_rank_test_is_symmetric_and_a_chance(left: list[float], right: list[float]) -> None:
    chance = mann_whitney(left, right)
    assert 0 <= chance <= 1
    assert chance == pytest.approx(mann_whitney(right, left))


def test_the_rank_test_gives_what_r_gives() -> None:
    # wilcox.test(1:3, 4:6, exact = FALSE): p-value = 0.08086
    assert mann_whitney([1, 2, 3], [4, 5, 6]) == pytest.approx(0.08086, abs=1e-5)
    assert mann_whitney([1.0] * 8, [2.0] * 8) < 0.001
    assert mann_whitney([1.0] * 8, [1.0] * 8) == 1.0


# -- the limit


@given(st.floats(15, 14_000), st.floats(10, 5000))
def test_the_search_ends_close_to_the_limit(limit: float, first: float) -> None:
    search = Search(first=first, least=10, most=15_000)
    for _ in range(80):
        value = search.next()
        if value is None:
            break
        search.told(value, value <= limit)
    else:
        raise AssertionError("it does not end")
    assert search.held <= limit
    assert search.held >= limit * 0.85


def test_a_probe_that_breaks_once_is_tried_again() -> None:
    search = Search(first=100, least=10, most=1000)
    search.told(100, False)
    assert search.next() == 100
    search.told(100, True)
    assert search.next() == 200
    assert not search.broke


def test_what_held_once_by_luck_is_not_the_limit() -> None:
    search, lucky = Search(first=100, least=10, most=1000), {200.0}
    values = []
    while (value := search.next()) is not None:
        values.append(value)
        search.told(value, value <= 120 or value in lucky)
        lucky.discard(value)
    assert values.count(200) == 3, "it held, and then broke twice"
    assert 100 <= search.held <= 120 < search.broke
    assert search.sure


def test_a_search_ends_at_its_bounds() -> None:
    search = Search(first=600, least=10, most=1000)
    search.told(600, True)
    assert search.next() == 1000
    search.told(1000, True)
    assert search.next() == 1000, "one lucky run is no limit"
    search.told(1000, True)
    assert search.next() is None
    search = Search(first=10, least=10, most=1000)
    search.told(10, False)
    search.told(10, False)
    assert search.next() is None
    assert search.held == 0


def test_between_neighbours_there_is_no_viewer_to_look_for() -> None:
    search, played = Search(first=40, least=10, most=1000, close=0.01, grain=1), 0
    while (value := search.next()) is not None:
        played += 1
        search.told(float(int(value)), int(value) <= 50)
        assert played < 30
    assert (search.held, search.broke) == (50, 51)


def _finder(**bounds: Any) -> Finder:
    return Finder(load("team-rush"), Bounds(**{"by_viewers": True, **bounds}))


def _follow(finder: Finder, limit: float, run_s: float = 60, beyond: str = "failed") -> list[str]:
    """Let it search; what it says."""
    now, said = 100.0, []
    while (scenario := finder.next(now)) is not None:
        said.append(finder.head())
        now += run_s
        verdict = "passed" if scenario.viewers <= limit else beyond
        reasons = [] if verdict == "passed" else ["missed: say.seen"]
        said.append(finder.told(_result(20, 1, verdict=verdict, reasons=reasons), now))
    return [*said, finder.text()]


def test_a_person_can_follow_the_search_and_read_its_end() -> None:
    finder = _finder(most=2000)
    said = _follow(finder, 1200)
    assert said[0] == "-- run 1: 500 viewers (0 of 60 min)"
    assert said[4] == "-- run 3: 2,000 viewers (so far holds 1,000 viewers; 2 of 60 min)"
    assert said[5] == "-- 2,000 viewers: failed\n   missed: say.seen"
    assert said[-1].splitlines()[-1] == "team-rush holds 1,125 viewers, and not 1,250 viewers"
    assert finder.held == 1125


def test_a_search_begins_no_run_that_would_end_too_late() -> None:
    finder = _finder(within_s=300)
    said = _follow(finder, 15_000, run_s=80)
    assert len(finder.probes) == 3, "a fourth would end after 320 s"
    assert said[-1].endswith("team-rush: the time is over: at least 2,000 viewers")


def test_a_search_weighs_its_first_run_by_the_scenario() -> None:
    finder = _finder(within_s=60)
    assert finder.next(0.0) is None, "it takes 70 s"
    assert finder.text().endswith("team-rush: the time is over: nothing that holds was found")


def test_a_search_begins_with_as_many_viewers_as_it_was_told() -> None:
    finder = Finder(scaled(load("full-house"), viewers=20_000), Bounds(by_viewers=True))
    scenario = finder.next(0.0)
    assert scenario is not None
    assert scenario.viewers == 20_000


def _searched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str) -> tuple[int, str]:
    """`find-limit` against a server that fails at 2,000 viewers for good: exit code and output."""

    async def play(wish: Wish, progress: object, stop: object) -> Result:
        if wish.scenario.viewers >= 2000:
            raise CrewError("a worker of the load test died")
        return _result(20, 1)

    monkeypatch.setattr("loadtest.cli.play", play)
    done = CliRunner().invoke(loadtest, ["find-limit", *arguments, "--out", str(tmp_path)])
    return done.exit_code, done.output


def test_a_search_that_fails_tells_what_it_knows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, said = _searched(monkeypatch, tmp_path, "team-rush")
    assert code == 2
    assert "team-rush: it was ended early: at least 1,000 viewers" in said
    assert "a worker of the load test died" in said


def test_without_actions_there_is_no_rate_to_search(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, said = _searched(monkeypatch, tmp_path, "host-heartbeat", "--what", "rate")
    assert (code, "no rate to raise" in said) == (2, True)


def test_a_search_ends_at_the_bounds_of_the_target_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "target.toml"
    file.write_text("most_viewers = 700")
    code, said = _searched(monkeypatch, tmp_path, "team-rush", "--target", str(file))
    assert code == 0
    assert "not beyond 700 viewers: `most_viewers` of the target" in said
    assert "team-rush holds 700 viewers, the most that was tried" in said


def test_a_driver_at_its_limit_is_not_taken_for_the_servers() -> None:
    assert "the driver was at its limit" in _follow(_finder(), 1200, beyond="void")[-1]
    assert "the driver was at its limit" not in _follow(_finder(), 1200)[-1]


def test_an_interrupted_search_says_what_it_knows() -> None:
    finder = _finder()
    assert finder.next(0.0) is not None
    finder.told(_result(20, 1, verdict="interrupted"), 5.0)
    assert finder.next(5.0) is None
    assert finder.text().endswith("team-rush: it was ended early: nothing that holds was found")


def test_the_rates_are_searched_by_a_factor() -> None:
    finder = _finder(by_viewers=False, most=2.0)
    scenario = finder.next(0.0)
    assert scenario == load("team-rush")
    finder.told(_result(20, 1), 60.0)
    scenario = finder.next(60.0)
    assert scenario is not None
    assert scenario.viewers == load("team-rush").viewers
    assert finder.head().startswith("-- run 2: rate × 2 (so far holds rate × 1;")


# -- reports


def test_runs_stand_side_by_side_with_what_was_nearest_to_its_threshold() -> None:
    near = [Judged("say.seen p99 <= 100 ms", 90, 100, True), Judged("dropped <= 1 %", 0.005, 0.01, True)]
    silent = [*near, Judged("join p99 <= 1 s", None, 1000, False)]
    lines = table([_result(20, 1, thresholds=near), _result(20, 1, thresholds=silent, verdict="failed")]).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2] == ("| `big-sale` | 10 | 60 | passed | say.seen p99 <= 100 ms: 90 ms | 1 of 2 kept | 0.20 | 0.50 |")
    assert "failed | join p99 <= 1 s: nothing was measured" in lines[3]


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


class _Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not any(name in ("src", "href", "onload") for name, _ in attrs), "it needs nothing else"
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_needs_nothing_else_and_shows_text_as_text() -> None:
    html = page(_result(20, 1))
    parser = _Balanced()
    parser.feed(html)
    assert parser.open == []
    assert {"svg", "path", "table", "figure"} <= parser.seen
    assert "script" not in parser.seen
    assert "kill gateway" in html
    assert "well again after 1.5 s" in html
    assert ">0:00 talk<" in html, "phases tell when they began"
    assert "<b>text</b>" not in html


def test_junit_has_a_case_for_each_threshold_and_promise() -> None:
    suite = ET.fromstring(junit(_result(20, 1)))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "1")
    assert [case.get("name") for case in suite if case.find("failure") is not None] == ["kept"]
    void = ET.fromstring(junit(_result(20, 1, verdict="void", reasons=["late"])))
    assert void.get("failures") == "2"


def test_a_result_is_read_as_it_was_written() -> None:
    result = _result(20, 1)
    assert decode(encode(result)) == result
    with pytest.raises(ValueError, match="not a result"):
        decode(b"{}")
    with pytest.raises(ValueError, match="format 9"):
        decode(encode(msgspec.structs.replace(result, format=9)))
