"""WsClient: a viewer app at its plainest, on the `websockets` library; it keeps the state that the pushes make."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgpack
import msgspec
import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from livestream.client_state import RoomView, apply
from livestream.protocol.codec import Codec
from livestream.protocol.pushes import AnyPush


class WsClient:
    """One joined connection. `messages` is all that came; `view` is what a viewer would show."""

    def __init__(self, socket: ClientConnection, codec: Codec) -> None:
        self._socket = socket
        self._codec = codec
        self._refs = itertools.count(1)
        self._replies: dict[int, dict[str, Any]] = {}
        self._changed = asyncio.Event()
        self.messages: list[dict[str, Any]] = []
        self.view = RoomView()
        self.joined: dict[str, Any] = {}
        self.snapshots = 0
        self.close_code: int | None = None

    async def run(self) -> None:
        """Task: read until the end."""
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                payload = await self._socket.recv()
                assert isinstance(payload, str) == (self._codec is Codec.JSON)
                unpack = msgspec.json.decode if isinstance(payload, str) else msgpack.unpackb
                for message in unpack(payload):
                    self._take(message)
                self._changed.set()
        self.close_code = self._socket.close_code
        self._changed.set()

    def _take(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        if "ref" in message:
            assert message["ref"] not in self._replies, "a ref was answered twice"
            self._replies[message["ref"]] = message
        match message["t"]:
            case "joined":
                self.joined = message
            case "snapshot":
                self.snapshots += 1
                self.view = apply(self.view, msgspec.convert(message, AnyPush))
            case "log":
                assert message["seq"] == self.view.seq + 1, f"{message} after {self.view.seq}"
                self.view = apply(self.view, msgspec.convert(message, AnyPush))
            case "staff":
                assert message["seq"] == self.view.staff_seq + 1, f"{message} after {self.view.staff_seq}"
                self.view = apply(self.view, msgspec.convert(message, AnyPush))
            case "gauge" | "live" | "notice" | "own_seats" | "your_seat":
                self.view = apply(self.view, msgspec.convert(message, AnyPush))

    @property
    def state(self) -> dict[str, Any]:
        """What a viewer would show, as plain maps and lists."""
        built: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self.view))
        built["staff"] = built["staff"][-50:]
        return built

    async def ask(self, kind: str, **fields: object) -> dict[str, Any]:
        """Send a command; returns its reply."""
        ref = next(self._refs)
        message = {"t": kind, "ref": ref, **fields}
        payload = msgspec.json.encode([message]).decode() if self._codec is Codec.JSON else msgpack.packb([message])
        with contextlib.suppress(websockets.ConnectionClosed):  # the reader knows with which code
            await self._socket.send(payload)
        await self.until(lambda: ref in self._replies)
        return self._replies[ref]

    async def until(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Read on until it holds.

        Raises:
            TimeoutError: it does not in that time.
            ConnectionError: the line ended before.
        """
        async with asyncio.timeout(seconds):
            while not condition():
                if self.close_code is not None:
                    raise ConnectionError(f"closed with {self.close_code}")
                self._changed.clear()
                await self._changed.wait()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["t"] == kind]


@contextlib.asynccontextmanager
async def joined(
    url: str,
    codec: Codec = Codec.JSON,
    *,
    compressed: bool = True,
    state: dict[str, Any] | None = None,
    room: str = "demo",
    **fields: object,
) -> AsyncIterator[WsClient]:
    """A client that has joined; `state`: what it knew before, when it resumes."""
    async with connect(
        url, subprotocols=[Subprotocol(codec.value)], compression="deflate" if compressed else None, proxy=None
    ) as socket:
        client = WsClient(socket, codec)
        client.view = msgspec.convert(state or {}, RoomView)
        reading = asyncio.create_task(client.run())
        try:
            reply = await client.ask("join", room=room, **fields)
            assert reply["t"] == "joined", reply
            yield client
        finally:
            await socket.close()
            await reading
