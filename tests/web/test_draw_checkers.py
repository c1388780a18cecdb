"""The two checkers of draws, Python's and the browser's, say the same of the same documents."""

from __future__ import annotations

import dataclasses
import json
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lottery import rules
from lottery.limits import LIMITS
from lottery.proof import Lapsed, Passed, PassedWhy, Proof
from tests.support import draws, tampering
from tests.support.draws import CLAIM_S, Plan
from tests.support.tampering import TAMPERINGS, Case
from tests.web.test_web import load_build

WEB = Path(__file__).parents[2] / "gateway" / "web"
#: `steps`: name, result and text of each, but for what is no proof; `not_proven`
Said = dict[str, Any]


def in_python(case: Case) -> Said:
    report = tampering.checked(case)
    steps = [
        [step.name, step.result.value, "" if step.text.startswith("not a proof") else step.text]
        for step in report.steps
    ]
    return {"steps": steps, "not_proven": list(report.not_proven)}


def last(said: Said) -> str:
    """The result of the last step."""
    result: str = said["steps"][-1][1]
    return result


def in_node(cases: Sequence[Case]) -> list[Said]:
    """All in one process."""
    build = load_build()
    npm, environ = build.find_npm()
    build.install(npm, environ)
    lines = "".join(json.dumps(dataclasses.asdict(case)) + "\n" for case in cases)
    command = ["node", "--import", "tsx", "../../tests/web/check_draws.ts"]
    ran = subprocess.run(
        command, cwd=WEB, input=lines, capture_output=True, text=True, check=False, timeout=110, env=environ
    )
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def any_draw(chance: random.Random) -> Case:
    """A draw of any size, tier and weights, sometimes with prizes that went on, sometimes without winners."""
    bonus = lambda: chance.choice([0, 0, 1, 5, 1_000_000])  # noqa: E731
    plan = Plan(
        f"random {chance.random()}",
        chance.choice([0, 1, 2, 3, chance.randrange(100), chance.randrange(300)]),
        prizes=[(f"prize {number}", chance.randint(1, 5)) for number in range(chance.randint(1, 4))],
        reserves=chance.choice([0, 3, 400]),
        tier=chance.choice(["drand", "co-hosts", "co-hosts", "co-hosts", "recorded"]),
        round=chance.choice([1000, 657_413, 5_928_395]),
        weights=rules.Weights(
            chance.choice([1, 2, 1_000_000]), bonus(), bonus(), bonus(), bonus(), 60, chance.choice([0, 10, 100])
        ),
        cohosts=chance.randint(2, 5),
        password=chance.choice([None, "sesame", '\u2028\t"\\ 🎁 é']),
    )
    made: list[Any] = [draws.drawn] * 6 + [draws.closed, draws.cancelled]
    proof: Proof = chance.choice(made)(plan)
    case = tampering.case(plan, _with_passed(proof, chance))
    if chance.random() < 0.5 or not plan.viewers:
        case.receipt = None
    if chance.random() < 0.3:
        case.witness = None
    return case


def _with_passed(proof: Proof, chance: random.Random) -> Proof:
    drawing = proof.drawing
    if drawing is None or not drawing.winners or chance.random() < 0.5:
        return proof
    count = min(len(drawing.reserves), chance.randrange(4))
    over = drawing.drawn_ms
    passed = []
    for number in range(count):
        over += CLAIM_S * 1000
        passed.append(Passed(chance.randrange(len(drawing.winners)), number, chance.choice(list(PassedWhy)), over))
    proof = draws.with_passed(proof, *passed)
    if count < len(drawing.reserves) or chance.random() < 0.5:
        return proof
    over += CLAIM_S * 1000
    return draws.with_lapsed(
        proof, Lapsed(chance.randrange(len(drawing.winners)), chance.choice(list(PassedWhy)), over)
    )


def test_a_thousand_random_draws_are_the_same_in_python_and_in_the_browser() -> None:
    chance = random.Random(20_261_124)
    cases = [any_draw(chance) for _ in range(1_000)]
    expected = [in_python(case) for case in cases]
    assert [said for said in expected if last(said) == "failed"] == []
    assert sum(case.proof["outcome"] == "drawn" for case in cases) > 600
    assert {text for said in expected for text in said["not_proven"]} == set(LIMITS.values())
    assert in_node(cases) == expected


def test_tampering_is_named_the_same_by_both() -> None:
    cases = {name: tampering.tampered(name) for name in TAMPERINGS}
    cases |= {name: case for name, (case, _) in tampering.voids().items()}
    expected = {name: in_python(case) for name, case in cases.items()}
    assert all(last(said) == "failed" for said in expected.values())
    found = in_node(list(cases.values()))
    assert dict(zip(cases, found, strict=True)) == expected


def test_borders_are_at_the_same_place_in_both() -> None:
    cases = {name: case for name, (case, _, _) in tampering.borders().items()}
    expected = {name: in_python(case) for name, case in cases.items()}
    assert dict(zip(cases, in_node(list(cases.values())), strict=True)) == expected


def test_whatever_one_byte_becomes_both_say_the_same() -> None:
    """A digit of a number or of a text in a proof is another; most are caught, and by the same step."""
    chance = random.Random(7)
    whole = tampering.case(tampering.DRAND)
    text = json.dumps(whole.proof)
    cases = []
    while len(cases) < 300:
        at = chance.randrange(len(text))
        if text[at] not in "0123456789abcdef":
            continue
        changed = text[:at] + chance.choice("0123456789abcdef") + text[at + 1 :]
        try:
            cases.append(dataclasses.replace(whole, proof=json.loads(changed)))
        except ValueError:
            continue
    expected = [in_python(case) for case in cases]
    assert sum(last(said) == "failed" for said in expected) > 200
    assert in_node(cases) == expected
