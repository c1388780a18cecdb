"""ShopServer: a shop's own server, which takes webhooks, remembers them, and answers as a test tells it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import msgspec
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from livestream.webhooks import signature

Answering = Callable[["Received"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    headers: dict[str, str]  #: names in lower case
    body: bytes
    path: str
    request: web.Request

    @property
    def id(self) -> str:
        return self.headers[signature.ID]

    @property
    def event(self) -> dict[str, object]:
        found: dict[str, object] = msgspec.json.decode(self.body)
        return found


class ShopServer:
    """On 127.0.0.1.

    Attributes:
        answer: makes the response; or `status` alone does.
        at_once: how many requests of one message were under way together at most.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[Received] = []
        self.status = 204
        self.answer: Answering | None = None
        self.under_way: list[str] = []
        self.at_once = 0
        self.most = 0  #: requests of any message under way together

    @property
    def ids(self) -> list[str]:
        """Message ids, in the order they came."""
        return [each.id for each in self.received]

    async def take(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        got = Received(headers, await request.read(), request.path, request)
        self.received.append(got)
        self.under_way.append(got.id)
        self.at_once = max(self.at_once, self.under_way.count(got.id))
        self.most = max(self.most, len(self.under_way))
        try:
            return web.Response(status=self.status) if self.answer is None else await self.answer(got)
        finally:
            self.under_way.remove(got.id)

    async def dawdle(self, got: Received) -> web.StreamResponse:
        """An answer that never comes."""
        await asyncio.sleep(600)
        raise AssertionError


def own_certificate(context: ssl.SSLContext) -> None:
    """Load one for 127.0.0.1 that nobody but itself has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        file.flush()
        context.load_cert_chain(file.name)


@contextlib.asynccontextmanager
async def shop_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[ShopServer]:
    """One that listens."""
    app = web.Application()
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    server = ShopServer("")
    app.router.add_route("*", "/{path:.*}", server.take)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        host, port = runner.addresses[0][:2]
        server.url = f"{'https' if tls else 'http'}://{host}:{port}/hook"
        yield server
    finally:
        await runner.cleanup()
