"""GatewayEdge: ties connections to admission, keepalive, dispatch and rooms."""

from __future__ import annotations

import asyncio
import contextlib
import random

from websockets.http11 import Request

from livestream.config import Settings
from livestream.metrics import CLOSES_TOTAL, CONNECTIONS, SLOW_CLOSES
from livestream.protocol import codec as wire
from livestream.protocol.errors import CloseCode
from livestream.protocol.pushes import ComeBack

from .admission import Admission
from .connection import Connection
from .dispatch import Dispatcher
from .keepalive import Keepalive


class GatewayEdge:
    """What connections call; see `connection.Edge`."""

    def __init__(self, admission: Admission, keepalive: Keepalive, dispatcher: Dispatcher, settings: Settings) -> None:
        self.hard_buffer_bytes = settings.hard_buffer_bytes
        self.compress = settings.compress
        self.connections: dict[Connection, None] = {}  # oldest first
        self._empty = asyncio.Event()
        self._empty.set()
        self._admission = admission
        self._keepalive = keepalive
        self._dispatcher = dispatcher
        self._spread_ms = settings.come_back_spread_ms

    def connect(self, transport: asyncio.Transport) -> Connection:
        peer = transport.get_extra_info("peername")
        return Connection(self, transport, peer[0] if peer else "")

    def admit(self, connection: Connection, request: Request) -> tuple[int, str] | None:
        headers = request.headers
        connection.address = self._admission.client_address(
            connection.address, {"X-Forwarded-For": ",".join(headers.get_all("X-Forwarded-For"))}
        )
        hosts, origins = headers.get_all("Host"), headers.get_all("Origin")
        if len(hosts) != 1 or len(origins) > 1:
            return 400, "One Host header, please.\n"
        return self._admission.judge(connection.address, hosts[0], origins[0] if origins else None)

    def opened(self, connection: Connection) -> None:
        self.connections[connection] = None
        self._empty.clear()
        self._admission.entered(connection.address)
        self._keepalive.opened(connection)
        CONNECTIONS.labels(connection.variant.codec.value).inc()

    def received(self, connection: Connection, payload: bytes) -> int:
        return self._dispatcher.received(connection, payload)

    def closed(self, connection: Connection, code: int | None) -> None:
        if connection.channel is not None:
            connection.channel.remove(connection)
        self._keepalive.closing(connection)
        CLOSES_TOTAL.labels(str(code or 1006)).inc()
        if code == CloseCode.SLOW:
            SLOW_CLOSES.inc()

    def lost(self, connection: Connection) -> None:
        if connection in self.connections:
            del self.connections[connection]
            if not self.connections:
                self._empty.set()
            self._admission.left(connection.address)
            CONNECTIONS.labels(connection.variant.codec.value).dec()

    def send_away(self, connection: Connection, code: CloseCode) -> None:
        """Tell when to come back, jittered, and close."""
        if connection.open:
            hint = ComeBack(after_ms=random.randint(0, self._spread_ms))
            connection.send([wire.encode(hint, connection.variant.codec)])
            connection.close(code)

    def hand_over(self, count: int) -> None:
        """Send the oldest `count` away, so that they find a process with more room."""
        for connection in [c for c in self.connections if c.open and c.channel is not None][:count]:
            self.send_away(connection, CloseCode.REBALANCE)

    async def drain(self, over_s: float) -> None:
        """Send everybody away, spread over so many seconds, so that their return is no storm."""
        waiting = list(self.connections)
        random.shuffle(waiting)
        rounds = max(1, int(over_s / 0.05))
        size = len(waiting) // rounds + 1
        for start in range(0, len(waiting), size):
            for connection in waiting[start : start + size]:
                self.send_away(connection, CloseCode.DRAIN)
            await asyncio.sleep(over_s / rounds)

    async def wait_until_empty(self, timeout_s: float) -> None:
        """Until every socket is gone, or so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), timeout_s)
