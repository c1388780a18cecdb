"""Vectors of the draw protocol: `python -m tests.support.draw_vectors` writes them to tests/golden/draw."""

from __future__ import annotations

import hmac
import itertools
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from lottery import canonical, conduct, merkle, rules
from lottery.picks import picks
from lottery.proof import Lapsed, Passed, PassedWhy, Proof
from tests.support import draws
from tests.support.draws import CLAIM_S, UNEVEN, Plan

FOLDER = Path(__file__).parents[1] / "golden" / "draw"
_LONG = 5_000  #: entries of a vector that stands there without them
_HUGE = rules.Weights(
    base=1_000_000,
    commented=1_000_000,
    joined_team=1_000_000,
    bought=1_000_000,
    watched=1_000_000,
    watched_step_s=1,
    watched_most=100,
)

DRAWN = {
    "none": Plan("nobody entered", 0),
    "one": Plan("one", 1),
    "two": Plan("two", 2, reserves=0),
    "three": Plan("three", 3, tier="drand"),
    "seven": Plan("seven", 7, weights=UNEVEN, password="恭喜 🎉 Glück"),
    "thousand": Plan("a thousand", 1_000, prizes=(("Car", 1), ("Bag", 10), ("Sticker", 89)), reserves=50, tier="drand"),
    "twenty-thousand": Plan(
        "twenty thousand",
        20_000,
        prizes=(("Phone", 5), ("Cup", 95)),
        reserves=100,
        tier="drand",
        round=5_928_395,
        weights=UNEVEN,
    ),
    "weights": Plan("weights", 100, prizes=(("Bag", 40),), reserves=60, weights=_HUGE, tier="drand", round=657_413),
    "more-prizes-than-entries": Plan("generous", 5, prizes=(("Bag", 3), ("Cup", 30)), weights=UNEVEN),
    "co-hosts": Plan("co-hosts", 40, tier="co-hosts", cohosts=3, weights=UNEVEN),
    "recorded": Plan("rehearsal", 12, round=657_413),
}
PASSED = Plan("nobody claimed", 30, tier="drand", reserves=5)
NOBODYS = Plan("nobody left", 30, tier="drand", reserves=2)
COHOSTS = DRAWN["co-hosts"]


def _passed() -> Proof:
    proof = draws.drawn(PASSED)
    over = draws.drawing_of(proof).drawn_ms + CLAIM_S * 1000
    return draws.with_passed(
        proof,
        Passed(1, 0, PassedWhy.DECLINED, over - 1_000_000),
        Passed(0, 1, PassedWhy.UNCLAIMED, over),
        Passed(1, 2, PassedWhy.UNCLAIMED, over - 1_000_000 + CLAIM_S * 1000),
        Passed(2, 3, PassedWhy.DISQUALIFIED, over + CLAIM_S * 1000),
    )


def _nobodys() -> Proof:
    """Two reserves for three prizes, and nobody claims."""
    proof = draws.drawn(NOBODYS)
    over = draws.drawing_of(proof).drawn_ms + CLAIM_S * 1000
    passed = draws.with_passed(
        proof, Passed(0, 0, PassedWhy.DECLINED, over - 1_000_000), Passed(1, 1, PassedWhy.UNCLAIMED, over)
    )
    return draws.with_lapsed(
        passed,
        Lapsed(2, PassedWhy.UNCLAIMED, over),
        Lapsed(1, PassedWhy.DISQUALIFIED, over + 1_000),
        Lapsed(0, PassedWhy.UNCLAIMED, over - 1_000_000 + CLAIM_S * 1000),
    )


#: name → draw, and its proof
PROOFS: dict[str, tuple[Plan, Callable[[], Proof]]] = {
    **{name: (plan, lambda plan=plan: draws.drawn(plan)) for name, plan in DRAWN.items()},  # type: ignore[misc]
    "passed-on": (PASSED, _passed),
    "nobodys": (NOBODYS, _nobodys),
    "closed": (PASSED, lambda: draws.closed(PASSED)),
    "void-late-root": (PASSED, lambda: draws.late(PASSED)),
    "void-missing-reveal": (COHOSTS, lambda: draws.silent(COHOSTS)),
    "cancelled": (PASSED, lambda: draws.cancelled(PASSED)),
}


def vector(name: str) -> dict[str, Any]:
    """A draw with everything on the way to its winners."""
    plan, make = PROOFS[name]
    proof = make()
    leaves = conduct.leaves(proof.draw_id, proof.entries)
    plain = msgspec.to_builtins(proof)
    long = len(proof.entries) > _LONG
    some = sorted({0, 1, len(leaves) // 2, len(leaves) - 1} & set(range(len(leaves)))) if len(leaves) > 7 else None
    return {
        "salt": plan.salt.hex(),
        "canonical_rules": canonical.canonical(plain["rules"]).decode(),
        "derived": _derived(plan, proof) if long else None,
        "inclusions": [
            {"leaf": leaves[index].hex(), **msgspec.to_builtins(merkle.inclusion(leaves, index))}
            for index in (some if some is not None else range(len(leaves)))
        ],
        "receipt": msgspec.to_builtins(draws.receipt_of(plan)) if proof.entries else None,
        "witness": msgspec.to_builtins(draws.witness_of(proof)) if proof.closing else None,
        "proof": {**plain, "entries": [] if long else plain["entries"]},
    }


def _derived(plan: Plan, proof: Proof) -> dict[str, Any]:
    """How to make the entries of a vector that leaves them out."""
    return {
        "name": plan.name,
        "viewers": plan.viewers,
        "sha256": canonical.sha256(msgspec.to_builtins(proof.entries)).hex(),
    }


def pick_vectors() -> list[dict[str, Any]]:
    """Weights and seeds with the whole order, those among them where a value is thrown away."""
    cases: list[tuple[bytes, Sequence[int]]] = [
        (draws.known("picks", number), weights)
        for number, weights in enumerate([[], [1], [1, 1], [7], [2**32 - 1] * 3, [1, 2**32 - 1], list(range(1, 40))])
    ]
    huge = [2**51 + 1, 2**51 - 1, 2**50 + 7, 2**50]  # no draw has such; here the rest of 2^64 is big enough to meet
    cases += [(_thrown(huge, first), huge) for first in (0, 1_000_000)]
    return [
        {"seed": seed.hex(), "weights": list(weights), "picks": list(picks(seed, weights))} for seed, weights in cases
    ]


def _thrown(weights: Sequence[int], first: int) -> bytes:
    """A seed whose first value is too great for these weights."""
    limit = 2**64 // sum(weights) * sum(weights)
    for number in itertools.count(first):
        seed = draws.known("thrown away", number)
        if int.from_bytes(hmac.digest(seed, b"pick" + bytes(4), "sha256")[:8], "big") >= limit:
            return seed
    raise AssertionError


def canonical_vectors() -> list[dict[str, Any]]:
    """Values and their one text."""
    values: list[Any] = [
        None,
        [True, False, 0, -1, 2**53 - 1, "", []],
        {"b": 1, "a": {"d": [], "c": {}}, "B": 2, "": 3},
        {"\ufb33": "after the emoji by code unit", "😀": "before", "€": 1, "\r": 2, "1": 3, "10": 4, "2": 5},
        '\x00\x01\x08\t\n\x0b\x0c\r\x1f "\\/\x7f\x80\u2028\u2029<>&é€😀',
    ]
    return [{"value": value, "text": canonical.canonical(value).decode()} for value in values]


FILES: dict[str, Callable[[], Any]] = {
    "canonical.json": canonical_vectors,
    "picks.json": pick_vectors,
    **{f"{name}.json": lambda name=name: vector(name) for name in PROOFS},  # type: ignore[misc]
}


def text(value: Any) -> str:
    """One field a line, short lists on one line."""
    wide = json.dumps(value, indent=1, ensure_ascii=False)
    return re.sub(r"\[\s+(\"[0-9a-f]{32}\"),\s+(\d+)\s+\]", r"[\1, \2]", wide) + "\n"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in FILES.items():
        (FOLDER / name).write_text(text(make()), "utf-8")
        sys.stdout.write(f"wrote {name}\n")


if __name__ == "__main__":
    main()
