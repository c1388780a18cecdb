"""Line: a TCP proxy that makes a connection bad: delay, jitter, rate, cut, reset. One process of its own.

It is told what to be on its input, a JSON object a line, as `Bad` has it.
Bytes keep their order whatever the jitter, as TCP's do.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import sys

import msgspec

from ..descriptors import allow_files
from ..scenario import Bad

_CHUNK = 64 * 1024
_QUEUED = 64  #: chunks under way; then the sender waits, as with a full window


class Spoiler:
    """Stands before one address; all connections share what it is at the moment."""

    def __init__(self, host: str, port: int, seed: int = 1) -> None:
        self._host = host
        self._port = port
        self._random = random.Random(seed)
        self._open: set[asyncio.StreamWriter] = set()
        self.bad = Bad()
        self.passed_bytes = 0

    def become(self, bad: Bad) -> None:
        """From now on; `end` ends what is open."""
        self.bad = bad
        if bad.end:
            for writer in list(self._open):
                if bad.end == "reset":
                    _reset_on_close(writer)
                writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, far_writer}
        ways = [
            asyncio.create_task(self._carry(reader, far_writer)),
            asyncio.create_task(self._carry(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._open -= {writer, far_writer}
            for each in (writer, far_writer):
                with contextlib.suppress(OSError):
                    each.close()
                    await each.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One way: a queue of chunks with the time at which each may go on."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_QUEUED)
        out = asyncio.create_task(self._let_out(queue, writer))
        loop, last = asyncio.get_running_loop(), 0.0
        try:
            while data := await reader.read(
                _CHUNK if not self.bad.bytes_per_s else max(64, self.bad.bytes_per_s // 10)
            ):
                bad = self.bad
                at = loop.time() + (bad.delay_ms + self._random.random() * bad.jitter_ms) / 1000
                last = at = max(last, at)
                await queue.put((at, data))
                if bad.bytes_per_s:
                    await asyncio.sleep(len(data) / bad.bytes_per_s)
            await queue.put((last, b""))
            await out
        except OSError:
            return
        finally:
            out.cancel()

    async def _let_out(self, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            at, data = await queue.get()
            if (wait_s := at - loop.time()) > 0:
                await asyncio.sleep(wait_s)
            if not data:
                return
            with contextlib.suppress(OSError):
                writer.write(data)
                self.passed_bytes += len(data)
                await writer.drain()


def _reset_on_close(writer: asyncio.StreamWriter) -> None:
    found = writer.get_extra_info("socket")
    if found is not None:
        with contextlib.suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def main(host: str, port: int) -> None:
    """Serve on a free port, which is printed, until the input ends."""
    spoiler = Spoiler(host, port)
    server = await asyncio.start_server(spoiler.serve, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - the conductor reads it
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        spoiler.become(msgspec.json.decode(line, type=Bad))


if __name__ == "__main__":
    allow_files()
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
