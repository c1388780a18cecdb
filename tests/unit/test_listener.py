"""The listener: the head of the first request decides who gets the socket, under a limit and a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import msgspec
import pytest

from gateway.admission import Admission
from gateway.handshake import Rejected, Request
from gateway.listener import HEAD_BYTES, Front, Fronts, bind, upgrade
from livestream.config import ConfigError, Settings
from tests.support.nodes import until
from tests.support.ports import free_port

HELLO = b"ws:127.0.0.1 websocket "
UPGRADE = b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "ours"),
    [
        (UPGRADE, True),
        (b"GET /v1/ws?x=1 HTTP/1.1\r\nupgrade: WebSocket\r\n\r\n", True),
        (b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nUPGRADE:websocket\r\n\r\n", True),
        (b"GET /v1/ws HTTP/1.1\r\nHost: x\r\n\r\n", False),
        (b"POST /v1/ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", False),
        (b"GET /v1/wsx HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", False),
        (b"GET /v1/ws HTTP/1.1\r\nX-Upgrade: websocket\r\n\r\n", False),
        (b"GET /v1/ws HTTP/1.1\r\nUpgrade: h2c\r\n\r\n", False),
        (b"\r\n\r\n", False),
        (b"\x16\x03\x01\r\n\r\n", False),
    ],
)
def test_only_an_upgrade_of_the_one_path_is_a_websocket(head: bytes, ours: bool) -> None:
    assert (upgrade(head) is not None) is ours


def test_a_malformed_upgrade_is_rejected_and_not_handed_on() -> None:
    with pytest.raises(Rejected):
        upgrade(b"GET /v1/ws HTTP/1.1\r\nBad Header: x\r\nUpgrade: websocket\r\n\r\n")


class Echo(asyncio.Protocol):
    """Tells who it is, then what it got."""

    def __init__(self, name: bytes, transport: asyncio.Transport | None = None) -> None:
        self._name = name
        self._transport = transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(self._name + b":" + data)


def connect(transport: asyncio.Transport, peer: str, request: Request) -> Echo:
    echo = Echo(b"ws", transport)
    echo.data_received(f"{peer} {request.one('upgrade')} ".encode())
    return echo


class Door:
    """A port with fronts behind it."""

    def __init__(self, fronts: Fronts, port: int) -> None:
        self.fronts = fronts
        self._port = port

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        yield reader, writer
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    fronts = Fronts(timeout_s=0.5, admission=Admission(Settings()), read_timeout_s=0.5)

    def front() -> Front:
        return Front(fronts, connect, lambda: Echo(b"http"))

    server = await asyncio.get_running_loop().create_server(front, "127.0.0.1", 0)
    sweeping = asyncio.create_task(fronts.run())
    yield Door(fronts, server.sockets[0].getsockname()[1])
    sweeping.cancel()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("rest", [b"", b"\x81\x00", b"x" * 5000])
async def test_the_chosen_one_gets_every_byte(door: Door, rest: bytes) -> None:
    http = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    ws_answer = HELLO + (b"ws:" + rest if rest else b"")
    for name, head, answer in ((b"ws:", UPGRADE, ws_answer), (b"http:", http, b"http:" + http + rest)):
        async with door.connected() as (reader, writer):
            writer.write(head + rest)
            assert await asyncio.wait_for(reader.readexactly(len(answer)), 5) == answer
            writer.write(b"more")
            assert await asyncio.wait_for(reader.readexactly(len(name) + 4), 5) == name + b"more"
            assert len(door.fronts) == 0


async def test_a_head_may_come_byte_by_byte(door: Door) -> None:
    async with door.connected() as (reader, writer):
        for byte in UPGRADE:
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert await asyncio.wait_for(reader.readexactly(len(HELLO)), 5) == HELLO


async def test_a_head_without_end_is_refused_at_the_limit(door: Door) -> None:
    async with door.connected() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"y" * HEAD_BYTES)
        assert b"431" in await asyncio.wait_for(reader.readline(), 5)


async def test_a_head_that_takes_too_long_is_ended_and_a_whole_one_is_not(door: Door) -> None:
    async with door.connected() as (slow, slow_writer), door.connected() as (whole, whole_writer):
        slow_writer.write(b"GET / HT")
        whole_writer.write(UPGRADE)
        await asyncio.wait_for(whole.readexactly(len(HELLO)), 5)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(slow.read(), 5) == b""
        whole_writer.write(b"here")
        assert await asyncio.wait_for(whole.readexactly(7), 5) == b"ws:here"
        assert len(door.fronts) == 0


async def test_an_answer_over_http_that_is_not_read_is_not_kept_for_ever(door: Door) -> None:
    page = b"GET / HTTP/1.1\r\n\r\n"
    async with door.connected() as (reading, reader), door.connected() as (_, idle), door.connected() as (_, deaf):
        for writer in (reader, idle, deaf):
            writer.write(page)
        await until(lambda: door.fronts.admission._http == 3)
        body = b"x" * (16 << 20)  # more than the kernel takes for a peer that does not read
        for writer in (reader, deaf):
            writer.write(body)
        await asyncio.wait_for(reading.readexactly(len(b"http:" + page) + len(body)), 30)
        await until(lambda: door.fronts.admission._http == 2)
        assert len(door.fronts) == 0
        idle.write(b"still here")


async def test_who_hangs_up_before_a_word_leaves_nothing_behind(door: Door) -> None:
    async with door.connected():
        await asyncio.sleep(0.05)
        assert len(door.fronts) == 1
    for _ in range(500):
        if not len(door.fronts):
            break
        await asyncio.sleep(0.01)
    assert len(door.fronts) == 0


async def test_sockets_are_counted_from_the_first_byte_to_the_last(door: Door) -> None:
    admission = door.fronts.admission
    async with door.connected(), door.connected() as (_, http), door.connected() as (_, ws):
        http.write(b"GET / HTTP/1.1\r\n\r\n")
        ws.write(UPGRADE)
        await until(lambda: (admission._sockets, admission._http) == (3, 1))
    await until(lambda: (admission._sockets, admission._http) == (0, 0))
    assert not admission._by_peer


def test_processes_share_a_port_and_others_do_not_get_it() -> None:
    settings = Settings(host="127.0.0.1", port=free_port())
    with bind(settings) as first, bind(settings) as second:
        assert first.getsockname() == second.getsockname()
        assert first.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) >= settings.send_buffer_bytes
        assert first.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        elsewhere = msgspec.structs.replace(settings, port=taken.getsockname()[1])
        with pytest.raises(ConfigError, match=str(elsewhere.port)):
            bind(elsewhere)
