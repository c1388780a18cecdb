"""Signature: who sent a webhook, and that nobody changed it. Pure: the time is an argument.

Source: Standard Webhooks 1.0.0, the symmetric scheme `v1`: base64 of the HMAC-SHA256 of `id.timestamp.body`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PREFIX = "whsec_"
KEY_BYTES = range(24, 65)  #: how long a key may be, by the standard
TOLERANCE_S = 300  #: how far the two clocks may be apart; older ones are replays


class SignatureError(ValueError):
    """The webhook is not from whom it says, is damaged, or is old; the text says which."""


def secret_of(key: bytes) -> str:
    """A key as people are shown it.

    Raises:
        ValueError: the key is too short or too long.
    """
    if len(key) not in KEY_BYTES:
        raise ValueError(f"a webhook secret has {KEY_BYTES[0]} to {KEY_BYTES[-1]} bytes")
    return PREFIX + base64.b64encode(key).decode()


def key_of(secret: str) -> bytes:
    """The key in a secret.

    Raises:
        ValueError: it is none.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in KEY_BYTES:
        raise ValueError(f"a webhook secret is {PREFIX} and base64 of {KEY_BYTES[0]} to {KEY_BYTES[-1]} bytes")
    return key


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature, `v1,…`."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key_of(secret), content, hashlib.sha256)).decode()


def headers(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a webhook.

    Args:
        secrets: while one takes over from another both sign, the newest first.
        timestamp: Unix s of this attempt.
    """
    signatures = " ".join(sign(secret, message_id, timestamp, body) for secret in secrets)
    return {ID: message_id, TIMESTAMP: str(timestamp), SIGNATURE: signatures}


def verify(secrets: Iterable[str], received: Mapping[str, str], body: bytes, now: float) -> None:
    """Check a webhook as its receiver must. In constant time, whichever signature holds.

    Args:
        secrets: any of them may have signed it.
        received: its headers, names in lower case.
        now: Unix s.

    Raises:
        SignatureError
    """
    try:
        message_id, timestamp, signatures = received[ID], received[TIMESTAMP], received[SIGNATURE]
    except KeyError as missing:
        raise SignatureError(f"the header {missing} is missing") from None
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise SignatureError("the timestamp is no number of seconds")
    if abs(now - int(timestamp)) > TOLERANCE_S:
        raise SignatureError("the timestamp is too far from now: an old one sent again, or a clock is wrong")
    given = [each.encode() for each in signatures.split(" ")]
    holds = False
    for secret in secrets:
        expected = sign(secret, message_id, int(timestamp), body).encode()
        for each in given:
            holds |= hmac.compare_digest(expected, each)
    if not holds:
        raise SignatureError("no signature is ours")
