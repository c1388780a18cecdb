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

from livestream.protocol import limits
from livestream.protocol.codec import Codec


class WsClient:
    """One joined connection. `messages` is all that came; `state` is what a viewer would show."""

    def __init__(self, socket: ClientConnection, codec: Codec) -> None:
        self._socket = socket
        self._codec = codec
        self._refs = itertools.count(1)
        self._replies: dict[int, dict[str, Any]] = {}
        self._changed = asyncio.Event()
        self.messages: list[dict[str, Any]] = []
        self.state: dict[str, Any] = {}
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
                self.state = {
                    "epoch": message["epoch"],
                    "seq": message["seq"],
                    "show": message.get("show"),
                    "messages": message.get("messages", []),
                    "pinned": message.get("pinned"),
                    "staff_seq": message.get("staff_seq", 0),
                    "staff": message.get("staff", []),
                    "values": message.get("values", {}),
                }
            case "log":
                self._evolve(message)
            case "staff":
                assert message["seq"] == self.state["staff_seq"] + 1, f"{message} after {self.state['staff_seq']}"
                self.state["staff_seq"] += 1
                self.state["staff"] = [*self.state["staff"], message][-50:]
            case "gauge":
                self.state["values"] = self.state.get("values", {}) | message["values"]

    def _evolve(self, message: dict[str, Any]) -> None:
        assert message["seq"] == self.state["seq"] + 1, f"{message} after {self.state['seq']}"
        self.state["seq"] += 1
        event = message["event"]
        match event["t"]:
            case "said":
                self.state["messages"] = [*self.state["messages"], event["message"]][-limits.SNAPSHOT_MESSAGES :]
            case "pinned":
                self.state["pinned"] = event.get("message")
            case "show_changed":
                self.state["show"] = event["show"]

    async def ask(self, kind: str, **fields: object) -> dict[str, Any]:
        """Send a command; returns its reply."""
        ref = next(self._refs)
        message = {"t": kind, "ref": ref, **fields}
        payload = msgspec.json.encode([message]).decode() if self._codec is Codec.JSON else msgpack.packb([message])
        await self._socket.send(payload)
        await self.until(lambda: ref in self._replies)
        return self._replies[ref]

    async def until(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Read on until it holds.

        Raises:
            TimeoutError: it does not in that time.
        """
        async with asyncio.timeout(seconds):
            while not condition():
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
        client.state = dict(state or {})
        reading = asyncio.create_task(client.run())
        try:
            reply = await client.ask("join", room=room, **fields)
            assert reply["t"] == "joined", reply
            yield client
        finally:
            await socket.close()
            await reading
