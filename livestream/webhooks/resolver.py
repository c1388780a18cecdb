"""Resolver: looks hosts up and lets through only addresses that webhooks may go to."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from livestream.config import Settings

from .target import Address, Rules, TargetRefused

#: host → its addresses; blocks
Lookup: TypeAlias = Callable[[str], list[str]]

_LOOKUP_S = 5.0
#: The system's look-up blocks a thread, for as long as a shop's name server likes. Threads of our own, and plenty:
#: the loop's default ones (four under uvloop) would be taken by four slow names.
_THREADS = 32


def system_lookup(host: str) -> list[str]:
    """As this machine resolves names, in its order of preference."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [str(address[0]).partition("%")[0] for *_, address in found]


class Targets:
    """The rules of a deployment, with the look-up of names."""

    def __init__(self, rules: Rules, lookup: Lookup = system_lookup) -> None:
        self.rules = rules
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(_THREADS, "webhook-lookup")

    @classmethod
    def of(cls, settings: Settings) -> Targets:
        """As the settings say."""
        return cls(Rules.of(settings))

    def close(self) -> None:
        """Leave look-ups that are under way to their end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def check(self, text: str) -> URL:
        """A URL that webhooks may go to now. They are checked again at every connection.

        Raises:
            TargetRefused: also where the name is unknown.
        """
        url = self.rules.check_url(text)
        assert url.raw_host is not None
        await self.addresses(url.raw_host)
        return url

    async def addresses(self, host: str) -> list[Address]:
        """The addresses of a host, if each of them is allowed: one that is not makes all suspicious.

        Raises:
            TargetRefused
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_LOOKUP_S):
                found = await loop.run_in_executor(self._threads, self._lookup, host)
            addresses = [ipaddress.ip_address(each) for each in found]
        except (OSError, ValueError):  # a time-out is an OSError; a name that cannot be encoded a ValueError
            addresses = []
        if not addresses:
            raise TargetRefused("the host's name leads nowhere")
        for address in addresses:
            self.rules.check_address(host, address)
        return addresses


class CheckedResolver(AbstractResolver):
    """What the client connects to is what was judged: it asks here, once a connection, and keeps no answers."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises:
        TargetRefused
        """
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in await self._targets.addresses(host)
        ]

    async def close(self) -> None:
        """Nothing to close: the targets are somebody else's."""
