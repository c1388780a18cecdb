"""Own: a `livestream serve` of the suite's own, in a temporary folder, with a shop made for the run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp

from .faults.hurt import HurtError, descendants, victim
from .interrupt import to_the_end
from .target import Process, Target

SHOP, ROOM = "loadtest", "loadtest-main"
_START_S = 90.0
_STOP_S = 40.0


class OwnError(Exception):
    """It did not come up; the text holds its last words."""


@contextlib.asynccontextmanager
async def own_show(settings: Mapping[str, str], *, pays: bool) -> AsyncIterator[tuple[Target, int]]:
    """A target that nobody else uses, and the process number of its `serve`; nothing is left of it at the end.

    Args:
        settings: of the server, by name: `gateways`, say.
        pays: with a payment provider that moves no money.

    Raises:
        OwnError
    """
    folder = _open_folder()
    port = _free_port()
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("LIVESTREAM_", "DATABASE_URL"))
    }
    environ.pop("REDIS_URL", None)
    environ |= {"LIVESTREAM_PORT": str(port), "LIVESTREAM_DATA_DIR": str(folder / "data")}
    environ |= {"LIVESTREAM_LOG_LEVEL": "warning"} | {
        f"LIVESTREAM_{key.upper()}": each for key, each in settings.items()
    }
    if pays:
        bank = _free_port()
        environ |= {"LIVESTREAM_PAYMENTS": "sandbox", "LIVESTREAM_SANDBOX_URL": f"http://127.0.0.1:{bank}"}
    log = folder / "serve.log"
    try:
        async with contextlib.AsyncExitStack() as running:
            serve = await running.enter_async_context(_program(environ, log, "serve", "--no-demo"))
            url = f"http://127.0.0.1:{port}"
            await _until_ready(f"{url}/readyz", serve, log)
            if pays:
                words = ("sandbox-pay", "--port", str(bank))
                beside = await running.enter_async_context(_program(environ, folder / "sandbox.log", *words))
                await _until_ready(f"http://127.0.0.1:{bank}/healthz", beside, folder / "sandbox.log")
            kid, key = await _shop(environ)
            yield _target(url, kid, key, serve.pid), serve.pid
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def _program(environ: Mapping[str, str], log: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """One of our programs; it has ended at the end."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "livestream", *words,
            env=dict(environ), stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        await to_the_end(_ended(process))


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _target(url: str, kid: str, key: str, pid: int) -> Target:
    def named(*words: str) -> Process:
        return Process(match=list(words), within=pid)

    return Target(
        url=url,
        shop=SHOP,
        kid=kid,
        key=key,
        room=ROOM,
        process={
            "gateway": named("livestream", "gateway"),
            "worker": named("livestream", "worker"),
            "postgres": _postgres(pid),
            "redis": named("valkey-server"),
        },
        redis_url=_redis_url(pid),
        restart_postgres=[sys.executable, "-m", "loadtest.own", str(pid)],
    )


def _postgres(pid: int) -> Process:
    """Postgres' first process: `serve` starts it anew, under another number, when it ends."""
    return Process(match=["postgres", "-D"], within=pid)


def end_postgres(pid: int) -> None:
    """End the Postgres that this `serve` runs now.

    Raises:
        HurtError: it runs none.
    """
    os.kill(victim("postgres", _postgres(pid)), signal.SIGINT)


def _redis_url(pid: int) -> str:
    """As the gateways were told."""
    name = b"LIVESTREAM_REDIS_URL="
    for each in descendants(pid):
        with contextlib.suppress(OSError):
            for variable in Path(f"/proc/{each}/environ").read_bytes().split(b"\0"):
                if variable.startswith(name):
                    return variable.removeprefix(name).decode()
    return ""


async def _shop(environ: Mapping[str, str]) -> tuple[str, str]:
    """Make the shop; its key."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "livestream", "shop", "create", SHOP, "--room", ROOM,
        env=dict(environ), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    out, err = await to_the_end(process.communicate())
    if process.returncode:
        raise OwnError(f"no shop could be made: {err.decode().strip()}")
    said = dict(line.split(maxsplit=1) for line in out.decode().splitlines() if line.strip())
    return said["kid"], said["key"]


async def _until_ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    """Raises:
    OwnError
    """
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.returncode is None:
        if await answers(url):
            return
        await asyncio.sleep(0.2)
    raise OwnError(f"{url} does not get ready:\n{_last_words(log)}")


def _open_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="livestream-loadtest-"))
    folder.chmod(0o711)  # the embedded stores may run as another user
    return folder


def _last_words(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-2000:]


async def answers(url: str) -> bool:
    """Asked without the proxies of the environment: it is a server of this machine."""
    timeout = aiohttp.ClientTimeout(total=2)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    try:
        end_postgres(int(sys.argv[1]))
    except (HurtError, OSError) as trouble:
        sys.exit(str(trouble))
