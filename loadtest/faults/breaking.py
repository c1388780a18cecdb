"""Breaking: the faults of a scenario at their times, and how long until all is well again after each."""

from __future__ import annotations

import asyncio
import math
import time

from ..crew import Line
from ..result import Collected, Mark, Second
from ..scenario import Bad, Fault, Scenario
from ..schedule import least_present
from ..target import Target
from .hurt import HurtError, hurt

_RECOVERED = 0.99  #: of the viewers, and of what they should hear of the host
_WELL_MS = 1000.0  #: p99 of the host's words in a second that counts as well
_GRACE_S = 2.0  #: a second is told when it is over, and one is under way
_LOOK_S = 0.25


class Breaking:
    """Of one run.

    Args:
        collected: what viewers tell, second by second; it is told what is broken, and until when.
        stop: set when the phases end early.
    """

    def __init__(
        self, scenario: Scenario, target: Target, spoiled: Line | None, collected: Collected, stop: asyncio.Event
    ) -> None:
        self.marks: list[Mark] = []
        self.trouble: list[str] = []
        self._scenario = scenario
        self._target = target
        self._line = spoiled
        self._collected = collected
        self._stop = stop
        self._start = 0.0

    async def run(self, start: float) -> None:
        """Task: until all faults are over, or `stop`; then nothing is broken any more.

        Args:
            start: of the first phase, on the monotonic clock.
        """
        self._start = start
        async with asyncio.TaskGroup() as tasks:
            faults = [tasks.create_task(self._break(at, fault)) for at, fault in self._scenario.faults()]
            ending = tasks.create_task(self._end_early(faults))
            if faults:
                await asyncio.wait(faults)
            ending.cancel()

    async def _end_early(self, faults: list[asyncio.Task[None]]) -> None:
        """Task."""
        await self._stop.wait()
        for task in faults:
            task.cancel()

    def _passed_s(self) -> float:
        return time.monotonic() - self._start

    async def _break(self, at_s: float, fault: Fault) -> None:
        """Task."""
        await asyncio.sleep(max(0.0, at_s - self._passed_s()))
        what = f"{fault.do} {fault.process}" if fault.process else fault.do
        before = self._collected.seconds[-1].present if self._collected.seconds else 0
        began, place = self._passed_s(), len(self._collected.faults)
        self._collected.faults.append((began, math.inf))
        recovered, done = None, True
        try:
            try:
                await self._do(fault)
            finally:
                ended = self._passed_s()
                self._collected.faults[place] = (began, ended + fault.recover_s)
            recovered = await self._recovery(ended, before, fault.recover_s)
            if recovered is None:
                self.trouble.append(f"{fault.recover_s:g} s after {what!r} not all was well again")
        except (HurtError, OSError) as error:
            done = False
            self.trouble.append(f"fault {what!r} could not be done: {error}")
        finally:
            if done:  # or begun, and broken off
                mark = Mark(at_s=began, seconds=ended - began, text=what, kind="fault", recovered_s=recovered)
                self.marks.append(mark)

    async def _do(self, fault: Fault) -> None:
        if fault.do != "line":
            await hurt(fault, self._target)
            return
        if self._line is None:
            raise HurtError("nobody is connected through the line: set `through_line` of a crowd")
        await self._line.become(fault.line)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            await self._line.become(Bad())

    async def _recovery(self, ended: float, before: int, within_s: float) -> float | None:
        """Seconds until the viewers are back and the host is heard as ever."""
        while self._passed_s() < ended + within_s + _GRACE_S:
            for second in self._collected.seconds:
                wanted = min(before, least_present(self._scenario, second.second))
                if second.second >= ended and is_well(second, wanted, self._scenario):
                    after = second.second + 1 - ended
                    return after if after <= within_s + _GRACE_S else None
            await asyncio.sleep(_LOOK_S)
        return None


def is_well(second: Second, wanted: int, scenario: Scenario) -> bool:
    """So many viewers are there, and all who are there hear the host, soon: who hears nothing has no time to tell."""
    soon = second.times.get("say.seen")
    if soon is None or soon.p99 > _WELL_MS or second.present < _RECOVERED * wanted:
        return False
    slow = second.times.get("slow.say.seen")
    heard = soon.count + (slow.count if slow is not None else 0)
    beside = scenario.witnesses + 1 + scenario.needs_operator  # the host hears itself
    return heard >= _RECOVERED * (second.present + beside) * max(1, int(scenario.host.says_per_s))
