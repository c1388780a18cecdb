"""Serve: everything on one machine. Stores if none are given, schema, demo show, one gateway a core, one worker."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import shlex
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiohttp
import msgspec
import structlog

from livestream import metrics, seed
from livestream.account import account
from livestream.auth import Identity
from livestream.bus import connect
from livestream.config import ConfigError, Settings
from livestream.datadir import DataDir
from livestream.deployment import to_environ, with_stores
from livestream.embedded import Stores
from livestream.protocol.errors import Unavailable
from livestream.protocol.roles import Role
from livestream.storage.migrate import migrate
from livestream.supervisor import Child, Program
from livestream.tickets import Tickets

_log = structlog.get_logger()
_READY_S = 60.0
_TICKET_TTL_S = 24 * 3600  #: the host link printed at the start is used some time that day


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
            elif settings.production or not is_loopback(settings.host):
                await refuse_demo_shops(settings.database_url)
            with _metrics_folder(stores) as folder:
                await _run(settings, stores, folder, stop, say, demo)
    finally:
        held.close()


def refuse_unsafe(settings: Settings, demo: bool) -> None:
    """The demo's keys lie in a folder and its pages ask nobody's name: for this machine alone.

    Raises:
        ConfigError
    """
    if demo and settings.production:
        raise ConfigError("the demo shop is refused in the production profile: leave out --demo")
    if is_loopback(settings.host) or settings.production:
        return
    if demo or not settings.secret:
        raise ConfigError(
            f"a show for development is for this machine alone, not for {settings.host}: give --no-demo and a secret "
            "of your own, or better the production profile (see docs/operations.md)"
        )


async def refuse_demo_shops(dsn: str) -> None:
    """Raises:
    ConfigError: the database was one of a laptop.
    """
    shops = await seed.demo_shops(dsn)
    if shops:
        raise ConfigError(
            f"the database holds the demo shop {', '.join(shops)}, which is for one machine alone: "
            "use another database, or another --data-dir"
        )


def is_loopback(host: str) -> bool:
    """Does nobody but this machine reach an address?"""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
    wanted = Path(settings.data_dir)
    if settings.database_url and settings.redis_url:
        if not settings.secret:
            with contextlib.closing(DataDir.open(wanted, account())) as data:
                settings = with_stores(settings, data)
        yield settings, None
        return
    say("starting the embedded Postgres and Valkey …")
    async with Stores.start(wanted) as stores:
        say(f"data folder: {stores.data.path}")
        if stores.data.moved:
            say(f"  (the stores run as user {stores.data.account.name}, who cannot reach {wanted})")
        yield with_stores(settings, stores.data), stores


@contextlib.contextmanager
def _metrics_folder(stores: Stores | None) -> Iterator[Path]:
    """Where the processes count together."""
    if stores is not None:
        folder = stores.data.path / "metrics"
        metrics.fresh_folder(folder)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="livestream-metrics-", ignore_cleanup_errors=True) as name:
        yield Path(name)


async def _run(
    settings: Settings,
    stores: Stores | None,
    folder: Path,
    stop: asyncio.Event,
    say: Callable[[str], None],
    demo: bool,
) -> None:
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
    base = address(settings)
    if not await _ready(f"{base}/readyz", settings):
        say(f"no gateway answers at {base} yet; see the lines above")
    elif demo:
        say(await _welcome(settings, base))
    else:
        say(f"ready: {base}")


def address(settings: Settings) -> str:
    """What to type into a browser on this machine."""
    host = settings.host
    if host in ("127.0.0.1", "::1", "0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


async def _welcome(settings: Settings, base: str) -> str:
    command = " ".join(["livestream", *_flags(settings)])
    client = connect(settings.redis_url)
    try:
        ticket = await Tickets(client).issue(
            Identity(seed.SHOP, "host", Role.HOST, "Host", seed.ROOM, None), _TICKET_TTL_S
        )
        host_page = f"{base}/host/{seed.ROOM}#ticket={ticket}"
    except Unavailable:
        host_page = "no link, for Redis does not answer"
    finally:
        await client.aclose()
    return f"""
  viewer page   {base}/r/{seed.ROOM}
  host page     {host_page}
                (works once; another: {command} token --role host --link)
  API docs      {base}/docs

  a busy room:  {command} demo --viewers 500 --comments-per-s 50
  to stop:      Ctrl-C
"""


def _flags(settings: Settings) -> list[str]:
    """What a command beside this `serve` must be told to find it."""
    given = {"--port": settings.port != Settings().port, "--data-dir": settings.data_dir != Settings().data_dir}
    values = {"--port": str(settings.port), "--data-dir": settings.data_dir}
    return [word for flag, differs in given.items() if differs for word in (flag, shlex.quote(values[flag]))]


async def _ready(url: str, settings: Settings) -> bool:
    deadline = time.monotonic() + _READY_S
    # In production this machine's own name need not be among those that are served.
    headers = {"Host": settings.allowed_hosts[0]} if settings.allowed_hosts else {}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2), headers=headers) as session:
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
