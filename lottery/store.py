"""SQL of draws: rows that are locked, decided on and written. What only reads stands in `reads`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec

from livestream.protocol.draw_hooks import DrawHook
from livestream.protocol.draw_state import evolve_draw
from livestream.protocol.draws import Draw, DrawClosed, DrawLogEvent, DrawPlan, DrawState
from livestream.protocol.show import ShowState
from livestream.storage import deadlines
from livestream.storage.deadlines import Deadline
from livestream.storage.pool import Connection

from .entry import Entry
from .proof import Closing, Drawing, Reveal
from .rules import Rules

CLOSE = "draw_close"  #: kind of deadline
MS = "floor(extract(epoch FROM {}) * 1000)::bigint"
_NOW = MS.format("clock_timestamp()")
#: of a draw: never before what has happened to it, whatever the server's clock was set to meanwhile, and
#: not with the root either: a secret is revealed after it
_DRAW_NOW = MS.format("""greatest(clock_timestamp(), opened_at, closed_at,
       rooted_at + interval '1 ms', drawn_at,
       CASE WHEN rooted_at IS NOT NULL THEN (SELECT max(at) FROM draw_reveal r WHERE r.draw_id = draw.draw_id) END,
       CASE WHEN drawn_at IS NOT NULL THEN
            (SELECT max(greatest(given_at, lapsed_at)) FROM draw_pick p WHERE p.draw_id = draw.draw_id) END)""")
_decode_body = msgspec.json.Decoder(Draw).decode
_decode_plan = msgspec.json.Decoder(DrawPlan).decode
_decode_rules = msgspec.json.Decoder(Rules).decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Room:
    """The room, locked."""

    room_id: str
    shop_id: str
    title: str
    rehearsal: bool
    video_delay_ms: int
    frozen_at: int | None
    show_id: str | None
    show_state: ShowState | None
    now_ms: int  #: read after its lock; what happens to a draw happens at the draw's own


@dataclass(frozen=True, slots=True)
class Held:
    """A draw's row, and its clock: of the database, read after the lock, and never set back."""

    draw: Draw
    room_id: str
    shop_id: str
    show_id: str | None
    plan: DrawPlan
    salt: bytes
    secret: bytes
    signing_key: bytes | None  #: of its receipts, from the opening on
    rules: Rules | None
    frozen_ms: int
    weighed: bool  #: its weights are frozen
    seen: bool  #: its root was visible before its beacon
    frozen_at: int | None  #: the room's clock stands still
    now_ms: int

    @property
    def open_rules(self) -> Rules:
        """Of one that was opened."""
        assert self.rules is not None
        return self.rules


_ROOM = f"""
WITH locked AS MATERIALIZED (SELECT * FROM room WHERE room_id = $1 FOR NO KEY UPDATE)
SELECT locked.room_id, shop_id, coalesce(locked.state->>'title', '') AS title,
       coalesce((locked.state->>'rehearsal')::boolean, false) AS rehearsal,
       coalesce((locked.state->>'video_delay_ms')::bigint, 0) AS video_delay_ms,
       {MS.format("frozen_at")} AS frozen_at, show_id, show.state AS show_state, {_NOW} AS now_ms
  FROM locked LEFT JOIN show ON show.room_id = locked.room_id AND show.state <> 'ended'"""

_DRAW = f"""
SELECT draw.*, body::text AS body_text, plan::text AS plan_text, {MS.format("due_at")} AS due_ms,
       {MS.format("room.frozen_at")} AS frozen_at, {_DRAW_NOW} AS now_ms
  FROM draw JOIN room USING (room_id)
  LEFT JOIN deadline ON deadline.room_id = draw.room_id AND kind = '{CLOSE}' AND id = draw_id"""


async def lock_room(tx: Connection, room_id: str) -> Room:
    """The room with its open show, and the clock."""
    row = await tx.fetchrow(_ROOM, room_id)
    if row is None:
        raise LookupError(f"no room {room_id!r}")
    return Room(
        row["room_id"],
        row["shop_id"],
        row["title"],
        row["rehearsal"],
        row["video_delay_ms"],
        row["frozen_at"],
        row["show_id"],
        ShowState(row["show_state"]) if row["show_state"] else None,
        row["now_ms"],
    )


async def lock(tx: Connection, room_id: str, draw_ids: Sequence[str]) -> dict[str, Held]:
    """Rows of a room's draws, by id; the caller holds the room's lock, or changes no state.

    The rows, their deadline, the break and the clock are read together, after the lock: entries hold it and
    queue for it, so a moment read before may lie before the last of them.
    """
    await tx.execute(
        "SELECT 1 FROM draw WHERE room_id = $1 AND draw_id = ANY($2) ORDER BY draw_id FOR NO KEY UPDATE",
        room_id,
        list(draw_ids),
    )
    rows = await tx.fetch(f"{_DRAW} WHERE draw.room_id = $1 AND draw_id = ANY($2)", room_id, list(draw_ids))
    return {row["draw_id"]: held(row) for row in rows}


async def look(connection: Connection, draw_id: str) -> Held | None:
    """A draw as it is, not locked: who acts on it judges again."""
    row = await connection.fetchrow(f"{_DRAW} WHERE draw_id = $1", draw_id)
    return None if row is None else held(row)


async def queue(tx: Connection, room_id: str) -> list[Draw]:
    """A room's draws that are announced or under way, in order of making."""
    rows = await tx.fetch(
        f"{_DRAW} WHERE draw.room_id = $1 AND draw.state IN ('announced', 'open', 'closed') ORDER BY number", room_id
    )
    return [held(row).draw for row in rows]


def held(row: asyncpg.Record) -> Held:
    """A draw from its row. While it is open its latest close stands with the room's deadlines, which a freeze moves."""
    draw = _decode_body(row["body_text"])
    rules = None if row["rules"] is None else _decode_rules(row["rules"])
    frozen_ms = row["frozen_ms"]
    if draw.state is DrawState.OPEN and row["due_ms"] is not None and rules is not None:
        draw = msgspec.structs.replace(draw, closes_at=row["due_ms"])
        frozen_ms = max(0, row["due_ms"] - rules.latest_close_ms)
    return Held(
        draw,
        row["room_id"],
        row["shop_id"],
        row["show_id"],
        _decode_plan(row["plan_text"]),
        row["salt"],
        row["secret"],
        row["signing_key"],
        rules,
        frozen_ms,
        row["weighed_at"] is not None,
        row["seen_at"] is not None,
        row["frozen_at"],
        row["now_ms"],
    )


# -- what is written


async def create(tx: Connection, room: Room, draw: Draw, plan: DrawPlan, salt: bytes, secret: bytes) -> None:
    await tx.execute(
        "INSERT INTO draw (draw_id, room_id, shop_id, state, plan, body, salt, secret)"
        " VALUES ($1, $2, $3, $4, $5::text::json, $6::text::json, $7, $8)",
        draw.id,
        room.room_id,
        room.shop_id,
        draw.state,
        _encode(plan).decode(),
        _encode(draw).decode(),
        salt,
        secret,
    )


async def evolve(tx: Connection, held: Held, event: DrawLogEvent, **columns: Any) -> Draw:
    """Write what follows from one event; returns the draw after it.

    Args:
        columns: further columns; those that end in `_at` are Unix ms.
    """
    after = evolve_draw(held.draw, event)
    names = ["state", "body", *columns]
    values = [str(after.state), _encode(after).decode(), *columns.values()]
    casts = ["$2", "$3::text::json", *(_cast(name, place) for place, name in enumerate(columns, 4))]
    assignments = ", ".join(f"{name} = {cast}" for name, cast in zip(names, casts, strict=True))
    ended = ", ended_at = clock_timestamp()" if after.state in ("settled", "cancelled", "void") else ""
    await tx.execute(f"UPDATE draw SET {assignments}{ended} WHERE draw_id = $1", held.draw.id, *values)
    if after.state is DrawState.OPEN and after.closes_at is not None:
        await deadlines.put(tx, [Deadline(held.room_id, CLOSE, after.id, after.closes_at)])
    elif held.draw.state is DrawState.OPEN:
        await deadlines.drop(tx, held.room_id, CLOSE, [after.id])
    return after


async def close(tx: Connection, held: Held, event: DrawClosed) -> None:
    """Write a close. What a break that is on has moved so far counts as moved."""
    frozen_ms = held.frozen_ms
    if held.frozen_at is not None:
        frozen_ms += max(0, held.now_ms - held.frozen_at)
    await evolve(tx, held, event, closed_at=event.closed_at, round=event.round, frozen_ms=frozen_ms)


def webhook(kind: type[DrawHook], held: Held, **more: object) -> tuple[str, object]:
    """What the shop's backend is told of a draw."""
    return kind.kind, kind(draw=held.draw.id, room=held.room_id, title=held.draw.title, **more)


def _cast(name: str, place: int) -> str:
    return f"to_timestamp(${place}::bigint / 1000.0)" if name.endswith("_at") else f"${place}"


# -- what the worker needs


async def entries(connection: Connection, draw_id: str) -> list[Entry]:
    """All of a draw, in order of id."""
    return await asyncio.to_thread(unpacked, await packed(connection, draw_id))


ENTRY_BYTES = 24  #: of a packed entry: 16 of its id, 8 of its weight


async def packed(connection: Connection, draw_id: str) -> bytes:
    """The same as one row of bytes, which the driver need not take apart: 100,000 cost the loop a millisecond."""
    found: bytes | None = await connection.fetchval(
        "SELECT string_agg(entry_id || int8send(weight), '' ORDER BY entry_id) FROM draw_entry WHERE draw_id = $1",
        draw_id,
    )
    return found or b""


def unpacked(packed: bytes) -> list[Entry]:
    return [
        Entry(packed[at : at + 16].hex(), int.from_bytes(packed[at + 16 : at + ENTRY_BYTES], "big"))
        for at in range(0, len(packed), ENTRY_BYTES)
    ]


async def reveals(connection: Connection, draw_id: str) -> list[Reveal]:
    """In the order of the rules."""
    rows = await connection.fetch(
        f"SELECT party, secret, {MS.format('at')} AS at FROM draw_reveal WHERE draw_id = $1 ORDER BY party", draw_id
    )
    return [Reveal(row["party"], row["secret"].hex(), row["at"]) for row in rows]


async def add_reveal(tx: Connection, draw_id: str, party: int, secret: bytes, at_ms: int) -> None:
    await tx.execute(
        "INSERT INTO draw_reveal (draw_id, party, secret, at) VALUES ($1, $2, $3, to_timestamp($4::bigint / 1000.0))",
        draw_id,
        party,
        secret,
        at_ms,
    )


def closing_of(held: Held, count: int = 0, weight: int = 0) -> Closing:
    """What was fixed at the close, from the row; count and weight of what is not published."""
    draw = held.draw
    return Closing(
        draw.closed_at or 0,
        held.frozen_ms,
        draw.round,
        draw.root or None,
        draw.entries if draw.root else count,
        draw.weight if draw.root else weight,
        draw.rooted_at,
    )


@dataclass(frozen=True, slots=True)
class Person:
    """Who is behind an entry; all empty when they were erased."""

    entry_id: str
    pseudonym: str | None
    viewer_id: str | None
    name: str | None


async def people(connection: Connection, draw_id: str, entry_ids: Sequence[str]) -> dict[str, Person]:
    rows = await connection.fetch(
        """
        SELECT encode(entry_id, 'hex') AS entry_id, pseudonym, viewer_id, name FROM draw_entry
         WHERE draw_id = $1 AND entry_id = ANY($2)""",
        draw_id,
        [bytes.fromhex(each) for each in entry_ids],
    )
    return {row["entry_id"]: Person(**row) for row in rows}


async def add_picks(tx: Connection, draw_id: str, drawing: Drawing, claim_until: int) -> None:
    """Winners, then reserves. Each prize and each entry once: the schema says so as well."""
    ordered = [*drawing.winners, *drawing.reserves]
    won = len(drawing.winners)
    await tx.execute(
        """
        INSERT INTO draw_pick (draw_id, place, entry_id, prize, given_at, claim_until)
        SELECT $1, n - 1, decode(id, 'hex'), CASE WHEN n <= $3 THEN n - 1 END,
               CASE WHEN n <= $3 THEN to_timestamp($4::bigint / 1000.0) END,
               CASE WHEN n <= $3 THEN to_timestamp($5::bigint / 1000.0) END
          FROM unnest($2::text[]) WITH ORDINALITY AS p (id, n)""",
        draw_id,
        ordered,
        won,
        drawing.drawn_ms,
        claim_until,
    )
