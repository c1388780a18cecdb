"""Run: from what was asked on the command line to a crowd in a room, and to the summary at its end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit

from rich.console import Console

from livestream import seed
from livestream.auth import mint
from livestream.config import ConfigError, Settings
from livestream.deployment import resolve
from livestream.descriptors import raise_limit
from livestream.protocol.roles import Role

from .crowd import TURN_S, Crowd, Viewer
from .people import Person, audience
from .screen import show
from .tally import Tally

_PER_ADDRESS = 1000  #: a gateway lets so many in from one address and more, but not all of a flood
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  #: what listens everywhere listens here too
_TOKEN_S = 24 * 3600
_SPARE_FILES = 64
_PROBE_S = 3.0


class NobodyThere(Exception):
    """No server answers."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for."""

    viewers: int
    comments_per_s: float
    room: str
    url: str | None
    seconds: float | None
    ramp_s: float | None
    signed_in: bool
    seed: int | None


async def run(settings: Settings, wish: Wish, say: Callable[[str], None]) -> Tally:
    """Fill the room until Ctrl-C or the end of the time.

    Raises:
        NobodyThere, ConfigError
    """
    url = wish.url or _url_here(settings)
    await _probe(url, settings)
    _allow_files(wish.viewers)
    random = Random(wish.seed)
    people = audience(wish.viewers, random)
    tokens = await _tokens(settings, people, wish.room) if wish.signed_in else [None] * len(people)
    viewers = [
        Viewer(person, token, _local_addr(url, number))
        for number, (person, token) in enumerate(zip(people, tokens, strict=True))
    ]
    tally = Tally(wish.viewers)
    crowd = Crowd(url, wish.room, viewers, _pace(wish, say), _ramp_s(wish), random, tally)
    await _watch(crowd, wish, f"{wish.viewers} viewers in {wish.room!r} at {url}", say)
    say(tally.summary())
    return tally


def _url_here(settings: Settings) -> str:
    """Where this machine reaches what `serve` with the same settings listens on."""
    host = _ANY.get(settings.host, settings.host)
    return f"ws://{f'[{host}]' if ':' in host else host}:{settings.port}/v1/ws"


async def _watch(crowd: Crowd, wish: Wish, title: str, say: Callable[[str], None]) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if wish.seconds is not None:
        loop.call_later(wish.seconds, stop.set)
    async with crowd.running():
        await show(crowd.tally, title, Console(), stop, say)


async def _probe(url: str, settings: Settings) -> None:
    """Raises:
    NobodyThere
    """
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ConfigError(f"--url {url!r} is not of the form ws://host:port/v1/ws")
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    try:
        async with asyncio.timeout(_PROBE_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError):
        flags = "" if settings.port == Settings().port else f" --port {settings.port}"
        raise NobodyThere(f"nobody answers at {url}; start it with: livestream serve{flags}") from None
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _pace(wish: Wish, say: Callable[[str], None]) -> float:
    most = wish.viewers / (TURN_S * 1.25)
    if wish.comments_per_s > most:
        say(f"{wish.viewers} viewers write {most:.0f} comments a second at most: each writes once in 2 to 3 s")
    return min(wish.comments_per_s, most)


def _ramp_s(wish: Wish) -> float:
    """Some seconds of arrivals: a room that fills is nicer to watch than one that is full."""
    return wish.ramp_s if wish.ramp_s is not None else min(30.0, 2.0 + wish.viewers / 100)


def _local_addr(url: str, number: int) -> tuple[str, int] | None:
    """On this machine there are addresses enough; a real crowd does not come from one either."""
    if urlsplit(url).hostname != "127.0.0.1":
        return None
    return f"127.0.0.{2 + number // _PER_ADDRESS}", 0


async def _tokens(settings: Settings, people: list[Person], room: str) -> list[str | None]:
    """Tokens under the people's names, signed with the demo shop's key.

    Raises:
        ConfigError: no deployment of ours, or one without a demo shop.
    """
    key = await seed.signing_key(resolve(settings).database_url, seed.SHOP)
    if key is None:
        raise ConfigError("--signed-in needs the demo shop, which this deployment has not")
    now_ms = int(time.time() * 1000)
    return [
        mint(
            key,
            viewer_id=f"demo-{number}",
            role=Role.VIEWER,
            name=person.name,
            room_id=room,
            ttl_s=_TOKEN_S,
            now_ms=now_ms,
        )
        for number, person in enumerate(people, 1)
    ]


def _allow_files(viewers: int) -> None:
    """Each viewer is an open file; shells allow 1,024 by default and more on request."""
    most = raise_limit()
    if most < viewers + _SPARE_FILES:
        raise ConfigError(f"this system allows {most} open files a process: at most {most - _SPARE_FILES} viewers")
