"""Results of the benchmark: what is kept, and how it reads."""

from __future__ import annotations

from pathlib import Path

from loadtest.bench.figures import Benchmark, Figure, Line, Round, Taken, of
from loadtest.bench.machine import Machine
from loadtest.bench.profiling import summarise_stacks
from loadtest.bench.render import number, page
from loadtest.bench.results import Results, conclude, load_all, save
from loadtest.bench.servers import read_counters

MACHINE = Machine("Some CPU", 2, 8.0, "6.1", "3.11.7", "abcdef0123", False, "2026-01-02", 0.5, 20.0)


def benchmark(name: str) -> Benchmark:
    return Benchmark(name, "A title", {}, (Figure("speed", of("speed", "livestream"), least=10),))


def round_of(speed: float, client_busy_pct: float = 50.0) -> Round:
    line: Line = {
        "speed": speed,
        "client_busy_pct": client_busy_pct,
        "core0_busy_pct": 99.0,
        "server_busy_pct": 97.0,
        "secs": 10.0,
    }
    return {"livestream": Taken([{}], [[line]], {}, {})}


def test_void_rounds_are_left_out_of_the_median_and_kept() -> None:
    result = conclude(benchmark("one"), [round_of(20), round_of(1, client_busy_pct=99), round_of(22)])
    assert result.figures[0].rounds == [20, 22]
    assert result.void == [None, "the client was 99 % busy", None]
    assert len(result.raw) == 3


def test_a_second_run_of_a_commit_replaces_only_what_it_measured(tmp_path: Path) -> None:
    save(Results("bench", MACHINE, [conclude(benchmark("one"), [round_of(20)])]), tmp_path)
    save(Results("bench", MACHINE, [conclude(benchmark("two"), [round_of(30)])]), tmp_path)
    save(Results("bench", MACHINE, [conclude(benchmark("one"), [round_of(40)])]), tmp_path)
    (results,) = load_all(tmp_path)
    assert {each.name: each.figures[0].rounds for each in results.benchmarks} == {"two": [30], "one": [40]}


def test_the_page_shows_the_newest_result_of_each_benchmark_with_its_conditions() -> None:
    old = Results("bench", MACHINE, [conclude(benchmark("one"), [round_of(5)])])
    new = Results("bench", MACHINE, [conclude(benchmark("one"), [round_of(12_345), round_of(20_000)])])
    text = page([old, new])
    assert text.count("## one") == 1
    assert "| speed | ≥ 10 | 16,172 | 12,345 – 20,000 | reached |" in text
    assert "commit abcdef0123, Some CPU, 2 cores" in text


def test_a_missed_target_stands_out() -> None:
    assert "**missed**" in page([Results("bench", MACHINE, [conclude(benchmark("one"), [round_of(5)])])])


def test_numbers_keep_three_digits_that_matter() -> None:
    assert [number(value) for value in (0, 0.8412, 12.345, 123.4, 1_000_000)] == [
        "0",
        "0.841",
        "12.3",
        "123",
        "1,000,000",
    ]


def test_counters_are_summed_over_labels() -> None:
    text = '# HELP a_total x\na_total{lane="log"} 2.0\na_total{lane="live"} 3.0\nb 1.5\n'
    assert read_counters(text) == {"a_total": 5.0, "b": 1.5}


def test_a_profile_counts_a_recursive_function_once_a_sample() -> None:
    text = summarise_stacks("main;walk;walk 3\nmain;write 1\n")
    own, whole = text.split("with what it calls:")
    assert " 75.0%  walk" in own
    assert " 75.0%  walk" in whole
    assert "100.0%  main" in whole
