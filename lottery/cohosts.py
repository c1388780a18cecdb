"""Co-hosts: a beacon made of secrets that several parties committed to before they knew the entries. Pure.

None of them alone can choose the outcome as long as one is honest; all together can. Who reveals last sees the outcome
first and may keep silent: then the draw is void, which everybody sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

SECRET_BYTES = 32
ROUND = 0  #: what stands for the beacon's round in the seed


def commitment(draw_id: bytes, number: int, secret: bytes) -> bytes:
    """What co-host `number`, counted from 1, publishes at open."""
    return sha256(b"LTD1-commit" + draw_id + number.to_bytes(4, "big") + secret).digest()


def beacon(draw_id: bytes, root: bytes, secrets: Sequence[bytes]) -> bytes:
    """The beacon, from all secrets in the order of the rules."""
    return sha256(b"LTD1-cohosts" + draw_id + root + b"".join(secrets)).digest()
