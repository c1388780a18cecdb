"""SQL of the room's reads, its comments and likes. What staff decide is written by `desk_writes`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import msgspec

from livestream.protocol import limits
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import (
    Commented,
    HeldComment,
    HostMessage,
    Policy,
    RefundRequest,
    Reported,
    Sanction,
    SanctionKind,
    Show,
)
from livestream.protocol.roles import Role
from livestream.protocol.show import ShowState
from livestream.protocol.state import RoomState, StaffState, blank
from livestream.storage.pool import Connection

from .sampling import Fate

read_state = msgspec.json.Decoder(RoomState).decode
read_policy = msgspec.json.Decoder(Policy).decode
_message = msgspec.json.Decoder(HostMessage).decode
_refund = msgspec.json.Decoder(RefundRequest).decode
_MS = "floor(extract(epoch FROM {}) * 1000)::bigint"


@dataclass(frozen=True, slots=True)
class RoomLoad:
    """All a process needs to serve a room, as of one moment."""

    shop_id: str
    base_shop_id: str  #: whose tokens let people in: of a rehearsal, the shop that rehearses
    state: RoomState
    staff: StaffState
    staff_names: frozenset[str]  #: display names of the room's staff, which nobody else may take
    comments: list[Commented]  #: newest last
    staff_seq: int
    notice_seq: int
    likes: int


@dataclass(frozen=True, slots=True)
class CommentRow:
    """An accepted comment with its fate."""

    shop_id: str
    room_id: str
    show_id: str
    viewer_id: str | None
    event: Commented
    fate: Fate
    at_ms: int
    held_why: str | None = None


async def require_room(connection: Connection, room_id: str) -> None:
    """Raises:
    Refused: ROOM_NOT_FOUND.
    """
    if not await connection.fetchval("SELECT true FROM room WHERE room_id = $1", room_id):
        raise Refused(ErrorCode.ROOM_NOT_FOUND, room_id)


async def load_room(tx: Connection, room_id: str, refunds: Sequence[RefundRequest] = ()) -> RoomLoad:
    """Read a whole room. `tx` must see one moment (`transaction(snapshot=True)`).

    Args:
        refunds: of its parts, that wait for a second operator.

    Raises:
        Refused: ROOM_NOT_FOUND.
    """
    row = await tx.fetchrow(
        """
        SELECT room.*, room_head.*, coalesce(rehearsal_of, shop_id) AS base_shop_id, words_version,
               (SELECT likes FROM show WHERE show.room_id = room.room_id
                 ORDER BY (state <> 'ended') DESC, show_id DESC LIMIT 1)
          FROM room JOIN room_head USING (room_id) JOIN shop USING (shop_id) WHERE room_id = $1""",
        room_id,
    )
    if row is None:
        raise Refused(ErrorCode.ROOM_NOT_FOUND, room_id)
    state = msgspec.structs.replace(
        read_state(row["state"]), room=room_id, seq=row["seq"], messages=await _recent_messages(tx, room_id)
    )
    return RoomLoad(
        row["shop_id"],
        row["base_shop_id"],
        state,
        await _load_staff(tx, room_id, read_policy(row["policy"]), row["words_version"], refunds),
        await staff_names(tx, row["shop_id"], room_id),
        await _recent_comments(tx, room_id),
        row["staff_seq"],
        row["notice_seq"],
        row["likes"] or 0,
    )


async def _load_staff(
    tx: Connection, room_id: str, policy: Policy, words_version: int, refunds: Sequence[RefundRequest]
) -> StaffState:
    held, reports = await waiting(tx, room_id)
    own = await tx.fetch("SELECT body::text FROM refund WHERE room_id = $1 AND state = 'asked'", room_id)
    asked = [*refunds, *(_refund(row["body"]) for row in own)]
    return StaffState(
        policy=policy,
        held=held,
        reports=reports,
        sanctions=await load_sanctions(tx, room_id),
        refunds=tuple(sorted(asked, key=lambda each: each.id)),  # as they were asked for
        words_version=words_version,
    )


async def waiting(tx: Connection, room_id: str) -> tuple[tuple[HeldComment, ...], tuple[Reported, ...]]:
    """The newest comments and the newest reports that wait for staff, oldest first."""
    held = await tx.fetch(
        f"""
        {_COMMENT_COLUMNS}, held_why AS why FROM {_COMMENTS}
         WHERE room_id = $1 AND fate = 'held' AND ruled IS NULL ORDER BY comment_id DESC LIMIT $2""",
        room_id,
        limits.SNAPSHOT_HELD,
    )
    reported = await tx.fetch(
        f"""
        {_COMMENT_COLUMNS}, report_why AS why, reports FROM {_COMMENTS}
         WHERE room_id = $1 AND report_open ORDER BY comment_id DESC LIMIT $2""",
        room_id,
        limits.SNAPSHOT_REPORTS,
    )
    return (
        tuple(_held(row) for row in reversed(held)),
        tuple(Reported(comment=_held(row), reports=row["reports"]) for row in reversed(reported)),
    )


async def staff_names(tx: Connection, shop_id: str, room_id: str) -> frozenset[str]:
    rows = await tx.fetch(
        """
        SELECT name FROM staff JOIN person USING (shop_id, pseudonym)
         WHERE shop_id = $1 AND room_id IN ('', $2)""",
        shop_id,
        room_id,
    )
    return frozenset(row["name"] for row in rows)


async def load_sanctions(tx: Connection, room_id: str, who: Sequence[str] | None = None) -> tuple[Sanction, ...]:
    """Mutes and bans of a room, or those of some people, in the order of `StaffState`."""
    rows = await tx.fetch(
        f"""
        SELECT pseudonym, coalesce(name, '') AS name, kind, {_MS.format("sanction.at")} AS at,
               {_MS.format("until")} AS until, why, by_name, by_who
          FROM sanction JOIN room USING (room_id) LEFT JOIN person USING (shop_id, pseudonym)
         WHERE room_id = $1 AND ($2::text[] IS NULL OR pseudonym = ANY($2))
         ORDER BY sanction.at, pseudonym COLLATE "C", kind COLLATE "C" """,
        room_id,
        who,
    )
    return tuple(
        Sanction(
            who=row["pseudonym"],
            name=row["name"],
            kind=SanctionKind(row["kind"]),
            at=row["at"],
            until=row["until"],
            why=row["why"],
            by=row["by_name"],
            by_who=row["by_who"],
        )
        for row in rows
    )


async def _recent_messages(tx: Connection, room_id: str) -> tuple[HostMessage, ...]:
    rows = await tx.fetch(
        "SELECT body::text, retracted_at FROM host_message WHERE room_id = $1 ORDER BY message_id DESC LIMIT $2",
        room_id,
        limits.SNAPSHOT_MESSAGES,
    )
    messages = [(_message(row["body"]), row["retracted_at"]) for row in reversed(rows)]
    return tuple(blank(message) if retracted else message for message, retracted in messages)


#: a room's comments with the names of their authors
_COMMENTS = "comment JOIN room USING (room_id) LEFT JOIN person USING (shop_id, pseudonym)"
_COMMENT_COLUMNS = f"""
    SELECT comment_id, pseudonym, coalesce(name, '') AS name, text, role, {_MS.format("comment.at")} AS at"""


async def _recent_comments(tx: Connection, room_id: str) -> list[Commented]:
    rows = await tx.fetch(
        f"""
        {_COMMENT_COLUMNS} FROM {_COMMENTS}
         WHERE room_id = $1 AND fate = 'shown' AND hidden_at IS NULL ORDER BY comment_id DESC LIMIT $2""",
        room_id,
        limits.SNAPSHOT_COMMENTS,
    )
    return [
        Commented(id=row["comment_id"], by=row["pseudonym"], name=row["name"], text=row["text"], role=Role(row["role"]))
        for row in reversed(rows)
    ]


def _held(row: asyncpg.Record) -> HeldComment:
    return HeldComment(
        id=row["comment_id"],
        by=row["pseudonym"],
        name=row["name"],
        text=row["text"],
        at=row["at"],
        role=Role(row["role"]),
        why=row["why"] or "",
    )


async def open_shows(tx: Connection, room_ids: Sequence[str]) -> dict[str, Show]:
    """The shows of these rooms that have not ended."""
    rows = await tx.fetch(
        f"""
        SELECT room_id, show_id, title, state, time_zone, {_MS.format("starts_at")} AS starts_at,
               {_MS.format("began_at")} AS began_at, {_MS.format("live_at")} AS live_at,
               {_MS.format("ended_at")} AS ended_at
          FROM show WHERE room_id = ANY($1) AND state <> 'ended'""",
        room_ids,
    )
    return {
        row["room_id"]: Show(
            id=row["show_id"],
            title=row["title"],
            state=ShowState(row["state"]),
            starts_at=row["starts_at"],
            began_at=row["began_at"],
            live_at=row["live_at"],
            ended_at=row["ended_at"],
            time_zone=row["time_zone"],
        )
        for row in rows
    }


async def archive_comments(tx: Connection, rows: Sequence[CommentRow]) -> None:
    """Insert comments and who wrote them, in key order so that two archives never deadlock. Cost: one statement."""
    rows = sorted(rows, key=lambda row: (row.room_id, row.event.id))
    people = {(row.shop_id, row.event.by): row for row in rows}
    authors = [people[key] for key in sorted(people)]
    await tx.execute(
        """
        WITH author AS (
            INSERT INTO person (shop_id, pseudonym, viewer_id, name)
            SELECT * FROM unnest($9::text[], $10::text[], $11::text[], $12::text[])
                ON CONFLICT (shop_id, pseudonym) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at)
        INSERT INTO comment (room_id, comment_id, show_id, pseudonym, role, text, fate, held_why, at, hidden_at)
        SELECT room_id, comment_id, show_id, pseudonym, role, text, fate, held_why, to_timestamp(at_ms / 1000.0),
               CASE WHEN fate = 'held' THEN to_timestamp(at_ms / 1000.0) END
          FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                      $13::bigint[])
            AS c (room_id, comment_id, show_id, pseudonym, role, text, fate, held_why, at_ms)""",
        [row.room_id for row in rows],
        [row.event.id for row in rows],
        [row.show_id for row in rows],
        [row.event.by for row in rows],
        [str(row.event.role) for row in rows],
        [row.event.text for row in rows],
        [str(row.fate) for row in rows],
        [row.held_why for row in rows],
        [author.shop_id for author in authors],
        [author.event.by for author in authors],
        [author.viewer_id for author in authors],
        [author.event.name for author in authors],
        [row.at_ms for row in rows],
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
    """Remember up to which notice viewers read, by room and pseudonym; never goes back."""
    keys = sorted(seen)
    await tx.execute(
        """
        INSERT INTO notice_seen (room_id, pseudonym, seq)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
            ON CONFLICT (room_id, pseudonym) DO UPDATE SET seq = greatest(notice_seen.seq, excluded.seq)""",
        [room_id for room_id, _ in keys],
        [pseudonym for _, pseudonym in keys],
        [seen[key] for key in keys],
    )


@dataclass(frozen=True, slots=True)
class OwnState:
    """What a shop's room knows of one viewer who joins."""

    buyer: bool
    blocked: list[str]  #: pseudonyms


async def own_states(tx: Connection, shop_id: str, pseudonyms: Sequence[str]) -> dict[str, OwnState]:
    """Buyers and block lists of these viewers; those of whom nothing is known are left out."""
    rows = await tx.fetch(
        """
        SELECT who, coalesce((SELECT buyer FROM person WHERE shop_id = $1 AND pseudonym = who), false) AS buyer,
               ARRAY(SELECT blocked FROM block WHERE shop_id = $1 AND pseudonym = who ORDER BY at) AS blocked
          FROM unnest($2::text[]) AS w (who)""",
        shop_id,
        pseudonyms,
    )
    return {row["who"]: OwnState(row["buyer"], list(row["blocked"])) for row in rows if row["buyer"] or row["blocked"]}


async def known(tx: Connection, shop_id: str, pseudonym: str) -> bool:
    """Somebody of this pseudonym was in the shop's rooms."""
    return bool(await tx.fetchval("SELECT true FROM person WHERE shop_id = $1 AND pseudonym = $2", shop_id, pseudonym))


async def block(tx: Connection, shop_id: str, pseudonym: str, blocked: str) -> bool:
    """Put somebody on a viewer's list; False: the list is full."""
    return bool(
        await tx.fetchval(
            """
            INSERT INTO block (shop_id, pseudonym, blocked)
            SELECT $1, $2, $3 WHERE (SELECT count(*) FROM block WHERE shop_id = $1 AND pseudonym = $2) < $4
                ON CONFLICT (shop_id, pseudonym, blocked) DO UPDATE SET at = block.at RETURNING true""",
            shop_id,
            pseudonym,
            blocked,
            limits.BLOCKED,
        )
    )


async def unblock(tx: Connection, shop_id: str, pseudonym: str, blocked: str) -> None:
    await tx.execute(
        "DELETE FROM block WHERE shop_id = $1 AND pseudonym = $2 AND blocked = $3", shop_id, pseudonym, blocked
    )
