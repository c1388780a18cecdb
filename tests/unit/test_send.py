"""The send loop: what it takes, what it leaves to the transports, and that the two never tear a frame together."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import random
import shutil
import socket
import sys
import sysconfig
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from gateway import fanout as fanout_module
from gateway import send
from gateway.connection import Connection
from gateway.fanout import Fanout
from gateway.handshake import Accepted
from livestream.config import Settings
from livestream.protocol.codec import Codec
from livestream.protocol.errors import CloseCode
from tests.support.receivers import logged, on_uvloop, quiet

needs_compiled = pytest.mark.skipif(not send.COMPILED, reason="installed without a compiler")


def test_the_loop_is_compiled_wherever_it_can_be() -> None:
    """Left out in silence, everything is slower and the tests of it would be skipped."""
    header = Path(sysconfig.get_path("include")) / "Python.h"
    assert send.COMPILED or not header.exists() or shutil.which("cc") is None


@contextlib.contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        yield ours, theirs


@needs_compiled
def test_who_took_everything_is_not_named() -> None:
    with pair() as (one, peer), pair() as (other, other_peer):
        assert send.send_each([one.fileno(), other.fileno()], b"hello") == []
        assert peer.recv(100) == other_peer.recv(100) == b"hello"


@needs_compiled
def test_what_a_full_socket_did_not_take_is_told() -> None:
    data = random.randbytes(1_000_000)
    with pair() as (full, reader), pair() as (empty, other):
        other.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ((position, sent),) = send.send_each([full.fileno()], data)
        assert position == 0
        assert 0 < sent < len(data)
        assert send.send_each([-1, full.fileno(), empty.fileno()], b"x") == [(0, 0), (1, 0)]
        assert other.recv(10) == b"x"
        got = b""
        while len(got) < sent:
            got += reader.recv(65536)
        assert got == data[:sent]


@needs_compiled
def test_a_broken_socket_is_left_to_its_transport() -> None:
    with pair() as (ours, theirs), pair() as (other, peer):
        theirs.close()
        closed = socket.socket()
        number = closed.fileno()
        closed.close()
        assert send.send_each([ours.fileno(), number, other.fileno()], b"x") == [(0, 0), (1, 0)]
        assert peer.recv(10) == b"x"


@needs_compiled
@pytest.mark.parametrize("arguments", [([1, "2"], b"x"), ([2**70], b"x"), ((1,), b"x"), ([1], "x"), ([1],)])
def test_nonsense_is_a_python_error(arguments: tuple[Any, ...]) -> None:
    with pytest.raises((TypeError, OverflowError)):
        send.send_each(*arguments)


def test_without_the_compiled_loop_everything_is_left_to_the_transports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gateway._send", None)
    try:
        importlib.reload(send)
        assert not send.COMPILED
        assert send.send_each([3, -1], b"x") == [(0, 0), (1, 0)]
    finally:
        monkeypatch.undo()
        importlib.reload(send)


class _Edge:
    """Knows of nothing but the fan-out."""

    hard_buffer_bytes = 10**9

    def __init__(self, fanout: Fanout) -> None:
        self._fanout = fanout

    def received(self, connection: Connection, payload: bytes) -> int:
        return 1

    def closed(self, connection: Connection, code: int | None) -> None:
        self._fanout.remove(connection)

    def lost(self, connection: Connection) -> None: ...


@contextlib.asynccontextmanager
async def _connected(fanout: Fanout) -> AsyncIterator[tuple[Connection, socket.socket]]:
    """A connection in a fan-out, and its peer's socket."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
    connection = Connection(_Edge(fanout), transport, "", Accepted(b"", Codec.JSON, []))
    transport.set_protocol(connection)
    connection.channel = cast(Any, SimpleNamespace(fanout=fanout))
    fanout.add(connection)
    try:
        yield connection, theirs
    finally:
        connection.abort()  # uvloop does not close while a transport has something unsent
        theirs.close()
        await asyncio.sleep(0)


def _payloads(stream: bytes) -> list[Any]:
    """Unmasked text frames, one after the other, to their messages."""
    messages: list[Any] = []
    while stream:
        size, start = stream[1], 2
        if size > 125:
            start = 4 if size == 126 else 10
            size = int.from_bytes(stream[2:start], "big")
        assert stream[0] == 0x81, "a torn frame"
        messages += msgspec.json.decode(stream[start : start + size])
        stream = stream[start + size :]
    return messages


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_compiled), False])
def test_readers_of_every_pace_see_each_frame_whole_and_in_order(
    compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kernel, transport and send loop take turns with one socket; replies come between."""
    if not compiled:
        monkeypatch.setattr(fanout_module, "send_each", lambda descriptors, data: [*enumerate([0] * len(descriptors))])

    async def run() -> None:
        async with contextlib.AsyncExitStack() as stack:
            await watch(stack)

    async def watch(stack: contextlib.AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()
        chance = random.Random(4)
        limits = Settings(slice_size=2, soft_buffer_bytes=2**26, hard_buffer_bytes=2**27)
        fanout = Fanout(limits)
        viewers = [await stack.enter_async_context(_connected(fanout)) for _ in range(7)]
        streams = [b""] * len(viewers)
        paused = 0

        async def read(index: int, pace: float) -> None:
            while True:
                streams[index] += await loop.sock_recv(viewers[index][1], 3000)
                await asyncio.sleep(pace)

        readers = [asyncio.create_task(read(index, index * 0.0004)) for index in range(len(viewers))]
        for seq in range(1, 401):
            fanout.log(logged(*range(seq * 40 - 39, seq * 40 + 1)))
            for connection, _ in viewers:
                paused += connection.variant.slow
                assert connection.descriptor < 0 or not connection.unsent_bytes()
                if chance.random() < 0.1:
                    connection.send([b'{"t":"ok","ref":%d}' % seq])
            await asyncio.sleep(0)
        await quiet(fanout)
        viewers[0][0].close(CloseCode.SLOW)
        async with asyncio.timeout(30):
            while any(connection.unsent_bytes() for connection, _ in viewers):
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        for reader in readers:
            reader.cancel()
        assert paused > 100
        assert all(connection.descriptor >= 0 for connection, _ in viewers[1:])
        assert viewers[0][0].descriptor == -1
        for index, stream in enumerate(streams):
            whole = stream[: stream.rindex(b"\x88")] if index == 0 else stream
            seqs = [message["seq"] for message in _payloads(whole) if message["t"] == "log"]
            assert seqs == list(range(1, 16_001))

    on_uvloop(run())


def test_while_something_is_unsent_a_socket_is_the_transports_alone() -> None:
    """What a transport holds back must not be overtaken by half a frame."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        async with _connected(Fanout(Settings())) as (connection, theirs):
            for _ in range(2):
                connection.send([b'"' + b"x" * 200_000 + b'"'])
                await asyncio.sleep(0)
                assert connection.variant.slow
                assert connection.descriptor == -1
                while connection.unsent_bytes():
                    await loop.sock_recv(theirs, 65536)
                await asyncio.sleep(0)
                assert not connection.variant.slow
                assert connection.descriptor >= 0

    on_uvloop(run())


def test_no_frame_follows_the_close_frame() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        fanout = Fanout(Settings())
        async with _connected(fanout) as (connection, theirs):
            fanout.log(logged(1))
            await asyncio.sleep(0)
            fanout.log(logged(2))
            connection.data_received(b"\x88\x80\x00\x00\x00\x00")  # a masked close frame of the peer's
            assert len(fanout) == 0
            await asyncio.sleep(0.05)
            stream = await loop.sock_recv(theirs, 100_000)
        assert [message["seq"] for message in _payloads(stream[: stream.rindex(b"\x88")])] == [1]
        assert stream.endswith(b"\x88\x00")

    on_uvloop(run())
