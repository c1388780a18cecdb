"""Seed: the 32 bytes from which all picks follow. Pure."""

from __future__ import annotations

from hashlib import sha256


def seed(draw_id: bytes, root: bytes, rules_hash: bytes, round: int, beacon: bytes) -> bytes:
    """SHA-256 over "LTD1-seed", draw id (16 bytes), root, rules' hash, u64be round, beacon (32 each)."""
    return sha256(b"LTD1-seed" + draw_id + root + rules_hash + round.to_bytes(8, "big") + beacon).digest()
