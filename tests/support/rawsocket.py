"""RawSocket: a websocket peer that may break every rule, byte by byte. And a `Neighbour` that must not notice."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import struct
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgpack

JSON = "livestream.v1.json"
MSGPACK = "livestream.v1.msgpack"
TEXT, BINARY, CONT, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA


def frame(
    payload: bytes, opcode: int = TEXT, *, fin: bool = True, mask: bool = True, rsv: int = 0, length: int | None = None
) -> bytes:
    """A client frame; `length` lies about the payload's."""
    size = len(payload) if length is None else length
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if mask else 0
    if size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    if not mask:
        return head + payload
    key = b"\x01\x02\x03\x04"
    repeated = (key * (len(payload) // 4 + 1))[: len(payload)]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(payload), "big")
    return head + key + masked


class RawSocket:
    """One TCP connection to a gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, codec: str) -> None:
        self.reader = reader
        self.writer = writer
        self.codec = codec
        self.messages: list[dict[str, Any]] = []  #: all that came
        self.close_code: int | None = None

    async def send(self, data: bytes) -> None:
        """Bytes as they are; a peer that hung up meanwhile is no error."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    async def say(self, *messages: object) -> None:
        """A frame of messages in the negotiated codec."""
        if self.codec == JSON:
            await self.send(frame(json.dumps(messages).encode()))
        else:
            packed: bytes = msgpack.packb(messages)
            await self.send(frame(packed, BINARY))

    async def read_frame(self) -> tuple[int, bytes] | None:
        """Opcode and payload; None: the end."""
        try:
            first, second = await self.reader.readexactly(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first & 0x0F, await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def read_until(self, wanted: str | None = None, *, ref: int | None = None, timeout_s: float = 10) -> Any:
        """Read messages until one of a kind, or with a ref; returns it, or the close code that came instead."""
        async with asyncio.timeout(timeout_s):
            while True:
                found = await self._read_some(wanted, ref)
                if found is not None:
                    return found

    async def _read_some(self, wanted: str | None, ref: int | None) -> Any:
        got = await self.read_frame()
        if got is None:
            return self.close_code or 1006
        opcode, payload = got
        if opcode == CLOSE:
            self.close_code = struct.unpack("!H", payload[:2])[0]
            return self.close_code
        if opcode not in (TEXT, BINARY):
            return None
        messages = json.loads(payload) if opcode == TEXT else msgpack.unpackb(payload)
        self.messages += messages
        for message in messages:
            if (wanted is not None and message["t"] == wanted) or (ref is not None and message.get("ref") == ref):
                return message
        return None

    async def closed_with(self, timeout_s: float = 10) -> int:
        """Read to the end; returns the close code, 1006 where the line was just cut."""
        async with asyncio.timeout(timeout_s):
            while True:
                code = await self._read_some(None, None)
                if isinstance(code, int):
                    return code

    def close(self) -> None:
        self.writer.close()


@contextlib.asynccontextmanager
async def raw(
    port: int, codec: str = JSON, *, deflate: bool = False, headers: Sequence[str] = (), host: str = "127.0.0.1"
) -> AsyncIterator[RawSocket]:
    """A connection after its handshake."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        "GET /v1/ws HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {codec}",
        *(["Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover"] if deflate else []),
        *headers,
    ]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    status = (await reader.readuntil(b"\r\n\r\n")).decode()
    if " 101 " not in status.splitlines()[0]:
        writer.close()
        raise ConnectionRefusedError(status)
    try:
        yield RawSocket(reader, writer, codec)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), 2)


@contextlib.asynccontextmanager
async def joined(port: int, codec: str = JSON, *, deflate: bool = False, **fields: object) -> AsyncIterator[RawSocket]:
    """A connection in the demo room."""
    async with raw(port, codec, deflate=deflate) as peer:
        await peer.say({"t": "join", "ref": 0, "room": "demo", **fields})
        reply = await peer.read_until("joined")
        assert isinstance(reply, dict), f"the join ended with {reply}: {peer.messages}"
        yield peer
