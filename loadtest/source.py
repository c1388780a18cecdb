"""Source: what oracles read, as the shop's backend, and as one viewer or another."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .messages import Signing
from .shop import Shop, ShopError
from .tokens import token


@dataclass(frozen=True, slots=True)
class Place:
    """Where the run is: a rehearsal, which is a shop of its own, or a real room."""

    shop: str
    room: str


def unreadable(error: Exception) -> str:
    """Why what was asked cannot be read, in a line."""
    if isinstance(error, ShopError):
        return str(error)
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"an answer is not as the protocol says: {error!r} ({Path(where.filename).name}:{where.lineno})"


@dataclass(frozen=True, slots=True)
class Source:
    """Reads of one run."""

    shop: Shop
    place: Place
    signing: Signing
    run: str  #: of the plans: part of the viewers' ids

    async def top(self) -> int:
        """Seq of the log's last event."""
        return int((await self.shop.room(self.place.room))["seq"])

    async def log(self) -> list[dict[str, Any]]:
        return await self.shop.log(self.place.room)

    async def comments(self) -> list[dict[str, Any]]:
        return await self.shop.comments(self.place.room)

    async def deals(self) -> list[dict[str, Any]]:
        return await self.shop.deals(self.place.room)

    async def teams(self, deal: str) -> list[dict[str, Any]]:
        return await self.shop.teams(self.place.room, deal)

    async def orders(self, deal: str) -> list[dict[str, Any]]:
        return await self.shop.orders(self.place.room, deal)

    async def settlement(self, deal: str) -> list[dict[str, str]]:
        return await self.shop.settlement(self.place.room, deal)

    async def seats(self, viewer: int) -> list[dict[str, Any]]:
        mine = token(self.signing, self.run, viewer, "viewer", f"Viewer {viewer}", self.place.room)
        return await self.shop.seats(self.place.room, mine)

    async def draws(self) -> list[dict[str, Any]]:
        return await self.shop.draws(self.place.room)

    async def proof(self, draw: str) -> bytes:
        return await self.shop.proof(draw)

    async def claims(self, draw: str) -> list[dict[str, str]]:
        return await self.shop.claims(self.place.shop, draw)
