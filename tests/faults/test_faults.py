"""Everything is killed, paused and flushed while a host speaks: nothing acked is lost, skipped or seen twice.

The quick form hurts each part once; the trial does it again and again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import redis.asyncio

from livestream.account import account
from livestream.config import Settings
from livestream.datadir import DataDir
from livestream.protocol.errors import CloseCode
from tests.support.audience import Speaker, Watcher, audience, settled, verdict
from tests.support.commands import livestream
from tests.support.folders import open_folder
from tests.support.record import Record
from tests.support.shows import Show, show

pytestmark = pytest.mark.alone  # it counts seconds, or what the whole machine holds

Hurt = Callable[[Show], Awaitable[None]]
GATEWAY, WORKER = ("livestream gateway",), ("livestream worker",)
POSTGRES, VALKEY = ("bin/postgres", "-D"), ("valkey-server",)
_RATE = {"LIVESTREAM_STAFF_RATE_BURST": "1000", "LIVESTREAM_STAFF_RATE_PER_S": "1000"}


@pytest.fixture(scope="module")
def running() -> Iterator[Show]:
    with open_folder() as folder, show(folder, "--gateways", "2", **_RATE) as started:
        started.wait_until_ready()
        yield started


def data_of(started: Show) -> DataDir:
    return DataDir(Path(started.data_dir), account())


@contextlib.asynccontextmanager
async def full_house(started: Show, count: int) -> AsyncIterator[tuple[Speaker, list[Watcher]]]:
    token = livestream(*started.options, "token", "--role", "host", "--viewer", "host").stdout.strip()
    async with audience(f"ws://127.0.0.1:{started.port}/v1/ws", token, count) as (speaker, watchers):
        yield speaker, watchers


def kill(*words: str) -> Hurt:
    async def hurt(started: Show) -> None:
        os.kill(started.pid_of(*words), signal.SIGKILL)

    return hurt


def pause(seconds: float, *words: str) -> Hurt:
    async def hurt(started: Show) -> None:
        pid = started.pid_of(*words)
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    return hurt


async def flush(started: Show) -> None:
    client = redis.asyncio.Redis.from_url(data_of(started).redis_url)
    await client.flushall()
    await client.aclose()


async def recovered(started: Show, speaker: Speaker, watchers: list[Watcher]) -> None:
    """Everybody is back when the next message reached everybody."""
    await settled(watchers, await speaker.say(f"after the fault at {time.monotonic()}"))


async def hurt_under_traffic(started: Show, faults: dict[str, Hurt], viewers: int, record: Record) -> None:
    """One round: every fault after the other, then the verdict."""
    async with full_house(started, viewers) as (speaker, watchers):
        stop = asyncio.Event()
        talking = asyncio.create_task(speaker.talk(stop, every_s=0.03))
        await asyncio.sleep(0.5)
        for name, hurt in faults.items():
            await hurt(started)
            ended = time.monotonic()
            await recovered(started, speaker, watchers)
            record.recovered(name, time.monotonic() - ended)
            await asyncio.sleep(1.0)
            await recovered(started, speaker, watchers)  # what died may have been noticed only now
        stop.set()
        await talking
        await verdict(data_of(started).database_url, speaker, watchers)
        record.rounds += 1
        record.messages += len(speaker.acked)
        record.resumes += sum(watcher.client.stats.resumes for watcher in watchers)
        record.reconnects += sum(watcher.client.stats.closes for watcher in watchers)


@pytest.mark.parametrize(
    "hurt",
    [
        kill(*GATEWAY),
        kill(*WORKER),
        kill(*VALKEY),
        kill(*POSTGRES),
        flush,
        pause(5, *GATEWAY),
        pause(5, *VALKEY),
        pause(5, *POSTGRES),
    ],
    ids=[
        "gateway killed", "worker killed", "valkey killed", "postgres killed", "flushall",
        "gateway paused", "valkey paused", "postgres paused",
    ],
)  # fmt: skip
async def test_nothing_is_lost_or_repeated_when(running: Show, hurt: Hurt) -> None:
    await hurt_under_traffic(running, {"": hurt}, 30, Record(30))


_BEATS_AWAY = 3  #: half as long while Redis is away


async def test_while_redis_is_away_the_log_goes_on_and_is_at_most_a_heartbeat_behind(running: Show) -> None:
    async with full_house(running, 20) as (speaker, watchers):
        await settled(watchers, await speaker.say("before"))
        pid = running.pid_of(*VALKEY)
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(5.0)  # until it counts as away
            for number in range(5):
                await settled(watchers, await speaker.say(f"without redis {number}"), timeout_s=10)
        finally:
            os.kill(pid, signal.SIGCONT)
        for text in [each for each in speaker.acked if "without redis" in each]:
            # The process that has the host tells its own at once; the other finds it with its next beats.
            seen = sorted(watcher.seen_at[text] for watcher in watchers)
            assert seen[len(seen) * 3 // 4] - seen[0] <= _BEATS_AWAY * Settings().heartbeat_ms / 2000
        await verdict(data_of(running).database_url, speaker, watchers)


def _runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_a_drain_sends_everybody_away_with_a_code_that_says_resume(running: Show) -> None:
    async with full_house(running, 20) as (speaker, watchers):
        await settled(watchers, await speaker.say("before"))
        draining = running.pid_of(*GATEWAY)
        os.kill(draining, signal.SIGTERM)
        async with asyncio.timeout(30):
            while _runs(draining):  # it sends them away one after the other
                await asyncio.sleep(0.05)
        await recovered(running, speaker, watchers)
        sent_away = [watcher.client.stats for watcher in watchers if watcher.client.stats.closes]
        assert sent_away
        assert all(str(int(CloseCode.DRAIN)) in stats.last_trouble for stats in sent_away), sent_away
        assert all(stats.resumes for stats in sent_away)
        await verdict(data_of(running).database_url, speaker, watchers)


EACH_ROUND = {
    "gateway killed": kill(*GATEWAY),
    "Postgres killed": kill(*POSTGRES),
    "Valkey killed": kill(*VALKEY),
    "worker killed": kill(*WORKER),
    "FLUSHALL": flush,
    "gateway paused 10 s": pause(10, *GATEWAY),
    "Postgres paused 10 s": pause(10, *POSTGRES),
    "Valkey paused 10 s": pause(10, *VALKEY),
    "worker paused 10 s": pause(10, *WORKER),
}
REDIS_AWAY = {"Valkey paused 60 s": pause(60, *VALKEY)}
_VIEWERS, _ROUNDS, _REDIS_AWAY_EACH = 300, 20, 5


@pytest.mark.trial
async def test_again_and_again(running: Show) -> None:
    record = Record(_VIEWERS)
    for number in range(_ROUNDS):
        faults = EACH_ROUND if number % _REDIS_AWAY_EACH else EACH_ROUND | REDIS_AWAY
        await hurt_under_traffic(running, faults, _VIEWERS, record)
        sys.stderr.write(f"round {number + 1} of {_ROUNDS}: {record.messages:,} messages so far\n")
        record.write()
