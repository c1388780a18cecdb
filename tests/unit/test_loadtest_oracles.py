"""The oracles of deals and draws: what they call broken, what they leave open, and what is none of their business."""

from __future__ import annotations

from typing import Any

import pytest

from loadtest.messages import Account
from loadtest.oracles import Evidence, Finding
from loadtest.oracles.deals import Deals, One
from loadtest.oracles.deals import Read as DealsRead
from loadtest.oracles.draws import Draws
from loadtest.oracles.draws import Read as DrawsRead

STOCK, ACKED, ENDS, LEDGER = range(4)
ENTRIES, VERIFIES, WINNERS = range(3)


def evidence(notes: dict[str, list[list[Any]]], **more: Any) -> Evidence:
    account = Account(
        worker=0, viewers=2, checked=0, gaps=0, repeats=0, behind=0, absent=0, unanswered=0, astray=0, unknown=0,
        codes={}, undeclared={}, endings={}, log={}, conflicts=0, notes=notes, witnesses=[], examples=[],
        away=more.pop("away", []),
    )  # fmt: skip
    return Evidence([account], **more)


# -- deals: one team of two, complete, both paid 800


def told(seat: str, state: str = "confirmed", team: str = "complete") -> list[Any]:
    return ["d", "t", seat, state, team, "confirmed", 800]


NOTES = {"seat": [["d", "t", "s1", 1], ["d", "t", "s2", 2]], "standing": [told("s1"), told("s2")]}


def sold(**changes: Any) -> DealsRead:
    """What is read after an honest sale, but for some fields."""
    team = {"id": "t", "state": "complete", "size": 2, "paid": 2, **changes.pop("team", {})}
    deal = {"id": "d", "stock": 10, "left": 8, "terms": {}, **changes.pop("deal", {})}
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
    assert [each.ok for each in deals(sold())] == [True] * 4
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


# -- draws: entries a and b, a won


def drawn(**changes: Any) -> DrawsRead:
    proof = {"outcome": "drawn", "entries": [["a", 1], ["b", 1]], "drawing": {"winners": ["a"]}}
    read = DrawsRead(draws=[{"id": "d", "title": "D", "state": changes.pop("state", "drawn")}])
    read.proofs = {"d": {**proof, **changes.pop("proof", {})}}
    read.drawn = [{"draw": "d", "winners": [{"entry": each} for each in changes.pop("told", ["a"])]}]
    read.claims = {"d": [{"entry": "a", "state": "claimed"}]}
    read.wrong = changes
    return read


ENTERED = {"entered": [["d", "a", 1, 1, {}], ["d", "b", 1, 2, {}]], "won": [["d", 1]], "claimed": [["d", 1]]}


def draws(read: DrawsRead, notes: dict[str, list[list[Any]]] = ENTERED, **more: Any) -> list[Finding]:
    return Draws().judge(evidence(notes, **more), read)


def test_an_honest_draw_is_in_order() -> None:
    assert [each.ok for each in draws(drawn())] == [True] * 3
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
