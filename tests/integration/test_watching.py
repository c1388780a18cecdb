"""Watching: who is in the room, and since when, by the tokens that pings bring. An absence is no watching."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from livestream import seed
from livestream.auth import Identity, read_resume
from livestream.config import Settings
from livestream.deployment import secret_of
from livestream.protocol.commands import OpenDraw
from livestream.protocol.draws import DrawNeeds
from tests.support.gateways import Gateways
from tests.support.live_draws import HOST, commitment, create
from tests.support.nodes import Node
from tests.support.people import People
from tests.support.wsclient import WsClient, joined

BREAK_S = 3  #: two pings and a pong
_FOR_EVER_S = 10**6


@pytest.fixture
def gateway(start_gateway: Callable[..., Gateways]) -> Gateways:
    """Two processes: who comes back is let in by any of them."""
    return start_gateway(count=2, ping_interval_s=1, pong_timeout_s=1)


def said_by(settings: Settings, token: str, *, at_ms: int = 0) -> Identity:
    return read_resume(secret_of(settings), token, seed.ROOM, at_ms, _FOR_EVER_S).identity


@contextlib.asynccontextmanager
async def back(gateway: Gateways, token: str, before: WsClient) -> AsyncIterator[WsClient]:
    """In again, with what the last line left."""
    view = msgspec.to_builtins(before.view)
    resume: dict[str, Any] = {"token": token, "epoch": before.view.epoch, "seq": before.view.seq}
    async with joined(gateway.ws_url, state=view, resume=resume) as client:
        assert client.joined["resumed"]
        yield client


async def renewed(client: WsClient) -> str:
    """The newest token, of two pings at least."""
    await client.until(lambda: len(client.of("renewed")) >= 2)
    token: str = client.of("renewed")[-1]["resume"]
    return token


async def test_a_break_of_the_line_counts_and_an_absence_does_not(gateway: Gateways, people: People) -> None:
    async with joined(gateway.ws_url, token=people.token("ann")) as first:
        since_ms = said_by(gateway.settings, first.joined["resume"]).since_ms
        kept = await renewed(first)
    assert said_by(gateway.settings, kept).since_ms == since_ms > 0
    async with back(gateway, kept, first) as second:
        assert said_by(gateway.settings, second.joined["resume"]).since_ms == since_ms
        kept = await renewed(second)
    await asyncio.sleep(BREAK_S + 0.5)
    async with back(gateway, kept, second) as third:
        since_then_ms = said_by(gateway.settings, third.joined["resume"]).since_ms
        assert since_then_ms - since_ms > BREAK_S * 1000  # all of it went, and not only what was too much
        assert said_by(gateway.settings, await renewed(third)).since_ms == since_then_ms


async def test_who_was_away_has_not_watched_enough_for_a_draw(gateway: Gateways, people: People, desk: Node) -> None:
    wanted_s = 2 * BREAK_S + 1
    draw_id = await create(desk, needs=DrawNeeds(watched_s=wanted_s))
    await desk.run(HOST, OpenDraw(ref=1, draw=draw_id, commitments=[commitment(draw_id)], names=["Ada"]))
    async with joined(gateway.ws_url, token=people.token("ann")) as first:
        kept = await renewed(first)
    await asyncio.sleep(wanted_s)
    async with back(gateway, kept, first) as second:
        refused = await second.ask("enter_draw", draw=draw_id)
        assert refused["code"] == "draw_not_eligible"
        await asyncio.sleep(wanted_s)
        assert (await second.ask("enter_draw", draw=draw_id))["t"] == "entered"
