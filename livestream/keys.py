"""KeyStore: the keys under which shops sign their viewers' tokens."""

from __future__ import annotations

from livestream.auth import ShopKey
from livestream.protocol.errors import ErrorCode, Refused
from livestream.storage.pool import Connection, Database


async def newest(connection: Connection, shop_id: str) -> ShopKey | None:
    """The newest key under which the server itself may sign for a shop."""
    row = await connection.fetchrow(
        """
        SELECT kid, shop_id, algorithm, key FROM shop_key
         WHERE shop_id = $1 AND algorithm = 'HS256' AND retired_at IS NULL ORDER BY created_at DESC LIMIT 1""",
        shop_id,
    )
    return None if row is None else ShopKey(row["kid"], row["shop_id"], row["algorithm"], row["key"])


class KeyStore:
    """Reads `shop_key`. Retired keys are not there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, kid: str) -> ShopKey | None:
        """Raises:
        Unavailable: Postgres is away.
        """
        async with self._database.read() as connection:
            row = await connection.fetchrow(
                "SELECT kid, shop_id, algorithm, key FROM shop_key WHERE kid = $1 AND retired_at IS NULL", kid
            )
        return None if row is None else ShopKey(row["kid"], row["shop_id"], row["algorithm"], row["key"])

    async def signing(self, shop_id: str) -> ShopKey:
        """The shop's newest key under which the server itself may sign, for pages that came with a ticket.

        Raises:
            Refused: TOKEN_INVALID, the shop has none.
        """
        async with self._database.read() as connection:
            key = await newest(connection, shop_id)
        if key is None:
            raise Refused(ErrorCode.TOKEN_INVALID, "the shop has no key to sign a session with")
        return key
