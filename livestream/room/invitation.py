"""Invitation: a one-use link by which somebody joins the staff of one room."""

from __future__ import annotations

import secrets

from livestream.auth import Identity
from livestream.moderation.names import clean_name
from livestream.protocol.commands import Invite
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import Invited
from livestream.protocol.roles import Role
from livestream.tickets import SESSION_TTL_S, Tickets

from .desk import Actor
from .local import LocalRoom

_TTL_S = 24 * 3600


async def invite(
    tickets: Tickets, actor: Actor, command: Invite, room: LocalRoom, now_ms: int
) -> tuple[Identity, Invited]:
    """Make the ticket. The guest has an id of their own, which the shop never gave, so they can be sent away alone.

    Raises:
        Refused: NAME_REFUSED. Unavailable: Redis is away.
    """
    name = clean_name(command.name)
    if not name:
        raise Refused(ErrorCode.NAME_REFUSED, command.name)
    guest = Identity(
        shop_id=room.base_shop_id,
        viewer_id=f"guest-{secrets.token_urlsafe(9)}",
        role=Role(command.role),
        name=name,
        room_id=actor.room_id,
        expires_at_ms=now_ms + (_TTL_S + SESSION_TTL_S) * 1000,
        issued_at_ms=now_ms,
        behind=(*actor.grounds, f"who:{actor.pseudonym}"),
    )
    ticket = await tickets.issue(guest, _TTL_S)
    return guest, Invited(ref=0, ticket=ticket, expires_at=now_ms + _TTL_S * 1000)
