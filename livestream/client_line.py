"""Line: one websocket to the gateway, from dialling to its end, in messages instead of bytes."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.typing import Subprotocol

from livestream.client_rules import Next, after_close, after_status
from livestream.client_wire import Message, decode
from livestream.protocol import codec as wire
from livestream.protocol.codec import Codec
from livestream.protocol.commands import Command
from livestream.protocol.errors import LivestreamError
from livestream.protocol.replies import Error

_OPEN_S = 10.0
_PING_S = 20.0
_PONG_S = 10.0
_CLOSE_S = 2.0
_MOST_BYTES = 32 * 1024 * 1024  #: a resume may bring some thousand host messages in one frame
_LOGGER = logging.getLogger("livestream.client.websocket")
_LOGGER.setLevel(logging.CRITICAL)  # how lines end is told by `Dropped`

#: What the server compresses once for all carries no context over. What we
#: send is short: the least window and memory, or each command costs 256 KiB.
_DEFLATE = [
    ClientPerMessageDeflateFactory(
        server_no_context_takeover=True,
        client_no_context_takeover=True,
        compress_settings={"level": 1, "memLevel": 1},
    )
]


class Dropped(LivestreamError):
    """A line ended, or could not be had."""

    def __init__(
        self,
        text: str,
        next_: Next,
        *,
        close_code: int | None = None,
        code: str | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(text)
        self.next = next_
        self.close_code = close_code
        self.code = code
        self.retry_after_ms = retry_after_ms

    @classmethod
    def refused(cls, error: Error, next_: Next) -> Dropped:
        """The join was refused."""
        text = f"the join was refused, {error.code}: {error.text}"
        return cls(text, next_, code=error.code, retry_after_ms=error.retry_after_ms)


class Line:
    """An open websocket."""

    __slots__ = ("_codec", "_socket")

    def __init__(self, socket: ClientConnection, codec: Codec) -> None:
        self._socket = socket
        self._codec = codec

    async def send(self, command: Command) -> None:
        """Raises:
        Dropped
        """
        payload = wire.encode_all([command], self._codec)
        try:
            await self._socket.send(payload, text=self._codec is Codec.JSON)
        except ConnectionClosed as closed:
            raise _ended(closed) from None

    async def receive(self) -> list[Message]:
        """The next frame's messages.

        Raises:
            Dropped
        """
        try:
            return decode(await self._socket.recv(decode=False), self._codec)
        except ConnectionClosed as closed:
            raise _ended(closed) from None
        except msgspec.MsgspecError as error:
            raise Dropped(f"not our protocol: {error}", Next.GIVE_UP, code="protocol") from None


def _ended(closed: ConnectionClosed) -> Dropped:
    code = None if closed.rcvd is None else closed.rcvd.code
    text = "the line broke" if closed.rcvd is None else f"closed with {code} {closed.rcvd.reason}".strip()
    return Dropped(text, after_close(code), close_code=code)


@contextlib.asynccontextmanager
async def dial(url: str, codec: Codec, compression: bool, local_addr: tuple[str, int] | None) -> AsyncIterator[Line]:
    """Open a line; closed at the end.

    Raises:
        Dropped: nobody there, or the handshake was refused.
    """
    try:
        socket = await open_websocket(
            url,
            subprotocols=[Subprotocol(codec.value)],
            extensions=_DEFLATE if compression else None,
            compression=None,
            local_addr=local_addr,
            proxy=None if _is_near(url) else True,
            open_timeout=_OPEN_S,
            ping_interval=_PING_S,
            ping_timeout=_PONG_S,
            close_timeout=_CLOSE_S,
            max_size=_MOST_BYTES,
            logger=_LOGGER,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        body = bytes(error.response.body or b"").decode(errors="replace").strip()
        raise Dropped(f"HTTP {status}: {body}", after_status(status), code=f"http_{status}") from None
    except InvalidURI as error:
        raise Dropped(str(error), Next.GIVE_UP, code="url") from None
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise Dropped(f"{type(error).__name__}: {error}", Next.AGAIN) from None
    try:
        if socket.subprotocol != codec.value:
            raise Dropped(f"the server does not speak {codec.value}", Next.GIVE_UP, code="protocol")
        yield Line(socket, codec)
    finally:
        await socket.close()


def _is_near(url: str) -> bool:
    """This machine: no proxy stands in between, whatever the environment says."""
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")
