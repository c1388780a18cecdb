"""Target: where webhooks may go, and where never. Pure: no look-ups, see `resolver`.

A shop types the URL and our worker opens it: without these rules a shop could
knock at anything the worker can reach. So every address is judged, and the one
that was judged is the one that is connected to.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TypeAlias

from yarl import URL

from livestream.config import Settings

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

URL_CHARS = 2048
#: below 1024 only the web's own: no mail, shells or name servers behind a POST
_LOW_PORTS = (80, 443)

#: IANA's special-purpose registry, and what clouds added. Written out: `is_global` differs between Pythons.
_INSIDE_4 = [
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, and metadata at 100.100.100.200
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a public address that is one cloud's host agent
        "169.254.0.0/16",  # link-local, and metadata at 169.254.169.254
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments, and metadata at 192.0.0.192
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
]
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")  # all the rest is loopback, ULA, link-local, multicast or unassigned
_INSIDE_6 = [
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
]
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # an IPv4 address in its last 32 bits


class TargetRefused(ValueError):
    """Webhooks do not go there; the text says why, and nothing about the network that a stranger may not know."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a deployment allows."""

    https_only: bool
    inside_hosts: frozenset[str] = frozenset()  #: names that may be anywhere
    inside_networks: tuple[_Network, ...] = ()  #: networks that any name may be in

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """As the settings say."""
        hosts: set[str] = set()
        networks: list[_Network] = []
        for entry in settings.webhook_inside:
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError:
                hosts.add(entry.lower())
        return cls(settings.production, frozenset(hosts), tuple(networks))

    def check_url(self, text: str) -> URL:
        """The URL, if webhooks may go there as far as it tells by itself: a name's addresses are not known here.

        Raises:
            TargetRefused
        """
        url = _parsed(text)
        if url.scheme != "https" and (self.https_only or url.scheme != "http"):
            raise TargetRefused("the URL must begin with https://")
        if url.user is not None or url.password is not None:
            raise TargetRefused("the URL must not hold a user or password")
        if url.fragment:
            raise TargetRefused("the URL must not hold a fragment")
        if url.port is None or (url.port < 1024 and url.port not in _LOW_PORTS):
            raise TargetRefused("the port must be 80, 443 or above 1023")
        assert url.raw_host is not None
        address = _literal(url.raw_host)
        if address is not None:
            self.check_address(url.raw_host, address)
        return url

    def check_address(self, host: str, address: Address) -> None:
        """Judge one address of a host.

        Raises:
            TargetRefused: it is inside, and the settings do not allow it.
        """
        if host.lower().rstrip(".") in self.inside_hosts:
            return
        plain = _unwrapped(address)
        if is_inside(plain) and not any(plain in network for network in self.inside_networks):
            raise TargetRefused("the host is inside the network, where webhooks do not go")


def is_inside(address: Address) -> bool:
    """Is it anything but an address of the public internet?"""
    plain = _unwrapped(address)
    if isinstance(plain, ipaddress.IPv4Address):
        return any(plain in network for network in _INSIDE_4)
    return plain not in _GLOBAL_6 or any(plain in network for network in _INSIDE_6)


def _unwrapped(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _parsed(text: str) -> URL:
    if len(text) > URL_CHARS or not text.isprintable() or " " in text:
        raise TargetRefused(f"the URL must have at most {URL_CHARS} characters, and no spaces")
    try:
        # The client's own parser: two parsers may read one URL differently.
        url = URL(text)
        host = url.raw_host
        _ = url.port
    except ValueError:
        host = None
    if not host:
        raise TargetRefused("this is no URL of a host")
    return url


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
