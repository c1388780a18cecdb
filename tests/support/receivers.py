"""Receivers: connections as fan-out sees them, with a peer behind them that remembers what it read."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import msgpack
import msgspec
import uvloop
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame
from websockets.streams import StreamReader

from gateway.fanout import Fanout
from gateway.ring import Variant
from livestream.protocol.codec import Codec
from livestream.storage.roomlog import Logged

Result = TypeVar("Result")
PLAIN = Variant(Codec.JSON, deflate=False, staff=False)


def on_uvloop(work: Coroutine[Any, Any, Result]) -> Result:
    """Run on the loop that gateways run on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def read_frame(data: bytes, *, compressed: bool = False) -> Frame:
    """Read one frame as a client does; all bytes must be used up."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    inflate = [PerMessageDeflate(True, True, 15, 15)] if compressed else []
    parsing = Frame.parse(reader.read_exact, mask=False, max_size=None, extensions=inflate)
    try:
        next(parsing)
    except StopIteration as done:
        frame: Frame = done.value
        assert not reader.buffer
        return frame
    raise AssertionError("the frame is not whole")


class Remembering:
    """A receiver. `unsent` is what its kernel has not taken."""

    descriptor = -1

    def __init__(self, variant: Variant = PLAIN, unsent: int = 0) -> None:
        self.variant = variant
        self.unsent = unsent
        self.frames: list[bytes] = []
        self.times: list[float] = []
        self.cut = False
        self.spares = 0

    def write(self, data: bytes) -> None:
        self.frames.append(data)
        self.times.append(asyncio.get_running_loop().time())

    def unsent_bytes(self) -> int:
        return self.unsent

    def spared(self) -> None:
        self.spares += 1

    def cut_slow(self) -> None:
        self.cut = True

    def messages(self) -> list[dict[str, Any]]:
        """All it was sent, in order."""
        unpack = msgspec.json.decode if self.variant.codec is Codec.JSON else msgpack.unpackb
        found: list[dict[str, Any]] = []
        for data in self.frames:
            found += unpack(bytes(read_frame(data, compressed=self.variant.deflate).data))
        return found

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages() if message["t"] == kind]

    def seqs(self) -> list[int]:
        return [message["seq"] for message in self.of("log")]


def logged(*seqs: int) -> list[Logged]:
    """Events of the room log with these numbers."""
    return [Logged(seq, 1000 + seq, b'{"t":"pinned"}') for seq in seqs]


async def quiet(fanout: Fanout, seconds: float = 0.0) -> None:
    """Wait so long, then until all that is due has been written."""
    await asyncio.sleep(seconds)
    for _ in range(100_000):
        if not fanout._busy and not fanout._scheduled:
            return
        await asyncio.sleep(0)
    raise AssertionError("the fan-out does not come to rest")
