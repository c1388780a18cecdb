"""Relays of the public beacon: none is believed, one that answers truly is enough, none holds up another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import msgspec
import pytest
from aiohttp import web

from livestream import seed
from livestream.config import Settings
from livestream.parts import Reading
from livestream.protocol.http import DrawSetup
from livestream.storage.pool import Database
from lottery.part import Lottery
from lottery.quicknet import CHAIN
from lottery.recorded import RECORDED
from lottery.relays import Relays
from tests.support.nodes import node
from tests.support.ports import free_port

_ROUND = 1000
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def relay() -> AsyncIterator[Callable[[Answer], Awaitable[str]]]:
    """Starts a relay that answers as it is told; gives its address."""
    runners = []

    async def start(answer: Answer) -> str:
        app = web.Application()
        app.router.add_get(f"/{CHAIN}/public/{{round}}", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        runners.append(runner)
        return f"http://127.0.0.1:{port}/"

    yield start
    for runner in runners:
        await runner.cleanup()


async def truth(request: web.Request) -> web.StreamResponse:
    number = int(request.match_info["round"])
    if number not in RECORDED:
        return web.json_response({"error": "no such round yet"}, status=404)
    return web.json_response({"round": number, "randomness": "00" * 32, "signature": RECORDED[number].hex()})


async def another_round(request: web.Request) -> web.StreamResponse:
    return web.json_response({"round": _ROUND, "signature": RECORDED[657413].hex()})


async def a_lie(request: web.Request) -> web.StreamResponse:
    return web.json_response({"round": _ROUND, "signature": "ab" * 48})


async def noise(request: web.Request) -> web.StreamResponse:
    return web.Response(body=b"\xff" * 100_000)


async def elsewhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/")


async def silence(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    raise AssertionError


async def in_pieces(request: web.Request) -> web.StreamResponse:
    whole = await truth(request)
    assert isinstance(whole, web.Response)
    assert isinstance(whole.body, bytes)
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for piece in (whole.body[:30], whole.body[30:]):
        await response.write(piece)
        await asyncio.sleep(0.05)
    return response


LIARS = (another_round, a_lie, noise, elsewhere)


async def test_the_first_genuine_answer_counts_whoever_lies_or_hangs(
    relay: Callable[[Answer], Awaitable[str]],
) -> None:
    urls = [await relay(each) for each in (*LIARS, silence, truth)]
    async with Relays.open(["http://127.0.0.1:1", *urls]) as relays:
        assert await relays.signature(_ROUND) == RECORDED[_ROUND]
        assert await relays.reachable()


async def test_an_answer_in_pieces_is_read_to_its_end(relay: Callable[[Answer], Awaitable[str]]) -> None:
    async with Relays.open([await relay(in_pieces)]) as relays:
        assert await relays.signature(_ROUND) == RECORDED[_ROUND]


async def test_a_relay_that_never_has_the_round_is_asked_less_and_less_until_it_has(
    relay: Callable[[Answer], Awaitable[str]],
) -> None:
    asked, now, answers = 0, 0.0, a_lie

    async def counted(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return await answers(request)

    url = await relay(counted)
    async with aiohttp.ClientSession() as session:
        relays = Relays([url], session, lambda: now)
        counts = []
        for _ in range(60):  # four times a second
            before = asked
            await relays.signature(_ROUND)
            counts.append(asked - before)
            now += 0.25
        assert counts[:9] == [1] * 9  # as all are asked while the round is made
        assert (sum(counts[9:35]), sum(counts[35:])) == (3, 1)
        answers, now = truth, now + 10
        assert await relays.signature(_ROUND) == RECORDED[_ROUND]
        before = asked
        for _ in range(8):
            await relays.signature(_ROUND)
        assert asked - before == 8


async def test_many_draws_that_wait_for_one_round_are_one_request_and_one_failure(
    relay: Callable[[Answer], Awaitable[str]],
) -> None:
    asked = 0

    async def counted(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return await truth(request)

    async with Relays.open([await relay(counted)]) as relays:
        for _ in range(4):  # turns, before the round is there
            assert await asyncio.gather(*(relays.signature(10**9) for _ in range(16))) == [None] * 16
        assert asked == 4
        assert await asyncio.gather(*(relays.signature(_ROUND) for _ in range(16))) == [RECORDED[_ROUND]] * 16
        assert asked == 5


async def test_who_stops_waiting_for_a_round_does_not_stop_the_others(
    relay: Callable[[Answer], Awaitable[str]],
) -> None:
    async with Relays.open([await relay(in_pieces)]) as relays:
        first, second = (asyncio.create_task(relays.signature(_ROUND)) for _ in range(2))
        await asyncio.sleep(0.02)
        first.cancel()
        assert await second == RECORDED[_ROUND]
        assert first.cancelled()


async def test_what_is_asked_ends_with_the_relays(relay: Callable[[Answer], Awaitable[str]]) -> None:
    async with Relays.open([await relay(silence)]) as relays:
        waiting = asyncio.create_task(relays.signature(_ROUND))
        await asyncio.sleep(0.02)
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize("answer", LIARS, ids=lambda each: each.__name__)
async def test_what_is_not_genuine_is_no_answer(answer: Answer, relay: Callable[[Answer], Awaitable[str]]) -> None:
    async with Relays.open([await relay(answer)]) as relays:
        assert await relays.signature(_ROUND) is None


async def test_a_round_that_is_not_out_yet_is_waited_for(relay: Callable[[Answer], Awaitable[str]]) -> None:
    async with Relays.open([await relay(truth)]) as relays:
        assert await relays.signature(10**9) is None


async def test_without_relays_nothing_is_known() -> None:
    async with Relays.open([]) as relays:
        assert await relays.signature(_ROUND) is None
        assert not await relays.reachable()


@pytest.mark.parametrize(("answer", "offered"), [(truth, True), (a_lie, False), (None, False)])
async def test_a_host_is_offered_the_public_beacon_only_where_a_relay_tells_the_truth(
    database: Database,
    settings: Settings,
    seeded: str,
    relay: Callable[[Answer], Awaitable[str]],
    answer: Answer | None,
    offered: bool,
) -> None:
    asked = 0

    async def counted(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        assert answer is not None
        return await answer(request)

    urls = () if answer is None else (await relay(counted),)
    async with node(database, msgspec.structs.replace(settings, drand_relays=urls)) as desk:
        lottery = next(each for each in desk.parts.runners if isinstance(each, Lottery))
        for _ in range(3):  # a host who opens the form again and again
            setup = await lottery.reads["draw_setup"](Reading({}, None, seed.SHOP, seed.ROOM))
            assert isinstance(setup, DrawSetup)
            assert setup.drand is offered
    assert asked == len(urls)
