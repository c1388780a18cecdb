"""The queue before a consumer: what a slow one misses, and what never."""

from __future__ import annotations

import asyncio

from livestream.client_inbox import Inbox
from livestream.protocol.events import Pinned
from livestream.protocol.pushes import AnyPush, Gauge, Live, Log


def log(seq: int) -> Log:
    return Log(seq=seq, at=0, event=Pinned())


async def test_a_full_queue_drops_live_and_gauge_counted_and_never_the_log() -> None:
    inbox = Inbox(2)
    pushes: list[AnyPush] = [log(1), Live(left_out=1), Gauge(values={}), Live(), log(2), log(3)]
    for push in pushes:
        inbox.put(push)
    inbox.end()
    read = []
    while (got := await inbox.get()) is not None:
        read.append(got)
    assert read == [log(1), Live(left_out=1), log(2), log(3)]
    assert inbox.dropped == 2


async def test_a_waiting_consumer_gets_what_comes_and_learns_of_the_end() -> None:
    inbox = Inbox(2)
    waiting = asyncio.ensure_future(inbox.get())
    await asyncio.sleep(0)
    inbox.put(log(1))
    assert await waiting == log(1)
    waiting = asyncio.ensure_future(inbox.get())
    await asyncio.sleep(0)
    inbox.end()
    assert await waiting is None


async def test_a_consumer_that_gave_up_waiting_loses_nothing() -> None:
    inbox = Inbox(2)
    waiting = asyncio.ensure_future(inbox.get())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    inbox.put(log(1))
    assert await inbox.get() == log(1)
