"""Hurt: what a fault does to a process or a store of this machine. Only what the target names is ever touched."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import redis.asyncio

from ..scenario import Fault
from ..target import Process, Target


class HurtError(Exception):
    """It could not be done."""


def pids_of(process: Process) -> list[int]:
    """Processes that are meant; our own never are."""
    if process.pid_file:
        try:
            return [int(Path(process.pid_file).read_text().split()[0])]
        except (OSError, ValueError, IndexError):
            raise HurtError(f"no process number in {process.pid_file}") from None
    found = []
    folders = Path("/proc").glob("[0-9]*") if process.within is None else map(_folder, descendants(process.within))
    for folder in folders:
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            ours = int(folder.name) in (os.getpid(), os.getppid())
            if not ours and words and all(word in words for word in process.match or []):
                found.append(int(folder.name))
    return sorted(found)


def _folder(pid: int) -> Path:
    return Path(f"/proc/{pid}")


def descendants(pid: int) -> list[int]:
    """Children, their children, and so on."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *descendants(child)]
    return found


async def hurt(fault: Fault, target: Target) -> None:
    """Do it; returns when it is over.

    Raises:
        HurtError
    """
    match fault.do:
        case "kill":
            os.kill(_victim(fault, target), signal.SIGKILL)
        case "pause":
            pid = _victim(fault, target)
            os.kill(pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        case "flush_redis":
            await _flush(target.redis_url)
        case "restart_postgres":
            await _run(target.restart_postgres)
        case "line":
            raise HurtError("a line is spoiled by the line itself")


def _victim(fault: Fault, target: Target) -> int:
    assert fault.process is not None
    pids = pids_of(target.process[fault.process])
    if not pids:
        raise HurtError(f"no process {fault.process!r} runs")
    return pids[0]


async def _flush(url: str) -> None:
    client = redis.asyncio.Redis.from_url(url)
    try:
        await client.flushall()
    except (redis.RedisError, OSError) as error:
        raise HurtError(f"Redis: {error}") from None
    finally:
        await client.aclose()


async def _run(command: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    if await process.wait():
        raise HurtError(f"{' '.join(command)} ended with {process.returncode}")
