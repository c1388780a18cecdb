"""Admission: who may open a connection at all. Host and origin, room in the process, sockets an address."""

from __future__ import annotations

import functools
import ipaddress
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

from livestream.config import Settings

Refusal = tuple[int, str]  #: HTTP status and text
#: sockets that may carry plain HTTP: at most so many, and at most a quarter of the websockets
_HTTP_SOCKETS = 1000
#: sockets over a limit that are still listened to, to tell them politely; more are closed at once
_LISTENED_TO = 32
#: of stores, logs, pages and the loop
_OTHER_DESCRIPTORS = 64
_CROWDED: Refusal = (429, "Too many connections from this address.")
_FULL: Refusal = (503, "This process is full; try again.")


class Admission:
    """Counts connections and judges requests."""

    def __init__(self, settings: Settings) -> None:
        self._most = settings.max_connections
        self._most_per_address = settings.sockets_per_address
        self._hosts = frozenset(settings.allowed_hosts)
        self._origins = frozenset(settings.allowed_origins)
        self._proxies = [ipaddress.ip_network(network) for network in settings.trusted_proxies]
        self._by_address: Counter[str] = Counter()  # websockets by client
        self._by_peer: Counter[str] = Counter()  # sockets by who is at their other end, our proxies left out
        self._sockets = 0
        self._http = 0
        self._http_by_peer: Counter[str] = Counter()
        self._most_http = http_sockets(self._most)
        self.count = 0  #: of websockets
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
            return _FULL
        if self._by_address[address] >= self._most_per_address:
            return _CROWDED
        return None

    # -- sockets, before it is known what they are for

    def arrived(self, peer: str) -> bool:
        """Count a socket. False: there are so many over a limit that it is not listened to, nor counted."""
        who = self._counted(peer)
        if self._sockets >= self._most + self._most_http + _LISTENED_TO:
            return False
        if who is not None:
            if self._by_peer[who] >= self._most_per_address + _LISTENED_TO:
                return False
            self._by_peer[who] += 1
        self._sockets += 1
        return True

    def departed(self, peer: str, *, http: bool) -> None:
        who = self._counted(peer)
        if who is not None:
            _count_out(self._by_peer, who)
            if http:
                _count_out(self._http_by_peer, who)
        self._sockets -= 1
        self._http -= http

    def take_http(self, peer: str) -> Refusal | None:
        """May this socket, which is counted, carry plain HTTP? None: it may, and is counted as such.

        No address has more than half of them: one alone must not shut the pages for all.
        """
        who = self._counted(peer)
        if who is not None and (
            self._by_peer[who] > self._most_per_address or self._http_by_peer[who] >= self._most_http // 2
        ):
            return _CROWDED
        if self._http >= self._most_http:
            return _FULL
        if who is not None:
            self._http_by_peer[who] += 1
        self._http += 1
        return None

    def _counted(self, peer: str) -> str | None:
        return None if self._trusted(peer) else subscriber(peer)

    # -- what requests say

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
        _count_out(self._by_address, address)

    def client_address(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """The viewer's subscriber address: the last forwarded one that no trusted proxy of ours stands for."""
        address = peer
        forwarded = [part.strip() for part in ",".join(forwarded_for).split(",") if part.strip()]
        while forwarded and self._trusted(address):
            address = forwarded.pop()
        return subscriber(address)

    def forwarded_scheme(self, peer: str, forwarded_proto: Sequence[str]) -> str:
        """How the viewer reached a trusted proxy of ours; empty: nobody says."""
        return forwarded_proto[-1].strip().lower() if forwarded_proto and self._trusted(peer) else ""

    def _trusted(self, address: str) -> bool:
        if not self._proxies:
            return False
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)


def http_sockets(websockets: int) -> int:
    """How many sockets may carry plain HTTP beside so many websockets."""
    return min(_HTTP_SOCKETS, max(16, websockets // 4))


def fit(websockets: int, descriptors: int) -> int:
    """How many of so many websockets a process with so many descriptors can have."""
    room = descriptors - _OTHER_DESCRIPTORS - _LISTENED_TO
    return min(websockets, max(1, room - http_sockets(room)))


@functools.lru_cache(maxsize=4096)
def subscriber(address: str) -> str:
    """Whom an address stands for: a line with IPv6 has a whole /64 of them."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))


def _count_out(counter: Counter[str], address: str) -> None:
    counter[address] -= 1
    if not counter[address]:
        del counter[address]


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
