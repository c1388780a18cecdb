"""Signatures: as the standard's own library makes and checks them, and nothing else passes."""

from __future__ import annotations

import base64
import secrets
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from livestream.webhooks.signature import (
    KEY_BYTES,
    PREFIX,
    SIGNATURE,
    TIMESTAMP,
    TOLERANCE_S,
    SignatureError,
    headers,
    key_of,
    secret_of,
    sign,
    verify,
)

SECRET = secret_of(b"k" * 32)
OTHER = secret_of(b"o" * 32)
BODY = '{"type":"ping","data":{"text":"żółć 直播"}}'.encode()
NOW = 1_674_087_231


def refusal(received: dict[str, str], body: bytes = BODY, now: float = NOW, secret: str = SECRET) -> str:
    with pytest.raises(SignatureError) as caught:
        verify([secret], received, body, now)
    return str(caught.value)


def test_a_known_webhook_has_the_known_signature() -> None:
    """The vector that the libraries of the standard share."""
    secret, timestamp = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1_614_265_330
    body = b'{"test": 2432232314}'
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp, body) == signature


@pytest.mark.parametrize("size", [KEY_BYTES[0], 32, KEY_BYTES[-1]])
def test_the_standards_library_makes_the_same_signature(size: int) -> None:
    for _ in range(20):
        secret = secret_of(secrets.token_bytes(size))
        theirs = Webhook(secret).sign("msg_1", datetime.fromtimestamp(NOW, UTC), BODY.decode())
        assert sign(secret, "msg_1", NOW, BODY) == theirs
        verify([secret], {"webhook-id": "msg_1", TIMESTAMP: str(NOW), SIGNATURE: theirs}, BODY, NOW)


def test_the_standards_library_accepts_a_webhook_under_either_secret_while_they_rotate() -> None:
    received = headers([OTHER, SECRET], "msg_1", int(time.time()), BODY)
    assert received[SIGNATURE].count("v1,") == 2
    for secret in (SECRET, OTHER):
        Webhook(secret).verify(BODY, received)
        verify([secret], received, BODY, time.time())
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(b"x" * 32)).verify(BODY, received)


def test_what_was_changed_is_refused() -> None:
    good = headers([SECRET], "msg_1", NOW, BODY)
    verify([SECRET], good, BODY, NOW)
    verify([OTHER, SECRET], good, BODY, NOW)
    for bad in (
        refusal(good, BODY + b" "),
        refusal(good | {"webhook-id": "msg_2"}),
        refusal(good | {TIMESTAMP: str(NOW + 1)}),
        refusal(good | {SIGNATURE: "v1," + base64.b64encode(b"x" * 32).decode()}),
        refusal(good | {SIGNATURE: good[SIGNATURE].replace("v1,", "v2,")}),
        refusal(good | {SIGNATURE: ""}),
        refusal(good | {SIGNATURE: "v1,żółć"}),
        refusal(good, secret=OTHER),
    ):
        assert bad == "no signature is ours"


@pytest.mark.parametrize("name", ["webhook-id", TIMESTAMP, SIGNATURE])
def test_a_missing_header_is_named(name: str) -> None:
    received = headers([SECRET], "msg_1", NOW, BODY)
    del received[name]
    assert name in refusal(received)


@pytest.mark.parametrize("apart", [-TOLERANCE_S - 1, TOLERANCE_S + 1])
def test_a_clock_further_than_five_minutes_away_is_refused(apart: int) -> None:
    received = headers([SECRET], "msg_1", NOW, BODY)
    verify([SECRET], received, BODY, NOW + apart - (1 if apart > 0 else -1))
    assert "too far from now" in refusal(received, now=NOW + apart)


@pytest.mark.parametrize("timestamp", ["", "1e9", "-5", "١٢٣", "9" * 5000, "nan"])
def test_a_timestamp_that_is_none_is_refused(timestamp: str) -> None:
    assert "no number" in refusal(headers([SECRET], "msg_1", NOW, BODY) | {TIMESTAMP: timestamp})


@pytest.mark.parametrize("secret", ["", PREFIX, PREFIX + "c2hvcnQ=", "x" * 44, PREFIX + "!" * 44, PREFIX + "ł" * 44])
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        key_of(secret)


@pytest.mark.parametrize("size", [KEY_BYTES[0] - 1, KEY_BYTES[-1] + 1])
def test_a_key_has_the_standards_length(size: int) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        secret_of(bytes(size))
    assert key_of(secret_of(bytes(KEY_BYTES[0]))) == bytes(KEY_BYTES[0])
