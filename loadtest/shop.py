"""Shop: what the suite asks over HTTP, as the shop's backend: the rehearsal before, the reads after."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Any

import aiohttp
import jwt

from livestream.protocol.http import PAGE_MOST

from .messages import Signing

_TRIES = 8
_TIMEOUT_S = 20


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

    async def ask(self, method: str, path: str, body: object = None, query: dict[str, str] | None = None) -> Any:
        """One operation; what is temporary is tried again.

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
                    headers={"Authorization": f"Bearer {self._token()}"},
                ) as response:
                    if response.status < 300:
                        return await response.json()
                    trouble = f"{method} {path}: {response.status} {(await response.text())[:200]}"
                    if response.status not in (429, 500, 502, 503, 504):
                        raise ShopError(trouble)
            except (aiohttp.ClientError, TimeoutError) as error:
                trouble = f"{self._url} does not answer: {type(error).__name__} {error}"
        raise ShopError(trouble)

    async def add_key(self) -> Signing:
        """A key for this run."""
        made = await self.ask("POST", f"/v1/shops/{self._shop}/add_key", {})
        return Signing(shop=self._shop, kid=made["kid"], key=made["key"])

    async def retire_key(self, kid: str) -> None:
        await self.ask("POST", f"/v1/shops/{self._shop}/retire_key", {"kid": kid})

    async def rehearse(self, room: str) -> str:
        """Make a rehearsal; its room."""
        answer = await self.ask("POST", f"/v1/shops/{self._shop}/rehearse", {"room": room})
        return str(answer["room"])

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
        found: list[dict[str, Any]] = []
        before: str | None = None
        while True:
            query = {"limit": str(PAGE_MOST)} | ({"before": before} if before else {})
            page = await self.ask("GET", f"/v1/rooms/{room}/comments", query=query)
            found += page["items"]
            before = page.get("next")
            if before is None:
                return found
