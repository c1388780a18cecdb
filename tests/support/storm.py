"""Storm: teams open, join and pay through real gateways while blows fall on whatever runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from livestream.embedded import Stores
from livestream.protocol.errors import LivestreamError
from livestream.protocol.roles import Role
from livestream.storage.pool import Database

from .fair import Fair
from .record import Rows

STORMS = Rows(
    "group buy storms",
    "## Group buys: kill -9, 10 s pauses and breaks while teams buy\n\n"
    "Two gateways, a worker and the sandbox as processes; six lanes of teams of three over websockets, of whom one in\n"
    "seven stays away. After the last blow everything settles: the audit finds nothing, every seat that was\n"
    "acknowledged is there, and the sandbox has taken what confirmed orders cost.",
    ("blows", "seats acknowledged", "lost", "refused"),
)
Blow = Callable[[Fair, float], Awaitable[None]]  #: with how long a pause lasts, in s


async def gateway_killed(running: Fair, pause_s: float) -> None:
    running.gateways.kill(random.choice(running.gateways.processes))
    await asyncio.to_thread(running.gateways.start)


async def gateway_paused(running: Fair, pause_s: float) -> None:
    await _paused([random.choice(running.gateways.processes).pid], pause_s)


async def worker_killed(running: Fair, pause_s: float) -> None:
    running.stop_worker()
    running.start_worker()


async def worker_paused(running: Fair, pause_s: float) -> None:
    await _paused([running.worker.pid], pause_s)


async def sandbox_killed(running: Fair, pause_s: float) -> None:
    running.sandbox.kill()
    await running.sandbox.start()


async def sandbox_paused(running: Fair, pause_s: float) -> None:
    running.sandbox.send(signal.SIGSTOP)
    await asyncio.sleep(pause_s)
    running.sandbox.send(signal.SIGCONT)


async def room_frozen(running: Fair, pause_s: float) -> None:
    """The stream breaks down, and goes on."""
    async with running.viewer("hana", Role.HOST) as host:
        assert (await host.ask("freeze"))["t"] == "ok"
        await asyncio.sleep(pause_s)
        assert (await host.ask("unfreeze"))["t"] == "ok"


def postgres_killed(stores: Stores) -> Blow:
    """kill -9 of the server: crash recovery. Somebody must `watch` the stores."""

    async def blow(running: Fair, pause_s: float) -> None:
        os.kill(_family_of(stores)[0], signal.SIGKILL)

    return blow


def postgres_paused(stores: Stores) -> Blow:
    """The server and all of its sessions stand still, wherever they are."""

    async def blow(running: Fair, pause_s: float) -> None:
        await _paused(_family_of(stores), pause_s)

    return blow


def _family_of(stores: Stores) -> list[int]:
    """Pids of the Postgres server, first, and of its sessions."""
    server = int((stores.data.path / "postgres" / "postmaster.pid").read_text().split()[0])
    sessions = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == server:
                sessions.append(int(folder.name))
    return [server, *sessions]


async def _paused(pids: list[int], pause_s: float) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(pause_s)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def _seats_acked(running: Fair, count: int) -> None:
    """Until so many are, in all."""
    async with asyncio.timeout(120):
        while len(running.acked) < count:
            await asyncio.sleep(0.05)


async def storm(running: Fair, database: Database, blow: Blow, blows: int, pause_s: float) -> None:
    """So many blows while six lanes of teams buy; then everything must close."""
    deal = await running.open_deal(life_s=60)
    done = asyncio.Event()

    async def teams(lane: int) -> None:
        number = 0
        while not done.is_set():
            await running.team(lane * 1000 + number, deal, stay_away=0.15)
            number += 1

    async with asyncio.TaskGroup() as tasks:
        for lane in range(6):
            tasks.create_task(teams(lane))
        for _ in range(blows):
            await _seats_acked(running, len(running.acked) + 12)  # the last blow is over, and they buy again
            await asyncio.sleep(random.uniform(0.0, 0.7))
            with contextlib.suppress(LivestreamError):
                await blow(running, pause_s)
        await asyncio.sleep(0.5)
        done.set()
    for _ in range(50):
        with contextlib.suppress(LivestreamError):  # Postgres may be coming up again
            await running.deadline_in(database, 3)  # nobody joins any more: the rest of their minute is only waiting
            break
        await asyncio.sleep(0.2)
    await running.settle(database, 240)
