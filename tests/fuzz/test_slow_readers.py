"""Viewers that stop reading: they are spared, then cut; memory stays bounded; the others do not notice."""

from __future__ import annotations

import asyncio
import contextlib
import time
import urllib.request
from collections.abc import Callable

import pytest

from livestream.protocol.errors import CloseCode
from livestream.protocol.roles import Role
from tests.fuzz.test_hostile import resident_kib
from tests.support.gateways import Gateways
from tests.support.people import People
from tests.support.rawsocket import JSON, RawSocket, joined

pytestmark = pytest.mark.alone  # it counts seconds, or what the whole machine holds

_SLOW = 200
_HARD_BYTES = 64 * 1024


def of_the_log(peer: RawSocket) -> list[int]:
    return [message["seq"] for message in peer.messages if message["t"] == "log"]


def kernel_kib() -> int:
    """Memory of all TCP sockets of this machine."""
    with open("/proc/net/sockstat") as sockstat:
        for line in sockstat:
            if line.startswith("TCP:"):
                return int(line.split()[-1]) * 4
    raise AssertionError("no TCP line in sockstat")


async def flood(host: RawSocket, text: str, count: int) -> None:
    """Say something large so many times, waiting for each answer."""
    for number in range(count):
        await host.say({"t": "say", "ref": number + 1, "text": f"{number} {text}"})
        await host.read_until(ref=number + 1)


async def test_a_reader_that_stops_is_cut_and_resumes_and_memory_is_bounded(
    start_gateway: Callable[..., Gateways], people: People
) -> None:
    gateway = start_gateway(
        soft_buffer_bytes=16 * 1024, hard_buffer_bytes=_HARD_BYTES, send_buffer_bytes=16 * 1024,
        staff_rate_burst=100_000, staff_rate_per_s=100_000.0, log_tail=5000,
    )  # fmt: skip
    port, pid = gateway.settings.port, gateway.processes[0].pid
    async with contextlib.AsyncExitStack() as stack:
        host = await stack.enter_async_context(joined(port, token=people.token("host", Role.HOST)))
        reading = await stack.enter_async_context(joined(port, JSON, name="Reading"))
        slow = [await stack.enter_async_context(joined(port, JSON, name="Slow")) for _ in range(_SLOW)]
        for peer in slow:
            peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        before, kernel_before = resident_kib(pid), kernel_kib()
        began = time.monotonic()
        collecting = asyncio.create_task(reading.read_until("never", timeout_s=100))
        await flood(host, "x" * 1900, 1500)
        took = time.monotonic() - began
        grown, kernel_grown = resident_kib(pid) - before, kernel_kib() - kernel_before
        async with asyncio.timeout(60):  # who reads gets all of it, sooner or later
            while len(of_the_log(reading)) < 1500:
                await asyncio.sleep(0.1)
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)

        # 1,500 messages of 2 KB to 200 viewers are 600 MB: neither process nor kernel may hold more than the limits.
        assert grown < _SLOW * _HARD_BYTES / 1024 * 2 + 30_000, f"{grown} KiB"
        assert kernel_grown < 400_000, f"{kernel_grown} KiB"
        assert took < 60
        seqs = of_the_log(reading)
        assert seqs == list(range(seqs[0], seqs[0] + 1500))

        victim = slow[0]
        victim.writer.transport.resume_reading()  # type: ignore[attr-defined]
        code = await victim.closed_with(20)
        assert code in (CloseCode.SLOW, 1006)
        assert slow_closes(port) > 0
        await resumes_without_a_gap(port, victim, until=seqs[-1])


def slow_closes(port: int) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as response:
        lines = response.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("livestream_slow_closes_total"))


async def resumes_without_a_gap(port: int, peer: RawSocket, *, until: int) -> None:
    """Come back with what the cut connection knew; the log goes on where it stopped."""
    first = next(message for message in peer.messages if message["t"] == "joined")
    snapshot = next(message for message in peer.messages if message["t"] == "snapshot")
    got = [message["seq"] for message in peer.messages if message["t"] == "log"]
    assert got == list(range(snapshot["seq"] + 1, snapshot["seq"] + 1 + len(got)))
    last = got[-1] if got else snapshot["seq"]
    resume = {"token": first["resume"], "epoch": first["epoch"], "seq": last}
    async with joined(port, JSON, resume=resume) as back:
        while not (seqs := [message["seq"] for message in back.messages if message["t"] == "log"]) or seqs[-1] < until:
            await back.read_until("log")
        assert seqs == list(range(last + 1, last + 1 + len(seqs)))
