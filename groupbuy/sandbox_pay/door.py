"""Door: the listening socket, which can be shut for a while: then connections are refused, as of a machine gone."""

from __future__ import annotations

import asyncio

from aiohttp import web

_ANSWERED_S = 0.05  #: so long the answer to the order has to leave


class Door:
    """Of a runner that is set up."""

    def __init__(self, runner: web.AppRunner, host: str, port: int) -> None:
        self._runner = runner
        self._host = host
        self._port = port
        self._site: web.TCPSite | None = None
        self._orders: asyncio.Queue[int] = asyncio.Queue()

    async def open(self) -> None:
        """Raises:
        OSError: the port is taken.
        """
        self._site = web.TCPSite(self._runner, self._host, self._port)
        await self._site.start()

    def shut(self, ms: int) -> None:
        """Soon, for so long."""
        self._orders.put_nowait(ms)

    async def run(self) -> None:
        """Carry out orders until cancelled."""
        while True:
            ms = await self._orders.get()
            await asyncio.sleep(_ANSWERED_S)
            if self._site is not None:
                await self._site.stop()
            server = self._runner.server
            for connection in server.connections if server is not None else ():
                if connection.transport is not None:
                    connection.transport.abort()
            await asyncio.sleep(ms / 1000)
            await self.open()
