"""Merkle tree over the entries: one root for all, and a short proof that one is among them. Pure.

    leaf = SHA256(0x00 | "LTD1" | draw id | entry id | u32be weight)
    node = SHA256(0x01 | left | right)

The shape is that of RFC 6962: level by level in pairs, an odd node moves up unpaired, the root of nothing is the
SHA-256 of nothing. Leaves are handed over in order of entry id.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from msgspec import Struct

from .fields import Count, Hash

EMPTY = sha256().digest()


class Inclusion(Struct, frozen=True, forbid_unknown_fields=True):
    """That a leaf is under a root of `count` leaves."""

    index: Count  #: from 0, in order of entry id
    count: Count  #: leaves of the tree
    path: tuple[Hash, ...]  #: neighbours from the leaf up


def leaf(draw_id: bytes, entry_id: bytes, weight: int) -> bytes:
    """Hash of one entry; 16 and 16 bytes, and a weight that fits in 4."""
    return sha256(b"\x00LTD1" + draw_id + entry_id + weight.to_bytes(4, "big")).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Cost: one SHA-256 a leaf; 100,000 leaves in about 0.1 s."""
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0] if level else EMPTY


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The whole tree, leaves first; of no leaves, the one level that has none."""
    found = [list(leaves)]
    while len(found[-1]) > 1:
        found.append(_above(found[-1]))
    return found


def inclusion(leaves: Sequence[bytes], index: int) -> Inclusion:
    """Proof for the leaf at `index`.

    Raises:
        IndexError: there is no such leaf.
    """
    return path(levels(leaves), index)


def path(tree: Sequence[Sequence[bytes]], index: int) -> Inclusion:
    """The same from a tree that was made before. Cost: O(log n).

    Raises:
        IndexError: there is no such leaf.
    """
    count = len(tree[0])
    if not 0 <= index < count:
        raise IndexError(index)
    places = ((level, index >> height ^ 1) for height, level in enumerate(tree))
    return Inclusion(index, count, tuple(level[place].hex() for level, place in places if place < len(level)))


def included(root: bytes, of: bytes, proof: Inclusion) -> bool:
    """Is the leaf `of` where the proof says, under this root?"""
    place, last = proof.index, proof.count - 1
    if not 0 <= place <= last:
        return False
    node, path = of, list(reversed(proof.path))
    while last:
        if place ^ 1 <= last:
            if not path:
                return False
            other = bytes.fromhex(path.pop())
            node = _node(other, node) if place & 1 else _node(node, other)
        place, last = place >> 1, last >> 1
    return not path and node == root


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def _above(level: list[bytes]) -> list[bytes]:
    pairs = [sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
    return [*pairs, level[-1]] if len(level) % 2 else pairs
