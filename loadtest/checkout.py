"""Checkout: the payment provider's page, on which a virtual viewer presses a button.

It is somebody else's server: only this machine's and those that the target
file names are spoken to. A provider that moves real money must not be pressed
by a load test at all; what is pressed is the button of a sandbox.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import aiohttp

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_TIMEOUT_S = 20.0
_AT_ONCE = 64


class Checkout:
    """Of one process.

    Args:
        hosts: whose pages may be used, beside this machine's.
    """

    def __init__(self, hosts: Collection[str]) -> None:
        self._hosts = LOOPBACK | set(hosts)
        self._session: aiohttp.ClientSession | None = None

    async def press(self, url: str, form: dict[str, str]) -> str:
        """Press a button as a browser does; says what went wrong, or nothing."""
        import aiohttp  # 20 MB, and most runs pay nothing

        host = urlsplit(url).hostname or ""
        if host not in self._hosts:
            return f"{host} is not this machine: if its page is a sandbox's, name it in `allow_hosts` of the target"
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=_AT_ONCE)
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S), connector=connector)
        try:
            async with self._session.post(url, data=form, allow_redirects=False) as page:
                return "" if page.status < 400 else f"{url}: {page.status} {(await page.text())[:100]}"
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"{url}: {type(error).__name__} {error}"

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
