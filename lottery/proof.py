"""Proof: one document with all that is needed to check a draw, and nothing that tells who took part. Pure."""

from __future__ import annotations

import enum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from livestream.protocol.draws import PassedWhy as PassedWhy
from livestream.protocol.types import Millis

from .entry import Entry
from .fields import Count, DrawId, EntryId, Hash, Round, RoundSignature
from .rules import Rules, Words


class Outcome(enum.StrEnum):
    CANCELLED = "cancelled"  #: before the close, with a reason
    CLOSED = "closed"  #: entries frozen; not drawn yet
    DRAWN = "drawn"
    VOID = "void"  #: after the close, for one of the two reasons there are


class Voided(enum.StrEnum):
    LATE_ROOT = "late_root"  #: the root was not out before its round
    MISSING_REVEAL = "missing_reveal"  #: a co-host did not reveal in time


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """What a proof is made of: strict, so that two checkers read the same."""


class Closing(Part, frozen=True):
    """What was fixed when entries closed, and published before the beacon."""

    closed_ms: Millis  #: when the draw's state flipped, on the database's clock
    frozen_ms: Count  #: how long the room stood frozen between open and close; the latest close moved by that
    round: Round
    root: Hash | None  #: none: it never came out, and the draw is void
    count: Count  #: entries
    total_weight: Count
    published_ms: Millis | None  #: when the root went out in the room's log; none: it never did


class Reveal(Part, frozen=True):
    cohost: Annotated[int, Meta(ge=1, le=16)]  #: number from 1, in the order of the rules
    secret: Hash
    revealed_ms: Millis


class Drawing(Part, frozen=True):
    """What followed from the beacon."""

    drawn_ms: Millis
    beacon: Hash
    signature: RoundSignature | None  #: of the round; none with co-hosts
    seed: Hash
    winners: tuple[EntryId, ...]  #: first unit of the first prize first; fewer than units when entries ran out
    reserves: tuple[EntryId, ...]  #: in the order in which they move up


class Passed(Part, frozen=True):
    """A prize went on to the next reserve."""

    unit: Count  #: which, from 0, as in `winners`
    reserve: Count  #: which, from 0, as in `reserves`: always the next
    why: PassedWhy
    passed_ms: Millis


class Lapsed(Part, frozen=True):
    """A prize became nobody's: who had it lost it, and no reserve was left."""

    unit: Count
    why: PassedWhy
    lapsed_ms: Millis


class Proof(Part, frozen=True):
    protocol: Literal["LTD1"]
    draw_id: DrawId
    rules: Rules
    rules_hash: Hash  #: as published at open
    opened_ms: Millis
    outcome: Outcome
    voided: Voided | None
    why: Words  #: reason of a cancellation, as the host gave it; else empty
    closing: Closing | None  #: none: cancelled
    entries: tuple[Entry, ...]  #: in order of id; none if cancelled
    reveals: tuple[Reveal, ...]  #: of co-hosts, in their order
    drawing: Drawing | None  #: drawn only
    passed: tuple[Passed, ...]  #: in the order in which it happened
    lapsed: tuple[Lapsed, ...] = ()  #: in the order in which it happened; older documents do not have it

    def __post_init__(self) -> None:
        has = (self.closing is not None, self.drawing is not None, self.voided is not None)
        if has != _HAS[self.outcome]:
            raise ValueError(f"a draw that is {self.outcome.value} has other parts")
        if self.closing is not None and self.closing.root is None and self.outcome is not Outcome.VOID:
            raise ValueError("only a void draw has no root")
        if self.closing is None and (self.entries or self.reveals):
            raise ValueError("a draw that never closed shows no entries")
        if self.drawing is None and (self.passed or self.lapsed):
            raise ValueError("nothing was won that could be passed on")


_HAS = {
    Outcome.CANCELLED: (False, False, False),
    Outcome.CLOSED: (True, False, False),
    Outcome.DRAWN: (True, True, False),
    Outcome.VOID: (True, False, True),
}


def read(document: bytes) -> Proof:
    """Read a proof.

    Raises:
        msgspec.ValidationError, msgspec.DecodeError: it is none; the text says where.
    """
    return msgspec.json.decode(document, type=Proof)


def schema() -> dict[str, Any]:
    """JSON Schema of a proof."""
    (root,), components = msgspec.json.schema_components([Proof], ref_template="#/$defs/{name}")
    made = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Proof of a lucky draw (LTD1)",
        **root,
        "$defs": components,
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made))  # defaults are tuples in it
    return plain
