"""Conduct: from frozen entries and a beacon to winners, the one way both the worker and the tests go. Pure.

The same arguments give the same bytes, so a worker that died goes on where another began.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from . import cohosts, merkle, quicknet
from .entry import Entry
from .picks import picks
from .proof import Closing, Drawing, Reveal
from .rules import CohostsBeacon, RecordedBeacon, Rules, rules_hash, units
from .seed import seed


def beacon_round(rules: Rules, closed_ms: int) -> int:
    """The round that decides, known in the moment of closing."""
    match rules.beacon:
        case CohostsBeacon():
            return cohosts.ROUND
        case RecordedBeacon(round=named):
            return named
        case _:
            return quicknet.round_for(closed_ms)


def leaves(draw_id: str, entries: Sequence[Entry]) -> list[bytes]:
    """Leaves of the tree; `entries` in order of id, none twice."""
    prefix = bytes.fromhex(draw_id)
    return [merkle.leaf(prefix, bytes.fromhex(each.entry_id), each.weight) for each in entries]


def cohosts_beacon(rules: Rules, root: bytes, reveals: Sequence[Reveal]) -> bytes:
    """The beacon from all reveals, in the order of the rules."""
    secrets = [bytes.fromhex(each.secret) for each in reveals]
    return cohosts.beacon(bytes.fromhex(rules.draw_id), root, secrets)


def draw(
    rules: Rules, closing: Closing, entries: Sequence[Entry], beacon: bytes, signature: bytes | None, drawn_ms: int
) -> Drawing:
    """Winners and reserves. The beacon is taken as checked.

    Raises:
        ValueError: there is no root.

    Cost: O(n) and about one HMAC a pick; 100,000 entries and 100 prizes in about 0.1 s.
    """
    if closing.root is None:
        raise ValueError("a draw without a root is void")
    draw_id, root = bytes.fromhex(rules.draw_id), bytes.fromhex(closing.root)
    found = seed(draw_id, root, rules_hash(rules), closing.round, beacon)
    order = picks(found, [each.weight for each in entries])
    drawn = [entries[index].entry_id for index in itertools.islice(order, units(rules) + rules.reserves)]
    return Drawing(
        drawn_ms=drawn_ms,
        beacon=beacon.hex(),
        signature=None if signature is None else signature.hex(),
        seed=found.hex(),
        winners=tuple(drawn[: units(rules)]),
        reserves=tuple(drawn[units(rules) :]),
    )
