"""Revocations: tokens that hold no longer, though they have not expired. Every process knows all of them.

A person's tokens issued before some moment, and with them those of whom they
invited; or all under one key, whenever issued: who stole it writes any time. A
token tells its second: one made in the very second of the revocation is refused
too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from livestream.auth import Identity, standing
from livestream.storage.pool import Connection


@dataclass(frozen=True, slots=True)
class Revocation:
    """A row of `revocation`."""

    number: int
    shop_id: str
    mark: str | None  #: of a person, see `mark_of`
    kid: str | None
    at_ms: int

    def ends(self, pseudonym: str, grounds: Sequence[str]) -> bool:
        """Somebody's right to be here."""
        if self.kid is not None:
            return f"kid:{self.kid}" in grounds
        people = [pseudonym, *(each.removeprefix("who:") for each in grounds if each.startswith("who:"))]
        return any(self.mark == mark_of(each) for each in people)


def mark_of(pseudonym: str) -> str:
    """By which a person stands among the revoked: erased, they leave no pseudonym there."""
    return hashlib.sha256(pseudonym.encode()).hexdigest()[:32]


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
        return bool(self._people) and issued_at_ms <= self._people.get((shop_id, mark_of(value)), -1)

    async def read(self, connection: Connection) -> list[Revocation]:
        """Take in what is new; returns it."""
        rows = await connection.fetch(
            """
            SELECT number, shop_id, mark, kid, floor(extract(epoch FROM at) * 1000)::bigint AS at_ms
              FROM revocation WHERE number > $1 ORDER BY number""",
            self._top,
        )
        fresh = [Revocation(**row) for row in rows]
        for each in fresh:
            self._top = each.number
            if each.mark is not None:
                self._people[each.shop_id, each.mark] = each.at_ms
            elif each.kid is not None:
                self._keys.add(each.kid)
        return fresh


async def revoke(tx: Connection, shop_id: str, *, pseudonym: str | None = None, kid: str | None = None) -> None:
    """From the next heartbeat on, every process refuses tokens issued until now and closes who came with them."""
    # Numbers must become visible in their order: readers go on after the highest they saw.
    await tx.execute("LOCK TABLE revocation IN SHARE ROW EXCLUSIVE MODE")
    mark = None if pseudonym is None else mark_of(pseudonym)
    await tx.execute("INSERT INTO revocation (shop_id, mark, kid) VALUES ($1, $2, $3)", shop_id, mark, kid)
