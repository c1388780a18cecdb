"""Breaking: the faults of a scenario at their times, and how long until all is well again after each."""

from __future__ import annotations

import asyncio
import time

from ..crew import Line
from ..result import Collected, Mark
from ..scenario import Bad, Fault, Scenario
from ..schedule import least_present
from ..target import Target
from .hurt import HurtError, hurt

_RECOVERED = 0.99  #: of the viewers
_WELL_MS = 1000.0  #: p99 of the host's words in a second that counts as well
_GRACE_S = 2.0  #: a second is told when it is over, and one is under way
_LOOK_S = 0.25


class Breaking:
    """Of one run.

    Args:
        collected: what viewers tell, second by second.
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

    def begin(self, tasks: asyncio.TaskGroup, start: float) -> list[asyncio.Task[None]]:
        """One task a fault.

        Args:
            start: of the first phase, on the monotonic clock.
        """
        self._start = start
        return [tasks.create_task(self._break(at, fault)) for at, fault in self._scenario.faults()]

    def _passed_s(self) -> float:
        return time.monotonic() - self._start

    async def _break(self, at_s: float, fault: Fault) -> None:
        """Task."""
        await asyncio.sleep(max(0.0, at_s - self._passed_s()))
        if self._stop.is_set():
            return
        what = f"{fault.do} {fault.process}" if fault.process else fault.do
        before = self._collected.seconds[-1].present if self._collected.seconds else 0
        began = self._passed_s()
        try:
            await self._do(fault)
        except (HurtError, OSError) as error:
            self.trouble.append(f"fault {what!r} could not be done: {error}")
            return
        ended = self._passed_s()
        recovered = await self._recovery(ended, before, fault.recover_s)
        if recovered is None and not self._stop.is_set():
            self.trouble.append(f"{fault.recover_s:g} s after {what!r} not all was well again")
        self.marks.append(Mark(at_s=began, seconds=ended - began, text=what, kind="fault", recovered_s=recovered))

    async def _do(self, fault: Fault) -> None:
        if fault.do != "line":
            await hurt(fault, self._target)
            return
        if self._line is None:
            raise HurtError("nobody is connected through the line: set `through_line` of a crowd")
        await self._line.become(fault.line)
        await asyncio.sleep(fault.seconds)
        await self._line.become(Bad())

    async def _recovery(self, ended: float, before: int, within_s: float) -> float | None:
        """Seconds until the viewers are back and the host is heard as ever."""
        while self._passed_s() < ended + within_s + _GRACE_S and not self._stop.is_set():
            for second in self._collected.seconds:
                heard = second.times.get("say.seen")
                wanted = min(before, least_present(self._scenario, second.second))
                there = second.present >= _RECOVERED * wanted
                if second.second >= ended and there and heard is not None and heard.p99 <= _WELL_MS:
                    after = second.second + 1 - ended
                    return after if after <= within_s + _GRACE_S else None
            await asyncio.sleep(_LOOK_S)
        return None
