"""Conductor: leads the workers through a run, and gathers what they tell."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .crew import Line, Worker
from .faults.breaking import Breaking
from .messages import Account, Finish, Go, Played, Quiet, Ready, Stop, Tick
from .oracles import ORACLES
from .result import Collected, Mark
from .scrape import Scrape
from .source import Source, unreadable
from .wish import Progress, RunError, Wish

_READY_S = 60.0
_LEAD_S = 1.0  #: from the last word to the first action
_DECIDED_S = 0.5  #: between two looks at what is under way


@dataclass(slots=True)
class Seen:
    """All that a run gave, before it is judged."""

    collected: Collected
    workers: int
    started_at: str = ""  #: UTC
    played_s: float = 0.0
    interrupted: bool = False
    accounts: list[Account] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)  #: of faults
    trouble: list[str] = field(default_factory=list)
    server: dict[int, dict[str, float]] = field(default_factory=dict)  #: by second


class Conductor:
    """Of one run.

    Args:
        stop: set by Ctrl-C; the phases then end, and the rest follows.
    """

    def __init__(
        self,
        wish: Wish,
        progress: Progress,
        source: Source,
        workers: list[Worker],
        spoiled: Line | None,
        stop: asyncio.Event,
    ) -> None:
        self._wish = wish
        self._scenario = wish.scenario
        self._progress = progress
        self._source = source
        self._workers = workers
        self._stop = stop
        self._seen = Seen(Collected(wish.scenario, len(workers)), len(workers))
        self._breaking = Breaking(wish.scenario, wish.target, spoiled, self._seen.collected, stop)
        self._scrape = Scrape(wish.target.metrics_url or f"{wish.target.url}/metrics", wish.server_pid)
        self._played = [asyncio.Event() for _ in workers]
        self._quiet = [asyncio.Event() for _ in workers]
        self._start = 0.0  #: monotonic

    async def run(self) -> Seen:
        """Raises:
        RunError, CrewError
        """
        seen = self._seen
        await self._ready()
        seen.started_at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        self._start = time.monotonic() + _LEAD_S
        for worker in self._workers:
            worker.send(Go(start_us=int(self._start * 1e6)))
        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(self._look())
            breaking = tasks.create_task(self._breaking.run(self._start))
            listening = [tasks.create_task(self._listen(number)) for number in range(len(self._workers))]
            await self._until_played()
            seen.played_s = min(self._scenario.seconds, max(0.0, time.monotonic() - self._start))
            await asyncio.wait([breaking])  # what is broken is made good before anybody is asked what they know
            await self._finish()
            await asyncio.wait(listening)
            looking.cancel()
        seen.interrupted = self._stop.is_set()
        seen.marks = sorted(self._breaking.marks, key=lambda mark: mark.at_s)
        seen.trouble += self._breaking.trouble
        return seen

    async def _ready(self) -> None:
        try:
            async with asyncio.timeout(_READY_S):
                said = await asyncio.gather(*(worker.receive() for worker in self._workers))
        except TimeoutError:
            raise RunError(f"the driver's processes are not ready within {_READY_S:g} s") from None
        for each in said:
            if isinstance(each, Ready) and each.trouble:
                raise RunError(f"host and witnesses do not get in: {each.trouble}")

    async def _until_played(self) -> None:
        """Until all phases are over, or Ctrl-C."""
        playing = asyncio.create_task(_all(self._played))
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait([playing, stopping], return_when=asyncio.FIRST_COMPLETED)
        if self._stop.is_set():
            self._progress.say("stopping: reading what became of it … (Ctrl-C again: no report)")
        playing.cancel()
        stopping.cancel()

    async def _finish(self) -> None:
        """Everyone gets time to know all of the log."""
        for worker in self._workers:
            worker.send(Stop(within_s=self._wish.settle_s))
        await _all(self._quiet)
        try:
            await self._decided()
            top = await self._source.top()
        except Exception as error:  # as in the verdict: what a broken server writes must not end the run
            self._seen.trouble.append(unreadable(error))
            top = 0
        for worker in self._workers:
            worker.send(Finish(top=top, within_s=self._wish.settle_s))

    async def _decided(self) -> None:
        """Teams come to their ends and money to its place by themselves; viewers hear of it meanwhile."""
        deadline = time.monotonic() + self._wish.patience_s
        said = ""
        while not self._stop.is_set() and time.monotonic() < deadline:
            under_way = [text for oracle in ORACLES if (text := await oracle.under_way(self._source))]
            if not under_way:
                return
            if said != (said := "; ".join(under_way)):
                self._progress.say(f"waiting: {said}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _DECIDED_S)

    async def _listen(self, number: int) -> None:
        """Task: what one worker tells."""
        while True:
            match await self._workers[number].receive():
                case Tick() as tick:
                    second = self._seen.collected.add(tick)
                    if second is not None:
                        self._progress.on_second(second, self._seen.collected)
                case Played():
                    self._played[number].set()
                case Quiet():
                    self._quiet[number].set()
                case Account() as account:
                    self._seen.accounts.append(account)
                    return

    async def _look(self) -> None:
        """Task: the server's metrics, once a second."""
        while True:
            found = await self._scrape.look()
            second = int(time.monotonic() - self._start)
            if found and second >= 0:
                self._seen.server[second] = found
            await asyncio.sleep(1.0 - (time.monotonic() - self._start) % 1.0)


async def _all(events: list[asyncio.Event]) -> None:
    for each in events:
        await each.wait()
