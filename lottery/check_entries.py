"""Check the entries: rules, close, round, order, weights, root. Pure.

Each step gives what it found, or raises `Failed`, or `NotCovered`.
"""

from __future__ import annotations

import itertools

from . import cohosts, merkle, quicknet, rules, weight
from .case import Case
from .steps import Failed, NotCovered, counted

SWEEP_MS = 5000  #: how late a draw that ran to its latest close may flip before a checker mentions it


def document_step(case: Case) -> str:
    if case.proof.draw_id != case.proof.rules.draw_id:
        raise Failed("the rules are of another draw")
    return f"a draw that is {case.proof.outcome.value}"


def rules_step(case: Case) -> str:
    found = rules.rules_hash(case.proof.rules).hex()
    if found != case.proof.rules_hash:
        raise Failed(f"their hash is {found}, not {case.proof.rules_hash}")
    return f"their hash is {found}"


def close_step(case: Case) -> str:
    closed, late_by = case.closing.closed_ms, case.closing.closed_ms - case.latest_close_ms
    if closed < case.proof.opened_ms:
        raise Failed("it closed before it opened")
    if late_by > SWEEP_MS:
        raise NotCovered(f"it closed {late_by // 1000} s after the latest close; that nobody entered then is not shown")
    return "at the latest close" if late_by >= 0 else f"by hand, {-late_by // 1000} s before the latest close"


def round_step(case: Case) -> str:
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


def order_step(case: Case) -> str:
    entries, closing = case.proof.entries, case.closing
    for before, after in itertools.pairwise(entries):
        if before.entry_id == after.entry_id:
            raise Failed(f"entry {after.entry_id} stands twice")
        if before.entry_id > after.entry_id:
            raise Failed(f"entry {after.entry_id} is out of order")
    found = counted(len(entries), "entry", "entries")
    if len(entries) != closing.count:
        raise Failed(f"it has {found}, but states {closing.count}")
    return found


def weights_step(case: Case) -> str:
    given, closing = case.proof.rules.weights, case.closing
    most, total = weight.most(given), 0
    for entry in case.proof.entries:
        if not given.base <= entry.weight <= most:
            raise Failed(f"entry {entry.entry_id} has {entry.weight}; the rules give {given.base} to {most}")
        total += entry.weight
    if total != closing.total_weight:
        raise Failed(f"they add up to {total}, but {closing.total_weight} is stated")
    return f"{total} in all, each from {given.base} to {most}"


def root_step(case: Case) -> str:
    stated = case.root
    found = merkle.root(case.leaves)
    if found != stated:
        raise Failed(f"they give {found.hex()}, not {stated.hex()}")
    return f"root {found.hex()}"
