"""Hurt: what a fault does to a process or a store of this machine. Only what the target names is ever touched."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

import redis.asyncio

from ..interrupt import to_the_end
from ..scenario import Fault
from ..target import Process, Target

_COMMAND_S = 120.0  #: a command that restarts something is not waited for longer


class HurtError(Exception):
    """It could not be done."""


def pids_of(process: Process) -> list[int]:
    """Processes that are meant, the lowest number first; we ourselves and those that started us never are.

    Raises:
        HurtError: the file names none, or one that is not meant.
    """
    if process.pid_file is not None:
        return [_of_file(process.pid_file, process)]
    every = (int(folder.name) for folder in Path("/proc").glob("[0-9]*"))
    ours = _ancestors(os.getpid())
    return sorted(pid for pid in _within(process, every) if pid not in ours and _fits(pid, process.match))


def victim(name: str, process: Process) -> int:
    """The one process that is meant.

    Raises:
        HurtError: there is none, or several and nothing says which of them are the target's.
    """
    pids = pids_of(process)
    if not pids:
        raise HurtError(f"no process {name!r} runs, with {_shown(process.match)} in its command line")
    if len(pids) > 1 and process.within is None:
        found = ", ".join(map(str, pids))
        raise HurtError(f"several processes are {name!r} ({found}): say `within`, or `pid_file`, in the target file")
    return pids[0]


def descendants(pid: int) -> list[int]:
    """Children, their children, and so on."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *descendants(child)]
    return found


def _of_file(file: str, process: Process) -> int:
    """A number that nobody wrote for us: 0 and less mean whole groups, and an old one is somebody else's by now."""
    try:
        pid = int(Path(file).read_text().split()[0])
    except (OSError, ValueError, IndexError):
        raise HurtError(f"no process number in {file}") from None
    if pid <= 1 or pid in _ancestors(os.getpid()):
        raise HurtError(f"{file} says {pid}, which is no process to hurt")
    if pid not in _within(process, [pid]) or not _fits(pid, process.match):
        raise HurtError(f"{file} says {pid}, which is no process with {_shown(process.match)} in its command line")
    return pid


def _within(process: Process, pids: Iterable[int]) -> set[int]:
    return set(pids) if process.within is None else set(pids) & set(descendants(process.within))


def _fits(pid: int, words: list[str]) -> bool:
    """Each word is a whole argument of it, or the file name of its program: no part of a path, and no text."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode("utf-8", "replace")
    except OSError:
        return False
    arguments = line.split("\0")
    if len(arguments) == 1:  # a title that it gave itself
        arguments = line.split()
    if not arguments:
        return False
    script = arguments[1:2] if Path(arguments[0]).name.startswith("python") else []
    return {*arguments, *(Path(each).name for each in [arguments[0], *script])}.issuperset(words)


def _ancestors(pid: int) -> set[int]:
    """Itself, what started it, and so on."""
    found = {pid}
    with contextlib.suppress(OSError):
        while pid > 1:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            found.add(pid)
    return found


def _shown(words: list[str]) -> str:
    return " and ".join(map(repr, words))


async def hurt(fault: Fault, target: Target) -> None:
    """Do it; returns when it is over, and leaves nothing stopped however it ends.

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
    return victim(fault.process, target.process[fault.process])


async def _flush(url: str) -> None:
    """The one database that the URL names: others of that Redis may be somebody else's."""
    client = redis.asyncio.Redis.from_url(url)
    try:
        await client.flushdb()
    except (redis.RedisError, OSError) as error:
        raise HurtError(f"Redis: {error}") from None
    finally:
        await client.aclose()


async def _run(command: list[str]) -> None:
    """What it does may not be left halfway: a Postgres that is stopped and not started."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL, start_new_session=True)
    await to_the_end(_ended(process, command))


async def _ended(process: asyncio.subprocess.Process, command: list[str]) -> None:
    try:
        async with asyncio.timeout(_COMMAND_S):
            code = await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise HurtError(f"{' '.join(command)} does not end within {_COMMAND_S:g} s") from None
    if code:
        raise HurtError(f"{' '.join(command)} ended with {code}")
