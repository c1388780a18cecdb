"""Shop: what the suite asks over HTTP, as the shop's backend: the rehearsal before, the reads after."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from types import TracebackType
from typing import Any

import aiohttp
import jwt
import msgspec

from livestream.protocol.http import PAGE_MOST

from .messages import Signing

_TRIES = 8
_TIMEOUT_S = 20
_REFUSED = (429, 503)  #: for now, and before anything was done
_TEMPORARY = (*_REFUSED, 500, 502, 504)


class ShopError(Exception):
    """The server refused, or does not answer."""


class Shop:
    """One shop of one deployment, for `async with`."""

    def __init__(self, url: str, shop: str, signing: Signing | None, token: str = "") -> None:
        self._url = url
        self._shop = shop
        self._signing = signing
        self._given = token
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Shop:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    def _token(self) -> str:
        signing, now_s = self._signing, int(time.time())
        if signing is None:
            return self._given
        claims = {"iss": signing.shop, "aud": "livestream", "sub": "loadtest", "role": "service", "iat": now_s - 1}
        return jwt.encode(
            {**claims, "exp": now_s + 3600, "name": "Load test"},
            signing.key,
            algorithm=signing.algorithm,
            headers={"kid": signing.kid},
        )

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        query: dict[str, str] | None = None,
        token: str = "",
        *,
        once: bool = False,
    ) -> Any:
        """One operation; what is temporary is tried again.

        Args:
            token: of who asks; empty: the shop's backend.
            once: it makes something anew each time, so it is asked again only if it was surely not done.

        Returns: the answer; bytes where it is not JSON.

        Raises:
            ShopError
        """
        assert self._session is not None
        trouble = ""
        for attempt in range(_TRIES):
            if attempt:
                await asyncio.sleep(min(3.0, 0.3 * 2**attempt))
            try:
                async with self._session.request(
                    method,
                    self._url + path,
                    json=body,
                    params=query,
                    headers={"Authorization": f"Bearer {token or self._token()}"},
                ) as response:
                    if response.status < 300:
                        plain = response.content_type == "application/json" and not _is_download(response)
                        return await (response.json() if plain else response.read())
                    trouble = f"{method} {path}: {response.status} {said(await response.text())}"
                    if response.status not in (_REFUSED if once else _TEMPORARY):
                        raise ShopError(trouble)
            except (aiohttp.ClientError, TimeoutError) as error:
                trouble = f"{self._url} does not answer: {type(error).__name__} {error}"
                if once and not isinstance(error, aiohttp.ClientConnectorError):
                    raise ShopError(f"{trouble}; {path} may have been done all the same") from None
        raise ShopError(trouble)

    async def add_key(self) -> Signing:
        """A key for this run."""
        made = await self.ask("POST", f"/v1/shops/{self._shop}/add_key", {}, once=True)
        return Signing(shop=self._shop, kid=made["kid"], key=made["key"])

    async def retire_key(self, kid: str) -> None:
        await self.ask("POST", f"/v1/shops/{self._shop}/retire_key", {"kid": kid})

    async def rehearse(self, room: str) -> tuple[str, str]:
        """Make a rehearsal; its shop and room."""
        answer = await self.ask("POST", f"/v1/shops/{self._shop}/rehearse", {"room": room}, once=True)
        return str(answer["shop"]), str(answer["room"])

    async def put_product(self, shop: str, fields: dict[str, Any]) -> None:
        await self.ask("POST", f"/v1/shops/{shop}/put_product", fields)

    async def erase(self, room: str) -> None:
        await self.ask("POST", f"/v1/shops/{self._shop}/erase_rehearsal", {"room": room})

    async def room(self, room: str) -> dict[str, Any]:
        """What everybody sees."""
        found: dict[str, Any] = await self.ask("GET", f"/v1/rooms/{room}")
        return found

    async def command(self, room: str, name: str, **fields: object) -> None:
        await self.ask("POST", f"/v1/rooms/{room}/{name}", fields)

    async def log(self, room: str) -> list[dict[str, Any]]:
        """All of the room log."""
        found: list[dict[str, Any]] = []
        while True:
            after = found[-1]["seq"] if found else 0
            page = await self.ask("GET", f"/v1/rooms/{room}/log", query={"after": str(after), "limit": str(PAGE_MOST)})
            found += page["items"]
            if len(page["items"]) < PAGE_MOST:
                return found

    async def comments(self, room: str) -> list[dict[str, Any]]:
        """All comments with what became of them, newest first."""
        return await self._pages(f"/v1/rooms/{room}/comments")

    async def deals(self, room: str) -> list[dict[str, Any]]:
        return await self._pages(f"/v1/rooms/{room}/deals")

    async def teams(self, room: str, deal: str) -> list[dict[str, Any]]:
        return await self._pages(f"/v1/rooms/{room}/deals/{deal}/teams")

    async def orders(self, room: str, deal: str) -> list[dict[str, Any]]:
        return await self._pages(f"/v1/rooms/{room}/deals/{deal}/orders")

    async def settlement(self, room: str, deal: str) -> list[dict[str, str]]:
        """Lines of the CSV; the last one is `total`."""
        raw: bytes = await self.ask("GET", f"/v1/rooms/{room}/deals/{deal}/settlement.csv")
        return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))

    async def seats(self, room: str, token: str) -> list[dict[str, Any]]:
        """A viewer's own."""
        found = await self.ask("GET", f"/v1/rooms/{room}/seats", token=token)
        items: list[dict[str, Any]] = found["items"]
        return items

    async def draws(self, room: str) -> list[dict[str, Any]]:
        """Every draw that was ever opened."""
        return await self._pages(f"/v1/rooms/{room}/draws")

    async def proof(self, draw: str) -> bytes:
        """As it came."""
        found: bytes = await self.ask("GET", f"/v1/draws/{draw}/proof")
        return found

    async def claims(self, shop: str, draw: str) -> list[dict[str, str]]:
        raw: bytes = await self.ask("GET", f"/v1/shops/{shop}/draws/{draw}/claims")
        return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))

    async def _pages(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        before: str | None = None
        while True:
            query = {"limit": str(PAGE_MOST)} | ({"before": before} if before else {})
            page = await self.ask("GET", path, query=query)
            found += page["items"]
            before = page.get("next")
            if before is None:
                return found


def said(body: str) -> str:
    """The words of a refusal; of an answer that is none of ours, its beginning."""
    try:
        error = msgspec.json.decode(body.encode())["error"]
        return f"{error['code']}: {error['text']}"
    except (msgspec.DecodeError, KeyError, TypeError):
        return body[:200]


def _is_download(response: aiohttp.ClientResponse) -> bool:
    """A file, whose bytes count."""
    found = response.content_disposition
    return found is not None and found.type == "attachment"
