"""RoomLog: every viewer saw every log event once, in order, and the same; what was acknowledged is in it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec

from livestream.client_wire import decode
from livestream.protocol.codec import Codec
from livestream.protocol.pushes import Log

from ..reader import digest_of
from .base import Evidence, Finding, Oracle, Source


class RoomLog(Oracle):
    name = "room log"

    async def read(self, source: Source, evidence: Evidence) -> list[dict[str, Any]]:
        return await source.log()

    def judge(self, evidence: Evidence, read: list[dict[str, Any]]) -> list[Finding]:
        return [_order(evidence), _kept(evidence, read), _same(evidence, read)]


def _order(evidence: Evidence) -> Finding:
    gaps, repeats, behind = (evidence.total(name) for name in ("gaps", "repeats", "behind"))
    absent = evidence.total("absent")
    text = (
        f"{evidence.total('checked'):,} deliveries to {evidence.total('viewers'):,} viewers: {gaps} gaps, "
        f"{repeats} repeats, {behind} viewers without the end of it, {absent} who did not come back"
    )
    return Finding(
        name="every viewer saw every log event once and in order",
        ok=not (gaps or repeats or behind or absent),
        text=text,
        examples=evidence.told("gap:", "repeat:", "at the end")[:10],
    )


def _kept(evidence: Evidence, read: list[dict[str, Any]]) -> Finding:
    """What the host was told is done can be read afterwards."""
    said = {event["message"]["id"]: item["seq"] for item in read if (event := item["event"])["t"] == "said"}
    acked = [(note[0], note[1]) for note in evidence.notes("say")]
    lost = [each for each, _ in acked if each not in said]
    moved = [each for each, seq in acked if seq is not None and each in said and said[each] != seq]
    twice = len(acked) - len({each for each, _ in acked})
    return Finding(
        name="every acknowledged host message is in the log",
        ok=not (lost or moved or twice),
        text=f"{len(acked)} acknowledged: {len(lost)} lost, {len(moved)} under another seq, {twice} acknowledged twice",
        examples=[f"lost: {each}" for each in lost[:5]] + [f"moved: {each}" for each in moved[:5]],
    )


def _same(evidence: Evidence, read: list[dict[str, Any]]) -> Finding:
    """All saw the same, and it is what the server says now."""
    conflicts = evidence.total("conflicts")
    numbers = [item["seq"] for item in read]
    holes = sum(after != before + 1 for before, after in pairwise(numbers))
    stored = {item["seq"]: _digest(item) for item in read}
    different: set[int] = set()
    for account in evidence.accounts:
        different |= {seq for seq, told in account.log.items() if stored.get(seq) != told}
    return Finding(
        name="all viewers saw the same log, and it is the one that can be read",
        ok=not (conflicts or holes or different),
        text=f"{len(read)} events: {conflicts} that differ between viewers, {len(different)} that differ from the "
        f"read, {holes} holes in the read",
        examples=[f"seq {seq} was seen as something else than is read" for seq in sorted(different)[:5]],
    )


def _digest(item: dict[str, Any]) -> str:
    log = decode(msgspec.json.encode([{"t": "log", **item}]), Codec.JSON)[0]
    assert isinstance(log, Log)
    return digest_of(log)
