"""Admission: who may open a connection at all. Host and origin, room in the process, sockets an address."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

from livestream.config import Settings

Refusal = tuple[int, str]  #: HTTP status and text


class Admission:
    """Counts connections and judges requests."""

    def __init__(self, settings: Settings) -> None:
        self._most = settings.max_connections
        self._most_per_address = settings.sockets_per_address
        self._hosts = frozenset(settings.allowed_hosts)
        self._origins = frozenset(settings.allowed_origins)
        self._proxies = [ipaddress.ip_network(network) for network in settings.trusted_proxies]
        self._by_address: Counter[str] = Counter()
        self.count = 0
        self.draining = False

    def judge(self, address: str, host: str, origin: str | None, scheme: str = "") -> Refusal | None:
        """None: may come in; else why not."""
        if self.draining:
            return 503, "This process is being replaced; try again."
        if not self.host_allowed(host):
            return 421, "This server does not serve that host; see the setting allowed_hosts."
        if origin is not None and not self.origin_allowed(origin, host, scheme):
            return 403, "Pages of that origin may not connect; see the setting allowed_origins."
        if self.count >= self._most:
            return 503, "This process is full; try again."
        if self._by_address[address] >= self._most_per_address:
            return 429, "Too many connections from this address."
        return None

    def host_allowed(self, host: str) -> bool:
        return not self._hosts or (_hostname(host) or "") in self._hosts

    def origin_allowed(self, origin: str, host: str, scheme: str) -> bool:
        """Args:
        scheme: see `forwarded_scheme`.
        """
        if "*" in self._origins or origin in self._origins:
            return True
        return "same" in self._origins and same_origin(origin, host, scheme)

    def entered(self, address: str) -> None:
        self.count += 1
        self._by_address[address] += 1

    def left(self, address: str) -> None:
        self.count -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def client_address(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """The viewer's address: the last forwarded one that no trusted proxy of ours stands for."""
        address = peer
        forwarded = [part.strip() for part in ",".join(forwarded_for).split(",") if part.strip()]
        while forwarded and self._trusted(address):
            address = forwarded.pop()
        return address

    def forwarded_scheme(self, peer: str, forwarded_proto: Sequence[str]) -> str:
        """How the viewer reached a trusted proxy of ours; empty: nobody says."""
        return forwarded_proto[-1].strip().lower() if forwarded_proto and self._trusted(peer) else ""

    def _trusted(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)


def same_origin(origin: str, host: str, scheme: str) -> bool:
    """A page of this very server asks.

    Args:
        scheme: by which the server is reached; empty: not known, and a proxy may speak TLS for us.
    """
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.netloc == host and parts.scheme == (scheme or parts.scheme)


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
