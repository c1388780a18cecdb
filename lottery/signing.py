"""Signing: the shop's Ed25519 key for receipts; its public half stands in rules.

A shop's key is made at its first use and kept in Postgres, and each draw keeps
the one it was opened with: nothing that is rotated makes a receipt false.
"""

from __future__ import annotations

import secrets
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from livestream.storage.pool import Connection


async def shop_key(tx: Connection, shop_id: str) -> bytes:
    """The private half, 32 bytes."""
    key: bytes = await tx.fetchval(
        """
        WITH made AS (
            INSERT INTO draw_key (shop_id, key) VALUES ($1, $2) ON CONFLICT (shop_id) DO NOTHING RETURNING key)
        SELECT key FROM made UNION ALL SELECT key FROM draw_key WHERE shop_id = $1""",
        shop_id,
        secrets.token_bytes(32),
    )
    return key


@lru_cache(maxsize=1024)
def signer(key: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key)


def public_of(key: bytes) -> bytes:
    """32 bytes."""
    return signer(key).public_key().public_bytes_raw()
