"""Keys of the sandbox: what its two accounts sign with, derived from the deployment's secret. Pure."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from livestream.webhooks.signature import secret_of

from .port import Way


@dataclass(frozen=True, slots=True)
class Keys:
    """Of one account: there is one for each way of taking money."""

    way: Way
    api: str  #: who shows it may move the account's sandbox money
    webhook: str  #: signs what the sandbox tells us


def keys(secret: bytes, way: Way) -> Keys:
    """The same on both sides, without a word between them."""
    return Keys(
        way,
        f"sandbox_{way}_{_derived(secret, f'api {way}').hex()[:40]}",
        secret_of(_derived(secret, f"webhook {way}")),
    )


def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, f"sandbox-pay {purpose}".encode(), hashlib.sha256)
