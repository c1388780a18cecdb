"""Keepalive: who never joins, falls silent, outlives a token or does not go is ended; the others are left alone."""

from __future__ import annotations

import asyncio

import pytest

from gateway.keepalive import Keepalive
from gateway.session import Session
from livestream.config import Settings
from livestream.protocol.errors import CloseCode
from livestream.protocol.roles import Role
from livestream.room.desk import Actor

ANN = Actor("shop", "demo", "viewer:1", "1", Role.VIEWER, "Ann", "p")


def _nothing(connection: object) -> None:
    """Renews no token."""


class Peer:
    """A connection, as keepalive sees it. `answers`: does it send a pong?"""

    def __init__(self, keepalive: Keepalive, *, joined: bool = True, answers: bool = True) -> None:
        self._keepalive = keepalive
        self._answers = answers
        self.session = Session()
        if joined:
            self.session.joined(ANN)
        self.expires_at_ms: int | None = None
        self.alive = True
        self.slot = 0
        self.deadline = 0.0
        self.pings = 0
        self.closed: CloseCode | None = None
        self.aborted = False
        keepalive.opened(self)  # type: ignore[arg-type]

    def ping(self) -> None:
        self.pings += 1
        self.alive = self._answers

    def close(self, code: CloseCode) -> None:
        if self.closed is None:
            self.closed = code
            self._keepalive.closing(self)  # type: ignore[arg-type]

    def abort(self) -> None:
        self.aborted = True


class Clocks:
    """Hours of time in no time: what keepalive reads as now, and its ticks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._loop = asyncio.get_running_loop()
        self._real = self._loop.time
        self.ahead_s = 0.0
        monkeypatch.setattr(self._loop, "time", lambda: self._real() + self.ahead_s)

    def now_ms(self) -> int:
        return int(self._loop.time() * 1000)

    async def pass_s(self, keepalive: Keepalive, seconds: int) -> None:
        for _ in range(seconds):
            self.ahead_s += 1
            keepalive.tick()
            await asyncio.sleep(0)  # timers that are due run
            await asyncio.sleep(0)


@pytest.fixture
async def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


async def test_everyone_is_pinged_once_an_interval_and_not_all_at_once(clocks: Clocks) -> None:
    keepalive = Keepalive(Settings(ping_interval_s=25), clocks.now_ms, _nothing)
    peers = [Peer(keepalive) for _ in range(1000)]
    most = 0
    for _ in range(25):
        before = sum(peer.pings for peer in peers)
        await clocks.pass_s(keepalive, 1)
        most = max(most, sum(peer.pings for peer in peers) - before)
    assert {peer.pings for peer in peers} == {1}
    assert most == 1000 / 25
    assert all(peer.closed is None for peer in peers)


@pytest.mark.parametrize(("interval_s", "pong_s"), [(25, 10), (5, 3), (5, 30), (2, 1), (1, 1), (1, 10)])
async def test_the_silent_are_closed_after_the_pong_time_and_the_others_never(
    clocks: Clocks, interval_s: int, pong_s: int
) -> None:
    keepalive = Keepalive(Settings(ping_interval_s=interval_s, pong_timeout_s=pong_s), clocks.now_ms, _nothing)
    talkers = [Peer(keepalive) for _ in range(50)]
    silent = [Peer(keepalive, answers=False) for _ in range(50)]
    pinged: dict[Peer, int] = {}
    waited: dict[Peer, int] = {}
    for second in range(3 * (interval_s + pong_s)):
        await clocks.pass_s(keepalive, 1)
        for peer in silent:
            if peer.pings:
                pinged.setdefault(peer, second)
            if peer.closed is not None:
                waited.setdefault(peer, second - pinged[peer])
    assert {peer.closed for peer in silent} == {CloseCode.PONG_TIMEOUT}
    assert all(peer.closed is None for peer in talkers)
    assert set(waited.values()) == {max(1, min(pong_s, interval_s - 1))}


async def test_a_sign_of_life_of_any_kind_will_do(clocks: Clocks) -> None:
    keepalive = Keepalive(Settings(ping_interval_s=5, pong_timeout_s=2), clocks.now_ms, _nothing)
    peer = Peer(keepalive, answers=False)
    for _ in range(60):
        await clocks.pass_s(keepalive, 1)
        peer.alive = True
    assert peer.closed is None
    assert peer.pings == 12


async def test_who_does_not_join_in_time_is_closed(clocks: Clocks) -> None:
    keepalive = Keepalive(Settings(join_timeout_ms=5000), clocks.now_ms, _nothing)
    never, late = Peer(keepalive, joined=False), Peer(keepalive, joined=False)
    await clocks.pass_s(keepalive, 4)
    late.session.joined(ANN)
    assert never.closed is None
    await clocks.pass_s(keepalive, 2)
    assert never.closed is CloseCode.JOIN_TIMEOUT
    assert late.closed is None


@pytest.mark.parametrize("ends_s", [0, 3, 24, 26, 60, 200])
async def test_a_connection_ends_with_its_token(clocks: Clocks, ends_s: int) -> None:
    keepalive = Keepalive(Settings(ping_interval_s=25), clocks.now_ms, _nothing)
    peer = Peer(keepalive)
    peer.expires_at_ms = clocks.now_ms() + ends_s * 1000
    await clocks.pass_s(keepalive, max(0, ends_s - 1))
    assert peer.closed is None
    await clocks.pass_s(keepalive, 3)
    assert peer.closed is CloseCode.TOKEN_EXPIRED


async def test_who_was_told_to_go_and_stays_is_cut(clocks: Clocks) -> None:
    keepalive = Keepalive(Settings(), clocks.now_ms, _nothing)
    peer, other = Peer(keepalive), Peer(keepalive)
    peer.close(CloseCode.SLOW)
    await clocks.pass_s(keepalive, 2)
    assert not peer.aborted
    await clocks.pass_s(keepalive, 2)
    assert peer.aborted
    assert not other.aborted
    pings = peer.pings
    await clocks.pass_s(keepalive, 60)
    assert peer.pings == pings


async def test_every_ping_brings_a_newer_token(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    renewed: list[object] = []
    keepalive = Keepalive(Settings(ping_interval_s=5, pong_timeout_s=2), clocks.now_ms, renewed.append)
    peer = Peer(keepalive)
    await clocks.pass_s(keepalive, 50)
    assert peer.pings == 10
    assert renewed == [peer] * 10
