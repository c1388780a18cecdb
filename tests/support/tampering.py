"""Tampering: ways to change a proof, a receipt or a witness after the fact, and the step at which each is caught."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import msgspec

from lottery import conduct, merkle, quicknet
from lottery.proof import Proof
from lottery.receipt import Held, Witness
from lottery.recorded import RECORDED
from lottery.steps import Report
from lottery.verify import verify
from tests.support import draws
from tests.support.draws import CLAIM_S, UNEVEN, Plan

Plain = dict[str, Any]
_FIELD = (
    0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB  #: of BLS12-381
)

DRAND = Plan("tampered", 40, reserves=5, tier="drand", weights=UNEVEN)
ALIASED = Plan("tampered signature", 5, tier="drand", round=5_928_395)
HOSTED = Plan("tampered co-hosts", 40, reserves=5, tier="co-hosts", weights=UNEVEN)


@dataclasses.dataclass
class Case:
    """What a checker is handed: documents as JSON has them."""

    proof: Plain
    receipt: Plain | None = None
    inclusion: Plain | None = None
    witness: Plain | None = None


def case(plan: Plan, proof: Proof | None = None) -> Case:
    proof = draws.drawn(plan) if proof is None else proof
    plain = msgspec.json.decode(msgspec.json.encode(proof))
    receipt, witness = draws.receipt_of(plan), draws.witness_of(proof) if proof.closing else None
    placed = draws.placed(proof, receipt.entry_id) if proof.closing else None
    return Case(
        plain, *(each and msgspec.json.decode(msgspec.json.encode(each)) for each in (receipt, placed, witness))
    )


def checked(case: Case) -> Report:
    """What Python's checker says of documents as they come over the wire."""
    parts = {"receipt": case.receipt, "inclusion": case.inclusion}
    return verify(
        json.dumps(case.proof).encode(),
        None if case.receipt is None else msgspec.convert(parts, Held),
        None if case.witness is None else msgspec.convert(case.witness, Witness),
    )


def flip(text: str) -> str:
    """Another hexadecimal text of the same length."""
    return ("1" if text[0] == "0" else "0") + text[1:]


def _inclusion(case: Case) -> Plain:
    assert case.inclusion is not None
    return case.inclusion


def redrawn(case: Case) -> None:
    """Make everything that follows from the entries fit again, as a forger with the whole program would."""
    proof = msgspec.convert(case.proof, Proof)
    assert proof.closing is not None
    assert proof.drawing is not None
    entries = tuple(sorted(proof.entries, key=lambda entry: entry.entry_id))
    root = merkle.root(conduct.leaves(proof.draw_id, entries))
    total = sum(entry.weight for entry in entries)
    closing = draws.replaced(proof.closing, root=root.hex(), count=len(entries), total_weight=total)
    signature = None if proof.drawing.signature is None else bytes.fromhex(proof.drawing.signature)
    beacon = quicknet.randomness(signature) if signature else conduct.cohosts_beacon(proof.rules, root, proof.reveals)
    drawing = conduct.draw(proof.rules, closing, entries, beacon, signature, proof.drawing.drawn_ms)
    case.proof = msgspec.to_builtins(draws.replaced(proof, entries=entries, closing=closing, drawing=drawing))


def _entry(case: Case) -> None:
    entry = case.proof["entries"][7]
    entry[0] = entry[0][:-1] + ("1" if entry[0][-1] == "0" else "0")


def _swapped(case: Case) -> None:
    entries = case.proof["entries"]
    entries[3], entries[4] = entries[4], entries[3]


def _alias(case: Case) -> None:
    """The same point with its coordinate a multiple of the field's size off: it would give another beacon."""
    drawing = case.proof["drawing"]
    signature = int(drawing["signature"], 16) + _FIELD
    assert signature >> 381 == 0b101, "the flags stay, the coordinate fits"
    drawing["signature"] = f"{signature:096x}"
    redrawn(case)


def _and_anew(change: Callable[[list[Plain]], object]) -> Callable[[Case], None]:
    """Change the reveals, and draw again from what they give then."""

    def changed(case: Case) -> None:
        change(case.proof["reveals"])
        redrawn(case)

    return changed


def _another_secret(index: int) -> Callable[[Case], None]:
    return _and_anew(lambda reveals: reveals[index].update(secret=flip(reveals[index]["secret"])))


def _moved_weight(case: Case) -> None:
    entries = case.proof["entries"]
    giver = next(entry for entry in entries if entry[1] > UNEVEN.base)
    taker = next(entry for entry in entries if entry is not giver and entry[1] < 22)
    giver[1] -= 1
    taker[1] += 1


def _redrawn_without_one(case: Case) -> None:
    del case.proof["entries"][0]
    redrawn(case)


def _redrawn_without_me(case: Case) -> None:
    mine = (case.receipt or {})["entry_id"]
    case.proof["entries"] = [entry for entry in case.proof["entries"] if entry[0] != mine]
    redrawn(case)
    case.witness = None


def _lighter_me(case: Case) -> None:
    mine = case.receipt or {}
    mine_in = next(entry for entry in case.proof["entries"] if entry[0] == mine["entry_id"])
    assert mine_in[1] > UNEVEN.base
    mine_in[1] -= 1
    redrawn(case)
    case.witness = None


def _set(*path: str | int, to: Any) -> Callable[[Case], None]:
    def change(case: Case) -> None:
        *way, last = path
        part: Any = vars(case)
        for name in way:
            part = part[name]
        part[last] = to(part[last]) if callable(to) else to

    return change


def _add(number: int) -> Callable[[int], int]:
    return lambda value: value + number


def _passed(*passed: tuple[int, int, str, int]) -> Callable[[Case], None]:
    def change(case: Case) -> None:
        drawn_ms = case.proof["drawing"]["drawn_ms"]
        case.proof["passed"] = [
            {"unit": unit, "reserve": reserve, "why": why, "passed_ms": drawn_ms + after_ms}
            for unit, reserve, why, after_ms in passed
        ]

    return change


def _lapsed(*lapsed: tuple[int, str, int], reserves: int = 5) -> Callable[[Case], None]:
    """All reserves move up to prize 0 at once, and then prizes are nobody's."""

    def change(case: Case) -> None:
        _passed(*((0, number, "declined", 0) for number in range(reserves)))(case)
        drawn_ms = case.proof["drawing"]["drawn_ms"]
        case.proof["lapsed"] = [
            {"unit": unit, "why": why, "lapsed_ms": drawn_ms + after} for unit, why, after in lapsed
        ]

    return change


def _swap(*path: str) -> Callable[[Case], None]:
    def change(case: Case) -> None:
        ids = case.proof
        for name in path:
            ids = ids[name]
        ids[0], ids[1] = ids[1], ids[0]  # type: ignore[index, assignment]

    return change


_LATE = CLAIM_S * 1000
_OTHER_ROUND = RECORDED[657_413]

#: what is changed → (plan, the change, the step that catches it)
TAMPERINGS: dict[str, tuple[Plan, Callable[[Case], None], str]] = {
    "field missing": (DRAND, lambda case: case.proof.pop("reveals"), "document"),
    "field unknown": (DRAND, lambda case: case.proof["closing"].update(note="hi"), "document"),
    "id in capitals": (DRAND, _set("proof", "draw_id", to=str.upper), "document"),
    "fraction": (DRAND, _set("proof", "closing", "count", to=40.5), "document"),
    "zero weight": (DRAND, _set("proof", "entries", 5, 1, to=0), "document"),
    "text with a NUL": (DRAND, _set("proof", "why", to="\x00"), "document"),
    "drawn without a drawing": (DRAND, _set("proof", "drawing", to=None), "document"),
    "draw id": (DRAND, _set("proof", "draw_id", to=flip), "document"),
    "recorded beacon in earnest": (
        DRAND,
        _set("proof", "rules", "beacon", to={"tier": "recorded", "round": 1000}),
        "document",
    ),
    "rule: a prize's value": (DRAND, _set("proof", "rules", "prizes", 0, "value", to=1), "rules"),
    "rule: more prizes": (DRAND, _set("proof", "rules", "prizes", 0, "quantity", to=3), "rules"),
    "rule: minimum age": (DRAND, _set("proof", "rules", "minimum_age", to=0), "rules"),
    "rule: title by one letter": (DRAND, _set("proof", "rules", "title", to=lambda text: text + "!"), "rules"),
    "rules' hash": (DRAND, _set("proof", "rules_hash", to=flip), "rules"),
    "closed before it opened": (DRAND, _set("proof", "opened_ms", to=_add(10**9)), "close"),
    "round": (DRAND, _set("proof", "closing", "round", to=_add(1)), "round"),
    "moment of closing": (DRAND, _set("proof", "closing", "closed_ms", to=_add(1)), "round"),
    "round of co-hosts": (HOSTED, _set("proof", "closing", "round", to=1), "round"),
    "order": (DRAND, _swapped, "order"),
    "entry twice": (DRAND, lambda case: case.proof["entries"].insert(9, case.proof["entries"][9]), "order"),
    "entry left out": (DRAND, lambda case: case.proof["entries"].pop(9), "order"),
    "count": (DRAND, _set("proof", "closing", "count", to=_add(-1)), "order"),
    "weight": (DRAND, _set("proof", "entries", 5, 1, to=lambda weight: weight - 1 if weight > 2 else 3), "weights"),
    "weight beyond the rules": (DRAND, _set("proof", "entries", 5, 1, to=23), "weights"),
    "total weight": (DRAND, _set("proof", "closing", "total_weight", to=_add(1)), "weights"),
    "entry": (DRAND, _entry, "root"),
    "weight moved from one to another": (DRAND, _moved_weight, "root"),
    "root": (DRAND, _set("proof", "closing", "root", to=flip), "root"),
    "root out late": (DRAND, _set("proof", "closing", "published_ms", to=_add(9_300)), "publication"),
    "root out before the close": (DRAND, _set("proof", "closing", "published_ms", to=_add(-701)), "publication"),
    "root after a reveal": (HOSTED, _set("proof", "closing", "published_ms", to=_add(1_400)), "publication"),
    "root never out": (DRAND, _set("proof", "closing", "published_ms", to=None), "publication"),
    "all drawn anew without one": (DRAND, _redrawn_without_one, "publication"),
    "witness of another root": (DRAND, _set("witness", "root", to=flip), "publication"),
    "witness of another round": (DRAND, _set("witness", "round", to=_add(1)), "publication"),
    "witness of other rules": (DRAND, _set("witness", "rules_hash", to=flip), "publication"),
    "beacon": (DRAND, _set("proof", "drawing", "beacon", to=flip), "beacon"),
    "signature of the round": (DRAND, _set("proof", "drawing", "signature", to=lambda text: "a" + text[1:]), "beacon"),
    "signature of another round": (DRAND, _set("proof", "drawing", "signature", to=_OTHER_ROUND.hex()), "beacon"),
    "signature that is no point": (DRAND, _set("proof", "drawing", "signature", to="ff" * 48), "beacon"),
    "signature that is the identity": (DRAND, _set("proof", "drawing", "signature", to="c0" + "00" * 47), "beacon"),
    "signature written in another way": (ALIASED, _alias, "beacon"),
    "signature outside the group": (DRAND, _set("proof", "drawing", "signature", to="80" + "00" * 46 + "04"), "beacon"),
    "drawn before the round": (DRAND, _set("proof", "drawing", "drawn_ms", to=_add(-2_001)), "beacon"),
    "drawn before the last reveal": (HOSTED, _set("proof", "drawing", "drawn_ms", to=_add(-9_999)), "beacon"),
    "no signature": (DRAND, _set("proof", "drawing", "signature", to=None), "beacon"),
    "secret of a co-host": (HOSTED, _set("proof", "reveals", 1, "secret", to=flip), "beacon"),
    "secret of the first co-host, and all drawn anew": (HOSTED, _another_secret(0), "beacon"),
    "secret of the last co-host, and all drawn anew": (HOSTED, _another_secret(1), "beacon"),
    "reveals in another order, and all drawn anew": (HOSTED, _and_anew(lambda reveals: reveals.reverse()), "beacon"),
    "a reveal too few, and all drawn anew": (HOSTED, _and_anew(lambda reveals: reveals.pop()), "beacon"),
    "a reveal twice, and all drawn anew": (HOSTED, _and_anew(lambda reveals: reveals.append(reveals[1])), "beacon"),
    "reveals in another order": (HOSTED, _swap("reveals"), "beacon"),
    "a reveal too few": (HOSTED, lambda case: case.proof["reveals"].pop(), "beacon"),
    "a reveal too late": (HOSTED, _set("proof", "reveals", 1, "revealed_ms", to=_add(60_000)), "beacon"),
    "beacon of co-hosts": (HOSTED, _set("proof", "drawing", "beacon", to=flip), "beacon"),
    "seed": (DRAND, _set("proof", "drawing", "seed", to=flip), "seed"),
    "winners in another order": (DRAND, _swap("drawing", "winners"), "winners"),
    "a winner too few": (DRAND, lambda case: case.proof["drawing"]["winners"].pop(), "winners"),
    "another winner": (
        DRAND,
        lambda case: case.proof["drawing"]["winners"].__setitem__(0, case.proof["drawing"]["reserves"][0]),
        "winners",
    ),
    "reserves in another order": (DRAND, _swap("drawing", "reserves"), "reserves"),
    "a reserve too few": (DRAND, lambda case: case.proof["drawing"]["reserves"].pop(), "reserves"),
    "a reserve passed over": (DRAND, _passed((0, 1, "unclaimed", _LATE)), "reserves"),
    "a prize taken away early": (DRAND, _passed((0, 0, "unclaimed", _LATE - 1)), "reserves"),
    "a reserve's prize taken away early": (
        DRAND,
        _passed((0, 0, "unclaimed", _LATE), (0, 1, "unclaimed", 2 * _LATE - 1)),
        "reserves",
    ),
    "prizes passed on out of time": (DRAND, _passed((0, 0, "declined", 9), (1, 1, "declined", 8)), "reserves"),
    "a prize nobody won": (DRAND, _passed((3, 0, "declined", _LATE)), "reserves"),
    "more passed on than reserves": (
        DRAND,
        _passed(*((0, number, "declined", _LATE) for number in range(6))),
        "reserves",
    ),
    "nobody's though a reserve was left": (DRAND, _lapsed((0, "declined", 0), reserves=4), "reserves"),
    "nobody's before its time": (DRAND, _lapsed((0, "unclaimed", _LATE - 1)), "reserves"),
    "nobody's before the last reserve moved up": (DRAND, _lapsed((0, "declined", -1)), "reserves"),
    "nobody's that nobody had": (DRAND, _lapsed((3, "declined", 0)), "reserves"),
    "nobody's twice": (DRAND, _lapsed((0, "declined", 0), (0, "declined", 1)), "reserves"),
    "nobody's out of time": (DRAND, _lapsed((0, "declined", 9), (1, "declined", 8)), "reserves"),
    "nobody's for no reason": (DRAND, _lapsed((0, "lost", 9)), "document"),
    "receipt: another entry": (DRAND, _set("receipt", "entry_id", to=flip), "receipt"),
    "receipt: more weight": (DRAND, _set("receipt", "weight", to=_add(1)), "receipt"),
    "receipt: another moment": (DRAND, _set("receipt", "entered_ms", to=_add(1)), "receipt"),
    "receipt: signature": (DRAND, _set("receipt", "signature", to=flip), "receipt"),
    "receipt: another draw": (DRAND, _set("receipt", "draw_id", to=flip), "receipt"),
    "receipt: other rules": (DRAND, _set("receipt", "rules_hash", to=flip), "receipt"),
    "inclusion proof: another root": (DRAND, _set("inclusion", "root", to=flip), "receipt"),
    "inclusion proof: another place": (DRAND, _set("inclusion", "index", to=lambda index: index ^ 1), "receipt"),
    "inclusion proof: another path": (DRAND, _set("inclusion", "path", 2, to=flip), "receipt"),
    "inclusion proof: a longer path": (DRAND, lambda case: _inclusion(case)["path"].append("00" * 32), "receipt"),
    "inclusion proof: more weight": (DRAND, _set("inclusion", "weight", to=_add(1)), "receipt"),
    "all drawn anew without me": (DRAND, _redrawn_without_me, "receipt"),
    "all drawn anew with less weight for me": (DRAND, _lighter_me, "receipt"),
}


_OTHERS: dict[str, Callable[[Case], None]] = {
    "another root": _set("witness", "root", to=flip),
    "other rules": _set("witness", "rules_hash", to=flip),
    "another round": _set("witness", "round", to=_add(1)),
}


def _witnessed(whole: Case, change: Callable[[Case], None]) -> Case:
    made = copy.deepcopy(whole)
    change(made)
    return made


def voids() -> dict[str, tuple[Case, str]]:
    """Ways out that the rules do not allow."""
    in_time = case(DRAND, draws.late(DRAND))
    in_time.proof["closing"]["published_ms"] -= 1
    hosted = case(HOSTED, draws.silent(HOSTED))
    all_there = copy.deepcopy(hosted)
    all_there.proof["reveals"] = msgspec.to_builtins(draws.reveals_of(HOSTED, (1, 2)))
    seen = case(DRAND, draws.late(DRAND))
    seen.proof["closing"]["published_ms"] = None
    assert seen.witness is not None
    seen.witness["seen_ms"] = quicknet.time_of(DRAND.round) - 1
    no_cohosts = case(DRAND, draws.late(DRAND))
    no_cohosts.proof["voided"] = "missing_reveal"
    late_root = copy.deepcopy(hosted)
    late_root.proof["voided"] = "late_root"
    silent = case(DRAND, draws.cancelled(DRAND))
    silent.proof["why"] = ""
    called_off = case(DRAND, draws.cancelled(DRAND))
    called_off.witness = case(DRAND).witness
    return {
        "cancelled though its root was seen": (called_off, "outcome"),
        **{
            f"void with a witness of {what}": (_witnessed(hosted, change), "outcome")
            for what, change in _OTHERS.items()
        },
        "void though the root was in time": (in_time, "outcome"),
        "void though the root was seen in time": (seen, "outcome"),
        "void though all revealed": (all_there, "outcome"),
        "void for a reveal without co-hosts": (no_cohosts, "outcome"),
        "void for a late root with co-hosts": (late_root, "outcome"),
        "cancelled without a reason": (silent, "outcome"),
    }


def tampered(name: str) -> Case:
    plan, change, _ = TAMPERINGS[name]
    made = case(plan)
    change(made)
    return made


def later(case: Case, by_ms: int) -> None:
    """Move the close and all that follows it."""
    for moment in ("closed_ms", "published_ms"):
        case.proof["closing"][moment] += by_ms
    for reveal in case.proof["reveals"]:
        reveal["revealed_ms"] += by_ms
    case.proof["drawing"]["drawn_ms"] += by_ms


def borders() -> dict[str, tuple[Case, str | None, str | None]]:
    """What happens at the very border of a time or a weight, and just past it: what fails, what is not covered."""
    made: dict[str, tuple[Case, str | None, str | None]] = {}
    for past in (0, 1):
        tight = case(HOSTED)
        closing = tight.proof["closing"]
        closing["published_ms"] = tight.proof["opened_ms"] = closing["closed_ms"]
        tight.proof["reveals"][-1]["revealed_ms"] = closing["closed_ms"] + 60_000 + past
        tight.proof["drawing"]["drawn_ms"] = closing["closed_ms"] + 60_001
        tight.receipt = None
        made[f"reveal, {past} ms past its time"] = (tight, "beacon" if past else None, "receipt")
        opened = copy.deepcopy(tight)
        opened.proof["opened_ms"] += past
        opened.proof["reveals"][-1]["revealed_ms"] -= past
        made[f"opening, {past} ms after the close"] = (opened, "close" if past else None, "receipt")
        for plan in (DRAND, HOSTED):
            drawn = case(plan)
            known = max([quicknet.time_of(DRAND.round), *(each["revealed_ms"] for each in drawn.proof["reveals"])])
            if plan is HOSTED:
                known = drawn.proof["reveals"][-1]["revealed_ms"]
            drawn.proof["drawing"]["drawn_ms"] = known - past
            made[f"{plan.tier}: drawn {past} ms before the beacon"] = (drawn, "beacon" if past else None, None)
            due = drawn.proof["reveals"][0]["revealed_ms"] if plan is HOSTED else known
            published = case(plan)
            published.proof["closing"]["published_ms"] = due - 1 + past
            made[f"{plan.tier}: root {past} ms late"] = (published, "publication" if past else None, None)
            seen = case(plan)
            assert seen.witness is not None
            seen.witness["seen_ms"] = due - 1 + past
            made[f"{plan.tier}: seen {past} ms late"] = (seen, None, "publication" if past else None)
        swept = case(HOSTED)
        later(swept, 30_000 + 5_000 + past)
        made[f"sweep, {past} ms later than usual"] = (swept, None, "close" if past else None)
        for plan, moved, open_ms in ((DRAND, 0, 90_000), (HOSTED, 32_000, 120_000)):
            for after_ms in (-past, open_ms + past):
                entered = case(plan)
                later(entered, moved)
                entered.receipt = msgspec.to_builtins(draws.receipt_of(plan, after_ms=after_ms))
                failed = "receipt" if past else None
                made[f"{plan.tier}: entered {after_ms} ms after the opening"] = (entered, failed, None)
        for at, weight in ((0, 2 - past), (1, 22 + past)):
            weighed = case(DRAND)
            weighed.proof["entries"][at][1] = weight
            redrawn(weighed)
            weighed.receipt = weighed.witness = None
            made[f"weight {weight}"] = (weighed, "weights" if past else None, "receipt")
        passed = case(DRAND)
        _passed((0, 0, "declined", -past))(passed)
        made[f"passed on {past} ms before it was drawn"] = (passed, "reserves" if past else None, None)
        nobodys = case(DRAND)
        _lapsed((0, "unclaimed", _LATE - past))(nobodys)
        made[f"nobody's {past} ms before its time"] = (nobodys, "reserves" if past else None, None)
    false = case(HOSTED, draws.silent(HOSTED))
    false.proof["reveals"].append(msgspec.to_builtins(draws.reveals_of(HOSTED, (2,))[0]))
    false.proof["reveals"][-1]["secret"] = flip(false.proof["reveals"][-1]["secret"])
    made["void: what was revealed is not what was committed to"] = (false, None, "beacon")
    elsewhere = case(DRAND, draws.cancelled(DRAND))
    elsewhere.witness = case(DRAND).witness
    _set("witness", "draw_id", to=flip)(elsewhere)
    made["cancelled, and the root of another draw was seen"] = (elsewhere, None, "publication")
    older = case(DRAND)
    del older.proof["lapsed"]
    made["a document from before prizes could be nobody's"] = (older, None, None)
    unrevealed = case(HOSTED)
    unrevealed.proof |= {"reveals": [], "drawing": None, "outcome": "closed"}
    made["co-hosts before any reveal"] = (unrevealed, None, "publication")
    return made
