"""Signing: the shop's Ed25519 key for receipts, derived from the deployment's secret; its public half stands in rules.

A new secret makes a new key: receipts of before stay genuine, since the rules of their draw name the key.
"""

from __future__ import annotations

import hmac
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@lru_cache(maxsize=1024)
def shop_key(secret: bytes, shop_id: str) -> Ed25519PrivateKey:
    """The key of one shop in this deployment."""
    return Ed25519PrivateKey.from_private_bytes(hmac.digest(secret, b"draw receipts\0" + shop_id.encode(), "sha256"))


def public_of(key: Ed25519PrivateKey) -> bytes:
    """32 bytes."""
    return key.public_key().public_bytes_raw()
