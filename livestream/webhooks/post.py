"""Post: one attempt to hand a webhook over, and what came of it. Knows no database."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import aiohttp

from .resolver import CheckedResolver, Targets
from .target import TargetRefused

RESPONSE_CHARS = 500  #: of a response that are kept, for a person who looks for the fault
_RESPONSE_BYTES = 4 * RESPONSE_CHARS  # at most four a character
_RESPONSE_S = 1.0  #: the status decides; a body that dawdles is cut
#: A burst shares connections. Shorter than any server's own limit (gunicorn's is 2 s): a server that closes a
#: connection just as we use it again costs an attempt.
_KEEP_ALIVE_S = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt."""

    status: int | None  #: None: no answer
    error: str | None  #: None: an answer, whatever it says
    duration_ms: int
    response: str | None = None
    retry_after: str | None = None


@contextlib.asynccontextmanager
async def client(targets: Targets, parallel: int) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that connects to allowed targets alone: no proxy, no cookies, no cached names."""
    connector = aiohttp.TCPConnector(
        resolver=CheckedResolver(targets),
        use_dns_cache=False,
        limit=parallel,
        keepalive_timeout=_KEEP_ALIVE_S,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),  # `post` keeps the time
        auto_decompress=False,
        trust_env=False,
        headers={
            "User-Agent": "livestream-webhooks/1",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
        },
    ) as session:
        yield session


async def post(
    session: aiohttp.ClientSession,
    targets: Targets,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    timeout_s: float,
) -> Answer:
    """Make one attempt. Redirects are answers, never followed.

    Args:
        timeout_s: from the look-up to the response's head; its body may take a second more.
    """
    started = time.monotonic()

    def answer(status: int | None, error: str | None, response: str | None = None, after: str | None = None) -> Answer:
        return Answer(status, error, round((time.monotonic() - started) * 1000), response, after)

    try:
        async with asyncio.timeout(timeout_s):
            checked = targets.rules.check_url(url)  # an address in it never meets the resolver
            response = await session.post(checked, data=body, headers=headers, allow_redirects=False)
    except TargetRefused as error:
        return answer(None, str(error))
    except TimeoutError:
        return answer(None, f"no answer in {timeout_s:g} s")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return answer(None, _reason(error))
    try:
        excerpt = await _excerpt(response)
        return answer(response.status, None, excerpt, response.headers.get("Retry-After"))
    finally:
        response.close()  # with a body read to its end it does not hurt: the connection was given back already


async def _excerpt(response: aiohttp.ClientResponse) -> str:
    read = bytearray()
    with contextlib.suppress(aiohttp.ClientError, OSError):  # a time-out is an OSError
        async with asyncio.timeout(_RESPONSE_S):
            while len(read) < _RESPONSE_BYTES:
                piece = await response.content.read(_RESPONSE_BYTES - len(read))
                if not piece:
                    break
                read += piece
    # NUL is what Postgres cannot store.
    return read.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")[:RESPONSE_CHARS]


def _reason(error: Exception) -> str:
    """What went wrong, without the addresses that a driver's text may hold."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate does not hold: {_verification(error)}"
    if isinstance(error, aiohttp.ClientSSLError):
        return "TLS failed"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection: {error.os_error.strerror or type(error.os_error).__name__}"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError):
        return "the connection broke"
    return f"no answer that is HTTP: {type(error).__name__}"


def _verification(error: aiohttp.ClientConnectorCertificateError) -> str:
    cause = error.certificate_error
    return cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else type(cause).__name__
