"""A sandbox-pay process of a test's own, and who listens to its webhooks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from groupbuy.payments.port import Checkout, Way
from groupbuy.payments.sandbox_keys import keys

from .ports import free_port

SECRET = "a secret of thirty-two characters"


class SandboxProcess:
    """May be killed and started again: its file stays."""

    def __init__(self, data: Path, secret: str = SECRET) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.secret = secret.encode()
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        environ = {**os.environ, "LIVESTREAM_SECRET": self.secret.decode(), "LIVESTREAM_DATA_DIR": str(self._data)}
        command = [sys.executable, "-m", "livestream", "sandbox-pay", "--port", str(self.port)]
        self._process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)  # noqa: ASYNC220
        async with aiohttp.ClientSession() as session:
            for _ in range(200):
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{self.url}/healthz"):
                        return
                await asyncio.sleep(0.05)
        raise AssertionError("sandbox-pay did not come up")

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """With -9, at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def call(self, way: Way, method: str, path: str, body: Any = None) -> Any:
        """One request of an account; the answer decoded."""
        headers = {"Authorization": f"Bearer {keys(self.secret, way).api}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, self.url + path, json=body) as response,
        ):
            return await response.json()

    async def ledger(self, way: Way, currency: str = "EUR") -> dict[str, int]:
        """What the sandbox itself says it moved."""
        sums: dict[str, int] = (await self.call(way, "GET", "/v1/ledger"))["currencies"].get(currency, {})
        return sums

    async def order(self, way: Way, **fault: Any) -> None:
        """Have something go wrong."""
        answer = await self.call(way, "POST", "/v1/faults", fault)
        assert "items" in answer, answer

    async def press(self, checkout: Checkout, *statuses: int, **form: str) -> str:
        """Press a button on the checkout page; returns the page that follows.

        Args:
            statuses: that it may be answered with; 200, if none is given.
        """
        async with aiohttp.ClientSession() as session, session.post(checkout.url, data=form) as response:
            assert response.status in (statuses or (200,))
            return await response.text()


class Listener:
    """Takes webhooks; `status` is what it answers."""

    def __init__(self) -> None:
        self.port = free_port()
        self._path = f"/notify/{secrets.token_hex(8)}"  # ports are used again: another's webhooks stay outside
        self.url = f"http://127.0.0.1:{self.port}{self._path}"
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.status = 204

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Listener]:
        async def take(request: web.Request) -> web.Response:
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.taken.append((headers, await request.read()))
            return web.Response(status=self.status)

        application = web.Application()
        application.router.add_post(self._path, take)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield self
        finally:
            await runner.cleanup()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.taken) < count:
                await asyncio.sleep(0.02)
