"""Relay: a bad line between a client and the gateway: of whole websocket messages, which it can lose, hold and cut."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.typing import Subprotocol

from livestream.protocol.codec import Codec


class Relay:
    """Stands in front of one gateway."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._lines: set[ServerConnection] = set()
        self.url = ""
        self.opened = 0  #: lines so far
        self.lose = 0  #: so many of the next messages to clients never arrive
        self.lost = 0
        self.admits = asyncio.Event()  #: not set: whoever opens a line waits, unanswered
        self.admits.set()
        self.talks = asyncio.Event()  #: not set: messages to clients wait
        self.talks.set()

    def cut(self) -> None:
        """Break every line, as a network does: without a close frame. What was held is lost."""
        for line in self._lines:
            line.transport.abort()

    async def _serve(self, client: ServerConnection) -> None:
        self.opened += 1
        self._lines.add(client)
        assert client.subprotocol is not None
        await self.admits.wait()
        async with connect(self._upstream, subprotocols=[client.subprotocol], proxy=None, max_size=None) as server:
            ways = [asyncio.create_task(self._up(client, server)), asyncio.create_task(self._down(server, client))]
            _, rest = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in rest:
                way.cancel()
            await asyncio.wait(ways)
        self._lines.discard(client)
        if server.close_code not in (None, CloseCode.ABNORMAL_CLOSURE):
            await client.close(server.close_code or CloseCode.NORMAL_CLOSURE, server.close_reason or "")

    async def _up(self, client: ServerConnection, server: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in client:
                await server.send(message)

    async def _down(self, server: ClientConnection, client: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in server:
                await self.talks.wait()
                if self.lose:
                    self.lose -= 1
                    self.lost += 1
                    continue
                await client.send(message)


@contextlib.asynccontextmanager
async def relayed(upstream: str) -> AsyncIterator[Relay]:
    """A relay to this websocket URL, on a port of its own."""
    relay = Relay(upstream)
    codecs = [Subprotocol(codec.value) for codec in Codec]
    async with serve(relay._serve, "127.0.0.1", 0, subprotocols=codecs, max_size=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        relay.url = f"ws://127.0.0.1:{port}/v1/ws"
        yield relay
        relay.talks.set()
        relay.cut()
