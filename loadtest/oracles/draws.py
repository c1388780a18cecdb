"""Draws: who was told to be in is in, and nobody was refused while a draw was open; every draw verifies, by the
command; winners were told, and their claims kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from livestream.protocol.commands import EnterDraw

from .base import Evidence, Finding, Oracle, Source
from .too_late import refused_entrants
from .verify import verify

_UNDECIDED = ("open", "closed")
_RECEIPTS = 2  #: of a draw, checked with the proof; each costs a process


@dataclass(slots=True)
class Read:
    """What is read of all draws."""

    draws: list[dict[str, Any]] = field(default_factory=list)
    proofs: dict[str, dict[str, Any]] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)  #: draw, or draw and entry: what `verify` says
    claims: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    receipts: int = 0  #: checked with the command
    log: list[dict[str, Any]] = field(default_factory=list)  #: of the room


class Draws(Oracle):
    name = "draws"

    async def under_way(self, source: Source) -> str:
        # One that is open is closed by a host, and no host is left.
        open_ones = [each["title"] for each in await source.draws() if each["state"] == "closed"]
        return f"draws without winners yet: {', '.join(open_ones)}" if open_ones else ""

    async def read(self, source: Source, evidence: Evidence) -> Read:
        ours = evidence.of_us("entered", "won")
        read = Read(draws=[each for each in await source.draws() if ours is None or each["id"] in ours])
        for draw in read.draws:
            if draw["state"] not in _UNDECIDED:
                await _read_draw(source, evidence, draw["id"], read)
        if read.draws:
            read.log = await source.log()
        return read

    def judge(self, evidence: Evidence, read: Read) -> list[Finding]:
        if not read.draws and not evidence.notes("entered"):
            return []
        return [
            _entries(evidence, read),
            refused_entrants(evidence, read.log),
            _verified(evidence, read),
            _winners(evidence, read),
        ]


async def _read_draw(source: Source, evidence: Evidence, draw: str, read: Read) -> None:
    proof = await source.proof(draw)
    trouble = await verify(proof)
    read.proofs[draw] = msgspec.json.decode(proof)
    read.claims[draw] = await source.claims(draw)
    if trouble:
        read.wrong[draw] = trouble
        return
    receipts = [note[4] for note in evidence.notes("entered") if note[0] == draw]
    for receipt in receipts[:: max(1, len(receipts) // _RECEIPTS)][:_RECEIPTS]:
        read.receipts += 1
        trouble = await verify(proof, receipt)
        if trouble:
            read.wrong[f"{draw} with the receipt of {receipt['entry_id']}"] = trouble


def _entries(evidence: Evidence, read: Read) -> Finding:
    """Acknowledged is in, with its weight; and nobody is in who never asked."""
    acked = evidence.notes("entered")
    weights = {(draw, entry[0]): entry[1] for draw, proof in read.proofs.items() for entry in proof["entries"]}
    judged = [note for note in acked if read.proofs.get(note[0], {}).get("outcome") in ("drawn", "void", "closed")]
    lost = [f"{note[0]} {note[1]}" for note in judged if (note[0], note[1]) not in weights]
    other = [f"{note[1]}" for note in judged if weights.get((note[0], note[1]), note[2]) != note[2]]
    people = {(note[0], note[3]) for note in acked}
    twice = len(acked) - len(people)
    extra = len(weights) - len({(note[0], note[1]) for note in judged})
    foreign = extra if evidence.rehearsal and not lost and extra > evidence.uncertain else 0
    codes = {note[0] for note in evidence.notes("not_entered")}
    strange = sorted(codes - {str(code) for code in EnterDraw.errors})
    return Finding(
        name="every acknowledged entry is in the draw's proof",
        ok=not (lost or other or twice or foreign or strange),
        text=f"{len(acked)} acknowledged: {len(lost)} lost, {len(other)} with another weight, {twice} acknowledged "
        f"twice, {foreign} that nobody asked for",
        examples=[f"lost: {each}" for each in lost[:5]] + [f"refused with {each}" for each in strange],
    )


def _verified(evidence: Evidence, read: Read) -> Finding:
    states = [draw["state"] for draw in read.draws]
    # In a real room a draw may be meant to stay open; in a rehearsal nobody but its host could close it.
    undecided = sum(state in _UNDECIDED and (evidence.rehearsal or state != "open") for state in states)
    void = [] if evidence.faults else [f"{each['title']} is void: {each.get('why')}" for each in read.draws
                                       if each["state"] == "void"]  # fmt: skip
    drawn = [each["event"] for each in read.log if each["event"]["t"] == "draw_drawn"]
    told = {each["draw"]: [winner["entry"] for winner in each["winners"]] for each in drawn}
    other = [
        f"{draw}: other winners were announced than the proof has"
        for draw, winners in told.items()
        if winners != (read.proofs.get(draw, {}).get("drawing") or {}).get("winners", winners)
    ]
    unsaid = [
        f"{draw}: drawn, and the room was never told"
        for draw, proof in read.proofs.items()
        if proof["outcome"] == "drawn" and draw not in told
    ]
    wrong = [f"{draw}: {why}" for draw, why in read.wrong.items()] + other + unsaid + void
    ok = None if undecided and evidence.cut_short and not wrong else not wrong and not undecided
    return Finding(
        name="every draw verifies",
        ok=ok,
        text=f"`livestream draw verify` on {len(read.proofs)} of {len(read.draws)} draws and {read.receipts} receipts: "
        f"{len(read.wrong)} fail; {len(other) + len(unsaid)} announced otherwise, {undecided} without winners, "
        f"{len(void)} void",
        examples=wrong[:10],
    )


def _winners(evidence: Evidence, read: Read) -> Finding:
    """Who won was told, nobody else was, and a claim that was acknowledged is kept."""
    entry_of = {(note[0], note[3]): note[1] for note in evidence.notes("entered")}
    told = {(note[0], entry_of.get((note[0], note[1]), "?")) for note in evidence.notes("won")}
    won = {
        (draw, entry)
        for draw, proof in read.proofs.items()
        for entry in (proof.get("drawing") or {}).get("winners", [])
    }
    away = {number for account in evidence.accounts for number in account.away}
    there = {entry for (_, number), entry in entry_of.items() if number not in away}
    gone = {entry for (_, entry) in won - told if entry in there}
    untold = 0 if evidence.faults or evidence.cut_short else len(gone)
    wrongly = told - won
    kept = {(draw, row["entry"]) for draw, rows in read.claims.items() for row in rows if row["state"] == "claimed"}
    claimed = {(note[0], entry_of.get((note[0], note[1]), "?")) for note in evidence.notes("claimed")}
    lost = claimed - kept
    return Finding(
        name="winners were told, and what they claimed is kept",
        ok=not (untold or wrongly or lost),
        text=f"{len(won)} winners: {untold} not told, {len(wrongly)} told who did not win; {len(claimed)} claims "
        f"acknowledged, {len(lost)} lost",
        examples=[f"told, and did not win: {draw} {entry}" for draw, entry in sorted(wrongly)[:5]]
        + [f"claim lost: {draw} {entry}" for draw, entry in sorted(lost)[:5]]
        + [f"not told: {entry}" for entry in sorted(gone)[:5] if untold],
    )
