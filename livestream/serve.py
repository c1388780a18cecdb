"""Serve: everything on one machine. Stores if none are given, schema, demo show, one gateway a core, one worker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import msgspec
import structlog

from livestream import metrics, seed
from livestream.auth import Identity
from livestream.bus import connect
from livestream.config import ConfigError, Settings
from livestream.deployment import to_environ, with_stores
from livestream.embedded import Stores
from livestream.protocol.roles import Role
from livestream.storage.migrate import migrate
from livestream.supervisor import Child, Program
from livestream.tickets import Tickets

_log = structlog.get_logger()
_READY_S = 60.0
_TICKET_TTL_S = 24 * 3600  #: the host link printed at the start is used some time that day
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


async def serve(settings: Settings, say: Callable[[str], None], *, demo: bool) -> None:
    """Run until Ctrl-C or SIGTERM.

    Args:
        say: prints a line for the person at the terminal.
        demo: have the demo shop and print links into its show.

    Raises:
        ConfigError, DataDirError, EmbeddedError, MigrationError: one line that says what to do.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    refuse_unsafe(settings, demo)
    held = hold_port(settings)
    try:
        async with _stores(settings, say) as (settings, stores):
            applied = await migrate(settings.database_url)
            if applied:
                say(f"schema: applied {', '.join(applied)}")
            if demo:
                await seed.seed(settings.database_url)
            await _run(settings, stores, stop, say, demo)
    finally:
        held.close()


def refuse_unsafe(settings: Settings, demo: bool) -> None:
    """The demo's keys lie in a folder and its pages ask nobody's name: for this machine alone.

    Raises:
        ConfigError
    """
    if demo and settings.production:
        raise ConfigError("the demo shop is refused in the production profile: add --no-demo")
    if demo and settings.host not in _LOOPBACK:
        raise ConfigError(
            f"the demo shop is for this machine alone, not for {settings.host}: "
            "add --no-demo and set profile, secret and allowed_hosts (see docs/operations.md)"
        )


def hold_port(settings: Settings) -> socket.socket:
    """Make sure that the port is free, and keep it ours while gateways come and go.

    Raises:
        ConfigError: it is taken.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((settings.host, settings.port))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError as error:
        held.close()
        raise ConfigError(
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror}): "
            "stop what uses it, or choose another with --port"
        ) from None
    return held


@contextlib.asynccontextmanager
async def _stores(settings: Settings, say: Callable[[str], None]) -> AsyncIterator[tuple[Settings, Stores | None]]:
    if settings.database_url and settings.redis_url and settings.secret:
        yield settings, None
        return
    say("starting the embedded Postgres and Valkey …")
    wanted = Path(settings.data_dir)
    async with Stores.start(wanted) as stores:
        say(f"data folder: {stores.data.path}")
        if stores.data.moved:
            say(f"  (the stores run as user {stores.data.account.name}, who cannot reach {wanted})")
        yield with_stores(settings, stores.data), stores


async def _run(
    settings: Settings, stores: Stores | None, stop: asyncio.Event, say: Callable[[str], None], demo: bool
) -> None:
    folder = Path(settings.data_dir if stores is None else stores.data.path) / "metrics"
    metrics.fresh_folder(folder)
    environ = {**os.environ, **to_environ(settings), metrics.FOLDER: str(folder)}
    count = settings.gateways or os.cpu_count() or 1

    def program(name: str, command: str) -> Program:
        return Program(name, (sys.executable, "-m", "livestream", command), environ, settings.drain_s + 10)

    programs = [program(f"gateway {number}", "gateway") for number in range(1, count + 1)]
    programs.append(program("worker", "worker"))
    children = [Child(each, lambda pid: metrics.forget_process(folder, pid)) for each in programs]
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(child.run()) for child in children]
        watching = tasks.create_task(stores.watch()) if stores is not None else None
        greeting = tasks.create_task(_greet(settings, say, demo))
        await stop.wait()
        say("stopping …")
        greeting.cancel()
        for child in children:
            child.stop()
        await asyncio.wait(running)
        if watching is not None:
            watching.cancel()
    say("stopped")


async def _greet(settings: Settings, say: Callable[[str], None], demo: bool) -> None:
    """Wait until a gateway answers, then print the links."""
    host = "localhost" if settings.host in _LOOPBACK or settings.host in ("0.0.0.0", "::") else settings.host
    base = f"http://{host}:{settings.port}"
    if not await _ready(f"{base}/readyz"):
        say(f"no gateway answers at {base} yet; see the lines above")
        return
    if not demo:
        say(f"ready: {base}")
        return
    client = connect(settings.redis_url)
    try:
        identity = Identity(seed.SHOP, "host", Role.HOST, "Host", seed.ROOM, None)
        ticket = await Tickets(client).issue(identity, _TICKET_TTL_S)
    finally:
        await client.aclose()
    say("")
    say(f"  viewer page   {base}/r/{seed.ROOM}")
    say(f"  host page     {base}/host/{seed.ROOM}#ticket={ticket}")
    say("                (this link works once; `livestream token --role host --link` prints another)")
    say(f"  API docs      {base}/docs")
    say("")
    say("  a busy room:  livestream demo --viewers 500 --comments-per-s 50")
    say("  to stop:      Ctrl-C")
    say("")


async def _ready(url: str) -> bool:
    deadline = time.monotonic() + _READY_S
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        while time.monotonic() < deadline:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(url) as response:
                    if response.status == 200:
                        return True
            await asyncio.sleep(0.1)
    return False


def shown(settings: Settings) -> dict[str, object]:
    """Settings for a person's eyes: without what is secret."""
    return {
        name: "…" if name in ("secret", "database_url", "redis_url") and value else value
        for name, value in msgspec.to_builtins(settings).items()
    }
