"""Bare rooms: beside the seeded one."""

from __future__ import annotations

import secrets

import asyncpg

from livestream import seed
from livestream.protocol.events import Chat, Policy
from livestream.protocol.state import RoomState
from livestream.room import rooms


async def new_room(database_url: str) -> str:
    """A room without a show."""
    room_id = f"r{secrets.token_hex(8)}"
    connection = await asyncpg.connect(database_url)
    await rooms.create(connection, seed.SHOP, RoomState(room=room_id, title="R"), Policy(chat=Chat()))
    await connection.close()
    return room_id
