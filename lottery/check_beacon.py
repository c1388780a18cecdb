"""Check the beacon: was the root out before it, is it genuine, and how did the draw end? Pure.

Each step gives what it found, or raises `Failed`, or `NotCovered`.
"""

from __future__ import annotations

from . import cohosts, quicknet, rules
from .case import Case
from .proof import Outcome, Proof, Voided
from .receipt import Witness
from .seed import seed
from .steps import Failed, NotCovered


def publication_step(case: Case) -> str:
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
    before_s = (due - seen.seen_ms) // 100 / 10  # rounded down: at least so long
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


def outcome_step(case: Case) -> str:
    proof = case.proof
    match proof.outcome, proof.voided:
        case Outcome.CANCELLED, _ if not proof.why:
            raise Failed("it was cancelled without a reason")
        case Outcome.CANCELLED, _:
            if _seen(case) is not None:
                raise Failed("cancelled before it closed, but its root was seen: it had closed")
            return f"cancelled before it closed: {proof.why}"
        case Outcome.VOID, why:
            _as_seen(case)
            return _late_root(case) if why is Voided.LATE_ROOT else _missing_reveal(case)
        case _:
            return proof.outcome.value


def _seen(case: Case) -> Witness | None:
    """What was seen of this very draw."""
    seen = case.witness
    return seen if seen is not None and seen.draw_id == case.proof.draw_id else None


def _as_seen(case: Case) -> None:
    seen, closing = _seen(case), case.closing
    if seen is None:
        return
    if (seen.rules_hash, seen.round) != (case.proof.rules_hash, closing.round) or closing.root not in (None, seen.root):
        raise Failed("what was seen at the time is another root, round or set of rules")


def _late_root(case: Case) -> str:
    published, round, seen = case.closing.published_ms, case.closing.round, _seen(case)
    drand = isinstance(case.proof.rules.beacon, rules.DrandBeacon)
    if drand and seen is not None and seen.seen_ms < quicknet.time_of(round):
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


def beacon_step(case: Case) -> str:
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


def seed_step(case: Case) -> str:
    drawing = case.drawing
    beacon = bytes.fromhex(drawing.beacon)
    found = seed(case.draw_id, case.root, bytes.fromhex(case.proof.rules_hash), case.closing.round, beacon).hex()
    if found != drawing.seed:
        raise Failed(f"it is {found}, not {drawing.seed}")
    return f"seed {found}"
