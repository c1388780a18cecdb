"""Audience: viewers and a host in a real show, and the oracle: did each see all of it, once and in order?"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator

import asyncpg

from livestream.client import Client, CommandError, connect
from livestream.protocol.codec import Codec
from livestream.protocol.events import Said
from livestream.protocol.pushes import AnyPush, Log, Snapshot

_AGAIN = ("unavailable", "outcome_unknown", "busy", "rate_limited", None)
_ANSWER_S = 90.0  #: a command must be answered in this time, whatever is killed meanwhile


class Watcher:
    """One viewer: what came, as it came."""

    def __init__(self, ws_url: str, codec: Codec) -> None:
        self.client: Client = connect(
            ws_url, room="demo", name="Watcher", codec=codec, on_push=self._take, open_timeout_s=60
        )
        self.first = 0  #: seq of the snapshot that it began with
        self.seqs: list[int] = []
        self.texts: list[str] = []
        self.seen_at: dict[str, float] = {}
        self.resets = 0

    def _take(self, push: AnyPush) -> None:
        match push:
            case Snapshot(seq=seq):
                self.resets += bool(self.first or self.seqs)
                self.first = self.first or seq
            case Log(seq=seq, event=event):
                self.seqs.append(seq)
                if isinstance(event, Said):
                    self.texts.append(event.message.text)
                    self.seen_at[event.message.text] = time.monotonic()

    def faults(self, top: int) -> str:
        """What is wrong with what it saw; empty: nothing."""
        expected = list(range(self.first + 1, top + 1))
        stats = self.client.stats
        if self.seqs != expected or stats.gaps or stats.duplicates or self.resets:
            missing = sorted(set(expected) - set(self.seqs))[:5]
            return f"missing {missing} of {self.first}–{top}, resets {self.resets}, {stats}"
        return ""


class Speaker:
    """A host who says numbered messages and repeats each under its key until it is answered."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.name = secrets.token_hex(4)  #: begins each text, since the show may have had other speakers
        self.acked: list[str] = []
        self.said_at: dict[str, float] = {}

    async def say(self, words: str) -> str:
        """Say it, however often it takes; returns the whole text."""
        text = f"{self.name} {words}"
        deadline = time.monotonic() + _ANSWER_S
        self.said_at[text] = time.monotonic()
        while True:
            try:
                await self.client.say(text, key=f"key of {text}")
                self.acked.append(text)
                return text
            except CommandError as error:
                if error.code not in _AGAIN or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)

    async def talk(self, stop: asyncio.Event, every_s: float) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            await self.say(f"message {number}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every_s)


@contextlib.asynccontextmanager
async def audience(ws_url: str, host_token: str, count: int) -> AsyncIterator[tuple[Speaker, list[Watcher]]]:
    """A host and so many viewers, half of each codec, all in the room."""
    watchers = [Watcher(ws_url, list(Codec)[number % 2]) for number in range(count)]
    async with contextlib.AsyncExitStack() as stack:
        host = connect(ws_url, room="demo", token=host_token, on_push=lambda push: None)
        await stack.enter_async_context(host)
        for start in range(0, count, 20):
            await asyncio.gather(
                *(stack.enter_async_context(watcher.client) for watcher in watchers[start : start + 20])
            )
        yield Speaker(host), watchers


async def settled(watchers: list[Watcher], text: str, timeout_s: float = 60) -> None:
    """Wait until each has seen this message."""
    deadline = time.monotonic() + timeout_s
    while not all(text in watcher.seen_at for watcher in watchers):
        late = [watcher for watcher in watchers if text not in watcher.seen_at]
        assert time.monotonic() < deadline, f"{len(late)} never saw {text!r}: {late[0].client.stats}"
        await asyncio.sleep(0.05)


async def verdict(database_url: str, speaker: Speaker, watchers: list[Watcher]) -> None:
    """Every acked message is in Postgres once, and everybody saw exactly the log.

    Raises:
        AssertionError: with what is wrong.
    """
    await settled(watchers, await speaker.say("the end"))
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "SELECT body->>'text' AS text FROM host_message WHERE room_id = 'demo' AND body->>'text' LIKE $1",
            f"{speaker.name}%",
        )
        seqs = await connection.fetch("SELECT seq FROM room_log WHERE room_id = 'demo' ORDER BY seq")
    finally:
        await connection.close()
    kept = [row["text"] for row in rows]
    assert sorted(kept) == sorted(speaker.acked), "acked and kept differ"
    top = len(seqs)
    assert [row["seq"] for row in seqs] == list(range(1, top + 1)), "the log has a gap"
    wrong = [fault for watcher in watchers if (fault := watcher.faults(top))]
    assert not wrong, f"{len(wrong)} of {len(watchers)} viewers: {wrong[0]}"
    assert all(watcher.texts == watchers[0].texts for watcher in watchers)
