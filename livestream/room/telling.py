"""Telling: appends what draws and group buys cause to a room's logs, and keeps the room's stored state with them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from livestream.protocol.events import LogEvent, NoticeEvent, StaffEvent
from livestream.protocol.state import evolve
from livestream.storage import roomlog
from livestream.storage.pool import Connection
from livestream.storage.roomlog import Also, Appended

from . import store

_encode = msgspec.json.Encoder().encode


async def tell(
    tx: Connection,
    room_id: str,
    log: Sequence[LogEvent] = (),
    staff: Sequence[StaffEvent] = (),
    notices: Sequence[tuple[str, NoticeEvent]] = (),
    also: Sequence[Also] = (),
) -> Appended:
    """The last thing a transaction does. It locks the room's row only for what the whole room must know.

    Args:
        notices: pseudonym and event.
        also: what rides with the append.
    """
    if log:
        row = await tx.fetchval("SELECT state FROM room WHERE room_id = $1 FOR NO KEY UPDATE", room_id)
        state = store.read_state(row)
        for event in log:
            state = evolve(state, event)
        await tx.execute("UPDATE room SET state = $2::text::json WHERE room_id = $1", room_id, _encode(state).decode())
    return await roomlog.append(tx, room_id, log, staff, notices, also)
