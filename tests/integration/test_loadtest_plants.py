"""The load test catches a server that breaks its promises, whichever it is; and lets an honest one pass."""

from __future__ import annotations

import asyncio

import pytest

from loadtest.behaviours import BEHAVIOURS
from loadtest.result import Result
from loadtest.run import Progress, Wish, play
from loadtest.scenario import read
from loadtest.shelf import CUES
from loadtest.target import Target
from tests.support.feigned import KEY, KID, ROOM, SHOP, Feigned, feigned
from tests.support.plants import Plant

pytestmark = pytest.mark.alone

DEAL = '{ t = "open_deal", product = "cup", steps = [{ people = 2, price = 800 }], stock = 7 }'
PLAN = '{ title = "Draw", organiser = "Shop", beacon = "recorded", prizes = [{ tier = "1", name = "Bike", value = 9, currency = "EUR" }] }'  # noqa: E501
SCENARIO = """
name = "plants"
text = "Short, with everything in it"
viewers = 20
thresholds = [
  "say.seen p99.9 <= 400 ms", "comment.reply p99 <= 400 ms", "join p99 <= 500 ms",
  "ended <= 0", "resets <= 0", "dropped.say <= 0", "refused.say <= 0",
]
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

#: a deal with one unit more than its teams of two can take, and a draw of each kind
SALE = (
    """
name = "sale"
text = "A deal and two draws"
viewers = 24
thresholds = ["cue.reply p99 <= 1 s", "pay_seat.told p99 <= 2 s", "moot.enter <= 50 %", "refused.claim <= 0"]
[host]
says_per_s = 2
[[product]]
product = "cup"
title = "Cup"
price = 1000
currency = "EUR"
[[crowd]]
name = "pages"
share = 0.5
does = ["open_team", "join_team", "enter", "claim"]
think_s = [0.05, 0.1]
[[crowd]]
name = "apps"
share = 0.5
does = ["open_team", "join_team", "enter", "claim"]
think_s = [0.05, 0.1]
codec = "msgpack"
[[phase]]
name = "deal"
seconds = 3
present = 1.0
arrive = "rush"
cue = [
  { at_s = 0.1, makes = "deal", send = DEAL },
  { at_s = 0.2, makes = "tap", send = { t = "create_draw", plan = PLAN } },
  { at_s = 0.3, makes = "word", send = { t = "create_draw", plan = PLAN_BY_WORD } },
  { at_s = 2.9, send = { t = "close_deal", deal = "$deal" } },
]
action = [
  { do = "open_team", per_s = 6, options = { spread_s = [0.05, 0.3], pays = 1.0, pays_after_s = [0.05, 0.2] } },
  { do = "join_team", per_s = 6, options = { spread_s = [0.05, 0.3], pays = 1.0, pays_after_s = [0.05, 0.2] } },
]
[[phase]]
name = "draws"
seconds = 5.4
cue = [
  { at_s = 0.0, send = { t = "open_draw", draw = "$tap" } },
  { at_s = 2.5, send = { t = "close_draw", draw = "$tap" } },
  { at_s = 2.6, send = { t = "open_draw", draw = "$word" } },
  { at_s = 5.1, send = { t = "close_draw", draw = "$word" } },
]
action = [{ do = "enter", per_s = 8 }]
[[phase]]
name = "claims"
seconds = 4.2
""".replace("PLAN_BY_WORD", PLAN.replace("}] }", '}], entry = "password", password = "cup" }'))
    .replace("PLAN", PLAN)
    .replace("DEAL", DEAL)
)

ORDER = "every viewer saw every log event once and in order"
KEPT = "every acknowledged host message is in the log"
SAME = "all viewers saw the same log, and it is the one that can be read"
ACCOUNTS = "accepted = shown + sampled out + collapsed + held"
SCREENS = "what is left out of screens is told"
REPLIES = "every command got exactly one reply"
CODES = "every answer is one that its command may have"
ENDINGS = "no line ended without a documented reason"
AWAY = "nobody was sent away for good"

#: the promise that each of them breaks, and no other but those of `WITH_IT`
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
    Plant.SENDS_AWAY: AWAY,
    Plant.ENDS_THE_WITNESSES: SCREENS,
    Plant.GARBLES_A_READ: "comments",
}

STOCK = "no deal is oversold"
ACKED = "every acknowledged seat and payment is found again"
PAYMENTS = "every payment that was taken is kept, and its buyer told"
BUYERS = "no buyer was refused without reason"
ENDS = "each team has one end"
LEDGER = "the ledger closes"
ENTRIES = "every acknowledged entry is in the draw's proof"
ENTRANTS = "no entry was refused while its draw was open"
VERIFIES = "every draw verifies"
WINNERS = "winners were told, and what they claimed is kept"

CAUGHT_IN_A_SALE = {
    Plant.OVERSELLS_BY_ONE: STOCK,
    Plant.LOSES_A_SEAT: ACKED,
    Plant.LOSES_A_PAYMENT: ACKED,
    Plant.ENDS_A_TEAM_TWICE: ENDS,
    Plant.TAKES_TOO_MUCH: LEDGER,
    Plant.LOSES_AN_ENTRY: ENTRIES,
    Plant.PICKS_A_WRONG_WINNER: VERIFIES,
    Plant.ANNOUNCES_OTHERS: VERIFIES,
    Plant.LOSES_A_CLAIM: WINNERS,
    Plant.TAKES_AND_FORGETS: PAYMENTS,
    Plant.KEEPS_A_PAYMENT_QUIET: PAYMENTS,
    Plant.SAYS_SOLD_OUT: BUYERS,
    Plant.SHUTS_A_DRAW_EARLY: ENTRANTS,
    Plant.OVERHEARS_PASSWORDS: ENTRANTS,
    Plant.NEVER_CLOSES_A_DRAW: VERIFIES,
}

#: no promise is broken; a count is missed, whatever the speed
MISSES = {
    Plant.ENDS_A_LINE: "ended <= 0",
    Plant.FORGETS_RESUMES: "resets <= 0",
    Plant.HANGS_UP_ON_THE_HOST: "dropped.say <= 0",
}
MISSES_IN_A_SALE = {
    Plant.NEVER_OPENS_A_DRAW: "moot.enter <= 50 %",
    Plant.REFUSES_CLAIMS: "refused.claim <= 0",
}
#: a server that breaks the first cannot keep these
WITH_IT = {
    Plant.LOSES_COMMENTS: {SCREENS},
    Plant.LIES_ABOUT_FATES: {SCREENS},
    Plant.LOSES_A_PAYMENT: {PAYMENTS},
}
IN_A_SALE = {*CAUGHT_IN_A_SALE, *MISSES_IN_A_SALE}
_AT_ONCE = 4  #: servers that are played beside each other, each with a driver of one process


async def played(server: Feigned, workers: int = 1, text: str = SCENARIO) -> Result:
    wish = Wish(
        read(text, set(BEHAVIOURS), CUES),
        Target(url=server.url, shop=SHOP, room=ROOM, kid=KID, key=KEY),
        workers=workers,
        settle_s=3,
        patience_s=3,
    )
    return await play(wish, Progress(lambda line: None, lambda second, collected: None))


async def _all(jobs: list[tuple[Plant, str]]) -> dict[Plant, Result | BaseException]:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(plant: Plant, text: str) -> Result:
        async with gate, feigned(plant) as server:
            return await played(server, text=text)

    found = await asyncio.gather(*(one(*job) for job in jobs), return_exceptions=True)
    return {plant: result for (plant, _), result in zip(jobs, found, strict=True)}


def _text(plant: Plant) -> str:
    return SALE if plant in IN_A_SALE else SCENARIO


def _missed(result: Result) -> set[str]:
    return {each.text for each in result.thresholds if not each.ok}


def _broken(result: Result) -> set[str]:
    return {each.name for each in result.findings if each.ok is False}


@pytest.fixture(scope="module")
def results() -> dict[Plant, Result | BaseException]:
    """Each broken server, played; some beside each other, since they mostly wait."""
    plants = [*CAUGHT_BY, *MISSES, *CAUGHT_IN_A_SALE, *MISSES_IN_A_SALE]
    return asyncio.run(_all([(plant, _text(plant)) for plant in plants]))


async def _passed(server: Feigned, text: str) -> Result:
    """An honest server keeps its promises each time, and misses no count; its times get three tries, and are judged
    where the driver itself had time enough."""
    for _ in range(3):
        result = await played(server, workers=2, text=text)
        assert [each for each in result.findings if not each.ok] == []
        assert [each for each in _missed(result) if not each.endswith("s")] == []
        if result.passed:
            break
    assert result.verdict in ("passed", "void"), result.reasons
    return result


async def test_an_honest_server_keeps_every_promise() -> None:
    async with feigned(Plant.NOTHING) as server:
        result = await _passed(server, SCENARIO)
    assert len(result.findings) == 9
    assert result.totals["resumes"] == 20
    assert result.totals["accepted.comment"] > 50
    assert set(server.erased) == {f"{ROOM}-r"}


async def test_witnesses_that_are_handed_over_account_for_the_time_they_were_there() -> None:
    async with feigned(Plant.HANDS_THE_WITNESSES_OVER) as server:
        result = await played(server, text=SCENARIO.replace("seconds = 2\n", "seconds = 5\n"))
    assert _missed(result) >= {"ended <= 0"}
    assert [each for each in result.findings if not each.ok] == []
    (screens,) = (each for each in result.findings if each.name == SCREENS)
    assert "4 witnesses" in screens.text
    assert "while the server had ended the witnesses' lines" in screens.text


async def test_an_honest_server_sells_and_draws_and_keeps_every_promise() -> None:
    async with feigned(Plant.NOTHING) as server:
        result = await _passed(server, SALE)
    assert {
        STOCK, ACKED, PAYMENTS, BUYERS, ENDS, LEDGER, ENTRIES, ENTRANTS, VERIFIES, WINNERS,
    } <= {each.name for each in result.findings}  # fmt: skip
    assert set(server.products) == {"cup"}
    totals = result.totals
    assert totals["accepted.open_team"] >= 3
    assert totals["accepted.join_team"] >= 2
    assert totals["accepted.checkout"] >= 4
    assert totals["accepted.enter"] >= 12
    assert totals["accepted.claim"] >= 4
    assert totals["too_late.open_team.sold_out"] >= 1, "nobody wanted more than there was"
    assert totals["due.checkout"] == totals["accepted.checkout"] + totals.get("refused.checkout", 0)


@pytest.mark.timeout(400)  # the first one plays them all
@pytest.mark.parametrize(
    ("plant", "promise"),
    [*CAUGHT_BY.items(), *CAUGHT_IN_A_SALE.items()],
    ids=[plant.name for plant in [*CAUGHT_BY, *CAUGHT_IN_A_SALE]],
)
def test_a_broken_promise_fails_the_run_whatever_its_speed(
    plant: Plant, promise: str, results: dict[Plant, Result | BaseException]
) -> None:
    result = results[plant]
    wanted = {promise} | WITH_IT.get(plant, set())
    if isinstance(result, BaseException) or _broken(result) != wanted:
        result = _once_more(plant)
    assert _broken(result) == wanted, result.findings
    assert result.verdict == "failed"


def _once_more(plant: Plant) -> Result:
    """On a starved machine a short sale may be over before anybody bought: once more, with nobody beside it."""
    result = asyncio.run(_all([(plant, _text(plant))]))[plant]
    if isinstance(result, BaseException):
        raise result
    return result


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("plant", "threshold"),
    [*MISSES.items(), *MISSES_IN_A_SALE.items()],
    ids=[plant.name for plant in [*MISSES, *MISSES_IN_A_SALE]],
)
def test_what_is_rare_and_vital_is_counted_by_itself(
    plant: Plant, threshold: str, results: dict[Plant, Result | BaseException]
) -> None:
    result = results[plant]
    if isinstance(result, BaseException) or _broken(result) or threshold not in _missed(result):
        result = _once_more(plant)
    assert _broken(result) == set()
    assert threshold in _missed(result), result.totals
    assert not result.passed


@pytest.mark.parametrize(
    ("plant", "threshold"),
    [
        (Plant.IS_SLOW_ONE_IN_A_HUNDRED, "say.seen p99.9 <= 400 ms"),
        (Plant.IS_SLOW_TO_ANSWER, "comment.reply p99 <= 400 ms"),
        (Plant.STALLS, "say.seen p99.9 <= 400 ms"),
        (Plant.REFUSES_FIRST_JOINS, "join p99 <= 500 ms"),
    ],
    ids=lambda each: each.name if isinstance(each, Plant) else "",
)
async def test_what_is_slow_now_and_then_misses_its_threshold(plant: Plant, threshold: str) -> None:
    async with feigned(plant) as server:
        result = await played(server)
    assert threshold in _missed(result)
    assert not result.passed
