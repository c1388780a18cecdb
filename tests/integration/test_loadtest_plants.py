"""The load test catches a server that breaks its promises, whichever it is; and lets an honest one pass."""

from __future__ import annotations

import pytest

from loadtest.behaviours import BEHAVIOURS
from loadtest.result import Result
from loadtest.run import Progress, Wish, play
from loadtest.scenario import read
from loadtest.target import Target
from tests.support.feigned import KEY, KID, ROOM, SHOP, Feigned, Plant, feigned

pytestmark = pytest.mark.alone

SCENARIO = """
name = "plants"
text = "Short, with everything in it"
viewers = 20
thresholds = ["say.seen p99.9 <= 400 ms", "comment.reply p99 <= 400 ms"]
[host]
says_per_s = 5
[[crowd]]
name = "all"
share = 0.5
does = ["comment", "like"]
think_s = [0.1, 0.2]
[[crowd]]
name = "apps"
share = 0.5
does = ["comment", "like"]
think_s = [0.1, 0.2]
codec = "msgpack"
[[phase]]
name = "arrive"
seconds = 0.5
present = 1.0
[[phase]]
name = "talk"
seconds = 2
action = [{ do = "comment", per_s = 30 }, { do = "like", per_s = 20 }]
[[phase]]
name = "cut"
seconds = 1.5
cut = 1.0
action = [{ do = "comment", per_s = 20 }]
"""

ORDER = "every viewer saw every log event once and in order"
KEPT = "every acknowledged host message is in the log"
SAME = "all viewers saw the same log, and it is the one that can be read"
ACCOUNTS = "accepted = shown + sampled out + collapsed + held"
SCREENS = "what is left out of screens is told"
REPLIES = "every command got exactly one reply"
CODES = "every refusal had a documented code"
ENDINGS = "no line ended without a documented reason"

CAUGHT_BY = {
    Plant.DROPS_A_SEQ: ORDER,
    Plant.REORDERS: ORDER,
    Plant.REPEATS: ORDER,
    Plant.KEEPS_THE_END: ORDER,
    Plant.SWALLOWS_RESUMES: ORDER,
    Plant.TELLS_TWO_STORIES: SAME,
    Plant.LOSES_WHAT_THE_HOST_SAID: KEPT,
    Plant.LOSES_COMMENTS: ACCOUNTS,
    Plant.LIES_ABOUT_FATES: ACCOUNTS,
    Plant.HIDES_LEFT_OUT: SCREENS,
    Plant.SHOWS_NOTHING: SCREENS,
    Plant.IS_SILENT: REPLIES,
    Plant.ANSWERS_TWICE: REPLIES,
    Plant.INVENTS_CODES: CODES,
    Plant.BREAKS_LINES: ENDINGS,
}


async def played(server: Feigned, workers: int = 1) -> Result:
    wish = Wish(
        read(SCENARIO, set(BEHAVIOURS), set()),
        Target(url=server.url, shop=SHOP, room=ROOM, kid=KID, key=KEY),
        workers=workers,
        settle_s=3,
    )
    return await play(wish, Progress(wish.scenario, lambda line: None, lambda second, collected: None))


async def test_an_honest_server_keeps_every_promise() -> None:
    async with feigned(Plant.NOTHING) as server:
        result = await played(server, workers=2)
    assert [each for each in result.findings if not each.ok] == []
    assert len(result.findings) == 8
    assert result.totals["resumes"] == 20
    assert result.totals["accepted.comment"] > 50
    assert server.erased == [f"{ROOM}-r"]


@pytest.mark.parametrize(("plant", "promise"), CAUGHT_BY.items(), ids=[plant.name for plant in CAUGHT_BY])
async def test_a_broken_promise_fails_the_run_whatever_its_speed(plant: Plant, promise: str) -> None:
    async with feigned(plant) as server:
        result = await played(server)
    broken = {each.name: each for each in result.findings if each.ok is False}
    assert promise in broken, result.findings
    assert result.verdict == "failed"


@pytest.mark.parametrize(
    ("plant", "threshold"),
    [
        (Plant.IS_SLOW_ONE_IN_A_HUNDRED, "say.seen p99.9 <= 400 ms"),
        (Plant.IS_SLOW_TO_ANSWER, "comment.reply p99 <= 400 ms"),
        (Plant.STALLS, "say.seen p99.9 <= 400 ms"),
    ],
    ids=lambda each: each.name if isinstance(each, Plant) else "",
)
async def test_what_is_slow_now_and_then_misses_its_threshold(plant: Plant, threshold: str) -> None:
    async with feigned(plant) as server:
        result = await played(server)
    assert threshold in {each.text for each in result.thresholds if not each.ok}
    assert not result.passed
