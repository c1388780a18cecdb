"""Sighting: a root counts from when it could be seen, so whoever can show one to viewers marks it as seen.

The worker that published it may be dead, and a page that saw the root in time
must never read of the same draw that its root was late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from livestream.protocol.draws import DrawRooted, DrawState
from livestream.protocol.state import RoomState
from livestream.storage.pool import Database
from livestream.storage.roomlog import Logged

from .machine import SEEN_MARGIN_MS

#: the room waits no longer for it than half a heartbeat
_WAIT_S = 0.5
_ROOTED = str(DrawRooted.__struct_config__.tag).encode()
_SEE = f"""
UPDATE draw SET seen_at = clock_timestamp()
 WHERE room_id = $1 AND state = 'closed' AND root IS NOT NULL AND seen_at IS NULL
   AND (body->>'beacon_at' IS NULL
        OR clock_timestamp() <= to_timestamp(((body->>'beacon_at')::bigint - {SEEN_MARGIN_MS}) / 1000.0))"""
_log = structlog.get_logger()


def shows_root(shown: RoomState | Sequence[Logged]) -> bool:
    """May a root be in it that is not known to be seen? Cost: no event is decoded."""
    if isinstance(shown, RoomState):
        return any(each.state is DrawState.CLOSED and each.root for each in shown.draws)
    return any(_ROOTED in each.event for each in shown)


async def see_roots(database: Database, room_id: str) -> None:
    """Mark the roots of a room that Postgres shows now, and before their beacon."""
    try:
        async with asyncio.timeout(_WAIT_S), database.transaction() as tx:
            await tx.execute(_SEE, room_id)
    except Exception as error:  # whatever it is, the room must not wait for it; the worker's own look may still come
        _log.warning("draw.unmarked", room=room_id, error=repr(error))
