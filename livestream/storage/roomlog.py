"""RoomLog: the gap-free, ordered record of what everyone in a room must know. The heart of the log lane.

One row a room in `room_head` holds the tops of three sequences: the room log,
the staff log and the notices. `append` is the last statement of a transaction:
it takes the next numbers under the row's lock and inserts the rows, so order
of `seq` is order of COMMIT and a rollback leaves no gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import LogEvent, NoticeEvent, StaffEvent

from .pool import Connection

_encode = msgspec.json.Encoder().encode

#: milliseconds of a timestamptz, rounded down, as every reader of `at` gets them
_MS = "floor(extract(epoch FROM {}) * 1000)::bigint"

_APPEND = f"""
WITH {{also}}head AS (
    UPDATE room_head
       SET seq = seq + $2, staff_seq = staff_seq + $3, notice_seq = notice_seq + $4
     WHERE room_id = $1{{after}}
 RETURNING seq, staff_seq, notice_seq, clock_timestamp() AS at
), log AS (
    INSERT INTO room_log (room_id, seq, at, event)
    SELECT $1, head.seq - $2 + n, head.at, event::json FROM head, unnest($5::text[]) WITH ORDINALITY AS e (event, n)
), staff AS (
    INSERT INTO staff_log (room_id, seq, at, event)
    SELECT $1, head.staff_seq - $3 + n, head.at, event::json
      FROM head, unnest($6::text[]) WITH ORDINALITY AS e (event, n)
), notices AS (
    INSERT INTO notice (room_id, seq, pseudonym, at, event)
    SELECT $1, head.notice_seq - $4 + n, pseudonym, head.at, event::json
      FROM head, unnest($7::text[], $8::text[]) WITH ORDINALITY AS e (pseudonym, event, n)
)
SELECT seq, staff_seq, notice_seq, {_MS.format("at")} AS at_ms FROM head
"""

_EPOCH = """
SELECT left(md5(value || '.' || (SELECT system_identifier FROM pg_control_system())
                      || '.' || (SELECT timeline_id FROM pg_control_checkpoint())), 16) FROM epoch
"""

_HEADS = """
SELECT room_head.room_id, seq, staff_seq, notice_seq, show.likes
  FROM room_head LEFT JOIN show ON show.room_id = room_head.room_id AND show.state <> 'ended'
 WHERE room_head.room_id = ANY($1)
"""


class Also(NamedTuple):
    """A statement that rides with an append, to save a round trip. It runs before the room's lock is taken.

    What rides together runs at the same moment, in no order that could be relied
    on: it may touch only rows that its transaction has locked already, or makes.
    """

    sql: str  #: `{0}`, `{1}` … stand for its arguments
    arguments: tuple[object, ...]

    async def execute(self, tx: Connection) -> None:
        """Run it alone."""
        places = [f"${number}" for number in range(1, len(self.arguments) + 1)]
        await tx.execute(self.sql.format(*places), *self.arguments)


class Logged(msgspec.Struct, frozen=True, array_like=True):
    """One event as it lies in a log."""

    seq: int
    at: int  #: Unix ms
    event: bytes  #: JSON


class LoggedNotice(msgspec.Struct, frozen=True, array_like=True):
    """One notice to one viewer."""

    seq: int
    at: int
    pseudonym: str
    event: bytes


class Appended(msgspec.Struct, frozen=True, array_like=True):
    """What one append wrote, ready to be published once it is committed."""

    log: list[Logged] = []
    staff: list[Logged] = []
    notices: list[LoggedNotice] = []


@dataclass(frozen=True, slots=True)
class Head:
    """Tops of a room's three sequences, and the likes of its open show."""

    seq: int
    staff_seq: int
    notice_seq: int
    likes: int | None


@dataclass(frozen=True, slots=True)
class Pulse:
    """One beat: the database's clock, its epoch, and the heads asked for."""

    now_ms: int
    epoch: str
    heads: dict[str, Head]


async def append(
    tx: Connection,
    room_id: str,
    log: Sequence[LogEvent],
    staff: Sequence[StaffEvent] = (),
    notices: Sequence[tuple[str, NoticeEvent]] = (),
    also: Sequence[Also] = (),
) -> Appended:
    """Append to a room's logs. Must be the transaction's last statement: it holds the room's lock until COMMIT.

    Args:
        notices: pairs of pseudonym and event.
        also: what else is to be written by the same statement.

    Raises:
        Refused: ROOM_NOT_FOUND.

    Cost: one statement; a room takes about 1,700 appending transactions a second.
    """
    log_json = [_encode(event) for event in log]
    staff_json = [_encode(event) for event in staff]
    notice_json = [_encode(event) for _, event in notices]
    viewers = [pseudonym for pseudonym, _ in notices]
    row = await tx.fetchrow(
        _riding(also),
        room_id,
        len(log),
        len(staff),
        len(notices),
        [event.decode() for event in log_json],
        [event.decode() for event in staff_json],
        viewers,
        [event.decode() for event in notice_json],
        *(argument for each in also for argument in each.arguments),
    )
    if row is None:
        raise Refused(ErrorCode.ROOM_NOT_FOUND, room_id)
    at = row["at_ms"]
    notice_base = row["notice_seq"] - len(notices) + 1
    return Appended(
        _numbered(log_json, row["seq"], at),
        _numbered(staff_json, row["staff_seq"], at),
        [
            LoggedNotice(notice_base + index, at, pseudonym, event)
            for index, (pseudonym, event) in enumerate(zip(viewers, notice_json, strict=True))
        ],
    )


def _riding(also: Sequence[Also]) -> str:
    """The append with these statements in front; their arguments are numbered on from its eight."""
    text, after, number = "", "", 9
    for index, each in enumerate(also):
        places = [f"${number + place}" for place in range(len(each.arguments))]
        number += len(places)
        text += f"also{index} AS ({each.sql.format(*places)} RETURNING 1), "
        # Counting them has them done before the row is locked, for which the whole room stands in line.
        after += f" AND (SELECT count(*) FROM also{index}) >= 0"
    return _APPEND.format(also=text, after=after)


def _numbered(events: list[bytes], top: int, at: int) -> list[Logged]:
    base = top - len(events) + 1
    return [Logged(base + index, at, event) for index, event in enumerate(events)]


async def read_log(connection: Connection, room_id: str, after: int, limit: int) -> list[Logged]:
    """Events with seq > `after`, in order, at most `limit`."""
    return await _read(connection, "room_log", room_id, after, limit)


async def read_staff_log(connection: Connection, room_id: str, after: int, limit: int) -> list[Logged]:
    """Staff events with seq > `after`, in order, at most `limit`."""
    return await _read(connection, "staff_log", room_id, after, limit)


async def _read(connection: Connection, table: str, room_id: str, after: int, limit: int) -> list[Logged]:
    rows = await connection.fetch(
        f"SELECT seq, {_MS.format('at')} AS at_ms, event::text FROM {table}"
        " WHERE room_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        room_id,
        after,
        limit,
    )
    return [Logged(row["seq"], row["at_ms"], row["event"].encode()) for row in rows]


async def read_notices(connection: Connection, room_id: str, after: int, limit: int) -> list[LoggedNotice]:
    """Notices of a room with seq > `after`, to whomever, in order, at most `limit`."""
    rows = await connection.fetch(
        f"SELECT seq, {_MS.format('at')} AS at_ms, pseudonym, event::text FROM notice"
        " WHERE room_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        room_id,
        after,
        limit,
    )
    return [_notice(row) for row in rows]


async def unseen_notices(
    connection: Connection, room_id: str, pseudonyms: Sequence[str], limit: int
) -> dict[str, list[LoggedNotice]]:
    """The newest `limit` unseen notices of each viewer, oldest first. Viewers without any are left out."""
    rows = await connection.fetch(
        f"""
        SELECT n.seq, {_MS.format("n.at")} AS at_ms, v.pseudonym, n.event::text
          FROM unnest($2::text[]) AS v (pseudonym)
          LEFT JOIN notice_seen s ON s.room_id = $1 AND s.pseudonym = v.pseudonym
         CROSS JOIN LATERAL (
               SELECT seq, at, event FROM notice
                WHERE room_id = $1 AND pseudonym = v.pseudonym AND seq > coalesce(s.seq, 0)
                ORDER BY seq DESC LIMIT $3) n
         ORDER BY n.seq""",
        room_id,
        pseudonyms,
        limit,
    )
    found: dict[str, list[LoggedNotice]] = {}
    for row in rows:
        found.setdefault(row["pseudonym"], []).append(_notice(row))
    return found


def _notice(row: object) -> LoggedNotice:
    return LoggedNotice(row["seq"], row["at_ms"], row["pseudonym"], row["event"].encode())  # type: ignore[index]


async def read_pulse(connection: Connection, room_ids: Sequence[str]) -> Pulse:
    """The heartbeat's query: clock, epoch, and the heads of these rooms."""
    first = await connection.fetchrow(f"SELECT {_MS.format('clock_timestamp()')} AS now_ms, ({_EPOCH}) AS epoch")
    rows = await connection.fetch(_HEADS, room_ids) if room_ids else []
    assert first is not None
    heads = {row["room_id"]: Head(row["seq"], row["staff_seq"], row["notice_seq"], row["likes"]) for row in rows}
    return Pulse(first["now_ms"], first["epoch"], heads)
