"""The search for the limit: the numbers it tries, when it ends, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from loadtest.cli import loadtest
from loadtest.crew import CrewError
from loadtest.finding import Bounds, Finder
from loadtest.limit import Search
from loadtest.result import Result
from loadtest.scenario import scaled
from loadtest.shelf import load
from loadtest.wish import Wish
from tests.support.load_results import load_result


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
        said.append(finder.told(load_result(20, 1, verdict=verdict, reasons=reasons), now))
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
        return load_result(20, 1)

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
    finder.told(load_result(20, 1, verdict="interrupted"), 5.0)
    assert finder.next(5.0) is None
    assert finder.text().endswith("team-rush: it was ended early: nothing that holds was found")


def test_the_rates_are_searched_by_a_factor() -> None:
    finder = _finder(by_viewers=False, most=2.0)
    scenario = finder.next(0.0)
    assert scenario == load("team-rush")
    finder.told(load_result(20, 1), 60.0)
    scenario = finder.next(60.0)
    assert scenario is not None
    assert scenario.viewers == load("team-rush").viewers
    assert finder.head().startswith("-- run 2: rate × 2 (so far holds rate × 1;")
