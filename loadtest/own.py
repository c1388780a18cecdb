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
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from .faults.hurt import descendants
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
            "postgres": named("bin/postgres", "-D"),
            "redis": named("valkey-server"),
        },
        redis_url=_redis_url(pid),
        restart_postgres=["sh", "-c", f"kill -INT {_postgres(pid)}"],
    )


def _postgres(pid: int) -> int:
    """Postgres' first process: `serve` starts it anew when it ends."""
    for each in descendants(pid):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{each}/cmdline").read_bytes()
            if b"bin/postgres" in words and b"-D" in words:
                return each
    return 0


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
        env=dict(environ), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
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
        if await asyncio.to_thread(_answers, url):
            return
        await asyncio.sleep(0.2)
    raise OwnError(f"{url} does not get ready:\n{_last_words(log)}")


def _open_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="livestream-loadtest-"))
    folder.chmod(0o711)  # the embedded stores may run as another user
    return folder


def _last_words(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-2000:]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
