"""Limits: what a proof does not show, said beside it. Pure."""

from __future__ import annotations

from .proof import Proof
from .rules import CohostsBeacon, DrandBeacon, RecordedBeacon

#: in plain words; the page's checker has the same, and so has docs/draws.md
LIMITS: dict[str, str] = {
    "people": "That the entrants are different people: the shop signs its viewers in.",
    "refused": "That nobody was refused entry against the rules: refusals are recorded by the shop.",
    "earned": "That entrants met the conditions and earned their weights: a weight is one that the rules can give, "
    "and the rest is the shop's word.",
    "in_time": "That rules and root were out in time, for who did not watch: a page that was open then has seen them, "
    "and a receipt names the rules.",
    "drand": "That the organisations behind drand did not collude: more than half of them would have to.",
    "collusion": "That the co-hosts did not all collude.",
    "last_reveal": "That the co-host who revealed last would not have preferred a void draw.",
    "names": "That the co-hosts are who their names say: the host named them.",
    "chance": "Chance: the beacon was known beforehand. This is a rehearsal.",
    "unclaimed": "That winners had the chance to claim what they lost as unclaimed: that they were told is "
    "the shop's word.",
    "declined": "That winners declined: that is the shop's word.",
    "disqualified": "That winners were disqualified rightly: that is the shop's word.",
    "handed_over": "That the prizes are handed over.",
}
_ALWAYS = {"people", "refused", "earned", "in_time"}
_OF_BEACON = {
    DrandBeacon: {"drand"},
    CohostsBeacon: {"collusion", "last_reveal", "names"},
    RecordedBeacon: {"chance"},
}


def not_proven(proof: Proof) -> tuple[str, ...]:
    """Those that concern this draw."""
    gone = {each.why.value for each in proof.passed} | {each.why.value for each in proof.lapsed}
    concern = _ALWAYS | _OF_BEACON[type(proof.rules.beacon)] | gone
    if proof.drawing is not None:
        concern |= {"handed_over"}
    return tuple(text for name, text in LIMITS.items() if name in concern)
