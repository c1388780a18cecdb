"""Scenarios: what is shipped can be read, and what cannot be played is refused in words that say where and why."""

from __future__ import annotations

import pytest

from loadtest.cli import FOLDER, load
from loadtest.scenario import ScenarioError, scaled
from loadtest.thresholds import ThresholdError, judge, parse

GOOD = """
name = "mine"
text = "mine"
viewers = 10
thresholds = ["say.seen p99 <= 500 ms", "talk: like.reply max <= 2 s", "dropped <= 1 %"]
[[crowd]]
name = "all"
share = 1.0
does = ["like"]
[[phase]]
name = "talk"
seconds = 10
present = 1.0
action = [{ do = "like", per_s = 5, options = { most = 3 } }]
cue = [{ at_s = 1, send = { t = "freeze" } }]
fault = [{ at_s = 2, do = "pause", process = "gateway", seconds = 1 }]
"""


def _load(tmp_path_factory: pytest.TempPathFactory, text: str) -> object:
    file = tmp_path_factory.mktemp("scenario") / "mine.toml"
    file.write_text(text)
    return load(str(file))


@pytest.mark.parametrize("name", sorted(file.stem for file in FOLDER.glob("*.toml")))
def test_what_is_shipped_can_be_read(name: str) -> None:
    scenario = load(name)
    assert scenario.name == name
    assert scenario.host.says_per_s, "the log lane is measured beside each of them"


def test_a_good_one_is_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    assert _load(tmp_path_factory, GOOD)


@pytest.mark.parametrize(
    ("change", "by", "words"),
    [
        ("viewers = 10", "", "missing required field `viewers`"),
        ("viewers = 10", "viewers = 0", "`viewers`"),
        ("viewers = 10", "viewers = 10\nviewrs = 10", "unknown field `viewrs`"),
        ("viewers = 10", "viewers = ", "not TOML"),
        ('name = "mine"', 'name = "My own"', "`name`"),
        ("share = 1.0", "share = 0.5", "the shares of `crowd` make 0.5"),
        ("per_s = 5", "per_s = 5, per_viewer_s = 1", "needs either `per_s` or `per_viewer_s`"),
        ("per_s = 5", "per_s = -5", "per_s"),
        ('do = "like"', 'do = "lik"', "no behaviour is called 'lik'; there are comment, like, say"),
        ('does = ["like"]', 'does = ["comment"]', "nobody does 'like'"),
        ("most = 3", "mots = 3", "unknown field `mots`"),
        ('t = "freeze"', 't = "comment_all"', "no command of a host is called 'comment_all'"),
        ('t = "freeze"', 't = "countdown"', "missing required field"),
        ("at_s = 2", "at_s = 20", "after its end, 10"),
        ('process = "gateway", ', "", "fault 'pause' needs `process`"),
        (", seconds = 1 }]", " }]", "fault 'pause' needs `seconds`"),
        ("say.seen p99 <= 500 ms", "say.seen p99 < 500", "threshold 'say.seen p99 < 500': write `say.seen"),
        ("talk: like", "walk: like", "there is no phase 'walk'"),
    ],
)
def test_what_cannot_be_played_is_refused_by_name(
    tmp_path_factory: pytest.TempPathFactory, change: str, by: str, words: str
) -> None:
    assert change in GOOD
    with pytest.raises(ScenarioError) as refused:
        _load(tmp_path_factory, GOOD.replace(change, by))
    assert words in str(refused.value)


def test_an_unknown_name_tells_which_there_are() -> None:
    with pytest.raises(ScenarioError, match="big-sale, comment-flood"):
        load("big-sail")


def test_scaling_keeps_the_shape_of_the_evening() -> None:
    scenario = load("big-sale")
    small = scaled(scenario, viewers=50, rate=0.5, time=0.1)
    assert small.viewers == 50
    assert small.seconds == pytest.approx(scenario.seconds * 0.1)
    assert small.phase[2].action[0].per_viewer_s == [0.025, 0.05]
    assert [phase.name for phase in small.phase] == [phase.name for phase in scenario.phase]
    for phase in small.phase:
        assert all(cue.at_s <= phase.seconds for cue in phase.cue)


def test_thresholds_are_read_as_they_are_written() -> None:
    found = parse("flood: say.seen p99.9 <= 1.5 s")
    assert (found.phase, found.metric, found.percentile, found.most) == ("flood", "say.seen", 99.9, 1500)
    found = parse("dropped <= 0.5 %")
    assert (found.metric, found.share, found.most) == ("dropped", True, pytest.approx(0.005))
    assert parse("resets <= 0").share is False
    assert parse("join max <= 20 ms").percentile == 100


@pytest.mark.parametrize(
    "text", ["", "say.seen p99", "p99 <= 3 ms", "say.seen p99 >= 3 ms", "say.seen p99 <= 3", "a b <= 1"]
)
def test_what_is_no_threshold_is_refused(text: str) -> None:
    with pytest.raises(ThresholdError):
        parse(text)


def test_what_was_not_measured_was_not_reached() -> None:
    assert not judge(parse("say.seen p99 <= 500 ms"), None).ok
    assert judge(parse("say.seen p99 <= 500 ms"), 500).ok
    assert not judge(parse("resets <= 0"), 1).ok
