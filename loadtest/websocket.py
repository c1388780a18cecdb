"""Websocket: the client's side of RFC 6455, as lean as thousands of viewers in one process need. Pure.

A browser's words: its opening, its offer of compression, masked frames out.
What comes in is cut into frames by `Frames`; payloads stay bytes, since all
viewers get the same ones and only the first of a process has to read them.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_CONTINUATION = 0
_TAIL = b"\x00\x00\xff\xff"
_MOST_HEAD = 16 * 1024
_MOST_BYTES = 32 * 1024 * 1024  #: of a message, also inflated: a resume may bring thousands of events


class WireError(Exception):
    """The server broke the grammar of websockets."""


class HandshakeRefused(Exception):
    """The server answered the opening with something else than 101."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


def opening(host: str, path: str, subprotocol: str, compression: bool, nonce: bytes, agent: str) -> bytes:
    """The request of a browser.

    Args:
        nonce: 16 random bytes.
    """
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Connection: Upgrade",
        "Pragma: no-cache",
        "Cache-Control: no-cache",
        f"User-Agent: {agent}",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(nonce).decode()}",
        f"Sec-WebSocket-Protocol: {subprotocol}",
    ]
    if compression:
        lines.append("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass(frozen=True, slots=True)
class Opened:
    """What was agreed."""

    deflate: bool
    rest: bytes  #: what came behind the head


def opened(data: bytes, subprotocol: str) -> Opened | None:
    """Read the answer; None: there is more to come.

    Raises:
        HandshakeRefused, WireError
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > _MOST_HEAD:
            raise WireError("the head of the answer has no end")
        return None
    status, *fields = data[:end].decode("latin-1").split("\r\n")
    words = status.split(" ")
    if len(words) < 2 or not words[1].isdigit():
        raise WireError("not HTTP")
    if words[1] != "101":
        raise HandshakeRefused(int(words[1]))
    headers = {name.strip().lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    if headers.get("sec-websocket-protocol") != subprotocol:
        raise WireError(f"the server does not speak {subprotocol}")
    extension = headers.get("sec-websocket-extensions", "")
    if extension and "server_no_context_takeover" not in extension:
        raise WireError("the server compresses with a context of its own for each viewer, which is not supported")
    return Opened(bool(extension), data[end + 4 :])


def masked(opcode: int, payload: bytes, mask: int, *, compressed: bool = False) -> bytes:
    """One frame of a client.

    Args:
        mask: 32 random bits.
    """
    length = len(payload)
    first = 0x80 | opcode | (0x40 if compressed else 0)
    if length < 126:
        head = bytes((first, 0x80 | length))
    elif length < 1 << 16:
        head = bytes((first, 0x80 | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, 0x80 | 127)) + length.to_bytes(8, "big")
    key = mask.to_bytes(4, "big")
    whole = (key * (length // 4 + 1))[:length]
    return head + key + (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(length, "big")


def deflated(payload: bytes) -> bytes:
    """As a browser sends it: compressed without a context."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15, 8)
    return (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(_TAIL)


def inflated(payload: bytes) -> bytes:
    """Raises:
    WireError
    """
    unpacker = zlib.decompressobj(-15)
    try:
        data = unpacker.decompress(payload + _TAIL, _MOST_BYTES)
    except zlib.error as error:
        raise WireError(f"cannot inflate: {error}") from None
    if unpacker.unconsumed_tail:
        raise WireError("inflates beyond all measure")
    return data


Frame = tuple[int, bool, bytes]  #: opcode, compressed, payload


class Frames:
    """Cuts what comes in into whole messages and control frames."""

    __slots__ = ("_buffer", "_parts")

    def __init__(self) -> None:
        self._buffer = b""
        self._parts: list[Frame] = []  #: of a message in fragments

    @property
    def at_boundary(self) -> bool:
        """Nothing of a message is kept: the next byte begins a frame."""
        return not self._buffer and not self._parts

    def feed(self, data: bytes) -> list[Frame]:
        """Raises:
        WireError
        """
        if self._buffer:
            data = self._buffer + data
        found: list[Frame] = []
        at, size = 0, len(data)
        while size - at >= 2:
            first, length = data[at], data[at + 1]
            start = at + 2
            if length & 0x80:
                raise WireError("a server's frame is masked")
            if length == 126:
                length, start = int.from_bytes(data[start : start + 2], "big"), start + 2
            elif length == 127:
                length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
            if length > _MOST_BYTES:
                raise WireError("a frame beyond all measure")
            if size < start + length:
                break
            self._take(first, data[start : start + length], found)
            at = start + length
        self._buffer = data[at:] if at else data
        return found

    def _take(self, first: int, payload: bytes, found: list[Frame]) -> None:
        opcode, final, compressed = first & 0x0F, bool(first & 0x80), bool(first & 0x40)
        if opcode >= CLOSE or (final and opcode != _CONTINUATION and not self._parts):
            found.append((opcode, compressed, payload))
            return
        if (opcode == _CONTINUATION) != bool(self._parts):
            raise WireError("a fragment out of place")
        self._parts.append((opcode, compressed, payload))
        if final:
            opcode, compressed, _ = self._parts[0]
            found.append((opcode, compressed, b"".join(part[2] for part in self._parts)))
            self._parts.clear()
