"""Pseudonyms: the key under which people get them. It is the database's own and never changes.

So the deployment's secret, which signs, can be changed at any time: who was
known stays known, and whoever asks to be erased is found.
"""

from __future__ import annotations

import hashlib

from livestream.storage.pool import Database


def first_key(secret: bytes) -> bytes:
    """The key of a new database: no way leads from it back to the secret."""
    return hashlib.blake2b(key=secret[:64], person=b"pseudonym key", digest_size=32).digest()


async def key_of(database: Database, secret: bytes) -> bytes:
    """The database's key, made by the first process that asks.

    Raises:
        Unavailable, OutcomeUnknown.
    """
    async with database.read() as connection:
        kept: bytes | None = await connection.fetchval("SELECT key FROM pseudonym_key")
    if kept is not None:
        return kept
    async with database.transaction() as tx:
        # A row without a key is of people who were known when the secret itself was the key.
        made: bytes = await tx.fetchval(
            """
            INSERT INTO pseudonym_key (key) VALUES ($1)
                ON CONFLICT (only_row) DO UPDATE SET key = coalesce(pseudonym_key.key, $2) RETURNING key""",
            first_key(secret),
            secret,
        )
    return made
