"""Draws made for tests: whole ones with proof and receipt, from a few words, always the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from hashlib import sha256
from typing import Literal, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lottery import cohosts, conduct, merkle, quicknet, receipt, rules
from lottery.entry import Entry, entry_id, salt_hash
from lottery.proof import Closing, Drawing, Lapsed, Outcome, Passed, Proof, Reveal, Voided
from lottery.recorded import RECORDED
from lottery.weight import most

T = TypeVar("T", bound=msgspec.Struct)
Tier = Literal["drand", "co-hosts", "recorded"]
KEY = Ed25519PrivateKey.from_private_bytes(sha256(b"a shop's key for tests").digest())
SHOP_KEY = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
EVEN = rules.Weights(
    base=1, commented=0, joined_team=0, bought=0, watched=0, watched_step_s=60, watched_most=0
)  #: everybody has the same chance
UNEVEN = rules.Weights(
    base=2, commented=3, joined_team=5, bought=0, watched=1, watched_step_s=300, watched_most=12
)  #: 2 to 22
CLAIM_S = 604_800


def known(*parts: object) -> bytes:
    """32 bytes that look like chance and are always the same."""
    return sha256("/".join(map(str, parts)).encode()).digest()


@dataclasses.dataclass(frozen=True)
class Plan:
    """A draw in a few words."""

    name: str
    viewers: int
    prizes: Sequence[tuple[str, int]] = (("A bag", 1), ("A scarf", 2))  #: name, quantity
    reserves: int = 3
    tier: Tier = "recorded"
    round: int = 1000  #: of drand, where the tier has rounds
    weights: rules.Weights = EVEN
    cohosts: int = 2
    password: str | None = None

    @property
    def draw_id(self) -> bytes:
        return known(self.name, "draw")[:16]

    @property
    def salt(self) -> bytes:
        return known(self.name, "salt")

    def secret(self, number: int) -> bytes:
        return known(self.name, "secret", number)

    @property
    def closed_ms(self) -> int:
        """The last moment that leads to the round."""
        return quicknet.time_of(self.round) - quicknet.LEAD_MS

    @property
    def opened_ms(self) -> int:
        return self.closed_ms - 90_000


def entries_of(plan: Plan) -> tuple[Entry, ...]:
    """The entries in order: viewer-1, viewer-2, …, with weights that the rules could give."""
    least, span = plan.weights.base, most(plan.weights) - plan.weights.base + 1
    made = []
    for number in range(1, plan.viewers + 1):
        chance = int.from_bytes(known(plan.name, "weight", number)[:4], "big")
        made.append(Entry(entry_id(plan.salt, f"viewer-{number}").hex(), least + chance % span))
    return tuple(sorted(made, key=lambda entry: entry.entry_id))


def rules_of(plan: Plan) -> rules.Rules:
    return rules.Rules(
        protocol="LTD1",
        draw_id=plan.draw_id.hex(),
        room="demo",
        title="Thank you, ten thousand times 谢谢 🎁",
        prizes=tuple(
            rules.Prize(f"Tier {number}", name, quantity, 4_990, "EUR", 2)
            for number, (name, quantity) in enumerate(plan.prizes, 1)
        ),
        reserves=plan.reserves,
        entry=rules.EntryBy.CLICK if plan.password is None else rules.EntryBy.PASSWORD,
        password=plan.password,
        eligibility=rules.Eligibility(commented=False, joined_team=False, bought=False, watched_s=0),
        weights=plan.weights,
        exclude=rules.Exclusions(staff=True, winners_of_last=1),
        latest_close_ms=plan.closed_ms + 30_000,
        freeze=rules.Freeze.SHIFT,
        beacon=_beacon_of(plan),
        rehearsal=plan.tier == "recorded",
        organiser='A shop\nin a street "with" a name',
        terms="One entry each. <b>No</b> purchase.",
        region="PL, DE",
        minimum_age=18,
        claim_s=CLAIM_S,
        salt_hash=salt_hash(plan.salt).hex(),
        shop_key=SHOP_KEY,
    )


def _beacon_of(plan: Plan) -> rules.Beacon:
    if plan.tier == "drand":
        return rules.DrandBeacon(quicknet.CHAIN)
    if plan.tier == "recorded":
        return rules.RecordedBeacon(plan.round)
    return rules.CohostsBeacon(
        tuple(
            rules.Cohost(f"Co-host {number}", cohosts.commitment(plan.draw_id, number, plan.secret(number)).hex())
            for number in range(1, plan.cohosts + 1)
        ),
        rules.REVEAL_S,
    )


def closed(plan: Plan, entries: tuple[Entry, ...] | None = None) -> Proof:
    """The draw when its root is out."""
    given, entries = rules_of(plan), entries_of(plan) if entries is None else entries
    root = merkle.root(conduct.leaves(given.draw_id, entries))
    closing = Closing(
        closed_ms=plan.closed_ms,
        frozen_ms=0,
        round=conduct.beacon_round(given, plan.closed_ms),
        root=root.hex(),
        count=len(entries),
        total_weight=sum(entry.weight for entry in entries),
        published_ms=plan.closed_ms + 700,
    )
    return Proof(
        protocol="LTD1",
        draw_id=given.draw_id,
        rules=given,
        rules_hash=rules.rules_hash(given).hex(),
        opened_ms=plan.opened_ms,
        outcome=Outcome.CLOSED,
        voided=None,
        why="",
        closing=closing,
        entries=entries,
        reveals=(),
        drawing=None,
        passed=(),
    )


def drawn(plan: Plan, entries: tuple[Entry, ...] | None = None) -> Proof:
    """The draw when its winners are out."""
    return _with_winners(plan, closed(plan, entries))


def _with_winners(plan: Plan, before: Proof) -> Proof:
    assert before.closing is not None
    assert before.closing.root is not None
    reveals = reveals_of(plan, range(1, plan.cohosts + 1)) if plan.tier == "co-hosts" else ()
    signature = None if plan.tier == "co-hosts" else RECORDED[plan.round]
    if signature is None:
        beacon = conduct.cohosts_beacon(before.rules, bytes.fromhex(before.closing.root), reveals)
    else:
        beacon = quicknet.randomness(signature)
    drawing = conduct.draw(before.rules, before.closing, before.entries, beacon, signature, plan.closed_ms + 12_000)
    return replaced(before, outcome=Outcome.DRAWN, reveals=reveals, drawing=drawing)


def reveals_of(plan: Plan, numbers: Sequence[int]) -> tuple[Reveal, ...]:
    return tuple(Reveal(number, plan.secret(number).hex(), plan.closed_ms + 2_000 + number) for number in numbers)


def with_passed(proof: Proof, *passed: Passed) -> Proof:
    return replaced(proof, passed=passed)


def with_lapsed(proof: Proof, *lapsed: Lapsed) -> Proof:
    return replaced(proof, lapsed=lapsed)


def late(plan: Plan) -> Proof:
    """Void: the root came out when its round did."""
    proof = closed(plan)
    assert proof.closing is not None
    closing = replaced(proof.closing, published_ms=quicknet.time_of(proof.closing.round))
    return replaced(proof, outcome=Outcome.VOID, voided=Voided.LATE_ROOT, closing=closing)


def silent(plan: Plan) -> Proof:
    """Void: the last co-host never revealed."""
    reveals = reveals_of(plan, range(1, plan.cohosts))
    return replaced(closed(plan), outcome=Outcome.VOID, voided=Voided.MISSING_REVEAL, reveals=reveals)


def cancelled(plan: Plan) -> Proof:
    why = "The prize broke on the way here."
    return replaced(closed(plan), outcome=Outcome.CANCELLED, why=why, closing=None, entries=())


def replaced(struct: T, **fields: object) -> T:
    return msgspec.structs.replace(struct, **fields)


def receipt_of(plan: Plan, number: int = 1, after_ms: int = 5_000) -> receipt.Receipt:
    """Receipt of viewer-N, as given at entry, so long after the draw opened."""
    mine = entry_id(plan.salt, f"viewer-{number}")
    weight = next((entry.weight for entry in entries_of(plan) if entry.entry_id == mine.hex()), plan.weights.base)
    return receipt.issue(
        KEY,
        draw_id=plan.draw_id,
        rules_hash=rules.rules_hash(rules_of(plan)),
        entry_id=mine,
        weight=weight,
        entered_ms=plan.opened_ms + after_ms,
    )


def placed(proof: Proof, entry_id: str) -> receipt.Placed | None:
    """Where an entry is in the tree; None: it is not."""
    assert proof.closing is not None
    assert proof.closing.root is not None
    index = next((index for index, each in enumerate(proof.entries) if each.entry_id == entry_id), None)
    if index is None:
        return None
    found = merkle.inclusion(conduct.leaves(proof.draw_id, proof.entries), index)
    weight = proof.entries[index].weight
    return receipt.Placed(proof.draw_id, proof.closing.root, entry_id, weight, index, found.count, found.path)


def witness_of(proof: Proof, after_ms: int | None = None) -> receipt.Witness:
    """What a page saw so long after the close. Else: in time, but for a root that was not."""
    if after_ms is None:
        after_ms = 10_000 if proof.voided is Voided.LATE_ROOT else 900
    assert proof.closing is not None
    assert proof.closing.root is not None
    return receipt.Witness(
        "LTD1",
        proof.draw_id,
        proof.rules_hash,
        proof.closing.root,
        proof.closing.round,
        proof.closing.closed_ms + after_ms,
    )


def drawing_of(proof: Proof) -> Drawing:
    assert proof.drawing is not None
    return proof.drawing
