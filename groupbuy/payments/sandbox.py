"""Sandbox: the adapter to `livestream sandbox-pay`. No real money moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from livestream.webhooks import signature

from .port import Busy, Checkout, Declined, Doubtful, Forged, Notification, PaymentState, Standing
from .sandbox_keys import Keys

_Answer = TypeVar("_Answer", Checkout, Standing)
_TIMEOUT_S = 5.0
_NOT_NOW = (401, 403, 429, 503)  #: nothing was done; a key may be mended, a provider come back
_decode_notification = msgspec.json.Decoder(Notification).decode


class Sandbox:
    """One account of a running sandbox.

    Args:
        url: where it runs, `http://127.0.0.1:8095` say.
        notify_url: where it tells what happens.
    """

    def __init__(self, url: str, keys: Keys, notify_url: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        self.way = keys.way
        self._url = url.rstrip("/")
        self._keys = keys
        self._notify_url = notify_url
        # Waiting for a connection has a limit of its own: until there is one, nothing was asked.
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=timeout_s / 2)
        self._session: aiohttp.ClientSession | None = None

    async def open(
        self,
        *,
        key: str,
        amount: int,
        currency: str,
        exponent: int,
        description: str,
        return_url: str,
        expires_in_s: int,
    ) -> Checkout:
        body = {
            "key": key,
            "amount": amount,
            "currency": currency,
            "exponent": exponent,
            "description": description,
            "return_url": return_url,
            "notify_url": self._notify_url,
            "expires_in_s": expires_in_s,
        }
        return await self._ask("POST", "/v1/payments", body, Checkout)

    async def capture(self, *, key: str, reference: str, amount: int) -> Standing:
        return await self._ask("POST", f"{_payment(reference)}/capture", {"key": key, "amount": amount}, Standing)

    async def void(self, *, key: str, reference: str) -> Standing:
        return await self._ask("POST", f"{_payment(reference)}/void", {"key": key}, Standing)

    async def refund(self, *, key: str, reference: str, amount: int) -> Standing:
        return await self._ask("POST", f"{_payment(reference)}/refund", {"key": key, "amount": amount}, Standing)

    async def look(self, *, key: str) -> Standing:
        try:
            return await self._ask("GET", f"/v1/keys/{quote(key, safe='')}", None, Standing)
        except Declined as declined:
            if declined.code != "not_found":
                raise
            return Standing(key=key, reference="", state=PaymentState.UNKNOWN_KEY, amount=0, currency="")

    def read(self, headers: Mapping[str, str], body: bytes, now_s: float) -> Notification:
        try:
            signature.verify([self._keys.webhook], headers, body, now_s)
            return _decode_notification(body)
        except (signature.SignatureError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Forged(str(error)) from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None, answer: type[_Answer]) -> _Answer:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                headers={"Authorization": f"Bearer {self._keys.api}"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        try:
            async with self._session.request(method, self._url + path, json=body) as response:
                said = await response.read()
                status = response.status
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Busy(f"{type(error).__name__}: {error}") from error  # no connection: nothing was asked
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Doubtful(f"{type(error).__name__}: {error}") from error
        return _read(status, said, answer)


def _payment(reference: str) -> str:
    return f"/v1/payments/{quote(reference, safe='')}"


def _read(status: int, body: bytes, answer: type[_Answer]) -> _Answer:
    try:
        if status == 200:
            return msgspec.json.decode(body, type=answer)
        error = msgspec.json.decode(body)["error"]
        code, text = str(error["code"]), str(error["text"])
    except (msgspec.MsgspecError, LookupError, TypeError, UnicodeDecodeError) as wrong:
        raise Doubtful(f"status {status}, and no answer that can be read") from wrong
    if status in _NOT_NOW:
        raise Busy(f"{code}: {text}")
    if status < 500:
        raise Declined(code, text)
    raise Doubtful(f"status {status}: {text}")
