"""Rules: what a draw promises when it opens, and their hash. Pure.

Published once, at open; nothing in them changes afterwards. Every field is always written, so that the hash of what
was read is the hash of what was written.
"""

from __future__ import annotations

import enum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from livestream.protocol.types import Amount, Currency, Exponent, Millis

from .canonical import sha256
from .fields import DrawId, Hash, Round

MOST_PRIZES = 10_000  #: units of all prizes together, and reserves: what a browser picks in a second
REVEAL_S = 60  #: a co-host's secret that is not there so long after the root makes the draw void

Words = Annotated[str, Meta(max_length=4000, pattern=r"^[^\x00]*$")]
Label = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Bonus = Annotated[int, Meta(ge=0, le=1_000_000, description="Added to the weight of who meets it; 0: nothing is.")]


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """What a document of rules is made of: strict, with every field written."""


class Prize(Rule, frozen=True):
    tier: Label  #: "First prize", say
    name: Label  #: what is won
    quantity: Annotated[int, Meta(ge=1, le=MOST_PRIZES)]
    value: Amount  #: of one unit
    currency: Currency
    exponent: Exponent


class EntryBy(enum.StrEnum):
    """What a person does to enter."""

    CLICK = "click"  #: taps the button
    PASSWORD = "password"  #: writes a comment that is exactly the password


class Eligibility(Rule, frozen=True):
    """What must hold for a person at the moment of entry; all of it."""

    commented: bool  #: has written a comment in this show
    joined_team: bool  #: is a member of a team in this show
    bought: bool  #: has bought in this show; many countries' law forbids to ask for it
    watched_s: Annotated[int, Meta(ge=0, le=86_400)]  #: seconds in the room in this show


class Weights(Rule, frozen=True):
    """How the weight of an entry comes about: the base and each bonus whose condition holds, once. It never falls."""

    base: Annotated[int, Meta(ge=1, le=1_000_000)]
    commented: Bonus
    joined_team: Bonus
    bought: Bonus
    watched: Bonus  #: for each full `watched_step_s`
    watched_step_s: Annotated[int, Meta(ge=1, le=86_400)]
    watched_most: Annotated[int, Meta(ge=0, le=100)]  #: steps that count


class Exclusions(Rule, frozen=True):
    """Who cannot enter whatever they do. The shop's staff never can."""

    staff: Literal[True]
    winners_of_last: Annotated[int, Meta(ge=0, le=1000)]  #: so many draws of this room before this one


class Freeze(enum.StrEnum):
    """What a freeze of the room, a broken stream say, does to the latest close."""

    SHIFT = "shift"  #: it is later by exactly as long as the room stood frozen


class DrandBeacon(Rule, frozen=True, tag="drand", tag_field="tier"):
    """The public beacon of many organisations. The round follows from the moment of closing."""

    chain: Literal["52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"]  #: hash of the chain: quicknet


class Cohost(Rule, frozen=True):
    name: Label
    commitment: Hash  #: SHA-256 of "LTD1-commit", draw id, number from 1, secret


class CohostsBeacon(Rule, frozen=True, tag="co-hosts", tag_field="tier"):
    """Secrets of several named parties, committed to at open and revealed after the root."""

    cohosts: Annotated[tuple[Cohost, ...], Meta(min_length=2, max_length=16)]
    reveal_s: Literal[60]


class RecordedBeacon(Rule, frozen=True, tag="recorded", tag_field="tier"):
    """A round of drand that is long known: for rehearsals and tests, and marked so."""

    round: Round


Beacon = DrandBeacon | CohostsBeacon | RecordedBeacon


class Rules(Rule, frozen=True):
    protocol: Literal["LTD1"]
    draw_id: DrawId
    room: Label
    title: Label
    prizes: Annotated[tuple[Prize, ...], Meta(min_length=1, max_length=100)]  #: in the order in which they are drawn
    reserves: Annotated[int, Meta(ge=0, le=MOST_PRIZES)]  #: picked after the winners, for prizes nobody claims
    entry: EntryBy
    password: Label | None  #: of entry by password
    eligibility: Eligibility
    weights: Weights
    exclude: Exclusions
    latest_close_ms: Millis  #: the host may close sooner
    freeze: Freeze
    beacon: Beacon
    rehearsal: bool  #: nothing is really won
    organiser: Label
    terms: Words  #: text, or where to read it
    region: Words  #: who may take part, by where they live; empty: anyone
    minimum_age: Annotated[int, Meta(ge=0, le=120)]  #: years
    claim_s: Annotated[int, Meta(ge=60, le=31_536_000)]  #: from the draw; then the prize goes to a reserve
    salt_hash: Hash  #: SHA-256 of the salt from which entry ids are made
    shop_key: Hash  #: Ed25519 public key that signs receipts

    def __post_init__(self) -> None:
        if (self.entry is EntryBy.PASSWORD) is not (self.password is not None):
            raise ValueError("a password belongs to entry by password, and only to it")
        if units(self) > MOST_PRIZES:
            raise ValueError(f"more than {MOST_PRIZES} prizes")
        if isinstance(self.beacon, RecordedBeacon) and not self.rehearsal:
            raise ValueError("a recorded beacon is for rehearsals")
        if isinstance(self.beacon, RecordedBeacon) and self.beacon.round < 1:
            raise ValueError("a recorded round is 1 or more")


def units(rules: Rules) -> int:
    """How many single prizes there are: the sum of the quantities."""
    return sum(prize.quantity for prize in rules.prizes)


def rules_hash(rules: Rules) -> bytes:
    """SHA-256 of the canonical JSON, 32 bytes."""
    return sha256(msgspec.to_builtins(rules))
