"""Listener: one port for websockets and HTTP. The head of the first request decides who gets the transport.

A `Front` collects the request head under a size limit and a deadline. A
websocket upgrade of /v1/ws is for the edge to answer; anything else is handed,
bytes and all, to aiohttp's protocol.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Callable
from typing import cast

from livestream.config import Settings
from livestream.ports import cannot_listen

from .admission import Admission
from .handshake import Rejected, Request

HEAD_BYTES = 16 * 1024
#: how long a reader of plain HTTP may take for what is on its way: 256 KiB at most, 4 KiB/s on a poor line
READ_S = 60.0
_WEBSOCKET = b"GET /v1/ws"
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_BIG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Fronts:
    """Sockets that somebody is waited for on: the rest of a request's head, or a reader of plain HTTP."""

    def __init__(self, timeout_s: float, admission: Admission, read_timeout_s: float = READ_S) -> None:
        self.admission = admission
        self._timeout_s = timeout_s
        self._read_timeout_s = read_timeout_s
        self._heads: dict[Front, float] = {}  # deadlines, the first first; of the readers too
        self._readers: dict[Front, float] = {}

    def await_head(self, front: Front) -> None:
        self._heads[front] = asyncio.get_running_loop().time() + self._timeout_s

    def await_reader(self, front: Front) -> None:
        self._readers[front] = asyncio.get_running_loop().time() + self._read_timeout_s

    def discard(self, front: Front) -> None:
        self._heads.pop(front, None)
        self._readers.pop(front, None)

    def __len__(self) -> int:
        return len(self._heads) + len(self._readers)

    async def run(self) -> None:
        """Task: end the slow ones."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1.0)
            now = loop.time()
            for front in [*_over(self._heads, now), *_over(self._readers, now)]:
                front.abort()


def _over(deadlines: dict[Front, float], now: float) -> list[Front]:
    return [front for front, _ in itertools.takewhile(lambda each: each[1] <= now, deadlines.items())]


class Front(asyncio.Protocol):
    """A socket from its first byte to its last. Once it is known what the socket is for, all is passed on.

    A change of the transport's protocol would be two system calls.
    """

    __slots__ = ("_buffer", "_connect", "_fronts", "_http", "_inner", "_make_http", "_peer", "_transport")

    def __init__(
        self,
        fronts: Fronts,
        connect: Callable[[asyncio.Transport, str, Request], asyncio.Protocol | None],
        make_http: Callable[[], asyncio.Protocol],
    ) -> None:
        self._fronts = fronts
        self._connect = connect  # takes the peer's address and its upgrade; None: refused
        self._make_http = make_http
        self._inner: asyncio.Protocol | None = None
        self._http = False
        self._buffer = b""
        self._peer: str | None = None  #: address, once it is counted
        self._transport: asyncio.Transport

    # -- asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        name = transport.get_extra_info("peername")
        peer = name[0] if name else ""
        if not self._fronts.admission.arrived(peer):
            self._answer(_FULL)
            return
        self._peer = peer
        self._fronts.await_head(self)

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)
            return
        self._buffer += data
        if b"\r\n\r\n" in self._buffer:
            self._hand_over()
        elif len(self._buffer) > HEAD_BYTES:
            self._answer(_TOO_BIG)

    def eof_received(self) -> bool | None:
        return None if self._inner is None else self._inner.eof_received()

    def pause_writing(self) -> None:
        if self._http:
            self._fronts.await_reader(self)
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._http:
            self._fronts.discard(self)
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fronts.discard(self)
        if self._peer is not None:
            self._fronts.admission.departed(self._peer, http=self._http)
        if self._inner is not None:
            self._inner.connection_lost(exc)

    # -- who gets it

    def _hand_over(self) -> None:
        self._fronts.discard(self)
        buffer, self._buffer = self._buffer, b""
        try:
            request = upgrade(buffer)
        except Rejected as rejected:
            self._answer(rejected.response())
            return
        if request is None:
            self._serve_http(buffer)
            return
        inner = self._inner = self._connect(self._transport, self._peer or "", request)
        if inner is None:
            return
        if self._transport.get_write_buffer_size():
            inner.pause_writing()  # it was told to us, before there was anybody to tell
        rest = buffer.partition(b"\r\n\r\n")[2]
        if rest:
            inner.data_received(rest)

    def _serve_http(self, buffer: bytes) -> None:
        refusal = self._fronts.admission.take_http(self._peer or "")
        if refusal is not None:
            self._answer(Rejected(*refusal).response())
            return
        self._http = True
        self._transport.set_write_buffer_limits(high=0)  # it pauses us as soon as something stays unsent
        self._inner = self._make_http()
        self._inner.connection_made(self._transport)
        self._inner.data_received(buffer)

    def _answer(self, response: bytes) -> None:
        self._transport.write(response)
        self._transport.close()

    def abort(self) -> None:
        self._fronts.discard(self)
        self._transport.abort()


def upgrade(head: bytes) -> Request | None:
    """The upgrade of our websocket path that a head asks for; None: it is plain HTTP.

    Raises:
        Rejected: it is for that path, and malformed.
    """
    if not head.startswith(_WEBSOCKET):
        return None
    head = head.partition(b"\r\n\r\n")[0]
    if head[len(_WEBSOCKET) : len(_WEBSOCKET) + 1] not in (b" ", b"?"):
        return None
    request = Request(head)
    return request if request.says("upgrade", "websocket") else None


def bind(settings: Settings) -> socket.socket:
    """A listening socket that shares its port with the other processes.

    Raises:
        ConfigError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Accepted sockets inherit it: what the kernel takes, no one can shed any more.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.send_buffer_bytes)
        with contextlib.suppress(AttributeError, OSError):
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.setblocking(False)
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise cannot_listen(settings.host, settings.port, error) from None
    return listening
