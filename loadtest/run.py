"""Run: one scenario against one target, from the checks before it to the verdict.

checks ─> rehearsal ─> workers ready ─> phases, faults, ticks ─> everyone knows the log ─> reads ─> verdict
                                          Ctrl-C skips to here ──┘
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

import livestream.protocol

from .crew import Line, Worker, crew, line
from .faults.hurt import HurtError, hurt
from .messages import Account, Address, Finish, Go, Plan, Played, Quiet, Ready, Signing, Stop, Tick
from .oracles import ORACLES, Evidence, Finding
from .result import Collected, Mark, Result, Second
from .scenario import Bad, Fault, Scenario
from .scrape import Scrape
from .shop import Shop, ShopError
from .target import Target, TargetError, require_allowed
from .tokens import token

_READY_S = 60.0
_LEAD_S = 1.0  #: from the last word to the first action
_VIEWERS_PER_WORKER = 2500
_LOOK_S = 3.0
_LONG_S = 3.0  #: a wait for teams and money that is worth a mark in the charts
_DECIDED_S = 0.5  #: between two looks at what is under way
_RECOVERED = 0.99  #: of the viewers
_WELL_MS = 1000.0  #: p99 of the host's words in a second that counts as well


class RunError(Exception):
    """It could not be played."""


@dataclass(slots=True)
class Wish:
    """What was asked for."""

    scenario: Scenario
    target: Target
    real_room: str = ""
    workers: int = 0  #: 0: by the number of viewers
    settle_s: float = 15.0  #: at the end, for everyone to know all of the log
    patience_s: float = 150.0  #: before that, for teams to end and money to arrive; a team lives a minute at least
    keep: bool = False  #: the rehearsal stays
    server_pid: int | None = None
    settings: dict[str, str] = field(default_factory=dict)  #: what to write down with the result


@dataclass(slots=True)
class Progress:
    """For the live view."""

    scenario: Scenario
    say: Callable[[str], None]
    on_second: Callable[[Second, Collected], None]


async def play(wish: Wish, progress: Progress) -> Result:
    """Play it.

    Raises:
        TargetError, RunError, ShopError, CrewError
    """
    scenario, target = wish.scenario, wish.target
    require_allowed(target, scenario, wish.real_room)
    given = target.signing()
    async with (
        Shop(target.url, target.shop, given, target.token) as shop,
        _signing(given, shop, progress.say) as signing,
        _room(wish, shop, progress.say) as room,
        _line(wish) as bad_line,
    ):
        workers = wish.workers or max(2, -(-scenario.viewers // _VIEWERS_PER_WORKER))
        plans = _plans(wish, signing, room.id, workers, bad_line)
        progress.say(f"{scenario.viewers} viewers in {workers} processes, room {room.id}, {scenario.seconds:g} s")
        source = _Source(shop, room, signing, plans[0].run)
        async with crew(plans) as members:
            return await _Conductor(wish, progress, source, members, bad_line).run()


@dataclass(frozen=True, slots=True)
class _Room:
    """Where the run is."""

    shop: str
    id: str


class _Source:
    """What oracles read, as the shop's backend, and as one viewer or another."""

    def __init__(self, shop: Shop, room: _Room, signing: Signing, run: str) -> None:
        self._shop = shop
        self._room = room
        self._signing = signing
        self._run = run

    async def top(self) -> int:
        """Seq of the log's last event."""
        return int((await self._shop.room(self._room.id))["seq"])

    async def log(self) -> list[dict[str, Any]]:
        return await self._shop.log(self._room.id)

    async def comments(self) -> list[dict[str, Any]]:
        return await self._shop.comments(self._room.id)

    async def deals(self) -> list[dict[str, Any]]:
        return await self._shop.deals(self._room.id)

    async def teams(self, deal: str) -> list[dict[str, Any]]:
        return await self._shop.teams(self._room.id, deal)

    async def orders(self, deal: str) -> list[dict[str, Any]]:
        return await self._shop.orders(self._room.id, deal)

    async def settlement(self, deal: str) -> list[dict[str, str]]:
        return await self._shop.settlement(self._room.id, deal)

    async def seats(self, viewer: int) -> list[dict[str, Any]]:
        mine = token(self._signing, self._run, viewer, "viewer", f"Viewer {viewer}", self._room.id)
        return await self._shop.seats(self._room.id, mine)

    async def draws(self) -> list[dict[str, Any]]:
        return await self._shop.draws(self._room.id)

    async def proof(self, draw: str) -> bytes:
        return await self._shop.proof(draw)

    async def claims(self, draw: str) -> list[dict[str, str]]:
        return await self._shop.claims(self._room.shop, draw)


@contextlib.asynccontextmanager
async def _signing(given: Signing | None, shop: Shop, say: Callable[[str], None]) -> AsyncIterator[Signing]:
    """The shop's key, or one for this run alone."""
    if given is not None:
        yield given
        return
    made = await shop.add_key()
    try:
        yield made
    finally:
        try:
            await asyncio.shield(shop.retire_key(made.kid))
        except ShopError as error:
            say(f"the key {made.kid!r}, made for this run, could not be retired: {error}")


@contextlib.asynccontextmanager
async def _room(wish: Wish, shop: Shop, say: Callable[[str], None]) -> AsyncIterator[_Room]:
    """A rehearsal for the run, with a show that warms up; erased at the end."""
    target = wish.target
    if target.real_room:
        yield _Room(target.shop, target.real_room)
        return
    source = await shop.room(target.room)
    if source.get("rehearsal"):
        raise TargetError(f"{target.room!r} is a rehearsal itself: name the room of which one is to be made")
    rehearsal, room = await shop.rehearse(target.room)
    try:
        if not (await shop.room(room)).get("rehearsal"):
            raise TargetError(f"the server made {room!r}, but does not say that it is a rehearsal")
        if not (await shop.room(room)).get("show"):  # else the rehearsal has that of the room
            await shop.command(room, "schedule", title=f"Load test: {wish.scenario.name}", starts_at=_now_ms())
        await shop.command(room, "set_show", state="warm_up")
        if any(crowd.anonymous and "comment" in crowd.does for crowd in wish.scenario.crowd):
            await shop.command(room, "set_chat", anonymous=True)
        for product in wish.scenario.product:
            await shop.put_product(rehearsal, msgspec.to_builtins(product))
        yield _Room(rehearsal, room)
    finally:
        if wish.keep:
            say(f"the rehearsal {room!r} is kept")
        else:
            try:
                await asyncio.shield(shop.erase(room))
            except ShopError as error:
                say(f"the rehearsal {room!r} could not be erased: {error}")


@contextlib.asynccontextmanager
async def _line(wish: Wish) -> AsyncIterator[Line | None]:
    if not any(crowd.through_line for crowd in wish.scenario.crowd):
        yield None
        return
    async with line(wish.target.address()) as made:
        yield made


def _plans(wish: Wish, signing: Signing, room: str, workers: int, bad_line: Line | None) -> list[Plan]:
    address: Address = wish.target.address()
    run, sentences = secrets.token_hex(4), corpus()
    return [
        Plan(
            worker=number,
            workers=workers,
            scenario=wish.scenario,
            room=room,
            address=address,
            line=None if bad_line is None else bad_line.address(address),
            signing=signing,
            sentences=sentences,
            run=run,
            operator=wish.scenario.needs_operator,
            pay_hosts=wish.target.allow_hosts,
        )
        for number in range(workers)
    ]


def corpus() -> list[str]:
    """What people write, in four languages: the sentences of the demo."""
    folder = Path(livestream.protocol.__file__).parents[1] / "demo" / "corpus"
    found = [each for file in sorted(folder.glob("*.txt")) for each in file.read_text("utf-8").splitlines() if each]
    if not found:
        raise RunError(f"no sentences in {folder}")
    return found


class _Conductor:
    """The run itself."""

    def __init__(
        self, wish: Wish, progress: Progress, source: _Source, workers: list[Worker], bad_line: Line | None
    ) -> None:
        self._wish = wish
        self._scenario = wish.scenario
        self._progress = progress
        self._source = source
        self._workers = workers
        self._line = bad_line
        windows = [(at, at + fault.seconds + fault.recover_s) for at, fault in wish.scenario.faults()]
        self._collected = Collected(wish.scenario, len(workers), windows)
        target = wish.target
        self._scrape = Scrape(target.metrics_url or f"{target.url}/metrics", wish.server_pid)
        self._server: dict[int, dict[str, float]] = {}
        self._played = [asyncio.Event() for _ in workers]
        self._quiet = [asyncio.Event() for _ in workers]
        self._accounts: list[Account] = []
        self._marks: list[Mark] = []
        self._trouble: list[str] = []
        self._stop = asyncio.Event()
        self._start = 0.0  #: monotonic

    async def run(self) -> Result:
        with self._interruptible():
            await self._ready()
            started_at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
            self._start = time.monotonic() + _LEAD_S
            for worker in self._workers:
                worker.send(Go(start_us=int(self._start * 1e6)))
            async with asyncio.TaskGroup() as tasks:
                beside = [tasks.create_task(self._look())]
                beside += [tasks.create_task(self._break(at, fault)) for at, fault in self._scenario.faults()]
                listening = [tasks.create_task(self._listen(number)) for number in range(len(self._workers))]
                await self._until_played()
                played_s = min(self._scenario.seconds, max(0.0, time.monotonic() - self._start))
                await self._finish()
                await asyncio.wait(listening)
                for task in beside:
                    task.cancel()
            findings = await self._judge()
        return self._result(started_at, played_s, findings)

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Ctrl-C once ends the phases; the report follows."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def _ready(self) -> None:
        async with asyncio.timeout(_READY_S):
            said = await asyncio.gather(*(worker.receive() for worker in self._workers))
        for each in said:
            if isinstance(each, Ready) and each.trouble:
                raise RunError(f"host and witnesses do not get in: {each.trouble}")

    async def _until_played(self) -> None:
        """Until all phases are over, or Ctrl-C."""
        playing = asyncio.create_task(self._all_played())
        stopping = asyncio.create_task(self._wait_for_stop())
        await asyncio.wait([playing, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self._stop.is_set():
            self._progress.say("stopping: reading what became of it …")
        playing.cancel()

    async def _all_played(self) -> None:
        for each in self._played:
            await each.wait()

    async def _wait_for_stop(self) -> None:
        await self._stop.wait()

    async def _finish(self) -> None:
        """Everyone gets time to know all of the log."""
        for worker in self._workers:
            worker.send(Stop(within_s=self._wish.settle_s))
        for each in self._quiet:
            await each.wait()
        try:
            await self._decided()
            top = await self._source.top()
        except ShopError as error:
            self._trouble.append(str(error))
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
                    second = self._collected.add(tick)
                    if second is not None:
                        self._progress.on_second(second, self._collected)
                case Played():
                    self._played[number].set()
                case Quiet():
                    self._quiet[number].set()
                case Account() as account:
                    self._accounts.append(account)
                    return

    async def _look(self) -> None:
        """Task: the server's metrics, once a second."""
        while True:
            found = await self._scrape.look()
            second = int(time.monotonic() - self._start)
            if found and second >= 0:
                self._server[second] = found
            await asyncio.sleep(1.0 - (time.monotonic() - self._start) % 1.0)

    # -- faults

    async def _break(self, at_s: float, fault: Fault) -> None:
        """Task: one fault, and how long until all is well again."""
        await asyncio.sleep(max(0.0, self._start + at_s - time.monotonic()))
        if self._stop.is_set():
            return
        what = f"{fault.do} {fault.process}" if fault.process else fault.do
        before = self._present()
        began = time.monotonic() - self._start
        try:
            if fault.do == "line":
                await self._spoil(fault)
            else:
                await hurt(fault, self._wish.target)
        except (HurtError, OSError) as error:
            self._trouble.append(f"fault {what!r} could not be done: {error}")
            return
        ended = time.monotonic() - self._start
        recovered = await self._recovery(ended, before, fault.recover_s)
        if recovered is None and not self._stop.is_set():
            self._trouble.append(f"{fault.recover_s:g} s after {what!r} not all was well again")
        self._marks.append(Mark(at_s=began, seconds=ended - began, text=what, kind="fault", recovered_s=recovered))

    async def _spoil(self, fault: Fault) -> None:
        if self._line is None:
            raise HurtError("nobody is connected through the line: set `through_line` of a crowd")
        await self._line.become(fault.line)
        await asyncio.sleep(fault.seconds)
        await self._line.become(Bad())

    def _present(self) -> int:
        return self._collected.seconds[-1].present if self._collected.seconds else 0

    async def _recovery(self, ended: float, before: int, within_s: float) -> float | None:
        """Seconds until the viewers are back and the host is heard as ever."""
        while time.monotonic() - self._start < ended + within_s + 2 and not self._stop.is_set():
            for second in self._collected.seconds:
                heard = second.times.get("say.seen")
                there = second.present >= _RECOVERED * min(before, self._expected(second.second))
                if second.second >= ended and there and heard is not None and heard.p99 <= _WELL_MS:
                    after = second.second + 1 - ended
                    return after if after <= within_s + 2 else None
            await asyncio.sleep(0.25)
        return None

    def _expected(self, second: int) -> int:
        """How many the schedule wants to be there by then, at least."""
        shares, present = [], 0.0
        for number, phase in enumerate(self._scenario.phase):
            if self._scenario.start_of(number) > second:
                break
            after = present if phase.present is None else phase.present
            shares.append(min(present, after))
            present = after
        return int((shares[-1] if shares else 0.0) * self._scenario.viewers)

    # -- the verdict

    async def _judge(self) -> list[Finding]:
        evidence = Evidence(
            self._accounts,
            faults=bool(self._scenario.faults()),
            rehearsal=not self._wish.target.real_room,
            cut_short=self._stop.is_set(),
        )
        findings: list[Finding] = []
        for oracle in ORACLES:
            try:
                read = await oracle.read(self._source, evidence)
            except ShopError as error:
                findings.append(Finding(name=oracle.name, ok=False, text=f"cannot be judged: {error}"))
                continue
            findings += oracle.judge(evidence, read)
        return findings

    def _result(self, started_at: str, played_s: float, findings: list[Finding]) -> Result:
        scenario, collected, wish = self._scenario, self._collected, self._wish
        thresholds = collected.judged(scenario.limits())
        void = collected.void_reasons()
        interrupted = self._stop.is_set()
        broken = [f"broken promise: {each.name}" for each in findings if each.ok is False] + self._trouble
        missed = (
            [] if interrupted else [f"missed: {each.text} (was {each.shown})" for each in thresholds if not each.ok]
        )
        if broken:
            verdict = "failed"
        elif interrupted:
            verdict = "interrupted"
        else:
            verdict = "void" if void else "failed" if missed else "passed"
        overall = collected.overall()
        timeline = [
            msgspec.structs.replace(each, server=self._server.get(each.second, {})) for each in collected.seconds
        ]
        return Result(
            scenario=scenario.name,
            text=scenario.text,
            target=wish.target.url,
            started_at=started_at,
            seconds=played_s,
            viewers=scenario.viewers,
            seed=scenario.seed,
            workers=len(self._workers),
            verdict=verdict,
            reasons=[*broken, *void, *missed],
            thresholds=thresholds,
            findings=findings,
            totals=dict(sorted(collected.totals.items())),
            metrics={name: each.summary() for name, each in sorted(overall.items())},
            under_faults={name: each.summary() for name, each in sorted(collected.under_faults.items())},
            phases={
                phase.name: {name: each.summary() for name, each in sorted(collected.of_phase(number).items())}
                for number, phase in enumerate(scenario.phase)
            },
            histograms={name: each.encoded() for name, each in sorted(overall.items())},
            timeline=timeline,
            marks=[
                *(
                    Mark(at_s=scenario.start_of(number), seconds=phase.seconds, text=phase.name, kind="phase")
                    for number, phase in enumerate(scenario.phase)
                ),
                *_settling(scenario.seconds, timeline),
                *sorted(self._marks, key=lambda mark: mark.at_s),
            ],
            driver=_driver(collected.seconds),
            machine=_machine(),
            settings=wish.settings,
        )


def _settling(played_s: float, timeline: list[Second]) -> list[Mark]:
    """The wait for teams and money, if there was one."""
    waited_s = timeline[-1].second - played_s if timeline else 0.0
    return [Mark(at_s=played_s, seconds=waited_s, text="settling", kind="phase")] if waited_s > _LONG_S else []


def _driver(seconds: list[Second]) -> dict[str, float]:
    """What the driver itself took."""
    if not seconds:
        return {}
    cpu_s = sum(each.driver_cpu for each in seconds)
    frames = sum(each.counts.get("frames_in", 0) for each in seconds)
    viewer_s = sum(each.present for each in seconds)
    return {
        "cpu_s": round(cpu_s, 2),
        "cores": round(cpu_s / len(seconds), 3),
        "busiest_worker": round(max(each.busiest for each in seconds), 3),
        "late_ms_max": round(max(each.late_ms for each in seconds), 1),
        "frames": frames,
        "us_per_frame": round(cpu_s / frames * 1e6, 2) if frames else 0.0,
        "us_per_viewer_s": round(cpu_s / viewer_s * 1e6, 1) if viewer_s else 0.0,
    }


def _machine() -> dict[str, str]:
    return {"cores": str(os.cpu_count()), "python": platform.python_version(), "kernel": platform.release()}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
