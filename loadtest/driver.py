"""Driver: all virtual viewers of one process, and the schedule that moves them.

Everything that is due is started at its time, or counted as dropped where
nobody was free to do it; how late this process itself was is told with every
tick, since a driver at its limit measures nothing but itself.
"""

from __future__ import annotations

import asyncio
import heapq
import resource
import socket
import ssl
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from random import Random

from livestream.client_rules import STEADY_S, Next, after_close
from livestream.protocol.replies import AnyReply

from . import cast, schedule
from .acting import Acting
from .behaviours import BEHAVIOURS, options_of
from .messages import Account, Address, Plan, Tick, Witness
from .reader import Reader
from .scenario import Action, Phase
from .tokens import token
from .viewer import State, Viewer

_PER_ADDRESS = 1500  #: viewers that share a source address of this machine; servers limit them
_ENTRY_S = 20.0  #: from the attempt to `joined`; then it is given up and tried again
_TURN_US = 10_000  #: of starting what is due before the sockets are served; a turn of theirs may take ten times that
_LIVE_S = 0.5  #: for the last of the live lane, which nobody waits for
_SLOW_BUFFER_BYTES = 8192  #: what a weak network holds for a slow reader; this machine would hold a minute's worth
_EXAMPLES = 20

Stream = Iterator[tuple[float, int, Callable[[int], None]]]


class Driver:
    """Viewers of one process.

    Args:
        plan: what to do; `worker` of `workers` takes every so-manieth viewer.
    """

    def __init__(self, plan: Plan, loop: asyncio.AbstractEventLoop) -> None:
        self.plan = plan
        self.loop = loop
        self.random = Random(f"{plan.scenario.seed}/{plan.worker}")
        self.behaviours = {name: kind(plan.sentences) for name, kind in BEHAVIOURS.items()}
        self.reader = Reader(list(self.behaviours.values()))
        self.acting = Acting(self)
        self.counts: Counter[str] = Counter()
        self.times: defaultdict[str, list[int]] = defaultdict(list)
        self.bytes_in = self.frames_in = self.checked = 0
        self.stopping = False
        self._gaps = self._repeats = self._unanswered = self._astray = self._unknown = self._sent_away = 0
        self._ahead_ms: int | None = None  #: the server's clock before ours, in Unix ms
        self._endings: Counter[str] = Counter()
        self._examples: list[str] = []
        self._late_us = 0
        self._cpu_s = time.process_time()
        self._tasks: set[asyncio.Task[None]] = set()
        self._tls = ssl.create_default_context() if plan.address.tls else None
        self.viewers = cast.viewers(self)
        self._present = 0  #: how many should be
        self.witnesses = cast.witnesses(self)
        self.host = cast.host(self)
        self.operator = cast.operator(self)

    # -- who

    def _first(self) -> list[Viewer]:
        """Who is there before everybody else, and to the end."""
        return [*self.witnesses, *(each for each in (self.host, self.operator) if each is not None)]

    def _everyone(self) -> list[Viewer]:
        return [*self.viewers, *self._first()]

    def token(self, viewer: Viewer) -> str:
        """As the shop's backend signs it. Cost: 30 µs."""
        person = viewer.person
        return token(self.plan.signing, self.plan.run, person.number, viewer.role, person.name, self.plan.room)

    # -- lines

    def now_us(self) -> int:
        return time.monotonic_ns() // 1000

    def clock(self, server_ms: int) -> None:
        """The server told its time, as it was before it travelled: the largest lead is the nearest to the truth."""
        ahead_ms = server_ms - time.time_ns() // 1_000_000
        self._ahead_ms = ahead_ms if self._ahead_ms is None else max(self._ahead_ms, ahead_ms)

    def server_ms(self) -> int:
        """The server's time now, Unix ms."""
        return time.time_ns() // 1_000_000 + (self._ahead_ms or 0)

    def address_of(self, viewer: Viewer) -> Address:
        line = self.plan.line
        return line if viewer.through_line and line is not None else self.plan.address

    def come(self, viewer: Viewer, due_us: int) -> None:
        """Connect; what the join takes counts from when the first attempt was due."""
        if viewer.state is not State.AWAY or self._leaving(viewer):
            return
        viewer.wanted, viewer.coming = True, due_us
        viewer.due_us = viewer.due_us or due_us
        viewer.state = State.OPENING
        self.task(self._dial(viewer))

    def _leaving(self, viewer: Viewer) -> bool:
        return self.stopping and not viewer.once

    async def _dial(self, viewer: Viewer) -> None:
        """Task."""
        address = self.address_of(viewer)
        local = (f"127.0.0.{2 + abs(viewer.person.number) // _PER_ADDRESS % 250}", 0) if address.loopback else None
        try:
            async with asyncio.timeout(_ENTRY_S):
                name = address.name if self._tls else None
                if viewer.reads_per_s:
                    slow = await self._slow_socket(address, local)
                    await self.loop.create_connection(lambda: viewer, ssl=self._tls, server_hostname=name, sock=slow)
                else:
                    await self.loop.create_connection(
                        lambda: viewer,
                        address.host,
                        address.port,
                        ssl=self._tls,
                        server_hostname=name,
                        local_addr=local,
                    )
        except (OSError, TimeoutError) as error:
            self.count("dial_failed")
            self.example(f"viewer {viewer.person.number}: {type(error).__name__} {error}")
            if viewer.state is State.OPENING:
                viewer.state = State.AWAY
                self.failed(viewer, give_up=False)
            return
        self.loop.call_later(_ENTRY_S, self._watch_entry, viewer, viewer.coming)

    async def _slow_socket(self, address: Address, local: tuple[str, int] | None) -> socket.socket:
        """Connected, with a buffer as small as a weak network's."""
        made = socket.socket()
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SLOW_BUFFER_BYTES)
            if local is not None:
                made.bind(local)
            await self.loop.sock_connect(made, (address.host, address.port))
        except BaseException:
            made.close()
            raise
        return made

    def _watch_entry(self, viewer: Viewer, coming: int) -> None:
        """Nobody waits forever for a door."""
        if coming and viewer.coming == coming and viewer.state in (State.OPENING, State.JOINING):
            self.count("entry_timeout")
            if viewer.transport is not None:
                viewer.transport.abort()
            viewer.transport, viewer.state = None, State.AWAY
            self.failed(viewer, give_up=False)

    def entered(self, viewer: Viewer) -> None:
        """It is in the room."""
        self.loop.call_later(STEADY_S, self._settled, viewer, viewer.transport)

    @staticmethod
    def _settled(viewer: Viewer, transport: asyncio.Transport | None) -> None:
        if viewer.transport is transport and viewer.state is State.PRESENT:
            viewer.backoff.connected_for(STEADY_S)

    def failed(self, viewer: Viewer, *, give_up: bool) -> None:
        """An attempt came to nothing."""
        if not viewer.wanted:
            return
        if give_up:
            viewer.wanted = False
            self.count("gave_up")
            self._sent_away += 1
            self.example(f"viewer {viewer.person.number} was sent away for good")
            return
        self._come_back(viewer)

    def lost(self, viewer: Viewer, code: int | None, *, by_us: bool = False) -> None:
        """A line ended."""
        viewer.state = State.AWAY
        self._unknown += viewer.forget_unrepeatable()
        if not viewer.wanted:
            return
        viewer.cut_us = viewer.cut_us or self.now_us()
        if not by_us:
            why = "broken" if code is None else str(code)
            self._endings[viewer.label + why] += 1
            self.count(f"{viewer.label}ended")
            self.count(f"{viewer.label}ended.{why}")
        self.failed(viewer, give_up=after_close(code) is Next.GIVE_UP)

    def _come_back(self, viewer: Viewer) -> None:
        wait_s = viewer.backoff.wait_s(self.random.random(), at_least_ms=viewer.hint_ms)
        due_us = self.now_us() + int(wait_s * 1e6)
        viewer.hint_ms = None

        def again() -> None:
            if viewer.wanted:
                self.come(viewer, due_us)

        self.loop.call_later(wait_s, again)

    # -- what viewers tell

    def count(self, name: str, by: int = 1) -> None:
        self.counts[name] += by

    def example(self, text: str) -> None:
        if len(self._examples) < _EXAMPLES:
            self._examples.append(text)

    def gap(self, viewer: Viewer, text: str) -> None:
        self._gaps += 1
        self.count("gaps")
        self.example(f"gap: viewer {viewer.person.number}: {text}")

    def repeat(self, viewer: Viewer, text: str) -> None:
        self._repeats += 1
        self.count("repeats")
        self.example(f"repeat: viewer {viewer.person.number}: {text}")

    def never_known(self) -> None:
        """The server itself does not know what became of a command."""
        self._unknown += 1

    def strange(self, viewer: Viewer, reply: AnyReply) -> None:
        """A reply that nobody waits for."""
        self._astray += 1
        self.example(f"viewer {viewer.person.number} got a reply to nothing: {reply!r}"[:200])

    def broken(self, viewer: Viewer, text: str) -> None:
        self.count("unreadable")
        self._endings["unreadable"] += 1
        self.example(f"viewer {viewer.person.number}: {text}")

    def task(self, work: Coroutine[object, object, None]) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- the schedule

    async def gather(self, within_s: float = 30.0) -> str:
        """Bring host and witnesses in; returns what went wrong, or nothing."""
        there = self._first()
        now_us = self.now_us()
        for viewer in there:
            self.come(viewer, now_us)
        deadline = time.monotonic() + within_s
        while any(viewer.state is not State.PRESENT for viewer in there):
            if time.monotonic() > deadline:
                return "; ".join(self._examples) or "host and witnesses do not get in"
            await asyncio.sleep(0.05)
        for viewer in there:
            viewer.away.clear()
            viewer.seen.clear()
            viewer.left_out = 0
        self.times.clear()
        self.counts.clear()
        return ""

    async def play(self, start_us: int) -> None:
        """All phases, to their ends or until `stopping`."""
        for number, phase in enumerate(self.plan.scenario.phase):
            begin_us = start_us + int(self.plan.scenario.start_of(number) * 1e6)
            await self._phase(number, phase, begin_us)
            if self.stopping:
                return

    async def _phase(self, number: int, phase: Phase, begin_us: int) -> None:
        ended = False
        rested_us = self.now_us()
        for second, _, act in heapq.merge(*self._streams(number, phase), key=lambda each: each[:2]):
            due_us = begin_us + int(second * 1e6)
            ahead_us = due_us - self.now_us()
            if ahead_us > 0:
                await asyncio.sleep(ahead_us / 1e6)
                rested_us = self.now_us()
            elif self.now_us() - rested_us > _TURN_US:  # behind: the sockets must be served, too
                await asyncio.sleep(0)
                rested_us = self.now_us()
            if self.stopping:
                ended = True
                break
            self._late_us = max(self._late_us, self.now_us() - due_us)
            act(due_us)
        while not ended and not self.stopping:
            left_us = begin_us + int(phase.seconds * 1e6) - self.now_us()
            if left_us <= 0:
                return
            await asyncio.sleep(min(0.25, left_us / 1e6))

    def _streams(self, number: int, phase: Phase) -> list[Stream]:
        """Everything of a phase, each stream in order."""
        dice = Random(f"{self.plan.scenario.seed}/{self.plan.worker}/{number}")
        streams: list[Stream] = []
        if phase.cut:
            streams.append(iter([(0.0, 0, partial(self._cut, phase.cut))]))
        streams.append(self._moves(phase))
        for place, action in enumerate(phase.action):
            streams.append(self._action(place, action, phase, Random(dice.random())))
        if self.host is not None:
            says = schedule.steady(self.plan.scenario.host.says_per_s, phase.seconds)
            streams.append((at, 1, self.acting.say) for at in says)
            cues = sorted(phase.cue, key=lambda cue: cue.at_s)
            streams.append((cue.at_s, 2, partial(self.acting.cue, cue)) for cue in cues)
        return streams

    def _moves(self, phase: Phase) -> Stream:
        """Arrivals and departures."""
        if phase.present is None:
            return
        wanted = round(phase.present * len(self.viewers))
        if wanted >= self._present:
            movers, move = self.viewers[self._present : wanted], self._arrive
        else:
            movers, move = self.viewers[wanted : self._present], self._depart
        self._present = wanted
        if movers:
            for at, viewer in zip(schedule.spread(len(movers), phase.seconds, phase.arrive), movers, strict=True):
                yield at, 3, partial(move, viewer)

    def _arrive(self, viewer: Viewer, due_us: int) -> None:
        viewer.ready_us = due_us + self.random.randint(*viewer.think_us)
        self.count("arrivals")
        self.come(viewer, due_us)

    def _depart(self, viewer: Viewer, due_us: int) -> None:
        self._unknown += len(viewer.pending)  # nobody is there any more to hear what became of it
        viewer.pending.clear()
        viewer.leave()

    def _cut(self, share: float, due_us: int) -> None:
        there = [viewer for viewer in self.viewers if viewer.state is State.PRESENT]
        for viewer in self.random.sample(there, round(share * len(there))):
            self.count("cut")
            viewer.cut()

    def _action(self, place: int, action: Action, phase: Phase, dice: Random) -> Stream:
        scenario = self.plan.scenario
        rate = schedule.rate_of(action, phase.seconds, scenario.viewers, len(self.viewers) / scenario.viewers)
        behaviour, options = self.behaviours[action.do], options_of(action.do, action.options)
        act = partial(self.acting.act, behaviour, options)
        for at in schedule.due(rate, dice):
            yield at, 10 + place, act

    # -- telling

    def tick(self, second: int) -> Tick:
        """What happened since the last one."""
        counts, self.counts = dict(self.counts), Counter()
        counts |= {"bytes_in": self.bytes_in, "frames_in": self.frames_in}
        self.bytes_in = self.frames_in = 0
        times = {metric: dict(Counter(values)) for metric, values in self.times.items() if values}
        self.times.clear()
        cpu_s = time.process_time()
        spent, self._cpu_s = cpu_s - self._cpu_s, cpu_s
        late_ms, self._late_us = self._late_us / 1000, 0
        return Tick(
            worker=self.plan.worker,
            second=second,
            present=sum(viewer.state is State.PRESENT for viewer in self.viewers),
            counts=counts,
            times=times,
            cpu_s=spent,
            late_ms=late_ms,
        )

    def was_late(self, by_us: int) -> None:
        self._late_us = max(self._late_us, by_us)

    async def quiet(self, within_s: float) -> None:
        """Begin nothing more; wait for the replies to what is under way."""
        self.stopping = True
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and self._busy():  # noqa: ASYNC110 - thousands tell nobody
            await asyncio.sleep(0.05)
        await self.acting.checkout.close()

    def _busy(self) -> bool:
        return bool(self._tasks) or any(each.pending for each in self._everyone())

    async def finish(self, top: int, within_s: float) -> Account:
        """Wait until everyone knows the log, then say what was seen."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and not self._settled_down(top):  # noqa: ASYNC110 - thousands tell nobody
            await asyncio.sleep(0.05)
        await asyncio.sleep(_LIVE_S)
        here = [viewer for viewer in self._everyone() if viewer.wanted]
        behind = [viewer for viewer in here if viewer.state is State.PRESENT and viewer.seq < top]
        absent = [viewer for viewer in here if viewer.state is not State.PRESENT]
        self._unanswered = sum(len(viewer.pending) for viewer in here if viewer.state is State.PRESENT)
        self._unknown += sum(len(viewer.pending) for viewer in absent)
        for viewer in [*behind[:3], *absent[:3]]:
            self.example(f"at the end, the log being at {top}: {viewer.facts()}")
        for viewer in here:
            for pending in list(viewer.pending.values())[:2]:
                self.example(f"no reply: viewer {viewer.person.number}: {type(pending.command).__name__}")
        account = self._account(len(behind), len(absent))
        for viewer in self._everyone():
            viewer.leave()
        return account

    def _settled_down(self, top: int) -> bool:
        return all(
            viewer.state is State.PRESENT and viewer.seq >= top and not viewer.pending
            for viewer in self._everyone()
            if viewer.wanted
        )

    def _account(self, behind: int, absent: int) -> Account:
        if self.reader.conflict:
            self.example(self.reader.conflict)
        return Account(
            worker=self.plan.worker,
            viewers=sum(viewer.once for viewer in self.viewers),
            checked=self.checked,
            gaps=self._gaps,
            repeats=self._repeats,
            behind=behind,
            absent=absent,
            sent_away=self._sent_away,
            unanswered=self._unanswered,
            astray=self._astray,
            unknown=self._unknown,
            codes=dict(self.acting.codes),
            undeclared=dict(self.acting.undeclared),
            endings=dict(self._endings),
            log=self.reader.log,
            conflicts=self.reader.conflicts,
            notes=dict(self.acting.notes),
            cues_failed=self.acting.cues_failed,
            away=[each.person.number for each in self.viewers if each.state is not State.PRESENT],
            witnesses=[
                Witness(away=each.absences(), shown=sorted(each.seen), left_out=each.left_out)
                for each in self.witnesses
            ],
            examples=self._examples,
            peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )
