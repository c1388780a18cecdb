"""Receipt: the shop's signed word that a person is in a draw; and what else an entrant may hold. Pure."""

from __future__ import annotations

from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from livestream.protocol.types import Millis

from .fields import Count, DrawId, EntryId, Hash, Round, Signature, Weight


class Receipt(Struct, frozen=True, forbid_unknown_fields=True):
    """Handed to the entrant, and to nobody else: it tells which entry is theirs."""

    protocol: Literal["LTD1"]
    draw_id: DrawId
    rules_hash: Hash
    entry_id: EntryId
    weight: Weight  #: at entry; bonuses may add to it until the close, and nothing takes from it
    entered_ms: Millis
    signature: Signature  #: Ed25519, by the key in the rules, over what `signed` gives


class Placed(Struct, frozen=True, forbid_unknown_fields=True):
    """What the shop answered when asked where an entry is in the tree."""

    draw: DrawId
    root: Hash
    entry: EntryId
    weight: Weight  #: as it was at the close
    index: Count
    count: Count
    path: tuple[Hash, ...]  #: neighbours from the leaf up


class Held(Struct, frozen=True, forbid_unknown_fields=True):
    """A receipt with its inclusion proof, as the entrant may ask for them."""

    receipt: Receipt
    inclusion: Placed | None = None  #: none: the root was not out yet


class Witness(Struct, frozen=True, forbid_unknown_fields=True):
    """What a viewer's page kept when the root came by: proof to themselves that it was there in time."""

    protocol: Literal["LTD1"]
    draw_id: DrawId
    rules_hash: Hash
    root: Hash
    round: Round
    seen_ms: Millis  #: by the later of two clocks, the device's own and the server's: neither alone can make it early


def signed(draw_id: bytes, rules_hash: bytes, entry_id: bytes, weight: int, entered_ms: int) -> bytes:
    """The bytes under the signature: "LTD1-receipt", 16, 32 and 16 bytes, u32be, u64be."""
    return b"".join(
        (b"LTD1-receipt", draw_id, rules_hash, entry_id, weight.to_bytes(4, "big"), entered_ms.to_bytes(8, "big"))
    )


def issue(
    key: Ed25519PrivateKey, *, draw_id: bytes, rules_hash: bytes, entry_id: bytes, weight: int, entered_ms: int
) -> Receipt:
    """Sign a receipt. Cost: about 50 µs."""
    signature = key.sign(signed(draw_id, rules_hash, entry_id, weight, entered_ms))
    return Receipt(
        "LTD1", draw_id.hex(), rules_hash.hex(), entry_id.hex(), weight, entered_ms, signature=signature.hex()
    )


def genuine(receipt: Receipt, shop_key: bytes) -> bool:
    """Did the holder of this key, 32 bytes, sign it? False too for bytes that are no key."""
    message = signed(
        bytes.fromhex(receipt.draw_id),
        bytes.fromhex(receipt.rules_hash),
        bytes.fromhex(receipt.entry_id),
        receipt.weight,
        receipt.entered_ms,
    )
    try:
        Ed25519PublicKey.from_public_bytes(shop_key).verify(bytes.fromhex(receipt.signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True
