"""Rooms: making one."""

from __future__ import annotations

import msgspec

from livestream.protocol.events import Policy
from livestream.protocol.state import RoomState
from livestream.storage.pool import Connection

_encode = msgspec.json.Encoder().encode


async def create(tx: Connection, shop_id: str, state: RoomState, policy: Policy) -> bool:
    """Make a room with its logs; False: the id is taken, by whomever."""
    made = await tx.fetchval(
        """
        INSERT INTO room (room_id, shop_id, state, policy) VALUES ($1, $2, $3::text::json, $4::text::json)
            ON CONFLICT DO NOTHING RETURNING true""",
        state.room,
        shop_id,
        _encode(state).decode(),
        _encode(policy).decode(),
    )
    if made:
        await tx.execute("INSERT INTO room_head (room_id) VALUES ($1)", state.room)
    return bool(made)
