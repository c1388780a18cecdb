"""The bad line: what it delays, slows, cuts and resets, and that it keeps the bytes and their order."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import pytest

from loadtest.faults.line import Spoiler
from loadtest.scenario import Bad


@contextlib.asynccontextmanager
async def echo_behind_a_line() -> AsyncIterator[tuple[Spoiler, asyncio.StreamReader, asyncio.StreamWriter]]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    far = await asyncio.start_server(echo, "127.0.0.1", 0)
    spoiler = Spoiler("127.0.0.1", far.sockets[0].getsockname()[1])
    near = await asyncio.start_server(spoiler.serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", near.sockets[0].getsockname()[1])
    try:
        yield spoiler, reader, writer
    finally:
        writer.close()
        spoiler.become(Bad(end="cut"))
        near.close()
        far.close()
        await asyncio.sleep(0.1)  # for both ends of each line
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_jitter_delays_and_never_reorders() -> None:
    async with echo_behind_a_line() as (spoiler, reader, writer):
        spoiler.become(Bad(delay_ms=20, jitter_ms=50))
        data = bytes(range(256)) * 20
        began = asyncio.get_running_loop().time()
        for place in range(0, len(data), 512):
            writer.write(data[place : place + 512])
            await asyncio.sleep(0.002)
        assert await reader.readexactly(len(data)) == data
        assert asyncio.get_running_loop().time() - began >= 0.04, "there and back"


async def test_a_slow_line_is_as_slow_as_it_was_told_to_be() -> None:
    async with echo_behind_a_line() as (spoiler, reader, writer):
        spoiler.become(Bad(bytes_per_s=20_000))
        began = asyncio.get_running_loop().time()
        writer.write(bytes(10_000))
        await reader.readexactly(10_000)
        assert asyncio.get_running_loop().time() - began >= 0.3


@pytest.mark.parametrize("end", ["cut", "reset"])
async def test_what_is_open_ends_and_what_comes_later_is_good_again(end: str) -> None:
    async with echo_behind_a_line() as (spoiler, reader, writer):
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        spoiler.become(Bad(end=end))  # type: ignore[arg-type]
        if end == "reset":
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
        else:
            assert await reader.read(1) == b""
        spoiler.become(Bad())


async def test_a_line_carries_more_than_a_shell_allows_files() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(1))
        await writer.drain()
        await reader.read()
        writer.close()

    async def one(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x")
        held.append(writer)
        return await reader.read(1)

    held: list[asyncio.StreamWriter] = []
    far = await asyncio.start_server(echo, "127.0.0.1", 0)
    words = f"ulimit -Sn 64; exec {sys.executable} -m loadtest.faults.line 127.0.0.1 {far.sockets[0].getsockname()[1]}"
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        port = int(await process.stdout.readline())
        async with asyncio.timeout(30):
            assert await asyncio.gather(*(one(port) for _ in range(60))) == [b"x"] * 60
    finally:
        for writer in held:
            writer.close()
        process.stdin.close()
        await process.wait()
        far.close()
