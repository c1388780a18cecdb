"""Medians, void rounds and targets of the benchmark."""

from __future__ import annotations

import pytest

from loadtest.bench import stats
from loadtest.bench.benchmarks import BENCHMARKS
from loadtest.bench.figures import Figure, Line, Round, Taken, faults, of, ratio


def taken(**numbers: float) -> Taken:
    line: Line = {"client_busy_pct": 50.0, "core0_busy_pct": 99.0, "server_busy_pct": 97.0, "secs": 10.0, **numbers}
    return Taken([{}], [[line]], {}, {})


def test_a_figure_is_the_median_with_its_extremes() -> None:
    summary = stats.summarise([3.0, 1.0, 2.0])
    assert summary == stats.Summary(median=2.0, low=1.0, high=3.0, rounds=3)
    assert summary.spread_pct == 50.0


def test_no_round_gives_no_figure_and_the_verdict_void() -> None:
    assert stats.summarise([]) is None
    assert stats.verdict(Figure("x", of("x"), least=1), None) == "void"


@pytest.mark.parametrize(
    ("figure", "median", "verdict"),
    [
        (Figure("x", of("x"), least=0.8), 0.8, "reached"),
        (Figure("x", of("x"), least=0.8), 0.79, "missed"),
        (Figure("x", of("x"), most=250), 250, "reached"),
        (Figure("x", of("x"), most=0), 1, "missed"),
        (Figure("x", of("x")), 1, "–"),
    ],
)
def test_a_target_is_met_up_to_its_very_number(figure: Figure, median: float, verdict: str) -> None:
    assert stats.verdict(figure, stats.summarise([median])) == verdict


def test_a_ratio_is_taken_within_the_round() -> None:
    round_: Round = {"livestream": taken(deliveries_per_s=90), "csend": taken(deliveries_per_s=100)}
    assert ratio("deliveries_per_s")(round_) == pytest.approx(0.9)


def test_a_round_whose_client_was_the_bottleneck_is_void() -> None:
    assert stats.void_reason({"livestream": taken(), "csend": taken()}) is None
    reason = stats.void_reason({"livestream": taken(), "csend": taken(client_busy_pct=85.1)})
    assert reason == "the client was 85 % busy"


def test_a_round_that_measured_the_neighbours_is_void() -> None:
    assert "23 %" in str(stats.void_reason({"livestream": taken(server_busy_pct=76.0)}))


def test_a_phase_too_short_for_the_clock_tells_nothing_of_neighbours() -> None:
    assert stats.void_reason({"livestream": taken(server_busy_pct=76.0, secs=0.2)}) is None


def test_nested_replies_become_numbers_and_refusals_are_summed() -> None:
    flat = stats.flatten({"phase": "flood", "comments": {"asked": 5, "refused": {"busy": 2, "rate_limited": 1}}})
    assert flat["comments_asked"] == 5
    assert flat["comments_refused"] == 3
    assert flat["comments_refused_busy"] == 2
    assert "phase" not in flat


def test_faults_of_all_runs_clients_and_phases_are_added() -> None:
    gap: Line = {"seq_gaps": 1}
    twice: Line = {"answered_twice": 2}
    assert faults({"a": Taken([], [[gap, twice], [gap, {}]], {}, {}), "b": Taken([], [[{}]], {}, {})}) == 4


def test_every_benchmark_has_a_target_and_asks_for_no_fault() -> None:
    for benchmark in BENCHMARKS:
        assert any(figure.least is not None or figure.most is not None for figure in benchmark.figures[:-1])
        assert benchmark.figures[-1].value is faults


def test_comments_that_vanish_are_not_accounted_for() -> None:
    sampling = next(benchmark for benchmark in BENCHMARKS if benchmark.name == "sampling")
    replies: Line = {"comments_asked": 10, "comments_ok": 3, "comments_hidden": 5, "comments_refused": 2}
    whole = Taken([], [[replies]], {}, {"shown": 3, "sampled_out": 4, "collapsed": 1})
    assert sampling.figures[0].value({"livestream": whole}) == 0
    lost = Taken([], [[replies]], {}, {"shown": 3, "sampled_out": 4})
    assert sampling.figures[0].value({"livestream": lost}) == 1
