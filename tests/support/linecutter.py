"""LineCutter: stands between a client and Postgres on a Unix socket; holds bytes back, or cuts the line.

It reads Postgres' messages by their framing alone, so it can cut exactly after
a COMMIT went out and before its answer comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit


class LineCutter:
    """One listening socket; all lines through it share the switches.

    Attributes:
        cut_at: bytes of a statement; the line that carries it is cut as `deliver` says.
        deliver: the statement reaches Postgres before the cut.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._answers = asyncio.Event()
        self._answers.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.cut_at: bytes | None = None
        self.deliver = True
        self.cuts = 0
        self.sent: deque[bytes] = deque(maxlen=100)  #: what clients sent last

    def hold_answers(self) -> None:
        """What Postgres says waits until `let_answers`."""
        self._answers.clear()

    def let_answers(self) -> None:
        self._answers.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One line, until either end hangs up or it is cut."""
        up_reader, up_writer = await asyncio.open_unix_connection(str(self._target))
        self._writers |= {writer, up_writer}
        ways = [
            asyncio.create_task(self._to_postgres(reader, writer, up_writer)),
            asyncio.create_task(self._to_client(up_reader, writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        writer.transport.abort()
        up_writer.transport.abort()
        self._writers -= {writer, up_writer}

    async def _to_postgres(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, up_writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(1 << 16):
            self.sent.append(data)
            if self.cut_at is not None and self.cut_at in data:
                self.cuts += 1
                self.cut_at = None
                if self.deliver:
                    # The line to the client goes first, so that no answer slips through.
                    writer.transport.abort()
                    up_writer.write(data)
                    await up_writer.drain()
                    await asyncio.sleep(0.2)
                return
            up_writer.write(data)
            await up_writer.drain()

    async def _to_client(self, up_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await up_reader.read(1 << 16):
            await self._answers.wait()
            writer.write(data)
            await writer.drain()

    def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def line_cutter(url: str, folder: Path) -> AsyncIterator[tuple[LineCutter, str]]:
    """A line cutter before a database, and the URL that goes through it."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    port = str(parts.port or query.get("port", 5432))
    cutter = LineCutter(Path(query["host"]) / f".s.PGSQL.{port}")
    server = await asyncio.start_unix_server(cutter.serve, str(folder / f".s.PGSQL.{port}"))
    try:
        yield cutter, urlunsplit(parts._replace(query=urlencode(query | {"host": str(folder)})))
    finally:
        server.close()
        cutter.let_answers()
        cutter.close()
        await asyncio.sleep(0.05)
