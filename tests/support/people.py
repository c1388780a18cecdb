"""People: tokens for the seeded room, as its shop's backend would sign them."""

from __future__ import annotations

import time

from livestream import seed
from livestream.auth import ShopKey, mint, pseudonym
from livestream.config import Settings
from livestream.deployment import secret_of
from livestream.protocol.roles import Role
from livestream.pseudonyms import first_key


class People:
    """Signs with the seeded shop's key."""

    shop = seed.SHOP
    room = seed.ROOM

    def __init__(self, key: ShopKey) -> None:
        self.key = key

    def token(
        self,
        viewer_id: str = "ann",
        role: Role | str = Role.VIEWER,
        *,
        name: str | None = None,
        room: str | None = None,
        ttl_s: int = 3600,
    ) -> str:
        """A token for one person; the name is the viewer's id when none is given."""
        return mint(
            self.key,
            viewer_id=viewer_id,
            role=Role(role),
            name=name or viewer_id,
            room_id=room,
            ttl_s=ttl_s,
            now_ms=int(time.time() * 1000),
        )


def pseudonym_of(settings: Settings, viewer_id: str) -> str:
    """By which a deployment of these settings knows somebody of the seeded shop."""
    return pseudonym(first_key(secret_of(settings)), seed.SHOP, f"viewer:{viewer_id}")
