"""Listener: one port for websockets and HTTP. The head of the first request decides who gets the transport.

A `Front` collects the request head under a size limit and a deadline. A
websocket upgrade of /v1/ws is for the edge to answer; anything else is handed,
bytes and all, to aiohttp's protocol.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import cast

from livestream.config import Settings
from livestream.ports import cannot_listen

HEAD_BYTES = 16 * 1024
WEBSOCKET_PATH = b"/v1/ws"
_TOO_BIG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Fronts:
    """Sockets whose request head is not whole yet, oldest first."""

    def __init__(self, timeout_s: float) -> None:
        self._waiting: dict[Front, float] = {}
        self._timeout_s = timeout_s

    def add(self, front: Front) -> None:
        self._waiting[front] = asyncio.get_running_loop().time() + self._timeout_s

    def discard(self, front: Front) -> None:
        self._waiting.pop(front, None)

    def __len__(self) -> int:
        return len(self._waiting)

    async def run(self) -> None:
        """Task: end the slow ones."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1.0)
            now = loop.time()
            for front, deadline in list(self._waiting.items()):
                if deadline > now:
                    break
                front.abort()


class Front(asyncio.Protocol):
    """A fresh socket."""

    __slots__ = ("_buffer", "_connect", "_fronts", "_make_http", "_transport")

    def __init__(
        self,
        fronts: Fronts,
        connect: Callable[[asyncio.Transport, bytes], asyncio.Protocol | None],
        make_http: Callable[[], asyncio.Protocol],
    ) -> None:
        self._fronts = fronts
        self._connect = connect  # takes an upgrade's head; None: refused
        self._make_http = make_http
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._fronts.add(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if b"\r\n\r\n" in self._buffer:
            self._hand_over()
        elif len(self._buffer) > HEAD_BYTES:
            self._transport.write(_TOO_BIG)
            self._transport.close()

    def _hand_over(self) -> None:
        self._fronts.discard(self)
        transport, buffer, self._buffer = self._transport, self._buffer, b""
        if is_websocket(buffer):
            head, _, rest = buffer.partition(b"\r\n\r\n")
            connection = self._connect(transport, head)
            if connection is not None and rest:
                connection.data_received(rest)
        else:
            protocol = self._make_http()
            protocol.connection_made(transport)
            transport.set_protocol(protocol)
            protocol.data_received(buffer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fronts.discard(self)

    def abort(self) -> None:
        self._fronts.discard(self)
        self._transport.abort()


def is_websocket(head: bytes) -> bool:
    """Is this the head of an upgrade of our websocket path?"""
    line, _, headers = head.partition(b"\r\n")
    parts = line.split(b" ")
    return (
        len(parts) == 3
        and parts[0] == b"GET"
        and parts[1].split(b"?")[0] == WEBSOCKET_PATH
        and b"\nupgrade: websocket" in b"\n" + headers.lower().replace(b"upgrade:websocket", b"upgrade: websocket")
    )


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
