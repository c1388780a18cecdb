"""Check the winners, the reserves, and whether one's own entry took part. Pure.

Each step gives what it found, or raises `Failed`, or `NotCovered`.
"""

from __future__ import annotations

from . import merkle, receipt, rules
from .case import Case
from .proof import PassedWhy
from .steps import Failed, NotCovered, counted


def winners_step(case: Case) -> str:
    stated, expected = list(case.drawing.winners), case.drawn[: rules.units(case.proof.rules)]
    if stated != expected:
        raise Failed(_difference(stated, expected))
    return counted(len(stated), "winner", "winners")


def reserves_step(case: Case) -> str:
    drawing, claim_ms = case.drawing, case.proof.rules.claim_s * 1000
    stated, expected = list(drawing.reserves), case.drawn[rules.units(case.proof.rules) :]
    if stated != expected:
        raise Failed(_difference(stated, expected))
    since = dict.fromkeys(range(len(drawing.winners)), drawing.drawn_ms)  # unit → when its holder was told
    before = drawing.drawn_ms
    for number, each in enumerate(case.proof.passed):
        if each.reserve != number or number >= len(stated):
            raise Failed(f"prize {each.unit + 1} did not go to the next reserve")
        if each.unit not in since:
            raise Failed(f"prize {each.unit + 1} went on, but nobody had won it")
        if each.passed_ms < before:
            raise Failed(f"prize {each.unit + 1} went on before one that went on earlier")
        waited = each.passed_ms - since[each.unit]
        if each.why is PassedWhy.UNCLAIMED and waited < claim_ms:
            raise Failed(f"prize {each.unit + 1} went on before its time to be claimed was over")
        since[each.unit] = before = each.passed_ms
    _require_nobody_left(case, since, before)
    return f"{counted(len(stated), 'reserve', 'reserves')}, {len(case.proof.passed)} of them moved up"


def _require_nobody_left(case: Case, since: dict[int, int], before: int) -> None:
    """A prize is nobody's only when all reserves have moved up, and by what took it from its last holder.

    Args:
        since: unit → when its last holder was told.
        before: when the last reserve moved up.
    """
    for each in case.proof.lapsed:
        if len(case.proof.passed) < len(case.drawing.reserves):
            raise Failed(f"prize {each.unit + 1} is said to be nobody's, but a reserve was left")
        if each.unit not in since:
            raise Failed(f"prize {each.unit + 1} is said to be nobody's, but nobody had it")
        if each.lapsed_ms < before:
            raise Failed(f"prize {each.unit + 1} became nobody's before what happened earlier")
        if each.why is PassedWhy.UNCLAIMED and each.lapsed_ms - since[each.unit] < case.proof.rules.claim_s * 1000:
            raise Failed(f"prize {each.unit + 1} became nobody's before its time to be claimed was over")
        del since[each.unit]
        before = each.lapsed_ms


def _difference(stated: list[str], expected: list[str]) -> str:
    for place, (said, drawn) in enumerate(zip(stated, expected, strict=False), 1):
        if said != drawn:
            return f"number {place} should be {drawn}, not {said}"
    return f"there should be {len(expected)}, not {len(stated)}"


def receipt_step(case: Case) -> str:
    if case.mine is None:
        raise NotCovered("no receipt was given")
    mine, proof = case.mine.receipt, case.proof
    if mine.draw_id != proof.draw_id:
        raise Failed("it is of another draw")
    if mine.rules_hash != proof.rules_hash:
        raise Failed("it was given under other rules")
    if not receipt.genuine(mine, bytes.fromhex(proof.rules.shop_key)):
        raise Failed("the shop's key did not sign it")
    closed_ms = min(case.closing.closed_ms, case.latest_close_ms)
    if not proof.opened_ms <= mine.entered_ms <= closed_ms:
        raise Failed("it was given when the draw was not open")
    found = next((index for index, each in enumerate(proof.entries) if each.entry_id == mine.entry_id), None)
    if found is None:
        raise Failed("the entry is missing among those that took part")
    if proof.entries[found].weight < mine.weight:
        raise Failed(f"the entry took part with {proof.entries[found].weight}, but {mine.weight} was promised")
    if case.mine.inclusion is not None:
        _placed(case, case.mine.inclusion, found)
    return f"entry {found + 1} of {len(proof.entries)}, with weight {proof.entries[found].weight}"


def _placed(case: Case, said: receipt.Placed, index: int) -> None:
    entry, proof = case.proof.entries[index], case.proof
    place = (proof.draw_id, case.root.hex(), entry.entry_id, entry.weight, index, len(proof.entries))
    if (said.draw, said.root, said.entry, said.weight, said.index, said.count) != place:
        raise Failed("its inclusion proof is of another root, place, weight, entry or draw")
    path = merkle.Inclusion(said.index, said.count, said.path)
    if not merkle.included(case.root, case.leaves[index], path):
        raise Failed("its inclusion proof does not lead to the root")
