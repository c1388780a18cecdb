"""Exposure: what is right on a laptop alone is refused wherever others could reach it."""

from __future__ import annotations

import ipaddress

from livestream.config import ConfigError, Settings
from livestream.storage.direct import connected


def is_here(host: str) -> bool:
    """Is it an address that only this machine reaches?"""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_unsafe(settings: Settings, *, demo: bool) -> None:
    """The demo's keys lie in a folder and its pages ask nobody's name: for this machine alone.

    Args:
        settings: as they were given; a secret out of the data folder is none of one's own.

    Raises:
        ConfigError
    """
    if demo and settings.production:
        raise ConfigError("the demo shop is refused in the production profile: add --no-demo")
    if is_here(settings.host) or settings.production:
        return
    if demo or not settings.secret:
        raise ConfigError(
            f"a show for development is for this machine alone, not for {settings.host}: give --no-demo and a secret "
            "of your own, or better the production profile (see docs/operations.md)"
        )


async def refuse_demo_shops(settings: Settings) -> None:
    """A shop made for a laptop has a key that lies in a folder and a room anyone may write in.

    Raises:
        ConfigError: there is one, and it is production, or others reach us.
    """
    if is_here(settings.host) and not settings.production:
        return
    async with connected(settings.database_url) as connection:
        found = await connection.fetchval("SELECT string_agg(shop_id, ', ') FROM shop WHERE demo")
    if found:
        who = "the production profile" if settings.production else f"a server that listens on {settings.host}"
        raise ConfigError(f"{who} refuses a database with a demo shop ({found}): use another database")
