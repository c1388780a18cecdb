"""Revocations: tokens that hold no longer, though they have not expired. Every process knows all of them.

A person's tokens issued before some moment, and with them those of whom they
invited; or all under one key, whenever issued: who stole it writes any time. A
token tells its second: one made in the very second of the revocation is refused
too.
"""

from __future__ import annotations

from dataclasses import dataclass

from livestream.auth import Identity, standing
from livestream.storage.pool import Connection


@dataclass(frozen=True, slots=True)
class Revocation:
    """A row of `revocation`."""

    number: int
    shop_id: str
    pseudonym: str | None
    kid: str | None
    at_ms: int

    @property
    def ground(self) -> str:
        """What holds no longer, as `auth.standing` names it."""
        return f"kid:{self.kid}" if self.kid is not None else f"who:{self.pseudonym}"


class Revocations:
    """What was revoked so far. `read` follows the table."""

    def __init__(self) -> None:
        self._top = 0
        self._people: dict[tuple[str, str], int] = {}
        self._keys: set[str] = set()

    def covers(self, identity: Identity, shop_id: str, pseudonym: str) -> bool:
        """This identity holds no longer."""
        grounds = (*standing(identity), f"who:{pseudonym}")
        return any(self._ended(shop_id, ground, identity.issued_at_ms) for ground in grounds)

    def _ended(self, shop_id: str, ground: str, issued_at_ms: int) -> bool:
        kind, _, value = ground.partition(":")
        if kind == "kid":
            return value in self._keys
        return issued_at_ms <= self._people.get((shop_id, value), -1)

    async def read(self, connection: Connection) -> list[Revocation]:
        """Take in what is new; returns it."""
        rows = await connection.fetch(
            """
            SELECT number, shop_id, pseudonym, kid, floor(extract(epoch FROM at) * 1000)::bigint AS at_ms
              FROM revocation WHERE number > $1 ORDER BY number""",
            self._top,
        )
        fresh = [Revocation(**row) for row in rows]
        for each in fresh:
            self._top = each.number
            if each.pseudonym is not None:
                self._people[each.shop_id, each.pseudonym] = each.at_ms
            elif each.kid is not None:
                self._keys.add(each.kid)
        return fresh


async def revoke(tx: Connection, shop_id: str, *, pseudonym: str | None = None, kid: str | None = None) -> None:
    """From the next heartbeat on, every process refuses tokens issued until now and closes who came with them."""
    # Numbers must become visible in their order: readers go on after the highest they saw.
    await tx.execute("LOCK TABLE revocation IN SHARE ROW EXCLUSIVE MODE")
    await tx.execute("INSERT INTO revocation (shop_id, pseudonym, kid) VALUES ($1, $2, $3)", shop_id, pseudonym, kid)
