"""Scenario: what a rehearsal does, as data. Pure: the text of a TOML file in, a checked `Scenario` out.

    viewers, crowds        who comes: shares, what each does, how long it thinks, how it is connected
    phases                 what happens when: arrivals, rates with ramps and spikes, cuts, cues of the host, faults
    thresholds             what must be reached

Rates are of the schedule and not of the server: see `schedule`.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from livestream.protocol.commands import COMMANDS
from livestream.protocol.roles import Role

from .thresholds import Threshold, ThresholdError, measured, parse

#: commands that cost money: a host may not send them, an operator may
OPERATORS_ONLY = frozenset(
    str(each.__struct_config__.tag) for each in COMMANDS if Role.HOST not in each.roles and Role.OPERATOR in each.roles
)
_NAME = re.compile(r"\$[a-z][a-z0-9_]*")
_ROUNDING_S = 1e-6  #: sums of phases that were made shorter
_BUYING = frozenset({"open_team", "join_team"})
Share = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(gt=0, le=6 * 3600)]
At = Annotated[float, Meta(ge=0)]
Ramp = Annotated[float, Meta(ge=0)] | Annotated[list[Annotated[float, Meta(ge=0)]], Meta(min_length=2, max_length=2)]


class ScenarioError(Exception):
    """The scenario cannot be played; the text names the place and what would be right."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every table has: unknown names are errors."""


class Spike(_Part, frozen=True, kw_only=True):
    """For a while the rate is so many times as high."""

    at_s: At  #: from the beginning of the phase
    seconds: Seconds
    times: Annotated[float, Meta(gt=0, le=1000)]


class Action(_Part, frozen=True, kw_only=True):
    """What is done at which rate. One number is steady, two are a ramp from the first to the second."""

    do: str  #: a behaviour
    per_s: Ramp | None = None  #: all viewers together
    per_viewer_s: Ramp | None = None  #: times the scenario's viewers
    spike: Spike | None = None
    options: dict[str, Any] = {}  #: of the behaviour


class Cue(_Part, frozen=True, kw_only=True):
    """Something that staff do: any command of the protocol, without `ref` and `key`."""

    at_s: At
    send: dict[str, Any]
    makes: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$(?!\n)")] | None = None  #: a name; later cues say `$name`


class Bad(_Part, frozen=True, kw_only=True):
    """How the line is bad while it lasts."""

    delay_ms: Annotated[float, Meta(ge=0, le=60_000)] = 0  #: each way
    jitter_ms: Annotated[float, Meta(ge=0, le=60_000)] = 0  #: up to so much more
    bytes_per_s: Annotated[int, Meta(ge=0)] = 0  #: a connection, each way; 0: as fast as it goes
    end: Literal["", "cut", "reset"] = ""  #: how every connection ends at the beginning


class Sold(_Part, frozen=True, kw_only=True):
    """A product that the rehearsal's shop needs."""

    product: str
    title: str
    price: Annotated[int, Meta(ge=1)]  #: minor units
    currency: str


class Fault(_Part, frozen=True, kw_only=True):
    """Something breaks."""

    at_s: At
    do: Literal["kill", "pause", "flush_redis", "restart_postgres", "line"]
    process: str | None = None  #: of kill and pause: a name of the target's `[process]`
    seconds: Annotated[float, Meta(ge=0, le=600)] = 0  #: of pause and line
    recover_s: Annotated[float, Meta(ge=0, le=600)] = 10  #: afterwards, thresholds on speed wait so long
    line: Bad = Bad()


class Phase(_Part, frozen=True, kw_only=True):
    """A part of the evening."""

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    seconds: Seconds
    present: Share | None = None  #: of all viewers at its end; null: as before
    arrive: Literal["even", "rush"] = "even"  #: rush: half of them in the first tenth
    cut: Share = 0  #: of those present, at its beginning, as when a network breaks
    action: list[Action] = []
    cue: list[Cue] = []
    fault: list[Fault] = []


class Crowd(_Part, frozen=True, kw_only=True):
    """A kind of viewers."""

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    share: Annotated[float, Meta(gt=0, le=1)]
    does: list[str] = []  #: behaviours
    think_s: tuple[Annotated[float, Meta(ge=0)], Annotated[float, Meta(ge=0)]] = (
        2.0,
        6.0,
    )  #: between two actions, from and to
    codec: Literal["json", "msgpack"] = "json"
    compression: bool = True
    anonymous: Share = 0  #: of them come without a token
    reads_bytes_per_s: Annotated[int, Meta(ge=0)] = 0  #: slow readers; 0: as fast as it comes
    through_line: bool = False  #: connected through the line that `line` faults spoil


class Host(_Part, frozen=True, kw_only=True):
    """Who speaks beside it all: the heartbeat by which the log lane is measured."""

    says_per_s: Annotated[float, Meta(ge=0, le=20)] = 1.0
    chars: Annotated[int, Meta(ge=20, le=1900)] = 120


class Scenario(_Part, frozen=True, kw_only=True):
    """A rehearsal."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}$(?!\n)")]
    text: str
    viewers: Annotated[int, Meta(ge=1, le=200_000)]
    seed: int = 1
    host: Host = Host()
    product: list[Sold] = []
    crowd: Annotated[list[Crowd], Meta(min_length=1)]
    phase: Annotated[list[Phase], Meta(min_length=1)]
    thresholds: list[str]
    witnesses: Annotated[int, Meta(ge=1, le=50)] = 4  #: viewers who stay to the end and account for what is shown

    @property
    def pays(self) -> bool:
        """Somebody buys: a provider is needed."""
        return bool(_BUYING & {name for crowd in self.crowd for name in crowd.does})

    @property
    def needs_operator(self) -> bool:
        """Some cue is no host's to give."""
        return any(cue.send["t"] in OPERATORS_ONLY for phase in self.phase for cue in phase.cue)

    @property
    def seconds(self) -> float:
        return sum(phase.seconds for phase in self.phase)

    def limits(self) -> list[Threshold]:
        """The thresholds, read."""
        return [parse(each) for each in self.thresholds]

    def phase_at(self, second: float) -> int:
        """Which phase it is; the last one also afterwards."""
        for number, phase in enumerate(self.phase):
            if second < phase.seconds:
                return number
            second -= phase.seconds
        return len(self.phase) - 1

    def start_of(self, number: int) -> float:
        return sum(phase.seconds for phase in self.phase[:number])

    def faults(self) -> list[tuple[float, Fault]]:
        """All faults with when they happen, in seconds from the start."""
        return [
            (self.start_of(number) + fault.at_s, fault)
            for number, phase in enumerate(self.phase)
            for fault in phase.fault
        ]


def read(text: str, behaviours: set[str], cues: set[str]) -> Scenario:
    """Read a scenario.

    Args:
        behaviours: names that an action may have.
        cues: tags of commands that a cue may send.

    Raises:
        ScenarioError
    """
    try:
        scenario = msgspec.convert(tomllib.loads(text), Scenario)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise ScenarioError(str(error).replace("`$.", "`").replace("Object ", "")) from None
    _check(scenario, behaviours, cues)
    return scenario


def scaled(scenario: Scenario, *, viewers: int | None, rate: float = 1.0, time: float = 1.0) -> Scenario:
    """The same evening with other numbers.

    Args:
        viewers: null: as it says.
        rate: factor of the rates that are of all viewers together; those a viewer scale with the viewers.
        time: factor of all lengths but those of faults: what heals takes its time however short the evening is.

    Raises:
        ScenarioError: the faults have no room in it.
    """
    phases = [
        msgspec.structs.replace(
            phase,
            seconds=phase.seconds * time,
            action=[_scaled_action(action, rate, time) for action in phase.action],
            cue=[msgspec.structs.replace(cue, at_s=cue.at_s * time) for cue in phase.cue],
            fault=[msgspec.structs.replace(fault, at_s=fault.at_s * time) for fault in phase.fault],
        )
        for phase in scenario.phase
    ]
    changed = msgspec.structs.replace(scenario, viewers=viewers or scenario.viewers, phase=phases)
    _check_faults(changed)
    return changed


def digest(scenario: Scenario) -> str:
    """Says whether two runs did the same. Its text, and what was to be reached, may differ."""
    plain = msgspec.structs.replace(scenario, text="", thresholds=[])
    return hashlib.blake2b(msgspec.json.encode(plain), digest_size=8).hexdigest()


def missing(send: Any, names: Collection[str]) -> list[str]:
    """Names that a cue speaks of and that are not there."""
    if isinstance(send, dict):
        return [name for each in send.values() for name in missing(each, names)]
    if isinstance(send, list):
        return [name for each in send for name in missing(each, names)]
    return [send] if _is_name(send) and send[1:] not in names else []


def bound(send: Any, names: Mapping[str, str]) -> Any:
    """A cue with what its names stand for."""
    if isinstance(send, dict):
        return {key: bound(each, names) for key, each in send.items()}
    if isinstance(send, list):
        return [bound(each, names) for each in send]
    return names[send[1:]] if _is_name(send) else send


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _scaled_action(action: Action, rate: float, time: float) -> Action:
    def times(ramp: Ramp | None) -> Ramp | None:
        return ramp if ramp is None else [each * rate for each in ramp] if isinstance(ramp, list) else ramp * rate

    spike = action.spike
    if spike is not None:
        spike = msgspec.structs.replace(spike, at_s=spike.at_s * time, seconds=spike.seconds * time)
    return msgspec.structs.replace(
        action, per_s=times(action.per_s), per_viewer_s=times(action.per_viewer_s), spike=spike
    )


def _check(scenario: Scenario, behaviours: set[str], cues: set[str]) -> None:
    """What no type can say.

    Raises:
        ScenarioError
    """
    total = sum(crowd.share for crowd in scenario.crowd)
    if abs(total - 1) > 0.001:
        raise ScenarioError(f"the shares of `crowd` make {total:g}: they must make 1")
    able = {name for crowd in scenario.crowd for name in crowd.does}
    for name in able:
        _known(name, behaviours, "crowd.does", "behaviour")
    for crowd in scenario.crowd:
        if crowd.think_s[0] > crowd.think_s[1]:
            raise ScenarioError(f"crowd {crowd.name!r}: `think_s` must rise, not {crowd.think_s}")
    names = [phase.name for phase in scenario.phase]
    for name in names:
        if names.count(name) > 1:
            raise ScenarioError(f"two phases are called {name!r}: each needs a name of its own")
    made: set[str] = set()
    for phase in scenario.phase:
        _check_phase(phase, behaviours, able, cues)
        _check_names(phase, made)
    for text in scenario.thresholds:
        try:
            threshold = parse(text)
        except ThresholdError as error:
            raise ScenarioError(f"threshold {text!r}: {error}") from None
        if not measured(threshold, behaviours):
            what = "count" if threshold.percentile is None else "time"
            raise ScenarioError(f"threshold {text!r}: no {what} is called {threshold.metric!r}; see docs/loadtest.md")
        if threshold.phase is not None and threshold.phase not in names:
            raise ScenarioError(f"threshold {text!r}: there is no phase {threshold.phase!r}")
    _check_faults(scenario)


def _check_faults(scenario: Scenario) -> None:
    """Each is alone until it may have healed, and the host is heard meanwhile: else nobody could say what healed when.

    Raises:
        ScenarioError
    """
    before, free_s, end_s = "", 0.0, scenario.seconds
    for at_s, fault in sorted(scenario.faults(), key=lambda each: each[0]):
        what = f"fault {fault.do!r} at {at_s:g} s"
        if not scenario.host.says_per_s:
            raise ScenarioError(f"{what}: `says_per_s` of the host must not be 0: it tells that all is well again")
        if at_s < free_s:
            raise ScenarioError(f"{what}: {before} and its `recover_s` last until {free_s:g} s; one after another")
        before, free_s = what, at_s + fault.seconds + fault.recover_s
        if free_s > end_s + _ROUNDING_S:
            raise ScenarioError(
                f"{what}: with `recover_s` it lasts until {free_s:g} s, and the phases until {end_s:g} s"
            )


def _check_phase(phase: Phase, behaviours: set[str], able: set[str], cues: set[str]) -> None:
    where = f"phase {phase.name!r}"
    for action in phase.action:
        _known(action.do, behaviours, where, "behaviour")
        if action.do not in able:
            raise ScenarioError(f"{where}: nobody does {action.do!r}; name it in `does` of a crowd")
        if (action.per_s is None) == (action.per_viewer_s is None):
            raise ScenarioError(f"{where}: action {action.do!r} needs either `per_s` or `per_viewer_s`")
    for cue in phase.cue:
        _known(str(cue.send.get("t", "")), cues, where, "command of a host")
    for at_s in [*(cue.at_s for cue in phase.cue), *(fault.at_s for fault in phase.fault)]:
        if at_s > phase.seconds:
            raise ScenarioError(f"{where}: `at_s` = {at_s:g} is after its end, {phase.seconds:g}")
    for fault in phase.fault:
        if fault.do in ("kill", "pause") and not fault.process:
            raise ScenarioError(f"{where}: fault {fault.do!r} needs `process`")
        if fault.do == "pause" and not fault.seconds:
            raise ScenarioError(f"{where}: fault 'pause' needs `seconds`")


def _check_names(phase: Phase, made: set[str]) -> None:
    for cue in sorted(phase.cue, key=lambda each: each.at_s):
        unknown = missing(cue.send, made)
        if unknown:
            raise ScenarioError(f"phase {phase.name!r}: no cue before `{cue.send['t']}` makes {unknown[0]!r}")
        made |= {cue.makes} if cue.makes else set()


def _known(name: str, names: set[str], where: str, kind: str) -> None:
    if name not in names:
        raise ScenarioError(f"{where}: no {kind} is called {name!r}; there are {', '.join(sorted(names))}")
