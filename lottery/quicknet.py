"""Quicknet: the public beacon of drand, its rounds and its signature. Pure.

A new round every 3 s: 48 bytes that are one group's BLS signature over the round's number, which nobody can know
sooner nor choose. Source: the network's own parameters, `/52db9b…/info` at any of its relays; the scheme is
bls-unchained-g1-rfc9380.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from py_arkworks_bls12381 import GT, G1Point, G2Point

CHAIN: Final = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"  #: hash of the chain
GENESIS_MS = 1_692_803_367_000  #: Unix time of round 1
PERIOD_MS = 3000
PUBLIC_KEY = bytes.fromhex(
    "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451"
    "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
)  #: a point of G2, compressed
LEAD_MS = 10_000  #: between the close of a draw and the round: time for the root to go out
_DOMAIN = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"


def round_at(ms: int) -> int:
    """The newest round at this Unix time; 0 before the first."""
    return max(0, (ms - GENESIS_MS) // PERIOD_MS + 1)


def time_of(round: int) -> int:
    """Unix ms at which a round comes out."""
    return GENESIS_MS + (round - 1) * PERIOD_MS


def round_for(closed_ms: int) -> int:
    """The round that decides a draw closed then: the first whose time is at least 10 s later."""
    return max(1, -((GENESIS_MS - closed_ms - LEAD_MS) // PERIOD_MS) + 1)


def randomness(signature: bytes) -> bytes:
    """The beacon: SHA-256 of the round's signature."""
    return sha256(signature).digest()


def signed(round: int, signature: bytes) -> bool:
    """Did the network sign this round so? False too for bytes that are no point of the group. Cost: about 3 ms."""
    try:
        point = G1Point.from_compressed_bytes(signature)
    except ValueError:
        return False
    message = G1Point.hash_to_curve(sha256(round.to_bytes(8, "big")).digest(), _DOMAIN)
    key = G2Point.from_compressed_bytes(PUBLIC_KEY)
    return point != G1Point.identity() and GT.pairing_check([point, -message], [G2Point(), key])
