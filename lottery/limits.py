"""Limits: what a proof does not show, said beside it. Pure."""

from __future__ import annotations

from .proof import PassedWhy, Proof
from .rules import CohostsBeacon, DrandBeacon, RecordedBeacon


def not_proven(proof: Proof) -> tuple[str, ...]:
    """In plain words, for this draw."""
    said = [
        "That the entrants are different people: the shop signs its viewers in.",
        "That nobody was refused entry against the rules: refusals are recorded by the shop.",
    ]
    match proof.rules.beacon:
        case DrandBeacon():
            said.append("That the organisations behind drand did not collude: more than half of them would have to.")
        case CohostsBeacon():
            said.append("That the co-hosts did not all collude.")
            said.append("That the co-host who revealed last would not have preferred a void draw.")
        case RecordedBeacon():
            said.append("Chance: the beacon was known beforehand. This is a rehearsal.")
    gone = {each.why for each in proof.passed} | {each.why for each in proof.lapsed}
    if PassedWhy.DISQUALIFIED in gone:
        said.append("That winners were disqualified rightly: that is the shop's word.")
    if PassedWhy.DECLINED in gone:
        said.append("That winners declined: that is the shop's word.")
    return tuple(said)
