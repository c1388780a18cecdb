"""Rush: 100,000 people with tokens of their own enter one draw over websockets, beside sockets that only watch.

    python -m tests.bench.draw_rush [--entries 100000] [--watchers 5000] [--wave 20000] [--clients 2] [--gateways 2]

A machine has too few ports and descriptors for 100,000 sockets at once, so
people come in waves: a wave joins, all of it enters at the same moment, and
leaves. Two times are told: of the entries alone (from the first one sent to the
last receipt, summed over the waves), and of everything, joins and leaves too.
Then the draw closes, and the database's own clock tells how long root and
winners took. Every receipt is held against Postgres.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import multiprocessing as mp
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import uvloop

from livestream import auth, seed
from livestream.account import account
from livestream.client import connect
from livestream.datadir import DataDir
from livestream.protocol.draws import BeaconKind, DrawRooted
from livestream.protocol.pushes import Log
from livestream.protocol.roles import Role
from tests.support.live_draws import COHOST_SECRET, commitment, plan
from tests.support.shows import show

_PER_ADDRESS = 500  #: sockets from one loopback address, below the limit a process and address
_JOINING = 400  #: handshakes under way at once in a client process
_HANDSHAKE = (
    b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: livestream.v1.json\r\n\r\n"
)
_decode = msgspec.json.Decoder().decode


def _frame(message: dict[str, Any]) -> bytes:
    """One masked text frame; the mask is zero, so the payload stands as it is."""
    payload = json.dumps([message]).encode()
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0xFE)) + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


class Person(asyncio.Protocol):
    """One socket: joins, and enters when it is told to."""

    def __init__(self, token: str) -> None:
        loop = asyncio.get_running_loop()
        self.joined: asyncio.Future[None] = loop.create_future()
        self.entered: asyncio.Future[str] = loop.create_future()
        self._token = token
        self._loop = loop
        self._buffer = b""
        self._open = False
        self._enter = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(_HANDSHAKE)

    def connection_lost(self, exc: Exception | None) -> None:
        for future in (self.joined, self.entered):
            if not future.done():
                future.set_exception(ConnectionError(str(exc)))
                future.exception()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head:
                self.joined.set_exception(ConnectionError(head.decode(errors="replace")[:200]))
                self.transport.close()
                return
            self._open, self._buffer = True, rest
            self.transport.write(_frame({"t": "join", "ref": 1, "room": seed.ROOM, "token": self._token}))
        while (payload := self._next()) is not None:
            self._read(payload)

    def _next(self) -> bytes | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 127, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(buffer[2:start], "big")
        if len(buffer) < start + size:
            return None
        opcode = buffer[0] & 15
        self._buffer = buffer[start + size :]
        if opcode == 9:
            self.transport.write(b"\x8a\x80\0\0\0\0")
        return buffer[start : start + size] if opcode in (1, 2) else b"[]"

    def _read(self, payload: bytes) -> None:
        if self.entered.done() or (self.joined.done() and b'"ref":2' not in payload):
            return
        for message in _decode(payload):
            match message["t"]:
                case "joined" if not self.joined.done():
                    self.joined.set_result(None)
                case "entered":
                    self.entered.set_result(message["receipt"]["entry_id"])
                case "error" if message.get("temporary"):
                    self._loop.call_later(message.get("retry_after_ms", 500) / 1000, self.transport.write, self._enter)
                case "error":
                    (self.entered if self.joined.done() else self.joined).set_exception(ConnectionError(str(message)))

    def enter(self, draw_id: str) -> None:
        self._enter = _frame({"t": "enter_draw", "ref": 2, "draw": draw_id, "key": "k"})
        self.transport.write(self._enter)


async def _arrive(port: int, tokens: Sequence[str], lane: int) -> list[Person]:
    """Connect and join all of them."""
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(_JOINING)

    async def one(place: int, token: str) -> Person:
        address = f"127.0.{lane}.{1 + place // _PER_ADDRESS}"
        async with gate:
            for attempt in itertools.count():
                person = Person(token)
                try:
                    await loop.create_connection(
                        lambda person=person: person, "127.0.0.1", port, local_addr=(address, 0)
                    )
                    await person.joined
                    return person
                except OSError:
                    if attempt == 5:
                        raise
                    await asyncio.sleep(0.2)
        raise AssertionError

    return list(await asyncio.gather(*(one(place, token) for place, token in enumerate(tokens))))


async def _crowd(port: int, draw_id: str, waves: Sequence[Sequence[str]], lane: int, talk: Connection) -> None:
    loop = asyncio.get_running_loop()
    for wave in waves:
        people = await _arrive(port, wave, lane)
        talk.send(("joined", len(people)))
        await loop.run_in_executor(None, talk.recv)  # everybody is here: go
        began = time.time()
        for start in range(0, len(people), 200):
            for person in people[start : start + 200]:
                person.enter(draw_id)
            await asyncio.sleep(0)
        entered = await asyncio.gather(*(person.entered for person in people))
        talk.send(("entered", began, time.time(), entered))
        for person in people:
            person.transport.abort()
        await asyncio.sleep(0.5)


async def _watch(port: int, tokens: Sequence[str], lane: int, talk: Connection) -> None:
    people = await _arrive(port, tokens, lane)
    talk.send(("joined", len(people)))
    await asyncio.get_running_loop().run_in_executor(None, talk.recv)
    # The gateways hand some over to one another, as they do with viewers: those come back.
    moved = [place for place, person in enumerate(people) if person.transport.is_closing()]
    back = await _arrive(port, [tokens[place] for place in moved], lane + 1)
    talk.send(("open", len(people) - len(moved), len(back)))


def _process(what: Any, *arguments: Any) -> tuple[mp.Process, Connection]:
    ours, theirs = mp.Pipe()
    process = mp.Process(target=_run, args=(what, *arguments, theirs), daemon=True)
    process.start()
    return process, ours


def _run(what: Any, *arguments: Any) -> None:
    uvloop.run(what(*arguments))


def _tokens(key: auth.ShopKey, prefix: str, count: int) -> list[str]:
    now_ms = int(time.time() * 1000)
    return [
        auth.mint(
            key,
            viewer_id=f"{prefix}{n}",
            role=Role.VIEWER,
            name=f"{prefix}{n}",
            room_id=None,
            ttl_s=3600,
            now_ms=now_ms,
        )
        for n in range(count)
    ]


async def _reveal(host: Any, draw_id: str) -> None:
    async for push in host:
        if isinstance(push, Log) and isinstance(push.event, DrawRooted) and push.event.draw == draw_id:
            await host.reveal_draw(draw_id, 2, COHOST_SECRET.hex())
            return


async def _measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    with show(folder, "--gateways", str(options.gateways)) as running:
        await asyncio.to_thread(running.wait_until_ready)
        dsn = DataDir(Path(running.data_dir), account()).database_url
        key = await seed.signing_key(dsn, seed.SHOP)
        assert key is not None
        tokens = _tokens(key, "v", options.entries)
        token = auth.mint(
            key, viewer_id="host", role=Role.HOST, name="host", room_id=None, ttl_s=3600, now_ms=int(time.time() * 1000)
        )
        async with connect(f"ws://127.0.0.1:{running.port}/v1/ws", room=seed.ROOM, token=token) as host:
            draw_id = (await host.create_draw(plan(beacon=BeaconKind.COHOSTS, seconds=None))).draw
            await host.open_draw(draw_id, commitments=[commitment(draw_id)], names=["host"])
            reveal = asyncio.create_task(_reveal(host, draw_id))
            _, watchers = _process(_watch, running.port, _tokens(key, "w", options.watchers), 250)
            await asyncio.to_thread(watchers.recv)
            share = options.wave // options.clients
            crowds = []
            for number in range(options.clients):
                own = tokens[number :: options.clients]
                waves = [own[start : start + share] for start in range(0, len(own), share)]
                crowds.append((len(waves), _process(_crowd, running.port, draw_id, waves, 1 + number)[1]))
            began = time.time()
            spans, ids = [], []
            for _ in range(max(count for count, _ in crowds)):
                for _, talk in crowds:
                    await asyncio.to_thread(talk.recv)
                for _, talk in crowds:
                    talk.send("go")
                told = [await asyncio.to_thread(talk.recv) for _, talk in crowds]
                spans.append(max(each[2] for each in told) - min(each[1] for each in told))
                for each in told:
                    ids += each[3]
            whole_s = time.time() - began
            watchers.send("count")
            _, stayed, came_back = await asyncio.to_thread(watchers.recv)
            await host.close_draw(draw_id)
            await reveal
            figures = await _ended(dsn, draw_id, ids)
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "gateways": options.gateways,
        "entries": len(ids),
        "load_average_at_the_end": os.getloadavg()[0],
        "watchers_who_stayed": stayed,
        "watchers_handed_over_and_back": came_back,
        "entries_s": round(sum(spans), 2),
        "entries_per_s": round(len(ids) / sum(spans)),
        "waves_s": [round(span, 2) for span in spans],
        "with_joins_and_leaves_s": round(whole_s, 1),
        **figures,
    }


async def _ended(dsn: str, draw_id: str, ids: Sequence[str]) -> dict[str, Any]:
    connection = await asyncpg.connect(dsn)
    try:
        while await connection.fetchval("SELECT state FROM draw WHERE draw_id = $1", draw_id) != "drawn":
            await asyncio.sleep(0.1)
        stored = {row["id"] for row in await connection.fetch("SELECT encode(entry_id, 'hex') AS id FROM draw_entry")}
        row = await connection.fetchrow(
            """
            SELECT extract(epoch FROM rooted_at - closed_at)::float AS root_s,
                   extract(epoch FROM drawn_at - (SELECT max(at) FROM draw_reveal))::float AS drawn_s, entries
              FROM draw WHERE draw_id = $1""",
            draw_id,
        )
    finally:
        await connection.close()
    assert row is not None
    return {
        "lost": len(set(ids) - stored),
        "unasked": len(stored - set(ids)),
        "double": len(ids) - len(set(ids)),
        "counted": row["entries"],
        "close_to_root_s": round(row["root_s"], 3),
        "beacon_to_winners_s": round(row["drawn_s"], 3),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--watchers", type=int, default=5_000)
    parser.add_argument("--wave", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--gateways", type=int, default=2)
    parser.add_argument("--out", type=Path, help="also write the figures there, as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="livestream-") as folder:
        os.chmod(folder, 0o755)
        figures = asyncio.run(_measure(options, Path(folder)))
    text = json.dumps(figures, indent=1)
    sys.stdout.write(text + "\n")
    if options.out:
        options.out.write_text(text + "\n")
    return int(figures["lost"] or figures["double"] or figures["unasked"])


if __name__ == "__main__":
    sys.exit(main())
