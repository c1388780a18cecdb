"""Connection: one open websocket. Inward by `websockets`' Sans-I/O core, bytes outward straight to the transport.

It knows frames and bytes; what the messages in them mean is the business of
`Edge`, which it calls with whole payloads.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Protocol, cast

import websockets.protocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, SERVER
from websockets.protocol import Protocol as WebsocketProtocol

from livestream.auth import Identity
from livestream.protocol import codec as wire
from livestream.protocol import limits
from livestream.protocol.codec import Codec
from livestream.protocol.errors import CLOSES, CloseCode, ProtocolViolation
from livestream.protocol.limits import Rate
from livestream.protocol.pushes import Gauge
from livestream.ratelimit import TokenBucket

from . import frames
from .handshake import Accepted
from .ring import Variant
from .session import Session

if TYPE_CHECKING:
    from .channel import Channel

_NO_ID = uuid.UUID(int=0)
#: Each of the library's protocols draws a random id for its log lines: a system call a connection, and those are off.
websockets.protocol.uuid = SimpleNamespace(UUID=uuid.UUID, uuid4=lambda: _NO_ID)  # type: ignore[assignment,attr-defined]
_LOGGER = logging.getLogger("gateway.websocket")
_LOGGER.setLevel(logging.CRITICAL)  # what peers do wrong is counted, not logged
#: frames that carry no command; a browser answers a ping every 25 s
_IDLE_RATE = Rate(50, 5.0)
#: RFC 6455, 5.5: a control frame holds 125 bytes, two of them the code
_REASON_BYTES = 123
#: parsed at a time, so that a chunk of ten thousand tiny frames is left at the first that breaks a rule
_PIECE_BYTES = 8192


class Edge(Protocol):
    """What a connection asks of the rest of the gateway."""

    hard_buffer_bytes: int

    def received(self, connection: Connection, payload: bytes) -> int:
        """Take a payload; returns how many commands were in it."""

    def closed(self, connection: Connection, code: int | None) -> None:
        """It takes no part any more; its socket may linger."""

    def lost(self, connection: Connection) -> None:
        """Its socket is gone."""


def _reason(text: str) -> str:
    """As much of it as a close frame holds, whole characters."""
    return text.encode(errors="ignore")[:_REASON_BYTES].decode(errors="ignore")


def _nowhere(data: bytes) -> None:
    """Takes the place of the transport's `write` when a connection closes: no frame follows the close frame."""


class Connection(asyncio.Protocol):
    """One viewer's socket."""

    __slots__ = (
        "_closing",
        "_edge",
        "_fragments",
        "_idle",
        "_spared",
        "_ws",
        "address",
        "alive",
        "channel",
        "close_code",
        "deadline",
        "descriptor",
        "expires_at_ms",
        "grounds",
        "identity",
        "session",
        "slot",
        "transport",
        "variant",
        "viewer",
        "write",
    )

    def __init__(self, edge: Edge, transport: asyncio.Transport, address: str, accepted: Accepted) -> None:
        self._edge = edge
        self._ws = WebsocketProtocol(SERVER, state=OPEN, max_size=limits.VIEWER_FRAME_BYTES, logger=_LOGGER)
        self._ws.extensions = accepted.extensions
        self.transport = transport
        self.write: Callable[[bytes], None] = transport.write
        self.descriptor = -1  #: of the socket, while fan-out may send to it beside the transport
        self.address = address
        self.session = Session()
        self.variant = Variant(accepted.codec, deflate=bool(accepted.extensions), staff=False)
        self.channel: Channel | None = None
        self.viewer: str | None = None  #: pseudonym of a signed-in viewer
        self.grounds: tuple[str, ...] = ()  #: what who this is stands on, see `auth.standing`
        self.expires_at_ms: int | None = None
        self.identity: Identity | None = None  #: what its next resume token says
        self.alive = True  #: something came in since the last ping
        self.slot = 0  #: of the keepalive wheel
        self.deadline = 0.0  #: to join; later: to be gone after a close
        self.close_code: int | None = None
        self._fragments: list[bytes] | None = None
        self._idle: TokenBucket | None = None
        self._closing = False
        self._spared = False  #: a frame that may have had gauges was not sent
        transport.set_write_buffer_limits(high=0)  # it pauses us as soon as something stays unsent
        self._expose()

    # -- asyncio calls these

    def data_received(self, data: bytes) -> None:
        self.alive = True
        for start in range(0, len(data), _PIECE_BYTES):
            if self._closing:
                return  # whatever a peer goes on sending costs us the read alone
            self._feed(data[start : start + _PIECE_BYTES])

    def _feed(self, data: bytes) -> None:
        ws = self._ws
        ws.receive_data(data)
        for event in ws.events_received():
            if self.open:
                self._frame(cast(Frame, event))
        if ws.state is not OPEN:
            self._leave()  # no frame follows the close frame
        self._flush()

    def eof_received(self) -> None:
        if not self._closing:
            self._ws.receive_eof()
            self._leave()
            self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        self._edge.lost(self)
        # The parser is a generator that knows its protocol: a cycle, which `gc.freeze` would keep for ever.
        self._ws.parser.close()

    def _expose(self) -> None:
        """Fan-out may send past the transport, which holds nothing unsent."""
        if self.open:
            number: int = self.transport.get_extra_info("socket").fileno()
            self.descriptor = number

    def pause_writing(self) -> None:
        """The kernel's buffer is full: from now on each frame is weighed."""
        self.descriptor = -1
        self._regroup(self.variant._replace(slow=True))

    def resume_writing(self) -> None:
        self._regroup(self.variant._replace(slow=False))
        self._expose()
        if self._spared and self.channel is not None:
            self._spared = False  # a gauge that rests is not told again
            self.send([wire.encode(Gauge(values=self.channel.gauges), self.variant.codec)])

    def _regroup(self, variant: Variant) -> None:
        if self.channel is not None:
            self.channel.fanout.regroup(self, variant)
        self.variant = variant

    # -- inward

    def _frame(self, frame: Frame) -> None:
        opcode = frame.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            expected = Opcode.TEXT if self.variant.codec is Codec.JSON else Opcode.BINARY
            if opcode is not expected:
                self.close(CloseCode.BAD_FRAME, "text frames carry JSON, binary frames MessagePack")
            elif frame.fin:
                self._payload(bytes(frame.data))
            else:
                self._fragments = [bytes(frame.data)]
        elif opcode is Opcode.CONT:
            self._continue(frame)
        elif opcode is not Opcode.CLOSE:
            self._count_idle_frame()

    def _continue(self, frame: Frame) -> None:
        if self._fragments is None:
            return  # closed already
        self._fragments.append(bytes(frame.data))
        if len(self._fragments) > limits.FRAGMENTS:
            self._fragments = None
            self.close(CloseCode.TOO_BIG, f"more than {limits.FRAGMENTS} fragments")
        elif frame.fin:
            payload, self._fragments = b"".join(self._fragments), None
            self._payload(payload)

    def _payload(self, payload: bytes) -> None:
        if self.variant.codec is Codec.JSON:
            try:
                payload.decode()
            except UnicodeDecodeError:
                self.close(CloseCode.BAD_UTF8)
                return
        try:
            if not self._edge.received(self, payload):
                self._count_idle_frame()
        except ProtocolViolation as violation:
            self.close(violation.close, violation.detail)

    def _count_idle_frame(self) -> None:
        """Pings, pongs and empty frames ask for nothing, so no command's rate holds them."""
        now = asyncio.get_running_loop().time()
        if self._idle is None:
            self._idle = TokenBucket(_IDLE_RATE, now)
        if not self._idle.take(_IDLE_RATE, now):
            self.close(CloseCode.FLOOD, "too many frames that ask for nothing")

    def allow_staff_frames(self) -> None:
        self._ws.max_message_size = limits.STAFF_FRAME_BYTES

    # -- outward

    def send(self, messages: Sequence[bytes]) -> None:
        """Send encoded messages to this connection alone."""
        self.send_payload(wire.frame(messages, self.variant.codec))

    def send_payload(self, payload: bytes, *, compressed: bool = False) -> None:
        if self.variant.slow and self.unsent_bytes() > self._edge.hard_buffer_bytes:
            self.cut_slow()
        else:
            self.write(frames.frame(payload, self.variant.codec, compressed=compressed))

    def ping(self) -> None:
        self.alive = False
        self.write(frames.PING)

    @property
    def pseudonym(self) -> str | None:
        actor = self.session.actor
        return actor.pseudonym if actor else None

    @property
    def open(self) -> bool:
        return self.write is not _nowhere

    def unsent_bytes(self) -> int:
        """What the kernel has not taken yet."""
        return self.transport.get_write_buffer_size()

    def spared(self) -> None:
        self._spared = True

    def cut_slow(self) -> None:
        self.close(CloseCode.SLOW)

    def replace(self) -> None:
        self.close(CloseCode.REPLACED)

    def close(self, code: CloseCode, detail: str = "") -> None:
        """Say why, and close. Idempotent. The keepalive aborts whoever does not answer."""
        if not self.open:
            return
        self._shut()
        self.close_code = code
        self._closing = True
        try:
            if self._ws.state is OPEN:
                self._ws.send_close(int(code), _reason(detail or CLOSES[code].text))
                self._flush()
                self.transport.write_eof()  # the peer has our reason; we have nothing more to hear
        finally:
            self._edge.closed(self, code)

    def _shut(self) -> None:
        """Nothing of ours goes out any more. The kernel may give the descriptor's number away once we return."""
        self.write = _nowhere
        self.descriptor = -1

    def _leave(self) -> None:
        """The peer closed, or broke the protocol, or is gone."""
        if self.open:
            self._shut()
            close = self._ws.close_rcvd or self._ws.close_sent
            self._edge.closed(self, close.code if close else None)

    def abort(self) -> None:
        self.transport.abort()

    def _flush(self) -> None:
        for data in self._ws.data_to_send():
            if data:
                self.transport.write(data)
            else:
                self.transport.close()
