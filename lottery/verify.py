"""Verify: check a draw from its proof alone, step by step, up to the first that fails. Pure.

Every step is a function of what is being checked. It gives what it found, or raises `Failed`, or `NotCovered` when
nothing is wrong that the document could show. The names of the steps are in `steps.py`.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools

import msgspec

from . import cohosts, merkle, quicknet, receipt, rules, weight
from .limits import not_proven
from .picks import picks
from .proof import Closing, Drawing, Outcome, PassedWhy, Proof, Voided, read
from .seed import seed
from .steps import STEPS, Failed, NotCovered, Report, Result, Step

SWEEP_MS = 5000  #: how late a draw that ran to its latest close may flip before a checker mentions it


@dataclasses.dataclass(frozen=True)
class Case:
    """What is being checked."""

    proof: Proof
    mine: receipt.Held | None = None
    witness: receipt.Witness | None = None

    @functools.cached_property
    def draw_id(self) -> bytes:
        return bytes.fromhex(self.proof.draw_id)

    @functools.cached_property
    def leaves(self) -> list[bytes]:
        entries = self.proof.entries
        return [merkle.leaf(self.draw_id, bytes.fromhex(each.entry_id), each.weight) for each in entries]

    @property
    def closing(self) -> Closing:
        if self.proof.closing is None:
            raise NotCovered("the draw was cancelled before it closed")
        return self.proof.closing

    @property
    def root(self) -> bytes:
        if self.closing.root is None:
            raise NotCovered("no root ever came out, and the draw is void")
        return bytes.fromhex(self.closing.root)

    @property
    def drawing(self) -> Drawing:
        if self.proof.drawing is None:
            raise NotCovered(f"the draw is {self.proof.outcome.value}: nothing was drawn")
        return self.proof.drawing

    @functools.cached_property
    def drawn(self) -> list[str]:
        """Winners and reserves as the seed has them."""
        entries, wanted = self.proof.entries, rules.units(self.proof.rules) + self.proof.rules.reserves
        order = picks(bytes.fromhex(self.drawing.seed), [each.weight for each in entries])
        return [entries[index].entry_id for index in itertools.islice(order, wanted)]

    @property
    def latest_close_ms(self) -> int:
        return self.proof.rules.latest_close_ms + self.closing.frozen_ms


def verify(document: bytes, mine: receipt.Held | None = None, witness: receipt.Witness | None = None) -> Report:
    """Check a proof, and with it what one holds and what one's page saw. Never raises for what a document holds.

    Cost: one decode, one hash and a half an entry; 100,000 entries in about a second.
    """
    try:
        case = Case(read(document), mine, witness)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
        return Report(False, "document", (Step("document", Result.FAILED, f"not a proof: {error}"),), ())
    taken = []
    for name in STEPS:
        taken.append(step := _take(name, case))
        if step.result is Result.FAILED:
            return Report(False, name, tuple(taken), not_proven(case.proof))
    return Report(True, None, tuple(taken), not_proven(case.proof))


def _take(name: str, case: Case) -> Step:
    try:
        return Step(name, Result.OK, _TAKE[name](case))
    except Failed as failed:
        return Step(name, Result.FAILED, str(failed))
    except NotCovered as reason:
        return Step(name, Result.NOT_COVERED, str(reason))


def _document(case: Case) -> str:
    if case.proof.draw_id != case.proof.rules.draw_id:
        raise Failed("the rules are of another draw")
    return f"a draw that is {case.proof.outcome.value}"


def _rules(case: Case) -> str:
    found = rules.rules_hash(case.proof.rules).hex()
    if found != case.proof.rules_hash:
        raise Failed(f"their hash is {found}, not {case.proof.rules_hash}")
    return f"their hash is {found}"


def _close(case: Case) -> str:
    closed, late_by = case.closing.closed_ms, case.closing.closed_ms - case.latest_close_ms
    if closed < case.proof.opened_ms:
        raise Failed("it closed before it opened")
    if late_by > SWEEP_MS:
        raise NotCovered(f"it closed {late_by // 1000} s after the latest close; that nobody entered then is not shown")
    return "at the latest close" if late_by >= 0 else f"by hand, {-late_by // 1000} s before the latest close"


def _round(case: Case) -> str:
    match case.proof.rules.beacon:
        case rules.DrandBeacon():
            expected = quicknet.round_for(case.closing.closed_ms)
        case rules.CohostsBeacon():
            expected = cohosts.ROUND
        case rules.RecordedBeacon(round=named):
            expected = named
    if case.closing.round != expected:
        raise Failed(f"it should be {expected}, not {case.closing.round}")
    return f"round {expected}" if expected else "co-hosts have no rounds"


def _order(case: Case) -> str:
    entries, closing = case.proof.entries, case.closing
    for before, after in itertools.pairwise(entries):
        if before.entry_id == after.entry_id:
            raise Failed(f"entry {after.entry_id} stands twice")
        if before.entry_id > after.entry_id:
            raise Failed(f"entry {after.entry_id} is out of order")
    if len(entries) != closing.count:
        raise Failed(f"there are {len(entries)}, but {closing.count} were announced")
    return f"{len(entries)} entries"


def _weights(case: Case) -> str:
    given, closing = case.proof.rules.weights, case.closing
    most, total = weight.most(given), 0
    for entry in case.proof.entries:
        if not given.base <= entry.weight <= most:
            raise Failed(f"entry {entry.entry_id} has {entry.weight}; the rules give {given.base} to {most}")
        total += entry.weight
    if total != closing.total_weight:
        raise Failed(f"they add up to {total}, but {closing.total_weight} was announced")
    return f"{total} in all, each from {given.base} to {most}"


def _root(case: Case) -> str:
    announced = case.root
    found = merkle.root(case.leaves)
    if found != announced:
        raise Failed(f"they give {found.hex()}, not {announced.hex()}")
    return f"root {found.hex()}"


def _publication(case: Case) -> str:
    root, closing, proof = case.root, case.closing, case.proof
    if proof.outcome is Outcome.VOID:
        raise NotCovered("the draw is void")
    if closing.published_ms is None:
        raise Failed("the root never came out")
    if closing.published_ms < closing.closed_ms:
        raise Failed("the root came out before the close")
    due = _beacon_ms(proof)
    if due is not None and closing.published_ms >= due:
        raise Failed("the root came out when the beacon was known: the draw ought to be void")
    if case.witness is None:
        raise NotCovered("publication time not witnessed: that it came out in time is the shop's word")
    seen = case.witness
    expected = (proof.draw_id, proof.rules_hash, root.hex(), closing.round)
    if (seen.draw_id, seen.rules_hash, seen.root, seen.round) != expected:
        raise Failed("what was seen at the time is another root, round, draw or set of rules")
    if due is None or seen.seen_ms >= due:
        raise NotCovered("publication time not witnessed: it was seen only afterwards")
    before_s = (due - seen.seen_ms) / 1000
    return f"publication time witnessed: seen {before_s:.1f} s before the beacon"


def _beacon_ms(proof: Proof) -> int | None:
    """From when on the beacon may be known; None: it has no such time."""
    match proof.rules.beacon:
        case rules.DrandBeacon() if proof.closing is not None:
            return quicknet.time_of(proof.closing.round)
        case rules.CohostsBeacon() if proof.reveals:
            return min(each.revealed_ms for each in proof.reveals)
        case _:
            return None


def _outcome(case: Case) -> str:
    proof = case.proof
    match proof.outcome, proof.voided:
        case Outcome.CANCELLED, _ if not proof.why:
            raise Failed("it was cancelled without a reason")
        case Outcome.CANCELLED, _:
            return f"cancelled before it closed: {proof.why}"
        case Outcome.VOID, Voided.LATE_ROOT:
            return _late_root(case)
        case Outcome.VOID, _:
            return _missing_reveal(case)
        case _:
            return proof.outcome.value


def _late_root(case: Case) -> str:
    published, round, seen = case.closing.published_ms, case.closing.round, case.witness
    drand = isinstance(case.proof.rules.beacon, rules.DrandBeacon)
    same = seen is not None and (seen.draw_id, seen.round) == (case.proof.draw_id, round)
    if drand and same and seen is not None and seen.seen_ms < quicknet.time_of(round):
        raise Failed("void for a late root, but it was seen in time")
    if published is None:
        return "void: the root never came out"
    if not drand or published < quicknet.time_of(round):
        raise Failed("void for a late root, but the root was in time")
    return "void: the root was late"


def _missing_reveal(case: Case) -> str:
    beacon = case.proof.rules.beacon
    if not isinstance(beacon, rules.CohostsBeacon):
        raise Failed("void for a missing reveal, but there are no co-hosts")
    genuine = {number for number in _revealed(case, beacon) if number}
    missing = [each.name for number, each in enumerate(beacon.cohosts, 1) if number not in genuine]
    if not missing:
        raise Failed("void for a missing reveal, but all revealed in time")
    return f"void: no reveal in time from {', '.join(missing)}"


def _revealed(case: Case, beacon: rules.CohostsBeacon) -> list[int]:
    """Numbers of the co-hosts whose secret is the one they committed to and came in time; 0 for one that is not."""
    published = case.closing.published_ms or 0
    found = []
    for each in case.proof.reveals:
        known = each.cohost <= len(beacon.cohosts)
        made = cohosts.commitment(case.draw_id, each.cohost, bytes.fromhex(each.secret)).hex()
        good = known and beacon.cohosts[each.cohost - 1].commitment == made
        timely = published <= each.revealed_ms <= published + rules.REVEAL_S * 1000
        found.append(each.cohost if good and timely else 0)
    return found


def _beacon(case: Case) -> str:
    drawing, beacon = case.drawing, case.proof.rules.beacon
    if drawing.drawn_ms < _known_ms(case):
        raise Failed("winners were drawn before it was known")
    if isinstance(beacon, rules.CohostsBeacon):
        return _cohosts(case, beacon)
    if drawing.signature is None:
        raise Failed("the round's signature is missing")
    signature = bytes.fromhex(drawing.signature)
    if not quicknet.signed(case.closing.round, signature):
        raise Failed(f"drand did not sign round {case.closing.round} so")
    if quicknet.randomness(signature).hex() != drawing.beacon:
        raise Failed("it is not the hash of the round's signature")
    if isinstance(beacon, rules.RecordedBeacon):
        raise NotCovered(f"round {case.closing.round} of drand, known beforehand: this is a rehearsal")
    return f"drand signed round {case.closing.round}"


def _known_ms(case: Case) -> int:
    """When the whole beacon was known at the earliest; recorded ones count from the root."""
    match case.proof.rules.beacon:
        case rules.DrandBeacon():
            return quicknet.time_of(case.closing.round)
        case rules.CohostsBeacon():
            return max((each.revealed_ms for each in case.proof.reveals), default=0)
        case rules.RecordedBeacon():
            return case.closing.published_ms or 0


def _cohosts(case: Case, beacon: rules.CohostsBeacon) -> str:
    numbers = list(range(1, len(beacon.cohosts) + 1))
    if case.drawing.signature is not None:
        raise Failed("co-hosts sign no round")
    if [each.cohost for each in case.proof.reveals] != numbers:
        raise Failed("not every co-host revealed, in their order")
    for number, good in zip(numbers, _revealed(case, beacon), strict=True):
        if not good:
            raise Failed(
                f"what {beacon.cohosts[number - 1].name} revealed is not what was committed to, or not in time"
            )
    secrets = [bytes.fromhex(each.secret) for each in case.proof.reveals]
    if cohosts.beacon(case.draw_id, case.root, secrets).hex() != case.drawing.beacon:
        raise Failed("it does not follow from what was revealed")
    return f"{len(numbers)} co-hosts revealed what they had committed to"


def _seed(case: Case) -> str:
    drawing = case.drawing
    beacon = bytes.fromhex(drawing.beacon)
    found = seed(case.draw_id, case.root, bytes.fromhex(case.proof.rules_hash), case.closing.round, beacon).hex()
    if found != drawing.seed:
        raise Failed(f"it is {found}, not {drawing.seed}")
    return f"seed {found}"


def _winners(case: Case) -> str:
    stated, expected = list(case.drawing.winners), case.drawn[: rules.units(case.proof.rules)]
    if stated != expected:
        raise Failed(_difference(stated, expected))
    return f"{len(stated)} winners"


def _reserves(case: Case) -> str:
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
    return f"{len(stated)} reserves, {len(case.proof.passed)} of them moved up"


def _difference(stated: list[str], expected: list[str]) -> str:
    for place, (said, drawn) in enumerate(zip(stated, expected, strict=False), 1):
        if said != drawn:
            return f"number {place} should be {drawn}, not {said}"
    return f"there should be {len(expected)}, not {len(stated)}"


def _receipt(case: Case) -> str:
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


_TAKE = {
    "document": _document,
    "rules": _rules,
    "close": _close,
    "round": _round,
    "order": _order,
    "weights": _weights,
    "root": _root,
    "publication": _publication,
    "outcome": _outcome,
    "beacon": _beacon,
    "seed": _seed,
    "winners": _winners,
    "reserves": _reserves,
    "receipt": _receipt,
}
