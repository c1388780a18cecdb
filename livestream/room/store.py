"""SQL of the room: loads what decisions need, writes what they made. Nothing else touches these tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import msgspec

from livestream.protocol import limits
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import Commented, HostMessage, Pinned, Said, Show, ShowChanged
from livestream.protocol.roles import Role
from livestream.protocol.show import ShowState
from livestream.storage.pool import Connection

from .desk import ArchivedComment, Decision, Desk
from .sampling import Fate
from .state import RoomState

_message = msgspec.json.Decoder(HostMessage).decode
_encode = msgspec.json.Encoder().encode
_SHOW_COLUMNS = """show_id, title, state,
    floor(extract(epoch FROM starts_at) * 1000)::bigint AS starts_at,
    floor(extract(epoch FROM live_at) * 1000)::bigint AS live_at,
    floor(extract(epoch FROM ended_at) * 1000)::bigint AS ended_at"""


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """What a shop set for its room."""

    shop_id: str
    anonymous_comments: bool
    comment_chars: int
    display_per_s: float | None  #: None: the deployment's setting


@dataclass(frozen=True, slots=True)
class RoomLoad:
    """All a process needs to serve a room, as of one moment."""

    settings: RoomSettings
    state: RoomState
    comments: list[Commented]  #: newest last
    staff_seq: int
    notice_seq: int
    likes: int


@dataclass(frozen=True, slots=True)
class CommentRow:
    """An accepted comment with its fate."""

    room_id: str
    show_id: str
    viewer_id: str | None
    event: Commented
    fate: Fate


async def load_room(tx: Connection, room_id: str) -> RoomLoad:
    """Read a whole room. `tx` must see one moment (`transaction(snapshot=True)`).

    Raises:
        Refused: ROOM_NOT_FOUND.
    """
    row = await tx.fetchrow("SELECT * FROM room JOIN room_head USING (room_id) WHERE room_id = $1", room_id)
    if row is None:
        raise Refused(ErrorCode.ROOM_NOT_FOUND, room_id)
    state = RoomState(room_id, row["title"], row["seq"])
    shown = await tx.fetchrow(
        f"SELECT {_SHOW_COLUMNS}, likes FROM show WHERE room_id = $1 ORDER BY show_id DESC LIMIT 1", room_id
    )
    state.show = _show(shown)
    state.messages.extend(
        reversed(
            await _messages(
                tx,
                "SELECT body::text FROM host_message WHERE room_id = $1 ORDER BY message_id DESC LIMIT $2",
                room_id,
                limits.SNAPSHOT_MESSAGES,
            )
        )
    )
    pinned = await _messages(
        tx, "SELECT body::text FROM pin JOIN host_message USING (message_id) WHERE pin.room_id = $1", room_id
    )
    state.pinned = pinned[0] if pinned else None
    settings = RoomSettings(row["shop_id"], row["anonymous_comments"], row["comment_chars"], row["display_per_s"])
    return RoomLoad(
        settings,
        state,
        await _recent_comments(tx, room_id),
        row["staff_seq"],
        row["notice_seq"],
        shown["likes"] if shown else 0,
    )


async def load_desk(tx: Connection, room_id: str, message_ids: Sequence[str], comment_ids: Sequence[str]) -> Desk:
    """Lock the room's latest show and read what a batch names."""
    # The clock is read after the lock: the inner query takes it, the outer one looks up.
    shown = await tx.fetchrow(
        f"""
        WITH locked AS MATERIALIZED (
            SELECT * FROM show WHERE room_id = $1 ORDER BY show_id DESC LIMIT 1 FOR UPDATE)
        SELECT {_SHOW_COLUMNS}, now_ms
          FROM (SELECT count(*) FROM locked) AS counted
         CROSS JOIN LATERAL (
               SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint + 0 * count AS now_ms) AS clock
          LEFT JOIN locked ON true""",
        room_id,
    )
    assert shown is not None
    messages = (
        await _messages(
            tx,
            "SELECT body::text FROM host_message WHERE room_id = $1 AND message_id = ANY($2)",
            room_id,
            message_ids,
        )
        if message_ids
        else []
    )
    comments = (
        await tx.fetch(
            "SELECT comment_id, viewer_id, name, text FROM comment WHERE room_id = $1 AND comment_id = ANY($2)",
            room_id,
            comment_ids,
        )
        if comment_ids
        else []
    )
    return Desk(
        shown["now_ms"],
        _show(shown if shown["show_id"] is not None else None),
        {message.id: message for message in messages},
        {row["comment_id"]: ArchivedComment(row["viewer_id"], row["name"], row["text"]) for row in comments},
    )


async def write_decisions(tx: Connection, room_id: str, decisions: Sequence[Decision]) -> None:
    """Write the rows behind a batch's events, in the fixed lock order: show, host_message, pin."""
    events = [event for decision in decisions for event in decision.log]
    shows = {event.show.id: event.show for event in events if isinstance(event, ShowChanged)}
    for show in shows.values():
        await tx.execute(
            """
            INSERT INTO show (show_id, room_id, title, state, starts_at, live_at, ended_at)
            VALUES ($1, $2, $3, $4, to_timestamp($5::double precision / 1000),
                    to_timestamp($6::double precision / 1000), to_timestamp($7::double precision / 1000))
            ON CONFLICT (show_id) DO UPDATE
               SET state = excluded.state, live_at = excluded.live_at, ended_at = excluded.ended_at""",
            show.id,
            room_id,
            show.title,
            show.state,
            show.starts_at,
            show.live_at,
            show.ended_at,
        )
    said = [event.message for event in events if isinstance(event, Said)]
    if said:
        await tx.execute(
            """
            INSERT INTO host_message (message_id, room_id, body)
            SELECT id, $1, body::json FROM unnest($2::text[], $3::text[]) AS m (id, body)""",
            room_id,
            [message.id for message in said],
            [_encode(message).decode() for message in said],
        )
    pins = [event for event in events if isinstance(event, Pinned)]
    if pins:
        await _write_pin(tx, room_id, pins[-1].message)


async def _write_pin(tx: Connection, room_id: str, message: HostMessage | None) -> None:
    if message is None:
        await tx.execute("DELETE FROM pin WHERE room_id = $1", room_id)
    else:
        await tx.execute(
            """
            INSERT INTO pin (room_id, message_id) VALUES ($1, $2)
            ON CONFLICT (room_id) DO UPDATE SET message_id = excluded.message_id""",
            room_id,
            message.id,
        )


async def open_shows(tx: Connection, room_ids: Sequence[str]) -> dict[str, Show]:
    """The shows of these rooms that have not ended."""
    rows = await tx.fetch(
        f"SELECT room_id, {_SHOW_COLUMNS} FROM show WHERE room_id = ANY($1) AND state <> 'ended'", room_ids
    )
    return {row["room_id"]: _some_show(row) for row in rows}


async def archive_comments(tx: Connection, rows: Sequence[CommentRow]) -> None:
    """Insert comments, in key order so that two archives never deadlock. Cost: one statement."""
    rows = sorted(rows, key=lambda row: (row.room_id, row.event.id))
    await tx.execute(
        """
        INSERT INTO comment (room_id, comment_id, show_id, viewer_id, pseudonym, name, role, text, fate)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                             $8::text[], $9::text[])""",
        [row.room_id for row in rows],
        [row.event.id for row in rows],
        [row.show_id for row in rows],
        [row.viewer_id for row in rows],
        [row.event.by for row in rows],
        [row.event.name for row in rows],
        [str(row.event.role) for row in rows],
        [row.event.text for row in rows],
        [str(row.fate) for row in rows],
    )


async def add_likes(tx: Connection, room_id: str, count: int) -> int | None:
    """Add likes to the open show; returns the new sum, or None when no show takes likes now."""
    total: int | None = await tx.fetchval(
        """
        UPDATE show SET likes = likes + $2
         WHERE room_id = $1 AND state IN ('warm_up', 'live', 'paused') RETURNING likes""",
        room_id,
        count,
    )
    return total


async def mark_seen(tx: Connection, seen: dict[tuple[str, str], int]) -> None:
    """Remember up to which notice viewers read, by room and viewer; never goes back."""
    keys = sorted(seen)
    await tx.execute(
        """
        INSERT INTO notice_seen (room_id, viewer_id, seq)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
            ON CONFLICT (room_id, viewer_id) DO UPDATE SET seq = greatest(notice_seen.seq, excluded.seq)""",
        [room_id for room_id, _ in keys],
        [viewer_id for _, viewer_id in keys],
        [seen[key] for key in keys],
    )


async def _messages(tx: Connection, query: str, *arguments: object) -> list[HostMessage]:
    return [_message(row["body"]) for row in await tx.fetch(query, *arguments)]


async def _recent_comments(tx: Connection, room_id: str) -> list[Commented]:
    rows = await tx.fetch(
        """
        SELECT comment_id, pseudonym, name, text, role FROM comment
         WHERE room_id = $1 AND fate = 'shown' ORDER BY comment_id DESC LIMIT $2""",
        room_id,
        limits.SNAPSHOT_COMMENTS,
    )
    return [
        Commented(id=row["comment_id"], by=row["pseudonym"], name=row["name"], text=row["text"], role=Role(row["role"]))
        for row in reversed(rows)
    ]


def _show(row: asyncpg.Record | None) -> Show | None:
    return None if row is None else _some_show(row)


def _some_show(row: asyncpg.Record) -> Show:
    return Show(
        id=row["show_id"],
        title=row["title"],
        state=ShowState(row["state"]),
        starts_at=row["starts_at"],
        live_at=row["live_at"],
        ended_at=row["ended_at"],
    )
