"""Fields: what bytes look like in the protocol's documents. Pure.

Bytes are lower-case hexadecimal of a fixed length; any other writing of the same bytes is refused, so that two
documents that say the same are the same.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

PROTOCOL = "LTD1"  #: stands in every document, and in every hash that a document's bytes go into

DrawId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)", description="16 bytes of a draw's id.")]
EntryId = Annotated[
    str,
    Meta(pattern=r"^[0-9a-f]{32}$(?!\n)", description="16 bytes that stand for one person in one draw."),
]
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)", description="32 bytes: a SHA-256, a key or a secret.")]
Signature = Annotated[str, Meta(pattern=r"^[0-9a-f]{128}$(?!\n)", description="64 bytes of an Ed25519 signature.")]
RoundSignature = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{96}$(?!\n)", description="48 bytes: a point of G1, compressed.")
]
Weight = Annotated[int, Meta(ge=1, le=2**32 - 1, description="Chances of one entry; 2 wins twice as often as 1.")]
Round = Annotated[int, Meta(ge=0, le=2**53 - 1, description="Number of a beacon's round; 0 with co-hosts.")]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
