"""The oracles: what they call broken, what they leave open, and what is none of their business."""

from __future__ import annotations

from typing import Any

import pytest

from loadtest.messages import Account, Witness
from loadtest.oracles import Evidence, Finding
from loadtest.oracles.answers import Answers
from loadtest.oracles.comments import Comments
from loadtest.oracles.deals import Deals, One
from loadtest.oracles.deals import Read as DealsRead
from loadtest.oracles.draws import Draws
from loadtest.oracles.draws import Read as DrawsRead

STOCK, ACKED, PAYMENTS, BUYERS, ENDS, LEDGER = range(6)
ENTRIES, ENTRANTS, VERIFIES, WINNERS = range(4)


def evidence(notes: dict[str, list[list[Any]]], **more: Any) -> Evidence:
    account = Account(
        worker=0, viewers=2, checked=0, gaps=0, repeats=0, behind=0, absent=0, unanswered=0, astray=0,
        unknown=more.pop("unknown", 0), sent_away=more.pop("sent_away", 0), codes={}, undeclared={}, endings={}, log={},
        conflicts=0, notes=notes, witnesses=more.pop("witnesses", []), examples=[], away=more.pop("away", []),
    )  # fmt: skip
    return Evidence([account], **more)


# -- deals: one team of two, complete, both paid 800


def told(seat: str, state: str = "confirmed", team: str = "complete") -> list[Any]:
    return ["d", "t", seat, state, team, "confirmed", 800]


NOTES = {
    "seat": [["d", "t", "s1", 1], ["d", "t", "s2", 2]],
    "standing": [told("s1"), told("s2")],
    "checkout": [["d", "s1"], ["d", "s2"]],
}


def sold(**changes: Any) -> DealsRead:
    """What is read after an honest sale, but for some fields."""
    team = {"id": "t", "state": "complete", "size": 2, "paid": 2, **changes.pop("team", {})}
    terms = {"steps": [{"people": 2, "price": 800}]}
    deal = {"id": "d", "stock": 10, "left": 8, "terms": terms, **changes.pop("deal", {})}
    orders = [{"order": seat, "team": "t", "state": "confirmed", "quantity": 1, "price": 800} for seat in ("s1", "s2")]
    rows = [
        {"payment_id": f"p{seat}", "seat_id": seat, "captured": "800", "refunded": "0", "net": "800", "sold": "800"}
        for seat in ("s1", "s2")
    ]
    rows[0] |= changes.pop("line", {})
    total = {"payment_id": "total", "seat_id": "", "captured": "1600", "refunded": "0", "net": "1600", "sold": "1600"}
    orders[0] |= changes.pop("order", {})
    seats = {seat: {"seat": seat, "state": "confirmed", "team": team} for seat in ("s1", "s2")}
    one = One(deal, [team], orders[changes.pop("orders_from", 0) :], [*rows, {**total, **changes.pop("total", {})}])
    seats["s1"] = {**seats["s1"], **changes.pop("seat", {})}
    return DealsRead([one], {key: seat for key, seat in seats.items() if key != changes.get("without")})


def deals(read: DealsRead, notes: dict[str, list[list[Any]]] = NOTES, **more: Any) -> list[Finding]:
    return Deals().judge(evidence(notes, **more), read)


def test_an_honest_sale_is_in_order() -> None:
    assert [each.ok for each in deals(sold())] == [True] * 6
    assert Deals().judge(evidence({}), DealsRead()) == [], "where nothing is sold there is nothing to say"


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"deal": {"left": 9}}, STOCK),
        ({"deal": {"left": 7}}, STOCK),
        ({"deal": {"stock": 1, "left": 0}}, STOCK),
        ({"team": {"held": 1}}, STOCK),
        ({"without": "s1"}, ACKED),
        ({"orders_from": 1}, ACKED),
        ({"seat": {"state": "paid"}}, ENDS),
        ({"team": {"state": "expired"}}, ENDS),
        ({"team": {"state": "forming"}}, ENDS),
        ({"line": {"captured": "801"}}, LEDGER),
        ({"total": {"sold": "800"}}, LEDGER),
        ({"order": {"price": 900}}, LEDGER),
        ({"order": {"state": "returning"}}, LEDGER),
    ],
    ids=str,
)
def test_what_does_not_add_up_is_broken(change: dict[str, Any], finding: int) -> None:
    assert deals(sold(**change))[finding].ok is False


def test_one_end_may_follow_another_only_when_the_deal_is_taken_back() -> None:
    both = {**NOTES, "standing": [told("s1"), told("s1", "released", "voided")]}
    read = sold(team={"state": "voided"}, seat={"state": "released"})
    read.seats.pop("s2")
    assert deals(read, both)[ENDS].ok
    both["standing"][1] = told("s1", "released", "expired")
    assert deals(sold(), both)[ENDS].ok is False


def test_a_run_that_was_cut_short_says_nothing_of_what_is_under_way() -> None:
    read = sold(team={"state": "forming"}, seat={"state": "paid"}, order={"state": "placed"})
    read.seats.pop("s2")
    notes = {"seat": [["d", "t", "s1", 1]], "standing": []}
    findings = deals(read, notes, cut_short=True)
    assert (findings[ENDS].ok, deals(read, notes)[ENDS].ok) == (None, False)
    assert findings[LEDGER].ok is False, "what is read must add up all the same"


def test_money_that_was_taken_is_kept_and_its_buyer_told() -> None:
    lost = {**NOTES, "checkout": [["d", "s3"]]}
    assert deals(sold(), lost)[PAYMENTS].ok is False
    assert deals(sold(), lost, cut_short=True)[PAYMENTS].ok is None, "it may be on its way"
    went_back = sold()
    went_back.deals[0].settlement.insert(0, {**went_back.deals[0].settlement[0], "seat_id": "s3", "sold": "0"})
    assert deals(went_back, lost)[PAYMENTS].ok
    silent = {**NOTES, "standing": [told("s1")]}
    assert deals(sold(), silent)[PAYMENTS].ok is False
    assert deals(sold(), silent, away=[2])[PAYMENTS].ok, "who is gone hears nothing"
    assert deals(sold(), silent, faults=True)[PAYMENTS].ok


def late(name: str, code: str, viewer: int = 1, at_ms: int = 0, team: str | None = "t", seat: str | None = None) -> Any:
    return {**NOTES, "too_late": [[name, code, viewer, at_ms, "d", team, seat]]}


def shut_at_10_s(read: DealsRead) -> DealsRead:
    read.log = [
        {"at": 1_000, "event": {"t": "deal_opened", "deal": {"id": "d", "state": "open", "closes_at": 90_000}}},
        {"at": 10_000, "event": {"t": "deal_closed", "id": "d"}},
    ]
    return read


@pytest.mark.parametrize(
    ("read", "notes"),
    [
        (sold(), late("open_team", "sold_out", team=None)),
        (shut_at_10_s(sold()), late("open_team", "deal_closed", at_ms=9_000, team=None)),
        (sold(team={"state": "forming"}), late("join_team", "team_closed")),
        (sold(team={"state": "forming"}), late("join_team", "team_late")),
        (sold(team={"size": 3}), late("join_team", "team_full")),
        (sold(), late("join_team", "team_member", viewer=3)),
        (sold(), late("join_team", "seat_taken", viewer=3)),
        (sold(), late("pay_seat", "seat_lost", seat="s1")),
        (DealsRead(), late("open_team", "sold_out")),
    ],
)
def test_a_refusal_that_cannot_be_true_is_broken(read: DealsRead, notes: dict[str, list[list[Any]]]) -> None:
    assert deals(read, notes)[BUYERS].ok is False


@pytest.mark.parametrize(
    ("read", "notes"),
    [
        (sold(deal={"stock": 3}), late("open_team", "sold_out", team=None)),
        (shut_at_10_s(sold()), late("open_team", "deal_closed", at_ms=9_900, team=None)),
        (sold(), late("join_team", "team_closed")),
        (sold(), late("join_team", "team_full")),
        (sold(), late("join_team", "team_member", viewer=2)),
        (sold(seat={"state": "released"}), late("pay_seat", "seat_lost", seat="s1")),
        (sold(seat={"order": "lapsed"}), late("pay_seat", "seat_lost", seat="s1")),
    ],
)
def test_who_came_too_late_was_refused_with_reason(read: DealsRead, notes: dict[str, list[list[Any]]]) -> None:
    assert deals(read, notes)[BUYERS].ok


def test_in_a_real_room_the_teams_of_others_need_not_be_over() -> None:
    read = sold()
    read.deals[0].teams.append({"id": "theirs", "state": "forming", "size": 2, "held": 1})
    read.deals[0].orders.append({"order": "s9", "team": "theirs", "state": "placed", "quantity": 1, "price": 800})
    read.deals[0].deal["left"] = 6
    findings = deals(read, rehearsal=False)
    assert [each.ok for each in findings] == [True] * 6
    assert [each.ok for each in deals(read)].count(False) == 2


# -- draws: entries a and b, a won


def drawn(**changes: Any) -> DrawsRead:
    proof = {"outcome": "drawn", "entries": [["a", 1], ["b", 1]], "drawing": {"winners": ["a"]}}
    read = DrawsRead(draws=[{"id": "d", "title": "D", "state": changes.pop("state", "drawn")}])
    read.proofs = {"d": {**proof, **changes.pop("proof", {})}}
    told = {"t": "draw_drawn", "draw": "d", "winners": [{"entry": each} for each in changes.pop("told", ["a"])]}
    read.log = [*OPEN_FROM_10_TO_20_S, {"seq": 9, "at": 21_000, "event": told}]
    read.claims = {"d": [{"entry": "a", "state": "claimed"}]}
    read.wrong = changes
    return read


OPEN_FROM_10_TO_20_S = [
    {"seq": 7, "at": 10_000, "event": {"t": "draw_opened", "draw": {"id": "d"}}},
    {"seq": 8, "at": 20_100, "event": {"t": "draw_closed", "draw": "d", "closed_at": 20_000}},
]
ENTERED = {"entered": [["d", "a", 1, 1, {}], ["d", "b", 1, 2, {}]], "won": [["d", 1]], "claimed": [["d", 1]]}


def draws(read: DrawsRead, notes: dict[str, list[list[Any]]] = ENTERED, **more: Any) -> list[Finding]:
    return Draws().judge(evidence(notes, **more), read)


def test_an_honest_draw_is_in_order() -> None:
    assert [each.ok for each in draws(drawn())] == [True] * 4
    assert Draws().judge(evidence({}), DrawsRead()) == []


@pytest.mark.parametrize(
    ("read", "notes", "finding"),
    [
        (drawn(proof={"entries": [["a", 1]]}), {}, ENTRIES),
        (drawn(proof={"entries": [["a", 2], ["b", 1]]}), {}, ENTRIES),
        (drawn(proof={"entries": [["a", 1], ["b", 1], ["c", 1]]}), {}, ENTRIES),
        (drawn(), {"not_entered": [["teapot"]]}, ENTRIES),
        (drawn(d="fails at winners"), {}, VERIFIES),
        (drawn(told=["b"]), {}, VERIFIES),
        (drawn(state="closed"), {}, VERIFIES),
        (drawn(state="open"), {}, VERIFIES),
        (drawn(state="void"), {}, VERIFIES),
        (drawn(), {"won": []}, WINNERS),
        (drawn(), {"won": [["d", 1], ["d", 2]]}, WINNERS),
        (drawn(), {"claimed": [["d", 1], ["d", 2]]}, WINNERS),
    ],
)
def test_a_draw_that_is_not_as_told_is_broken(read: DrawsRead, notes: dict[str, list[list[Any]]], finding: int) -> None:
    assert draws(read, {**ENTERED, **notes})[finding].ok is False


def test_who_is_not_there_need_not_have_heard() -> None:
    notes: dict[str, list[list[Any]]] = {**ENTERED, "won": [], "claimed": []}
    assert draws(drawn(), notes, away=[1])[WINNERS].ok
    assert draws(drawn(), notes, faults=True)[WINNERS].ok, "a notice may be on its way through what is broken"


def test_a_void_draw_is_no_failure_where_something_is_broken_on_purpose() -> None:
    assert draws(drawn(state="void"), faults=True)[VERIFIES].ok


@pytest.mark.parametrize(("at_ms", "ok"), [(10_500, True), (15_000, False), (19_600, True), (25_000, True)])
def test_no_entry_is_too_late_while_the_draw_is_open(at_ms: int, ok: bool) -> None:
    notes = {**ENTERED, "too_late": [["enter", "draw_not_open", 3, at_ms, "d"]]}
    assert draws(drawn(), notes)[ENTRANTS].ok is ok
    assert draws(drawn(), notes, faults=True)[ENTRANTS].ok is (True if ok else None)


def test_who_is_told_to_be_in_is_in() -> None:
    notes = {**ENTERED, "too_late": [["enter", "draw_entered", 3, 0, "d"], ["enter", "draw_entered", 1, 0, "d"]]}
    assert draws(drawn(), notes)[ENTRANTS].ok is False
    assert draws(drawn(), notes, unknown=1)[ENTRANTS].ok, "an entry of theirs may have been made"


def test_a_draw_that_was_left_open_is_left_open_only_by_a_server_in_a_rehearsal() -> None:
    assert draws(drawn(state="open"), cut_short=True)[VERIFIES].ok is None
    assert draws(drawn(state="open"), rehearsal=False)[VERIFIES].ok


async def test_of_a_real_room_only_the_draws_of_this_run_are_read() -> None:
    class Room:
        async def draws(self) -> list[dict[str, Any]]:
            return [{"id": each, "title": "D", "state": "open"} for each in ("old", "made", "entered")]

        async def log(self) -> list[dict[str, Any]]:
            return []

    notes: dict[str, list[list[Any]]] = {"made": [["made"]], "entered": [["entered", "a", 1, 1, {}]]}
    room: Any = Room()
    read = await Draws().read(room, evidence(notes, rehearsal=False))
    assert [each["id"] for each in read.draws] == ["made", "entered"]
    assert len((await Draws().read(room, evidence(notes))).draws) == 3


# -- comments: one was shown, one left out

COMMENTS = [{"id": "c1", "fate": "shown", "at": 10_000}, {"id": "c2", "fate": "sampled_out", "at": 20_000}]
WROTE = {"comment": [["c1", True, False], ["c2", False, False]]}
SAW_IT_ALL = Witness(away=[], shown=["c1"], left_out=1)


def test_honest_comments_are_in_order() -> None:
    found = Comments().judge(evidence(WROTE, witnesses=[SAW_IT_ALL]), COMMENTS)
    assert [each.ok for each in found] == [True, True]


def test_a_room_with_a_past_is_judged_by_what_this_run_wrote() -> None:
    past = [
        {"id": f"old{number}", "fate": fate, "at": 1} for number, fate in enumerate(("sampled_out", "shown", "deleted"))
    ]
    found = Comments().judge(evidence(WROTE, witnesses=[SAW_IT_ALL], rehearsal=False), [*past, *COMMENTS])
    assert [each.ok for each in found] == [True, True]


def test_without_a_witness_the_screens_are_broken_unless_something_else_was() -> None:
    cut = Witness(away=[(9_000, 21_000)], shown=[], left_out=0)
    assert Comments().judge(evidence(WROTE, witnesses=[cut]), COMMENTS)[1].ok is False
    assert Comments().judge(evidence(WROTE, witnesses=[cut], faults=True), COMMENTS)[1].ok is None


@pytest.mark.parametrize(
    ("away", "shown", "left_out", "ok"),
    [
        ([(9_000, 9_500)], [], 1, True),  # what was made near an absence may have been shown in it
        ([(12_000, 12_500)], [], 1, True),
        ([(13_000, 15_000)], [], 1, False),
        ([(19_500, 19_600)], ["c1"], 0, True),
        ([(19_500, 19_600)], ["c1"], 2, True),  # by two processes
        ([(13_000, 15_000)], ["c1"], 0, False),
        ([(9_000, 9_500)], ["c1"], 2, False),  # told of more than there were
        ([(9_000, 9_500)], ["c3"], 1, False),
    ],
)
def test_a_witness_answers_for_the_time_it_had_a_line(
    away: list[tuple[int, int]], shown: list[str], left_out: int, ok: bool
) -> None:
    saw = Witness(away=away, shown=shown, left_out=left_out)
    gone = Witness(away=[(9_000, 21_000)], shown=[], left_out=0)  # has no say
    assert Comments().judge(evidence(WROTE, witnesses=[saw, gone]), COMMENTS)[1].ok is ok


@pytest.mark.parametrize(
    "others",
    [
        [Witness(away=[], shown=[], left_out=1), Witness(away=[(9_000, 9_500)], shown=[], left_out=1)],  # one was there
        [Witness(away=[], shown=["c1"], left_out=0), Witness(away=[], shown=["c1"], left_out=2)],  # neither was right
        [SAW_IT_ALL, Witness(away=[], shown=["c1", "c3"], left_out=1)],  # nobody sees too much
    ],
)
def test_no_witness_makes_up_for_what_another_saw_who_was_there(others: list[Witness]) -> None:
    assert Comments().judge(evidence(WROTE, witnesses=others), COMMENTS)[1].ok is False


# -- answers


def test_nobody_is_sent_away_for_good() -> None:
    away = {each.name: each.ok for each in Answers().judge(evidence({}, sent_away=1), None)}
    assert away["nobody was sent away for good"] is False
    assert all(each.ok for each in Answers().judge(evidence({}), None))
