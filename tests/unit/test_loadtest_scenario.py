"""Scenarios: what is shipped can be read, and what cannot be played is refused in words that say where and why."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from loadtest.checkout import Checkout
from loadtest.scenario import ScenarioError, bound, digest, missing, scaled
from loadtest.shelf import FOLDER, load
from loadtest.target import Target, TargetError, bounded, highest_rate, require_allowed
from loadtest.target import read as read_target
from loadtest.thresholds import ThresholdError, due_of, judge, parse

GOOD = """
name = "mine"
text = "mine"
viewers = 10
thresholds = ["say.seen p99 <= 500 ms", "talk: like.reply max <= 2 s", "dropped <= 1 %"]
[[crowd]]
name = "all"
share = 1.0
does = ["like", "claim"]
[[phase]]
name = "talk"
seconds = 10
present = 1.0
action = [{ do = "like", per_s = 5, options = { most = 3 } }]
cue = [{ at_s = 1, send = { t = "freeze" } }]
fault = [{ at_s = 2, do = "pause", process = "gateway", recover_s = 5, seconds = 1 }]
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
        ('do = "like"', 'do = "lik"', "no behaviour is called 'lik'; there are claim, comment, enter"),
        ('does = ["like", "claim"]', 'does = ["comment"]', "nobody does 'like'"),
        ("most = 3", "mots = 3", "unknown field `mots`"),
        ('t = "freeze"', 't = "comment_all"', "no command of a host is called 'comment_all'"),
        ('t = "freeze"', 't = "countdown"', "missing required field"),
        ('t = "freeze"', 't = "close_draw", draw = "$friday"', "no cue before `close_draw` makes '$friday'"),
        ("{ at_s = 1, send", '{ at_s = 1, makes = "ice", send', "`freeze` makes nothing that has an id"),
        ('do = "like", per_s = 5, options = { most = 3 }', 'do = "claim", per_s = 5', "'claim' follows from other"),
        ("at_s = 2", "at_s = 20", "after its end, 10"),
        ('process = "gateway", ', "", "fault 'pause' needs `process`"),
        (", seconds = 1 }]", " }]", "fault 'pause' needs `seconds`"),
        ("recover_s = 5", "recover_s = 8", "with `recover_s` it lasts until 11 s, and the phases until 10 s"),
        (
            "seconds = 1 }]",
            'seconds = 1 }, { at_s = 6, do = "flush_redis", recover_s = 1 }]',
            "last until 8 s",
        ),
        ("[[crowd]]", "[host]\nsays_per_s = 0\n[[crowd]]", "`says_per_s` of the host must not be 0"),
        ("[[phase]]", '[[phase]]\nname = "talk"\nseconds = 1\n[[phase]]', "two phases are called 'talk'"),
        ("dropped <= 1 %", "talk: dropped <= 1 %", "counts are of the whole run: write `dropped <= 1 %`"),
        ("say.seen p99 <= 500 ms", "say.seen p99 < 500", "threshold 'say.seen p99 < 500': write `say.seen"),
        ("talk: like", "walk: like", "there is no phase 'walk'"),
        ("say.seen", "say.sen", "no time is called 'say.sen'"),
        ("like.reply", "lik.reply", "no time is called 'lik.reply'"),
        ("like.reply", "slow.checkout", "no time is called 'slow.checkout'"),
        ("dropped", "droped", "nothing is counted as 'droped'"),
        ("dropped <= 1 %", "dropped.lik <= 1 %", "no count is called 'dropped.lik'"),
        ("dropped <= 1 %", "resets.like <= 1 %", "nothing is counted as 'resets.like'"),
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


def test_what_heals_is_not_made_shorter_with_the_evening() -> None:
    scenario = load("faults")
    longer = scaled(scenario, viewers=None, time=2)
    assert [fault for _, fault in longer.faults()] == [
        msgspec.structs.replace(fault, at_s=fault.at_s * 2) for _, fault in scenario.faults()
    ]
    with pytest.raises(ScenarioError, match="one after another"):
        scaled(scenario, viewers=None, time=0.5)


def test_a_digest_says_whether_the_same_was_done() -> None:
    scenario = load("big-sale")
    assert digest(msgspec.structs.replace(scenario, text="other", thresholds=[])) == digest(scenario)
    assert digest(scaled(scenario, viewers=None, rate=2)) != digest(scenario)


def test_a_cue_speaks_of_what_one_before_it_made() -> None:
    send = {"t": "open_draw", "draw": "$friday", "names": ["$ 5 off", "$friday"]}
    assert missing(send, {}) == ["$friday", "$friday"]
    assert bound(send, {"friday": "0" * 32})["draw"] == "0" * 32
    assert bound(send, {"friday": "f"})["names"] == ["$ 5 off", "f"], "what is no name is text"


def test_an_operator_comes_only_where_a_host_may_not_do_it() -> None:
    assert load("team-rush").needs_operator
    assert not load("draw-rush").needs_operator
    assert load("team-rush").pays
    assert not load("draw-rush").pays


def test_what_follows_from_an_action_counts_for_the_bound() -> None:
    scheduled = 500 * (0.02 * 2 + 0.02 + 0.03 + 0.05)
    assert highest_rate(load("team-rush")) > 5 * scheduled
    assert highest_rate(load("slow-readers")) <= 500


def test_products_are_not_put_into_a_real_shop() -> None:
    target = Target(shop="s", real_room="main")
    require_allowed(target, load("draw-rush"), "main")
    with pytest.raises(TargetError, match="products of its own"):
        require_allowed(target, load("team-rush"), "main")


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8080", "ftp://127.0.0.1", "http://127.0.0.1:8080/live", "http://a b", "http://localhost:abc",
        "http://localhost:99999", "http://:8080", "http://[::1",
    ],
)  # fmt: skip
def test_a_url_that_is_none_is_told_as_that(url: str) -> None:
    with pytest.raises(TargetError, match="without a path"):
        require_allowed(Target(url=url, shop="s", room="main"), load("draw-rush"), "")


@pytest.mark.parametrize("key", ["no key", "-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----", "", "public"])
def test_a_key_that_signs_nothing_is_told_beforehand(key: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    if key == "public":
        made = Ed25519PrivateKey.generate().public_key()
        key = made.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    file = tmp_path_factory.mktemp("key") / "live.key"
    file.write_text(key)
    with pytest.raises(TargetError, match="'k1' is none that signs with EdDSA"):
        Target(shop="s", kid="k1", key_file=str(file), algorithm="EdDSA").signing()


def test_a_process_is_named_by_words_that_its_number_is_checked_against() -> None:
    with pytest.raises(TargetError, match="`match`"):
        read_target('[process.gateway]\npid_file = "/run/gateway.pid"')


def test_a_search_goes_no_further_than_the_target_allows() -> None:
    scenario = load("comment-flood")
    assert bounded(Target(most_viewers=800), scenario, 15_000, by_viewers=True) == (800, "most_viewers")
    assert bounded(Target(), scenario, 700, by_viewers=True) == (700, "")
    most, why = bounded(Target(most_actions_per_s=100), scenario, 15_000, by_viewers=True)
    assert why == "most_actions_per_s"
    assert highest_rate(scaled(scenario, viewers=int(most))) <= 100
    assert highest_rate(scaled(scenario, viewers=int(most) + 1)) > 100
    most, why = bounded(Target(most_actions_per_s=100), scenario, 100, by_viewers=False)
    assert why == "most_actions_per_s"
    assert 99 < highest_rate(scaled(scenario, viewers=None, rate=most)) <= 100


async def test_only_pages_of_this_machine_and_of_named_hosts_are_pressed() -> None:
    assert "pay.example is not this machine" in await Checkout([]).press("https://pay.example/1", {"do": "pay"})
    checkout = Checkout(["pay.example"])
    near = await checkout.press("http://127.0.0.1:9/checkout/1", {"do": "pay"})
    await checkout.close()
    assert "not this machine" not in near
    assert near, "nobody listens there"


def test_thresholds_are_read_as_they_are_written() -> None:
    found = parse("flood: say.seen p99.9 <= 1.5 s")
    assert (found.phase, found.metric, found.percentile, found.most) == ("flood", "say.seen", 99.9, 1500)
    found = parse("dropped <= 0.5 %")
    assert (found.metric, found.share, found.most) == ("dropped", True, pytest.approx(0.005))
    assert parse("resets <= 0").share is False
    assert parse("join max <= 20 ms").percentile == 100
    found = parse("refused.claim <= 0")
    assert (found.metric, found.share, found.percentile) == ("refused.claim", False, None)


@pytest.mark.parametrize(
    "text", ["", "say.seen p99", "p99 <= 3 ms", "say.seen p99 >= 3 ms", "say.seen p99 <= 3", "a b <= 1"]
)
def test_what_is_no_threshold_is_refused(text: str) -> None:
    with pytest.raises(ThresholdError):
        parse(text)


def test_what_came_of_a_threshold_has_its_unit() -> None:
    shown = [judge(parse(text), value).shown for text, value in _VALUES]
    assert shown == ["72.5 ms", "1200 ms", "0.5 %", "3", "0.5 %", "72.5 ms", "1200 ms"]


_VALUES = [
    ("say.seen p99 <= 100 ms", 72.5), ("join max <= 1 s", 1200), ("dropped <= 1 %", 0.005), ("resets <= 0", 3),
    ("dropped <= 1%", 0.005), ("say.seen p99 <= 100ms", 72.5), ("join max <=1s", 1200),
]  # fmt: skip


def test_a_share_is_of_what_could_be_done_and_of_one_action_where_it_names_one() -> None:
    totals = {"due": 1000, "moot": 500, "due.claim": 10, "moot.claim": 5}
    assert due_of("dropped", totals) == 500
    assert due_of("refused.claim", totals) == 5
    assert due_of("moot", totals) == 1000
    assert due_of("moot.claim", totals) == 10
    assert due_of("refused.enter", totals) == 0


def test_what_was_not_measured_was_not_reached() -> None:
    assert not judge(parse("say.seen p99 <= 500 ms"), None).ok
    assert judge(parse("say.seen p99 <= 500 ms"), 500).ok
    assert not judge(parse("resets <= 0"), 1).ok
