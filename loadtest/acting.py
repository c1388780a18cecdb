"""Acting: what the viewers of one process do, what follows from it, and what staff do at their cues.

due ──> who is free and may? ──> command ──> reply ──> facts for the oracles
           │nobody could: moot                  └─────> what they do next: pay, ask a friend, claim
           └nobody is free: dropped
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from livestream.protocol.commands import COMMON_ERRORS, AnyCommand, Command
from livestream.protocol.pushes import AnyPush
from livestream.protocol.replies import Announced, AnyReply, Error, Posted, Reply
from livestream.protocol.roles import Role

from .behaviours import options_of
from .behaviours.base import Behaviour, Noted, Outcome, Task, Then, Timed, Visit
from .checkout import Checkout
from .scenario import Cue, bound, missing
from .viewer import Pending, State, Viewer

if TYPE_CHECKING:
    from .driver import Driver

_PATIENCE_S = 15.0  #: an action that follows from another waits so long for its viewer to come back
_AGAIN_S = 0.25
_LOOKS = 12  #: random tries to find a free viewer before all are looked through
_LOOKED_THROUGH = 2000


class Acting:
    """Of one process."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.checkout = Checkout(driver.plan.pay_hosts)
        self.codes: Counter[str] = Counter()
        self.undeclared: Counter[str] = Counter()
        self.notes: defaultdict[str, list[list[object]]] = defaultdict(list)
        self.cues_failed: list[str] = []
        self._named: dict[str, str] = {}  #: what cues made
        self._able: dict[str, list[Viewer]] = {}
        self._refs = itertools.count(1)

    # -- what comes back

    def refusal(self, kind: type[Command], error: Error) -> None:
        tag = _tag(kind)
        self.codes[f"{tag} {error.code}"] += 1
        if error.code not in COMMON_ERRORS and error.code not in kind.errors:
            self.undeclared[f"{tag} {error.code}"] += 1

    def answered(self, viewer: Viewer, pending: Pending, reply: AnyReply) -> None:
        """A reply came, a refusal or not."""
        behaviour, task = pending.behaviour, pending.task
        what = "cue" if behaviour is None else behaviour.name
        self._took(f"{viewer.label}{what}.reply", pending.due_us)
        if isinstance(reply, Error):
            self.refusal(type(pending.command), reply)
            wait_us = (reply.retry_after_ms or 0) * 1000
            viewer.ready_us = max(viewer.ready_us, self._driver.now_us() + wait_us)
        elif not isinstance(reply, type(pending.command).reply):
            self.undeclared[f"{_tag(pending.command)} answered with {_tag(reply)}"] += 1
        if behaviour is None or task is None:
            self._cued(pending, reply)
            return
        self._judge(viewer, pending, behaviour, task, reply)
        self._follow(viewer, behaviour.answered(viewer.person, pending.command, reply, task))

    def _judge(self, viewer: Viewer, pending: Pending, behaviour: Behaviour, task: Task, reply: AnyReply) -> None:
        """Accepted, refused, or too late; of the last an oracle is told when and of what, since anybody can say it."""
        code = behaviour.refusal(reply)
        if code is None:
            self._driver.count(f"accepted.{behaviour.name}")
            return
        why = "too_late" if code in behaviour.races else "refused"
        self._count(why, behaviour.name)
        self._driver.count(f"{why}.{behaviour.name}.{code}")
        if why == "too_late":
            about = behaviour.late(viewer.person, pending.command, task)
            now_ms = self._driver.server_ms()
            self.notes[why].append([behaviour.name, str(code), viewer.person.number, now_ms, *about])

    def _count(self, what: str, name: str) -> None:
        """In all, and of this action."""
        self._driver.count(what)
        self._driver.count(f"{what}.{name}")

    def _took(self, metric: str, due_us: int) -> None:
        self._driver.times[metric].append((self._driver.now_us() - due_us) // 100)

    def _cued(self, pending: Pending, reply: AnyReply) -> None:
        match reply:
            case Error():
                self._driver.count(f"refused.cue.{reply.code}")
                self.cues_failed.append(f"{type(pending.command).__name__}: {reply.code}: {reply.text}")
                return
            case Posted(id=made) | Announced(draw=made):
                self.notes["made"].append([made])
                if pending.makes:
                    self._named[pending.makes] = made
        self._driver.count("accepted.cue")

    def heard(self, viewer: Viewer, push: AnyPush) -> None:
        """What a viewer alone is told."""
        for behaviour in self._driver.behaviours.values():
            self._follow(viewer, behaviour.hears(viewer.person, push, self._driver.random))

    def _follow(self, viewer: Viewer, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            match outcome:
                case Noted(kind=kind, values=values):
                    self.notes[kind].append(values)
                case Timed(metric=metric, due_us=due_us):
                    self._took(viewer.label + metric, due_us)
                case Then(seconds=seconds, do=do):
                    due_us = self._driver.now_us() + int(seconds * 1e6)
                    self._driver.loop.call_later(
                        seconds, self._then, viewer, self._driver.behaviours[do], outcome, due_us
                    )
                case Visit():
                    self._driver.task(self._visit(outcome))

    def _then(self, viewer: Viewer, behaviour: Behaviour, then: Then, due_us: int) -> None:
        """It is time for what follows; who is not there now does it when they are back."""
        if self._driver.stopping:
            return
        late_us = self._driver.now_us() - due_us
        if not then.by_other and viewer.wanted and viewer.state is not State.PRESENT and late_us < _PATIENCE_S * 1e6:
            self._driver.loop.call_later(_AGAIN_S, self._then, viewer, behaviour, then, due_us)
            return
        self._count("due", behaviour.name)
        found = self._free(behaviour, due_us, asked=True)[0] if then.by_other else viewer
        if found is None or found.state is not State.PRESENT:
            self._count("dropped", behaviour.name)
        elif not self._do(found, behaviour, then.options, due_us, then.about):
            self._count("moot", behaviour.name)

    async def _visit(self, visit: Visit) -> None:
        """Task."""
        self._count("due", visit.name)
        trouble = await self.checkout.press(visit.url, visit.form)
        self._took(visit.name, visit.due_us)
        if trouble:
            self._count("refused", visit.name)
            self._driver.example(f"{visit.name}: {trouble}")
            return
        self._driver.count(f"accepted.{visit.name}")
        self.notes[visit.name].append(visit.about)

    # -- who does it

    def act(self, behaviour: Behaviour, options: object, due_us: int) -> None:
        """`dropped`: nobody was free; `moot`: nobody could have, because no draw was open, say."""
        self._count("due", behaviour.name)
        viewer, could = self._free(behaviour, due_us)
        if viewer is None:
            self._count("dropped" if could else "moot", behaviour.name)
        elif not self._do(viewer, behaviour, options, due_us):
            self._count("moot", behaviour.name)

    def _able_of(self, behaviour: Behaviour) -> list[Viewer]:
        able = self._able.get(behaviour.name)
        if able is None:
            able = self._able[behaviour.name] = [
                viewer
                for viewer in self._driver.viewers
                if behaviour.name in viewer.person.memory["does"]
                and (viewer.person.signed_in or not behaviour.needs_token)
            ]
        return able

    def _free(self, behaviour: Behaviour, due_us: int, *, asked: bool = False) -> tuple[Viewer | None, bool]:
        """Somebody who does it now; and whether anybody could, if they were free.

        Args:
            asked: they were told how, and need not know it from the room.
        """
        able = self._able_of(behaviour)
        could = False
        if not able:
            return None, could
        begin = self._driver.random.randrange(len(able))
        tries = (able[self._driver.random.randrange(len(able))] for _ in range(_LOOKS))
        through = (able[(begin + step) % len(able)] for step in range(min(len(able), _LOOKED_THROUGH)))
        for viewer in itertools.chain(tries, through):
            if asked or behaviour.may(viewer.person):
                could = True
                if viewer.state is State.PRESENT and viewer.ready_us <= due_us:
                    return viewer, could
        return None, could

    def _do(self, viewer: Viewer, behaviour: Behaviour, options: object, due_us: int, about: object = None) -> bool:
        ref = next(self._refs)
        task = Task(
            ref,
            f"lt-{self._driver.plan.run}-{self._driver.plan.worker}-{ref}",
            due_us,
            self._driver.random,
            options,
            about,
        )
        command = behaviour.command(viewer.person, task)
        if command is None:
            return False
        viewer.ready_us = due_us + self._driver.random.randint(*viewer.think_us)
        self._driver.count("sent")
        viewer.send(Pending(command, due_us, behaviour, task))
        return True

    # -- staff

    def say(self, due_us: int) -> None:
        assert self._driver.host is not None
        say = self._driver.behaviours["say"]
        self._count("due", say.name)
        if self._driver.host.state is not State.PRESENT:
            self._count("dropped", say.name)
            return
        self._do(self._driver.host, say, options_of("say", {"chars": self._driver.plan.scenario.host.chars}), due_us)

    def cue(self, cue: Cue, due_us: int) -> None:
        assert self._driver.host is not None
        if missing(cue.send, self._named):  # the cue that makes it is under way
            if self._driver.now_us() - due_us < _PATIENCE_S * 1e6:
                self._driver.loop.call_later(_AGAIN_S, self.cue, cue, due_us)
            elif not self._driver.stopping:
                self.cues_failed.append(f"{cue.send['t']}: {', '.join(missing(cue.send, self._named))} was not made")
            return
        ref = next(self._refs)
        # It was checked with the scenario; those without a key ignore it.
        fields = {**bound(cue.send, self._named), "ref": ref, "key": f"lt-{self._driver.plan.run}-cue-{ref}"}
        command: Command = msgspec.convert(fields, AnyCommand)
        self._driver.count("cues")
        who = self._driver.host if Role.HOST in command.roles else self._driver.operator
        assert who is not None
        who.send(Pending(command, due_us, makes=cue.makes))


def _tag(message: Command | Reply | type[Command]) -> str:
    return str(message.__struct_config__.tag)
