"""A callback that raises ends its process; one connection's trouble does not."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.fanout import Fanout
from livestream import lifeline
from livestream.config import Settings
from tests.support.receivers import Remembering, logged, on_uvloop


class Broken(Remembering):
    def write(self, data: bytes) -> None:
        raise ZeroDivisionError


def test_a_bug_in_fan_out_ends_the_process(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            lifeline.end_with_broken_callbacks(tasks)
            fanout = Fanout(Settings())
            fanout.add(Broken())
            fanout.log(logged(1))
            await asyncio.sleep(10)

    with pytest.raises(ExceptionGroup) as ended:
        on_uvloop(run())
    assert ended.group_contains(ZeroDivisionError)
    assert "ZeroDivisionError" in caplog.text


def test_a_bug_in_one_protocol_costs_its_connection_alone(caplog: pytest.LogCaptureFixture) -> None:
    class Protocol(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            raise ZeroDivisionError

    async def run() -> None:
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            lifeline.end_with_broken_callbacks(tasks)
            loop = asyncio.get_running_loop()
            ours, theirs = socket.socketpair()
            theirs.setblocking(False)
            with theirs:
                await loop.create_connection(Protocol, sock=ours)
                await loop.sock_sendall(theirs, b"x")
                assert await loop.sock_recv(theirs, 1) == b""

    on_uvloop(run())
    assert "ZeroDivisionError" in caplog.text
