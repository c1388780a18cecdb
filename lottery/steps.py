"""Steps: what checking a draw consists of, in order, and what a check found. Pure."""

from __future__ import annotations

import enum

from msgspec import Struct


class Result(enum.StrEnum):
    OK = "ok"
    FAILED = "failed"
    NOT_COVERED = "not_covered"  #: nothing speaks against it, but the document cannot show it


#: name → what it checks; the page's checker has the same names
STEPS: dict[str, str] = {
    "document": "The proof is complete and well formed",
    "rules": "The rules are the ones that their hash names",
    "close": "Entries closed when the rules say",
    "round": "The beacon's round follows from the moment of closing",
    "order": "Entries stand in order, none twice, as many as stated",
    "weights": "Every weight is one the rules can give, and they add up",
    "root": "The entries give the root that is stated",
    "publication": "The root was out before the beacon existed",
    "outcome": "The draw ended in a way the rules allow",
    "beacon": "The beacon is genuine",
    "seed": "The seed follows from root, rules, round and beacon",
    "winners": "The winners follow from the seed",
    "reserves": "The reserves follow from the seed, and prizes went on in their order",
    "receipt": "Your receipt is genuine and your entry took part",
}


class Step(Struct, frozen=True):
    name: str  #: a key of STEPS
    result: Result
    text: str  #: what was found, for people


class Report(Struct, frozen=True):
    ok: bool  #: no step failed
    failed: str | None  #: the first step that did; the ones after it were not taken
    steps: tuple[Step, ...]
    not_proven: tuple[str, ...]  #: what no proof of this kind shows


def counted(number: int, one: str, many: str) -> str:
    """As in "1 entry" and "2 entries"."""
    return f"{number} {one if number == 1 else many}"


class Failed(Exception):
    """A step failed; the text says why."""


class NotCovered(Exception):
    """A step found nothing wrong, but cannot say that all is right; the text says why."""
