"""What the load test asks of a deployment: nothing is made twice, and nothing is touched that was not named."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from aiohttp import web

from loadtest import own
from loadtest.faults.hurt import HurtError, hurt
from loadtest.messages import Signing
from loadtest.scenario import Fault
from loadtest.shop import Shop, ShopError
from loadtest.target import Target
from tests.support.feigned import feigned
from tests.support.plants import Plant


@contextlib.asynccontextmanager
async def answering(*statuses: int) -> AsyncIterator[tuple[Shop, list[str]]]:
    """A shop at a server that answers so, one after another, and 0 not at all; with the paths that were asked."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path.rpartition("/")[2])
        status = statuses[min(len(asked), len(statuses)) - 1]
        if not status:
            assert request.transport is not None
            request.transport.abort()
        made = {"shop": "s-r", "room": "r", "kid": "k", "key": "x"}
        return web.json_response(made, status=status or 200)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    signing = Signing(shop="s", kid="k", key="k" * 32)
    try:
        async with Shop(f"http://127.0.0.1:{runner.addresses[0][1]}", "s", signing) as shop:
            yield shop, asked
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("status", [0, 500, 504])
async def test_what_is_made_anew_each_time_is_asked_once_where_nobody_knows_what_became_of_it(status: int) -> None:
    async with answering(status, 200) as (shop, asked):
        with pytest.raises(ShopError):
            await shop.rehearse("main")
        assert asked == ["rehearse"]
    async with answering(status, 200) as (shop, asked):
        with pytest.raises(ShopError):
            await shop.add_key()
        assert asked == ["add_key"]


async def test_what_was_surely_not_done_is_asked_again() -> None:
    async with answering(503, 429, 200) as (shop, asked):
        assert await shop.rehearse("main") == ("s-r", "r")
        assert asked == ["rehearse"] * 3
    async with answering(0, 200) as (shop, asked):
        await shop.erase("r")
        assert asked == ["erase_rehearsal"] * 2, "twice is once"


async def test_only_the_database_that_is_named_is_emptied(redis_url: str) -> None:
    urls = [f"{redis_url}{'&' if '?' in redis_url else '?'}db={number}" for number in (0, 1)]
    clients = [redis.asyncio.Redis.from_url(url) for url in urls]
    try:
        for client in clients:
            await client.set("here", "1")
        await hurt(Fault(at_s=0, do="flush_redis"), Target(redis_url=urls[1]))
        assert [await client.exists("here") for client in clients] == [1, 0]
    finally:
        for client in clients:
            await client.flushdb()
            await client.aclose()


async def test_a_command_that_fails_is_told() -> None:
    with pytest.raises(HurtError, match="false ended with 1"):
        await hurt(Fault(at_s=0, do="restart_postgres"), Target(restart_postgres=["false"]))


async def test_a_server_of_our_own_is_asked_past_every_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with feigned(Plant.NOTHING) as server:
        assert await own.answers(f"{server.url}/v1/rooms/main")
    assert not await own.answers("http://127.0.0.1:9")
