"""The draw's pure core: its vectors are reproduced to the byte, and what was changed afterwards is caught and named."""

from __future__ import annotations

import itertools
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lottery import canonical, merkle, quicknet, receipt, rules
from lottery.conduct import leaves
from lottery.entry import Entry, entry_id, salt_hash
from lottery.limits import LIMITS
from lottery.picks import picks
from lottery.proof import Passed, PassedWhy, Proof, read, schema
from lottery.recorded import RECORDED
from lottery.steps import STEPS, Report
from lottery.verify import verify
from lottery.weight import Facts, most, weight
from tests.support import draw_vectors, draws, tampering
from tests.support.draw_vectors import FILES, FOLDER, PROOFS
from tests.support.draws import EVEN, UNEVEN, Plan
from tests.support.tampering import TAMPERINGS, Case, checked

ROOT = Path(__file__).parents[2]


def results(report: Report) -> dict[str, str]:
    return {step.name: step.result.value for step in report.steps}


def text_of(report: Report, name: str) -> str:
    return next(step.text for step in report.steps if step.name == name)


@pytest.mark.parametrize("name", FILES)
def test_a_vector_is_reproduced_to_the_byte(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == draw_vectors.text(FILES[name]())


def test_there_is_no_vector_that_nobody_writes() -> None:
    assert {path.name for path in FOLDER.glob("*.json")} == set(FILES)


def test_the_schema_of_proofs_is_up_to_date() -> None:
    written = json.loads((ROOT / "lottery/proof.schema.json").read_text("utf-8"))
    assert written == schema()


@pytest.mark.parametrize("name", PROOFS)
def test_a_vector_holds_at_every_step(name: str) -> None:
    plan, make = PROOFS[name]
    report = checked(tampering.case(plan, make()) if plan.viewers else Case(msgspec.to_builtins(make())))
    assert report.ok, report
    assert [step.name for step in report.steps] == list(STEPS)
    assert report.not_proven


def test_what_cannot_be_shown_is_called_so() -> None:
    plan = Plan("rehearsed", 5)
    case = tampering.case(plan)
    case.witness = case.receipt = None
    found = results(checked(case))
    assert {name for name, result in found.items() if result == "not_covered"} == {"publication", "beacon", "receipt"}
    assert "rehearsal" in " ".join(checked(case).not_proven)


@pytest.mark.parametrize("name", tampering.borders())
def test_the_border_of_a_time_or_weight_is_where_the_protocol_says(name: str) -> None:
    case, failed, not_covered = tampering.borders()[name]
    report = checked(case)
    assert report.failed == failed, report.steps[-1]
    if failed is None and not_covered is not None:
        assert results(report)[not_covered] == "not_covered"
    if failed is None and not_covered is None:
        assert set(results(report).values()) == {"ok"}


def test_a_freeze_moves_the_latest_close() -> None:
    case = tampering.case(Plan("frozen", 5, tier="co-hosts"))
    case.receipt = case.witness = None
    tampering.later(case, 60_000)
    assert results(checked(case))["close"] == "not_covered"
    case.proof["closing"]["frozen_ms"] = 30_000
    assert results(checked(case))["close"] == "ok"


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_caught_and_the_step_named(name: str) -> None:
    plan, _, step = TAMPERINGS[name]
    assert checked(tampering.case(plan)).ok
    report = checked(tampering.tampered(name))
    assert (report.ok, report.failed) == (False, step), report.steps[-1]
    assert report.steps[-1].name == step, "nothing is checked after the step that failed"
    assert report.steps[-1].text


@pytest.mark.parametrize("name", tampering.voids())
def test_a_way_out_that_the_rules_do_not_allow_is_caught(name: str) -> None:
    case, step = tampering.voids()[name]
    assert checked(case).failed == step


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b"null", b"\xff", b'{"protocol":"LTD1"}', b"[" * 100_000])
def test_what_is_no_proof_fails_as_a_document(document: bytes) -> None:
    assert verify(document).failed == "document"


def test_prizes_go_to_winners_first_then_to_reserves_and_run_out() -> None:
    proof = draws.drawn(Plan("few", 4, prizes=(("A", 2), ("B", 1)), reserves=9))
    drawing = draws.drawing_of(proof)
    assert (len(drawing.winners), len(drawing.reserves)) == (3, 1)
    assert {*drawing.winners, *drawing.reserves} == {entry.entry_id for entry in proof.entries}


def test_the_empty_root_is_the_hash_of_nothing() -> None:
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_an_odd_node_moves_up_unpaired() -> None:
    a, b, c = (bytes([number]) * 32 for number in range(3))

    def node(left: bytes, right: bytes) -> bytes:
        return sha256(b"\x01" + left + right).digest()

    assert merkle.root([a]) == a
    assert merkle.root([a, b, c]) == node(node(a, b), c)


def test_an_entry_is_the_same_for_the_same_person_and_draw_only() -> None:
    ids = [entry_id(salt, who) for salt in (b"a" * 32, b"b" * 32) for who in ("ann", "ben", "ann")]
    assert ids[0] == ids[2] != ids[3]
    assert len(set(ids)) == 4
    assert {len(each) for each in ids} == {16}
    assert salt_hash(b"a" * 32) == sha256(b"a" * 32).digest()


def test_the_round_is_the_first_at_least_ten_seconds_after_the_close() -> None:
    for closed_ms in (quicknet.GENESIS_MS + 12_345_678 + offset for offset in range(6_001)):
        found = quicknet.round_for(closed_ms)
        assert quicknet.time_of(found) >= closed_ms + 10_000 > quicknet.time_of(found - 1)
        assert quicknet.round_at(quicknet.time_of(found)) == found
    assert quicknet.round_for(0) == 1
    assert quicknet.round_at(0) == 0


@pytest.mark.parametrize("round", RECORDED)
def test_a_real_round_of_drand_verifies_and_no_other_does(round: int) -> None:
    signature = RECORDED[round]
    assert quicknet.signed(round, signature)
    assert not quicknet.signed(round + 1, signature)
    assert not quicknet.signed(round, signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not quicknet.signed(round, signature[:47])


def test_the_published_randomness_is_the_hash_of_the_signature() -> None:
    published = {
        1000: "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd",
        657413: "fc1873a13f3545aeade8401532ef5519920652eee6b0d2b19ca12643b87b3587",
    }
    for round, value in published.items():
        assert quicknet.randomness(RECORDED[round]).hex() == value


def test_weight_grows_with_what_a_person_did_up_to_the_most() -> None:
    assert weight(UNEVEN, Facts()) == 2
    assert weight(UNEVEN, Facts(commented=True, joined_team=True)) == 10
    assert weight(UNEVEN, Facts(watched_s=299)) == 2
    assert weight(UNEVEN, Facts(watched_s=300)) == 3
    assert weight(UNEVEN, Facts(True, True, True, 10**6)) == most(UNEVEN) == 22
    assert most(EVEN) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"password": "x"},
        {"entry": "password"},
        {"rehearsal": False},
        {"beacon": {"tier": "recorded", "round": 0}},
        {"prizes": []},
        {"exclude": {"staff": False, "winners_of_last": 0}},
        {"freeze": "stay"},
        {"latest_close_ms": 2**53},
        {"note": ""},
        {"beacon": {"tier": "co-hosts", "cohosts": [{"name": "Ada", "commitment": "00" * 32}], "reveal_s": 60}},
    ],
    ids=str,
)
def test_rules_that_cannot_be_kept_are_refused(change: dict[str, Any]) -> None:
    plain = msgspec.to_builtins(draws.rules_of(Plan("rules", 1)))
    assert msgspec.convert(plain, rules.Rules)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**plain, **change}, rules.Rules)


def test_too_many_prizes_are_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        draws.rules_of(Plan("rules", 1, prizes=(("A", 10_000), ("B", 1))))


@pytest.mark.parametrize("value", [0.5, 2**53, -(2**53), float("nan"), b"", "\ud800", {"\udfff": 1}], ids=repr)
def test_what_has_no_canonical_text_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"canonical|surrogate"):
        canonical.canonical(value)


def test_a_receipt_holds_under_the_shops_key_and_no_other() -> None:
    mine = draws.receipt_of(Plan("mine", 3))
    assert receipt.genuine(mine, bytes.fromhex(draws.SHOP_KEY))
    assert not receipt.genuine(mine, draws.known("another key"))
    assert not receipt.genuine(mine, b"short")
    assert not receipt.genuine(draws.replaced(mine, weight=2), bytes.fromhex(draws.SHOP_KEY))


def test_a_proof_is_read_as_it_was_written() -> None:
    for _, make in PROOFS.values():
        proof = make()
        assert read(msgspec.json.encode(proof)) == proof


def test_a_proof_tells_nobody_who_took_part() -> None:
    plan = Plan("private", 50, tier="drand")
    document = msgspec.json.encode(draws.drawn(plan))
    assert b"viewer-" not in document
    assert plan.salt.hex().encode() not in document


def test_what_a_proof_does_not_show_is_one_list_in_checker_and_handbook() -> None:
    text = (ROOT / "docs/draws.md").read_text("utf-8")
    section = text.split("## What the proof does not cover\n")[1].split("\n## ")[0]
    assert [line.removeprefix("- ") for line in section.splitlines() if line.startswith("- ")] == list(LIMITS.values())


def test_one_is_told_as_one() -> None:
    report = checked(tampering.case(Plan("one", 1, prizes=(("Bag", 1),), reserves=1)))
    assert (text_of(report, "order"), text_of(report, "winners")) == ("1 entry", "1 winner")
    assert text_of(report, "reserves") == "0 reserves, 0 of them moved up"


def test_disqualified_winners_are_said_to_be_the_shops_word() -> None:
    proof = draws.drawn(tampering.DRAND)
    drawn_ms = draws.drawing_of(proof).drawn_ms
    proof = draws.with_passed(proof, Passed(0, 0, PassedWhy.DISQUALIFIED, drawn_ms))
    assert any("disqualified" in text for text in verify(msgspec.json.encode(proof)).not_proven)


def test_chances_are_even_over_100_000_picks() -> None:
    """Chi-square with 99 degrees of freedom: beyond 181 in one of a million fair draws; the seeds are fixed."""
    counts = [0] * 100
    for number in range(10_000):
        for index in itertools.islice(picks(draws.known("chi", number), [1] * 100), 10):
            counts[index] += 1
    assert sum(counts) == 100_000
    assert sum((count - 1000) ** 2 / 1000 for count in counts) < 181


def test_chances_are_as_the_weights_over_100_000_picks() -> None:
    """Chi-square with 9 degrees of freedom: beyond 45 in one of a million fair draws."""
    weights = list(range(1, 11))
    counts = [0] * 10
    for number in range(100_000):
        counts[next(picks(draws.known("weighted", number), weights))] += 1
    expected = [100_000 * each / sum(weights) for each in weights]
    assert sum((found - wanted) ** 2 / wanted for found, wanted in zip(counts, expected, strict=True)) < 45


def test_leaves_bind_draw_entry_and_weight() -> None:
    made = {
        leaves(draw_id, [Entry(entry, weight)])[0]
        for draw_id, entry, weight in itertools.product(("00" * 16, "01" * 16), ("00" * 16, "02" * 16), (1, 256))
    }
    assert len(made) == 8


def test_json_of_a_proof_fits_its_schema_in_fields() -> None:
    properties = schema()["$defs"]["Proof"]["properties"]
    assert set(properties) == set(Proof.__struct_fields__)
