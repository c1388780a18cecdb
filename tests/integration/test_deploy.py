"""Deploy: the nginx example carries a real show, and what else lies in deploy/ names only what exists."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from gateway.http import DIST
from livestream.auth import ShopKey
from livestream.client import connect
from livestream.config import Settings
from livestream.protocol.codec import Codec
from livestream.protocol.replies import Ok, Posted
from livestream.protocol.roles import Role
from tests.support.audience import Speaker, Watcher, settled
from tests.support.gateways import Gateways, clean_environ
from tests.support.people import People
from tests.support.proxy import Proxy

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
NEAR = ("127.0.0.1",)
Through = Callable[[Gateways], Proxy]


@pytest.fixture
def through(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Through]:
    """nginx before these gateways; this process trusts its certificate."""
    with contextlib.ExitStack() as running:

        def start(gateways: Gateways) -> Proxy:
            proxy = Proxy(folder, gateways.settings.port)
            monkeypatch.setenv("SSL_CERT_FILE", str(proxy.certificate))
            return running.enter_context(proxy.running())

        yield start


def test_nginx_takes_the_example(folder: Path) -> None:
    checked = Proxy(folder, 8080).check()
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr


async def test_a_host_message_reaches_viewers_through_nginx(
    start_gateway: Callable[..., Gateways], through: Through, people: People
) -> None:
    proxy = through(start_gateway(trusted_proxies=NEAR))
    watchers = [Watcher(proxy.ws_url, codec) for codec in Codec]
    async with contextlib.AsyncExitStack() as stack:
        for watcher in watchers:
            await stack.enter_async_context(watcher.client)
        token = people.token("ada", Role.HOST)
        host = await stack.enter_async_context(connect(proxy.ws_url, room=people.room, token=token))
        speaker = Speaker(host)
        for number in range(20):
            text = await speaker.say(f"message {number}")
        await settled(watchers, text, timeout_s=10)
        top = max(watcher.seqs[-1] for watcher in watchers)
        assert [watcher.faults(top) for watcher in watchers] == ["", ""]


async def test_a_page_behind_nginx_is_of_the_same_origin_and_others_are_not(
    start_gateway: Callable[..., Gateways], through: Through
) -> None:
    proxy = through(start_gateway(trusted_proxies=NEAR))
    await (await opened(proxy.ws_url, origin=proxy.url)).close()
    assert await refusal(proxy.ws_url, origin="https://elsewhere.example.com") == 403


async def test_clients_behind_a_trusted_proxy_are_counted_apart(
    start_gateway: Callable[..., Gateways], through: Through
) -> None:
    proxy = through(start_gateway(trusted_proxies=NEAR, sockets_per_address=1))
    async with await opened(proxy.ws_url, source="127.0.0.2"):
        assert await refusal(proxy.ws_url, source="127.0.0.2") == 429
        await (await opened(proxy.ws_url, source="127.0.0.3")).close()


async def test_what_a_client_forwards_itself_does_not_count(
    start_gateway: Callable[..., Gateways], through: Through
) -> None:
    gateways = start_gateway(trusted_proxies=NEAR, sockets_per_address=1)
    proxy = through(gateways)
    async with await opened(proxy.ws_url, source="127.0.0.2"):
        assert await refusal(proxy.ws_url, source="127.0.0.2", forwarded="198.51.100.7") == 429
        # Nor past the proxy, from an address that nobody trusts.
        assert await refusal(gateways.ws_url, source="127.0.0.2", forwarded="198.51.100.7") == 429


async def test_without_trust_all_clients_of_a_proxy_are_one_address(
    start_gateway: Callable[..., Gateways], through: Through
) -> None:
    proxy = through(start_gateway(sockets_per_address=1))
    async with await opened(proxy.ws_url, source="127.0.0.2"):
        assert await refusal(proxy.ws_url, source="127.0.0.3") == 429


def test_http_is_sent_to_https_and_metrics_stay_inside(
    start_gateway: Callable[..., Gateways], through: Through
) -> None:
    gateways = start_gateway(trusted_proxies=NEAR)
    proxy = through(gateways)
    assert asked(f"http://localhost:{proxy.http_port}/r/demo")[:2] == (308, "https://localhost/r/demo")
    assert asked(f"{gateways.url}/metrics")[0] == 200
    assert asked(f"{proxy.url}/metrics")[0] == 404
    assert asked(f"{proxy.url}/readyz")[0] == 200


@pytest.mark.skipif(not DIST.joinpath("assets").is_dir(), reason="the pages are not built: `make pages`")
def test_assets_are_cached_for_as_long_as_their_name_holds(
    start_gateway: Callable[..., Gateways], through: Through
) -> None:
    proxy = through(start_gateway(trusted_proxies=NEAR))
    files = sorted(path.name for path in (DIST / "assets").iterdir() if path.is_file())
    hashed = [name for name in files if re.search(r"-[\w-]{8}\.\w+$", name)]
    assert hashed
    assert hashed != files
    for name in files:
        status, _, cache = asked(f"{proxy.url}/assets/{name}")
        assert (status, cache) == (200, "max-age=31536000" if name in hashed else "max-age=3600"), name
    assert asked(f"{proxy.url}/r/demo")[::2] == (200, "no-cache")


async def test_the_first_shop_of_the_manual_is_open(start_gateway: Callable[..., Gateways], settings: Settings) -> None:
    found = re.search(r"(?s)## The first shop.*?```\n(livestream shop create .*?)\n```", OPERATIONS.read_text())
    assert found is not None
    _, *arguments = shlex.split(found[1])
    made = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "livestream", *arguments],
        env=clean_environ(
            DATABASE_URL=settings.database_url, REDIS_URL=settings.redis_url, LIVESTREAM_SECRET=settings.secret
        ),
        capture_output=True,
        text=True,
        check=True,
    )
    told = dict(line.split(None, 1) for line in made.stdout.splitlines())
    assert (told["shop"], told["room"], len(told["key"])) == ("myshop", "main", 64)
    shop = People(ShopKey(told["kid"], "myshop", "HS256", told["key"]))
    gateways = start_gateway()
    async with connect(gateways.ws_url, room="main", token=shop.token("ada", Role.HOST)) as host:
        assert isinstance(await host.schedule("Opening night", int(time.time() * 1000) + 60_000), Posted)
        assert isinstance(await host.set_show("live"), Ok)


async def opened(
    url: str, *, source: str = "127.0.0.1", origin: str | None = None, forwarded: str | None = None
) -> ClientConnection:
    """A websocket from this address of the machine."""
    return await open_websocket(
        url,
        subprotocols=[Subprotocol("livestream.v1.json")],
        origin=None if origin is None else Origin(origin),
        additional_headers=None if forwarded is None else {"X-Forwarded-For": forwarded},
        local_addr=(source, 0),
        proxy=None,
    )


async def refusal(url: str, **how: str) -> int:
    """The status with which a handshake is refused."""
    with pytest.raises(InvalidStatus) as refused:
        await opened(url, **how)
    return refused.value.response.status_code


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object) -> None:
        return None


def asked(url: str) -> tuple[int, str | None, str | None]:
    """Status, Location and Cache-Control of a GET."""
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return answer.status, None, answer.headers["Cache-Control"]
    except urllib.error.HTTPError as other:
        with other:
            return other.code, other.headers["Location"], other.headers["Cache-Control"]
