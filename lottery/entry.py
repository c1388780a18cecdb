"""Entry: one person in one draw, by an id that tells nobody who it is. Pure."""

from __future__ import annotations

import hashlib
import hmac

from msgspec import Struct

from .fields import EntryId, Weight


class Entry(Struct, frozen=True, array_like=True):
    """In JSON a list of two: ["00…ff", 1]."""

    entry_id: EntryId
    weight: Weight


def entry_id(salt: bytes, viewer_id: str) -> bytes:
    """16 bytes: the same person in the same draw always gets the same; without the salt it leads to nobody."""
    return hmac.digest(salt, viewer_id.encode(), "sha256")[:16]


def salt_hash(salt: bytes) -> bytes:
    """What the rules say of the salt, so that nobody can choose another afterwards."""
    return hashlib.sha256(salt).digest()
