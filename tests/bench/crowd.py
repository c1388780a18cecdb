"""Crowd: thousands of bare websockets in a process, for rushes. Knows frames and refs, and as little else as it can.

The client shares its cores with the server it measures, so a push that nobody
waits for is dropped by its bytes, and only an answer is decoded.
"""

from __future__ import annotations

import asyncio
import multiprocessing as mp
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from multiprocessing.connection import Connection
from typing import Any

import msgspec
import uvloop

from livestream import auth, seed
from livestream.protocol.roles import Role

Answer = dict[str, Any]
_PER_ADDRESS = 500  #: sockets from one loopback address, below the limit a process and address
_JOINING = 200  #: people who are coming in at once in a process
_PATIENCE_S = 30.0  #: to come in, while gateways refuse or are away
_RETRY_S = 0.3
_RETRY_MS = 500  #: where a temporary refusal names no time
_TOKEN_S = 3600
_ASKED = b'"ref":2'  #: every question has this ref; the join has 1
_HANDSHAKE = (
    b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: livestream.v1.json\r\n\r\n"
)
_decode = msgspec.json.Decoder(list[Answer]).decode
_encode = msgspec.json.Encoder().encode


def frame(message: Answer) -> bytes:
    """One masked text frame; the mask is zero, so the payload stands as it is."""
    payload = _encode([message])
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0xFE)) + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


class Person(asyncio.Protocol):
    """One viewer, with one socket at a time. Who loses it with a question open comes back and asks the same again."""

    __slots__ = ("_address", "_asked", "_heard", "_loop", "_port", "_rest", "_returning", "_upgraded",
                 "joined", "token", "transport")  # fmt: skip

    def __init__(self, token: str, address: str, port: int) -> None:
        self.token = token
        self._address = address
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._asked = b""
        self._heard: Callable[[Answer], None] | None = None

    async def come(self) -> None:
        """Connect and join.

        Raises:
            OSError: it does not succeed for half a minute.
        """
        until = self._loop.time() + _PATIENCE_S
        while True:
            self._rest, self._upgraded = b"", False
            self.joined: asyncio.Future[None] = self._loop.create_future()
            try:
                await self._loop.create_connection(lambda: self, "127.0.0.1", self._port, local_addr=(self._address, 0))
                await self.joined
                return
            except OSError:
                if self._loop.time() > until:
                    raise
                await asyncio.sleep(_RETRY_S)

    @property
    def away(self) -> bool:
        """Its gateway closed the socket: full ones hand some over, as they do with viewers."""
        return self.transport.is_closing()

    def ask(self, question: bytes, heard: Callable[[Answer], None]) -> None:
        """Send a frame with ref 2; `heard` gets the answer, once. A temporary refusal is tried again."""
        self._asked, self._heard = question, heard
        if self.away:
            self._return()
        else:
            self.transport.write(question)

    def leave(self) -> None:
        self.transport.abort()

    # -- asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(_HANDSHAKE)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.joined.done():
            self.joined.set_exception(ConnectionError(str(exc)))
        elif self._heard is not None:
            self._return()

    def _return(self) -> None:
        self._returning = self._loop.create_task(self._come_again())

    async def _come_again(self) -> None:
        try:
            await self.come()
        except OSError as error:
            self._take({"t": "error", "code": f"away: {error}"})
        else:
            self._again()

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if not self._upgraded:
            data = self._upgrade(data)
        self._rest = self._read(data)

    def _upgrade(self, data: bytes) -> bytes:
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            return data
        if b" 101 " not in head:
            self.joined.set_exception(ConnectionError(head.decode(errors="replace")[:200]))
            self.transport.close()
            return b""
        self._upgraded = True
        self.transport.write(frame({"t": "join", "ref": 1, "room": seed.ROOM, "token": self.token}))
        return rest

    def _read(self, data: bytes) -> bytes:
        """Take whole frames; returns what is left."""
        start, size = 0, len(data)
        while self._upgraded and size - start >= 2:
            length, body = data[start + 1] & 127, start + 2
            if length >= 126:
                body += 2 if length == 126 else 8
                length = int.from_bytes(data[start + 2 : body], "big")
            if size < body + length:
                break
            self._frame(data[start] & 15, data, body, body + length)
            start = body + length
        return data[start:] if start else data

    def _frame(self, opcode: int, data: bytes, start: int, end: int) -> None:
        if opcode == 9:
            self.transport.write(b"\x8a\x80\0\0\0\0")
        elif opcode == 1 and not self.joined.done():
            self._take_joined(_decode(data[start:end]))
        elif opcode == 1 and self._heard is not None and data.find(_ASKED, start, end) >= 0:
            self._take(next(each for each in _decode(data[start:end]) if each.get("ref") == 2))

    def _take_joined(self, messages: Sequence[Answer]) -> None:
        first = next((each for each in messages if each.get("ref") == 1), None)
        if first is None:
            return
        if first["t"] == "joined":
            self.joined.set_result(None)
        else:
            self.joined.set_exception(ConnectionError(str(first)))

    def _take(self, answer: Answer) -> None:
        if answer.get("temporary"):
            self._loop.call_later((answer.get("retry_after_ms") or _RETRY_MS) / 1000, self._again)
            return
        heard, self._heard = self._heard, None
        if heard is not None:
            heard(answer)

    def _again(self) -> None:
        if self._heard is not None and not self.transport.is_closing():
            self.transport.write(self._asked)


def people(port: int, tokens: Iterable[str], lane: int) -> list[Person]:
    """Viewers who have not come yet, from addresses of their own: 127.0.`lane`.1 and up."""
    return [Person(token, f"127.0.{lane}.{1 + place // _PER_ADDRESS}", port) for place, token in enumerate(tokens)]


async def arrive(crowd: Iterable[Person]) -> None:
    """All of them come in, some at a time."""
    waiting = iter(crowd)

    async def usher() -> None:
        for person in waiting:
            await person.come()

    await asyncio.gather(*(usher() for _ in range(_JOINING)))


async def return_those_away(crowd: Iterable[Person]) -> int:
    """Those whose gateway handed them over come back; returns how many."""
    gone = [person for person in crowd if person.away]
    await arrive(gone)
    return len(gone)


def tokens(key: auth.ShopKey, names: Iterable[str], role: Role = Role.VIEWER) -> list[str]:
    """The shop's tokens for people of these names."""
    now_ms = int(time.time() * 1000)
    return [
        auth.mint(key, viewer_id=name, role=role, name=name, room_id=None, ttl_s=_TOKEN_S, now_ms=now_ms)
        for name in names
    ]


def process(what: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> tuple[mp.Process, Connection]:
    """Run a coroutine in a process of its own; its last argument is the other end of the pipe."""
    ours, theirs = mp.Pipe()
    started = mp.get_context("spawn").Process(target=_run, args=(what, *arguments, theirs), daemon=True)
    started.start()
    theirs.close()
    return started, ours  # type: ignore[return-value]


def _run(what: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
    uvloop.run(what(*arguments))


async def heard(talk: Connection) -> Any:
    """The next word of the other process."""
    return await asyncio.get_running_loop().run_in_executor(None, talk.recv)
