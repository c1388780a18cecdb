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
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec
import structlog

from livestream import metrics, seed
from livestream.auth import Identity
from livestream.bus import connect
from livestream.config import Settings
from livestream.deployment import to_environ, with_stores
from livestream.embedded import Stores
from livestream.exposure import refuse_demo_shops, refuse_unsafe
from livestream.flags import typed
from livestream.ports import hold_port
from livestream.protocol.errors import Unavailable
from livestream.protocol.roles import Role
from livestream.storage.migrate import migrate
from livestream.supervisor import Child, Program
from livestream.tickets import Tickets

_log = structlog.get_logger()
_READY_S = 60.0
_TICKET_TTL_S = 24 * 3600  #: the host link printed at the start is used some time that day
_SANDBOX = "sandbox-pay"  #: a sibling's command


async def serve(settings: Settings, say: Callable[[str], None], *, demo: bool) -> None:
    """Run until Ctrl-C or SIGTERM.

    Args:
        say: prints a line for the person at the terminal.
        demo: have the demo shop and print links into its show.

    Raises:
        ConfigError, DataDirError, EmbeddedError, MigrationError: one line that says what to do.
    """
    refuse_unsafe(settings, demo=demo)
    stop, up = asyncio.Event(), asyncio.Event()
    _on_signals(stop, up)
    try:
        with contextlib.closing(hold_port(settings.host, settings.port)), _metrics_port(settings):
            settings = _with_sandbox(settings, demo)
            async with _stores(settings, say) as (settings, stores):
                await _prepare(settings, say, demo)
                up.set()
                await _run(settings, stores, stop, say, demo)
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    say("stopped")


def _on_signals(stop: asyncio.Event, up: asyncio.Event) -> None:
    """Ctrl-C and SIGTERM set `stop`; before `up` they also break off whatever the start is waiting for."""
    main = asyncio.current_task()
    assert main is not None

    def interrupt() -> None:
        stop.set()
        if not up.is_set():
            main.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, interrupt)


def _metrics_port(settings: Settings) -> contextlib.AbstractContextManager[object]:
    if not settings.metrics_port:
        return contextlib.nullcontext()
    return contextlib.closing(hold_port(settings.metrics_host, settings.metrics_port, flag="`metrics_port`"))


async def _prepare(settings: Settings, say: Callable[[str], None], demo: bool) -> None:
    applied = await migrate(settings.database_url)
    if applied:
        say(f"schema: applied {', '.join(applied)}")
    if demo:
        await seed.seed(settings.database_url, seed.PRODUCTS)
    await refuse_demo_shops(settings)


def _with_sandbox(settings: Settings, demo: bool) -> Settings:
    """The demo's buyers pay at a sandbox of its own, at its usual port or, where that is taken, at another."""
    if settings.payments or not demo or not entry_points(group="livestream.commands", name=_SANDBOX):
        return settings
    usual = urlsplit(settings.sandbox_url).port or 0
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", usual))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return msgspec.structs.replace(settings, payments="sandbox", sandbox_url=f"http://127.0.0.1:{port}")


@contextlib.asynccontextmanager
async def _stores(settings: Settings, say: Callable[[str], None]) -> AsyncIterator[tuple[Settings, Stores | None]]:
    """Start what no address is given for, and take the secret from the data folder if there is none."""
    if settings.database_url and settings.redis_url and settings.secret:
        yield settings, None
        return
    wanted = {"Postgres": not settings.database_url, "Valkey": not settings.redis_url}
    if any(wanted.values()):
        say(f"starting the embedded {' and '.join(name for name in wanted if wanted[name])} …")
    async with Stores.start(
        Path(settings.data_dir), with_postgres=wanted["Postgres"], with_valkey=wanted["Valkey"]
    ) as stores:
        reason = f", as user {stores.data.account.name} cannot reach {settings.data_dir}" if stores.data.moved else ""
        say(f"data folder: {stores.data.path}{reason}")
        yield with_stores(settings, stores.data), stores


async def _run(
    settings: Settings, stores: Stores | None, stop: asyncio.Event, say: Callable[[str], None], demo: bool
) -> None:
    folder = Path(settings.data_dir if stores is None else stores.data.path) / "metrics"
    metrics.fresh_folder(folder)
    environ = {**os.environ, **to_environ(settings), metrics.FOLDER: str(folder)}
    count = settings.gateways or os.cpu_count() or 1

    def program(name: str, *command: str) -> Program:
        return Program(name, (sys.executable, "-m", "livestream", *command), environ, settings.drain_s + 10)

    programs = [program(f"gateway {number}", "gateway") for number in range(1, count + 1)]
    programs.append(program("worker", "worker"))
    if settings.payments == "sandbox" and demo:
        programs.append(program("sandbox-pay", _SANDBOX, "--port", str(urlsplit(settings.sandbox_url).port)))
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


async def _greet(settings: Settings, say: Callable[[str], None], demo: bool) -> None:
    """Wait until a gateway answers, then print the links."""
    if not await _ready(f"{settings.local_url}/readyz"):
        say(f"no gateway answers at {settings.local_url} yet; see the lines above")
        return
    base = settings.public_url or settings.local_url
    if not demo:
        say(f"ready: {base}")
        return
    another = typed(settings, "token", "--role", "host", "--link")
    try:
        fragment = f"#ticket={await _host_ticket(settings)}"
    except Unavailable:
        fragment = f"  (Redis is away: ask `{another}` for a link that signs you in)"
    say("")
    say(f"  viewer page   {base}/r/{seed.ROOM}")
    say(f"  host page     {base}/host/{seed.ROOM}{fragment}")
    say("                (this link works once; for another, in a second terminal:")
    say(f"                {another} )")
    say(f"  API docs      {base}/docs")
    say("")
    say(f"  a busy room:  {typed(settings, 'demo', '--viewers', '500', '--comments-per-s', '50')}")
    say("  to stop:      Ctrl-C")
    say("")


async def _host_ticket(settings: Settings) -> str:
    client = connect(settings.redis_url)
    try:
        identity = Identity(seed.SHOP, "host", Role.HOST, "Host", seed.ROOM, None, int(time.time() * 1000))
        return await Tickets(client).issue(identity, _TICKET_TTL_S)
    finally:
        await client.aclose()


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
