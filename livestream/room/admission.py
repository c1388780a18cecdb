"""Admission to a room: who an identity is there, under which name. Pure."""

from __future__ import annotations

from livestream.auth import Identity, pseudonym, standing
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.roles import STAFF, Role

from .desk import Actor
from .local import LocalRoom


def actor_of(stand_ins: bytes, identity: Identity, room: LocalRoom) -> Actor:
    """The person behind an identity.

    A name that is not allowed here is refused to anonymous viewers, who chose
    it just now; who comes with a shop's token gets a neutral one.

    Raises:
        Refused: NAME_REFUSED.
    """
    anonymous = identity.role is Role.ANONYMOUS
    key = f"{'anonymous' if anonymous else 'viewer'}:{identity.viewer_id}"
    stand_in = pseudonym(stand_ins, room.base_shop_id, key)
    return Actor(
        shop_id=room.shop_id,
        room_id=room.room_id,
        key=key,
        viewer_id=None if anonymous else identity.viewer_id,
        role=identity.role,
        name=_name(identity, room, stand_in),
        pseudonym=stand_in,
        buyer=identity.buyer,
        grounds=standing(identity),
        since_ms=identity.since_ms,
    )


def _name(identity: Identity, room: LocalRoom, stand_in: str) -> str:
    neutral = f"{identity.role.value.capitalize()} {stand_in[:4]}"
    if identity.name is None:
        return "" if identity.role is Role.ANONYMOUS else neutral
    name, reason = room.screened(identity.name)
    if identity.role in STAFF:
        return name or identity.role.value.capitalize()
    if reason is None:
        return name
    if identity.role is Role.ANONYMOUS:
        raise Refused(ErrorCode.NAME_REFUSED, reason)
    return neutral
