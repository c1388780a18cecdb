"""Benches: one a provider, so that the contract can press the buttons that a buyer presses. Add yours to BENCHES."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from groupbuy.payments.port import Checkout, Provider, Way
from groupbuy.payments.sandbox import Sandbox
from groupbuy.payments.sandbox_keys import keys
from tests.support.sandbox import Listener, SandboxProcess


class Bench(Protocol):
    """A provider's test account with a buyer."""

    provider: Provider

    async def pay(self, checkout: Checkout) -> None:
        """The buyer pays."""

    async def refuse(self, checkout: Checkout) -> None:
        """The buyer's bank refuses."""

    async def silence(self, operation: str) -> None:
        """The next such operation is done, and its answer is lost."""

    async def down(self, operation: str) -> None:
        """The next such operation is turned away, nothing done."""

    async def notified(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        """Wait for so many notifications; all that came, headers in lower case."""


class SandboxBench:
    def __init__(self, process: SandboxProcess, listener: Listener, provider: Sandbox) -> None:
        self.process = process
        self.provider = provider
        self._listener = listener

    async def pay(self, checkout: Checkout) -> None:
        await self.process.press(checkout, 200, 409, do="pay", card="good")

    async def refuse(self, checkout: Checkout) -> None:
        await self.process.press(checkout, do="pay", card="refused")

    async def silence(self, operation: str) -> None:
        await self.process.order(self.provider.way, what="silent", on=operation, ms=0, times=1)

    async def down(self, operation: str) -> None:
        await self.process.order(self.provider.way, what="down", on=operation, times=1)

    async def notified(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        await self._listener.until(count)
        return self._listener.taken


class Place:
    """What lives as long as the whole suite: a folder, and what a bench started and lets run for the next test."""

    def __init__(self, folder: Path, ending: contextlib.ExitStack) -> None:
        self.folder = folder
        self.ending = ending
        self.sandbox: SandboxProcess | None = None


@contextlib.asynccontextmanager
async def sandbox(place: Place, way: Way) -> AsyncIterator[SandboxBench]:
    if place.sandbox is None:
        place.sandbox = SandboxProcess(place.folder)
        place.ending.callback(place.sandbox.kill)
        await place.sandbox.start()
    process, listener = place.sandbox, Listener()
    await process.call(way, "DELETE", "/v1/faults")
    provider = Sandbox(process.url, keys(process.secret, way), listener.url, timeout_s=3)
    try:
        async with listener.listening():
            yield SandboxBench(process, listener, provider)
    finally:
        await provider.close()


BENCHES: dict[str, Callable[[Place], AbstractAsyncContextManager[Bench]]] = {
    "sandbox-authorise": lambda place: sandbox(place, Way.AUTHORISE),
    "sandbox-capture": lambda place: sandbox(place, Way.CAPTURE),
}
