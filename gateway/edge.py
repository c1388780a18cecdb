"""GatewayEdge: ties connections to admission, keepalive, dispatch and rooms."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random

from livestream.config import Settings
from livestream.metrics import CLOSES_TOTAL, CONNECTIONS, SLOW_CLOSES
from livestream.protocol import codec as wire
from livestream.protocol.codec import Codec
from livestream.protocol.errors import CloseCode
from livestream.protocol.pushes import ComeBack
from livestream.revocations import Revocation

from .admission import Admission
from .channel import Channel
from .connection import Connection
from .dispatch import Dispatcher
from .handshake import Rejected, Request, accept
from .keepalive import Keepalive

#: a peer may close with any code: what is none of ours is counted as one
_KNOWN_CLOSES = (1000, 1001, 1005, 1006, *map(int, CloseCode), None)
_CLOSES = {code: CLOSES_TOTAL.labels(str(code or "other")) for code in _KNOWN_CLOSES}
_CONNECTIONS = {codec: CONNECTIONS.labels(codec.value) for codec in Codec}


class GatewayEdge:
    """What connections call; see `connection.Edge`."""

    def __init__(self, admission: Admission, keepalive: Keepalive, dispatcher: Dispatcher, settings: Settings) -> None:
        self.hard_buffer_bytes = settings.hard_buffer_bytes
        self._compress = settings.compress
        self.connections: dict[Connection, None] = {}  # oldest first
        self._empty = asyncio.Event()
        self._empty.set()
        self._admission = admission
        self._keepalive = keepalive
        self._dispatcher = dispatcher
        self._spread_ms = settings.come_back_spread_ms

    def connect(self, transport: asyncio.Transport, peer: str, request: Request) -> Connection | None:
        """Answer an upgrade. None: it was refused, and the socket closes."""
        try:
            address = self._admission.client_address(peer, request.all("x-forwarded-for"))
            scheme = self._admission.forwarded_scheme(peer, request.all("x-forwarded-proto"))
            self._admit(request, address, scheme)
            accepted = accept(request, compress=self._compress)
        except Rejected as rejected:
            transport.write(rejected.response())
            transport.close()
            return None
        connection = Connection(self, transport, address, accepted)
        transport.write(accepted.response)
        self.connections[connection] = None
        self._empty.clear()
        self._admission.entered(address)
        self._keepalive.opened(connection)
        _CONNECTIONS[accepted.codec].inc()
        return connection

    def _admit(self, request: Request, address: str, scheme: str) -> None:
        origins = request.all("origin")
        if len(origins) > 1:
            raise Rejected(400, "One Origin header, please.")
        refusal = self._admission.judge(address, request.one("host"), origins[0] if origins else None, scheme)
        if refusal is not None:
            raise Rejected(*refusal)

    def received(self, connection: Connection, payload: bytes) -> int:
        return self._dispatcher.received(connection, payload)

    def closed(self, connection: Connection, code: int | None) -> None:
        if connection.channel is not None:
            connection.channel.remove(connection)
        self._keepalive.closing(connection)
        _CLOSES.get(code or 1006, _CLOSES[None]).inc()
        if code == CloseCode.SLOW:
            SLOW_CLOSES.inc()

    def lost(self, connection: Connection) -> None:
        if connection in self.connections:
            del self.connections[connection]
            if not self.connections:
                self._empty.set()
            self._admission.left(connection.address)
            _CONNECTIONS[connection.variant.codec].dec()

    def revoke(self, revocation: Revocation) -> None:
        """Close who came with what holds no longer."""
        for connection in list(self.connections):
            actor, channel = connection.session.actor, connection.channel
            if actor is None or channel is None or channel.local.base_shop_id != revocation.shop_id:
                continue
            if revocation.ends(actor.pseudonym, connection.grounds):
                connection.close(CloseCode.REVOKED)

    def close_room(self, channel: Channel) -> None:
        """Close everybody in a room that is no more."""
        for connection in list(self.connections):
            if connection.channel is channel:
                connection.close(CloseCode.ROOM_GONE)

    def send_away(self, connection: Connection, code: CloseCode) -> None:
        """Tell when to come back, jittered, and close."""
        if connection.open:
            hint = ComeBack(after_ms=random.randint(0, self._spread_ms))
            connection.send([wire.encode(hint, connection.variant.codec)])
            connection.close(code)

    def hand_over(self, count: int) -> None:
        """Send the oldest `count` viewers away, so that they find a process with more room. Staff stay: who hosts was
        there first, and would lose the line in the middle of a sentence to make room for one of thousands.
        """
        there = (each for each in self.connections if each.open and each.channel is not None and not each.variant.staff)
        for connection in list(itertools.islice(there, count)):
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
