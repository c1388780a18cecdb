"""Document: the proof of a draw, and single inclusions, from its rows."""

from __future__ import annotations

from livestream.protocol.draws import DrawState
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.http import Inclusion
from livestream.storage.pool import Connection

from . import conduct, merkle, store
from .proof import Drawing, Outcome, Passed, PassedWhy, Proof, Voided
from .store import MS, Held

_OUTCOMES = {
    DrawState.CANCELLED: Outcome.CANCELLED,
    DrawState.CLOSED: Outcome.CLOSED,
    DrawState.DRAWN: Outcome.DRAWN,
    DrawState.SETTLED: Outcome.DRAWN,
    DrawState.VOID: Outcome.VOID,
}


async def proof(connection: Connection, draw_id: str) -> Proof:
    """The self-contained document. `connection` must see one moment.

    Raises:
        Refused: DRAW_NOT_FOUND; DRAW_NOT_DRAWN, there is nothing to check yet.
    """
    held = await _look(connection, draw_id)
    draw = held.draw
    if held.rules is None or draw.state not in _OUTCOMES or (draw.state is DrawState.CLOSED and not draw.root):
        raise Refused(ErrorCode.DRAW_NOT_DRAWN, f"it is {draw.state}")
    closed = draw.closed_at is not None
    entries = await store.entries(connection, draw_id) if closed else []
    weight = sum(each.weight for each in entries)
    void = draw.state is DrawState.VOID
    drawing, passed = await _drawing(connection, held) if draw.seed else (None, [])
    return Proof(
        protocol="LTD1",
        draw_id=draw.id,
        rules=held.rules,
        rules_hash=draw.rules_hash,
        opened_ms=draw.opened_at or 0,
        outcome=_OUTCOMES[draw.state],
        voided=Voided(draw.why) if void and draw.why else None,
        why=draw.why or "" if draw.state is DrawState.CANCELLED else "",
        closing=store.closing_of(held, len(entries), weight) if closed else None,
        entries=tuple(entries),
        reveals=tuple(await store.reveals(connection, draw_id)),
        drawing=drawing,
        passed=tuple(passed),
    )


async def _drawing(connection: Connection, held: Held) -> tuple[Drawing, list[Passed]]:
    row = await connection.fetchrow(
        f"SELECT signature, {MS.format('drawn_at')} AS drawn_ms FROM draw WHERE draw_id = $1", held.draw.id
    )
    assert row is not None
    picks = await connection.fetch(
        f"""
        SELECT encode(entry_id, 'hex') AS id, prize, {MS.format("given_at")} AS given_ms FROM draw_pick
         WHERE draw_id = $1 ORDER BY place""",
        held.draw.id,
    )
    won = min(len(picks), sum(each.quantity for each in held.open_rules.prizes))
    drawing = Drawing(
        drawn_ms=row["drawn_ms"],
        beacon=held.draw.value,
        signature=None if row["signature"] is None else row["signature"].hex(),
        seed=held.draw.seed,
        winners=tuple(each["id"] for each in picks[:won]),
        reserves=tuple(each["id"] for each in picks[won:]),
    )
    passed = [
        Passed(each["prize"], place, PassedWhy.UNCLAIMED, each["given_ms"])
        for place, each in enumerate(picks[won:])
        if each["prize"] is not None
    ]
    return drawing, passed


async def inclusion(connection: Connection, draw_id: str, entry_id: str) -> Inclusion:
    """That an entry is under the published root.

    Raises:
        Refused: DRAW_NOT_FOUND; DRAW_STATE, no root is out; ENTRY_NOT_FOUND.

    Cost: the whole tree; 100,000 entries in about half a second.
    """
    held = await _look(connection, draw_id)
    if not held.draw.root:
        raise Refused(ErrorCode.DRAW_STATE, "its root is not out")
    entries = await store.entries(connection, draw_id)
    index = next((place for place, each in enumerate(entries) if each.entry_id == entry_id), None)
    if index is None:
        raise Refused(ErrorCode.ENTRY_NOT_FOUND, entry_id)
    found = merkle.inclusion(conduct.leaves(draw_id, entries), index)
    return Inclusion(
        draw=draw_id,
        root=held.draw.root,
        entry=entry_id,
        weight=entries[index].weight,
        index=found.index,
        count=found.count,
        path=list(found.path),
    )


async def _look(connection: Connection, draw_id: str) -> Held:
    held = await store.look(connection, draw_id)
    if held is None:
        raise Refused(ErrorCode.DRAW_NOT_FOUND, draw_id)
    return held
