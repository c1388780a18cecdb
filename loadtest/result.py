"""Result: everything a run gave, as it is written to JSON and read by `compare`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from .histogram import Histogram, Percentiles, quantile
from .messages import Tick
from .oracles import Finding
from .scenario import Scenario
from .thresholds import Judged, Threshold, due_of, judge

FORMAT = 1
_LATE_MS = 250.0  #: a driver that is later than that in more than every twentieth second measured itself
_BUSY = 0.92  #: share of a core
_VOID_SHARE = 0.05


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Of one metric in one second, in milliseconds."""

    count: int
    p50: float
    p99: float
    max: float


class Second(msgspec.Struct, frozen=True, kw_only=True):
    """One second of all workers."""

    second: int
    present: int
    counts: dict[str, int]
    times: dict[str, Times]
    driver_cpu: float  #: cores, all workers
    busiest: float  #: cores, the busiest worker
    late_ms: float
    server: dict[str, float] = {}  #: scraped beside it


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Something to show on the time axis."""

    at_s: float
    seconds: float
    text: str
    kind: str  #: phase or fault
    recovered_s: float | None = None  #: after the end of a fault, until all was well; None: not, or no fault


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A run."""

    format: int = FORMAT
    scenario: str
    text: str
    target: str
    started_at: str  #: UTC
    seconds: float  #: played
    viewers: int
    seed: int
    workers: int
    verdict: str  #: passed, failed, void, interrupted
    reasons: list[str]
    thresholds: list[Judged]
    findings: list[Finding]
    totals: dict[str, int]
    metrics: dict[str, Percentiles]
    under_faults: dict[str, Percentiles]
    phases: dict[str, dict[str, Percentiles]]
    histograms: dict[str, str]  #: HdrHistogram, encoded
    timeline: list[Second]
    marks: list[Mark]
    driver: dict[str, float]
    machine: dict[str, str]
    settings: dict[str, str] = {}
    rate: float = 1.0  #: factor of the scenario's rates
    time: float = 1.0  #: factor of its lengths
    digest: str = ""  #: of what was played: see `scenario.digest`

    @property
    def passed(self) -> bool:
        return self.verdict == "passed"


class Collected:
    """What ticks add up to.

    Args:
        faults: beginning and end, recovery included, of what is broken on purpose, in seconds: as it really is, so the
            list grows while the run is played, and an end that nobody knows yet is infinite.
    """

    def __init__(self, scenario: Scenario, workers: int, faults: Sequence[tuple[float, float]] = ()) -> None:
        self.faults = list(faults)
        self._scenario = scenario
        self._workers = workers
        self._phases: list[dict[str, Histogram]] = [{} for _ in scenario.phase]
        self._late: list[dict[str, Histogram]] = [{} for _ in scenario.phase]  #: of them, while the driver was late
        self._broken: dict[str, Histogram] = {}
        self._open: dict[int, list[Tick]] = {}
        self.totals: dict[str, int] = {}
        self.seconds: list[Second] = []

    def add(self, tick: Tick) -> Second | None:
        """Add one; returns the second that is complete now."""
        in_fault = self._in_fault(tick.second)
        _put(tick, self._broken if in_fault else self._phases[self._scenario.phase_at(tick.second)])
        for name, count in tick.counts.items():
            self.totals[name] = self.totals.get(name, 0) + count
        ticks = self._open.setdefault(tick.second, [])
        ticks.append(tick)
        if len(ticks) < self._workers:
            return None
        del self._open[tick.second]
        second = _second(ticks)
        if not in_fault and (_is_late(second) or (self.seconds and _is_late(self.seconds[-1]))):
            for each in ticks:  # what was sent late is seen in this second or in the next
                _put(each, self._late[self._scenario.phase_at(tick.second)])
        self.seconds.append(second)
        return second

    def _in_fault(self, second: int) -> bool:
        return any(begin < second + 1 and second < end for begin, end in self.faults)

    @property
    def played(self) -> list[Second]:
        """Without the wait for teams, money and the last of the log, in which nobody does anything."""
        return [each for each in self.seconds if each.second < self._scenario.seconds]

    @property
    def under_faults(self) -> dict[str, Histogram]:
        return self._broken

    def of_phase(self, number: int) -> dict[str, Histogram]:
        return self._phases[number]

    def overall(self) -> dict[str, Histogram]:
        """All phases together, without what happened under faults."""
        return _merged(self._phases)

    def judged(self, thresholds: list[Threshold]) -> list[Judged]:
        overall = self.overall()
        return [judge(each, self._value(each, overall)) for each in thresholds]

    def _value(self, threshold: Threshold, overall: dict[str, Histogram]) -> float | None:
        if threshold.percentile is not None:
            histograms = overall
            if threshold.phase is not None:
                histograms = self._phases[self._number_of(threshold.phase)]
            found = histograms.get(threshold.metric)
            return None if found is None else found.at(threshold.percentile)
        count = self.totals.get(threshold.metric, 0)
        if not threshold.share:
            return float(count)
        whole = due_of(threshold.metric, self.totals)
        return count / whole if whole else 0.0

    def _number_of(self, phase: str) -> int:
        return [each.name for each in self._scenario.phase].index(phase)

    def void_reasons(self) -> list[str]:
        """Why the run says nothing: the driver was the bottleneck."""
        played = [each for each in self.played if not self._in_fault(each.second)]
        if not played:
            return []
        late = sum(each.late_ms > _LATE_MS for each in played) / len(played)
        busy = sum(each.busiest > _BUSY for each in played) / len(played)
        reasons = []
        if late > _VOID_SHARE:
            reasons.append(f"the driver was more than {_LATE_MS:g} ms late in {late:.0%} of the seconds")
        if busy > _VOID_SHARE:
            reasons.append(f"a worker of the driver used more than {_BUSY:.0%} of a core in {busy:.0%} of the seconds")
        return reasons or self._doubts(sum(map(_is_late, played)))

    def _doubts(self, late_seconds: int) -> list[str]:
        """The same where a few late seconds are all that the run fails by."""
        limits = self._scenario.limits()
        overall = self.overall()
        missed = [each for each in limits if not judge(each, self._value(each, overall)).ok]
        if not missed or not all(map(self._holds_without_late, missed)):
            return []
        return [f"without the {late_seconds} seconds in which the driver was late or busy no threshold is missed"]

    def _holds_without_late(self, threshold: Threshold) -> bool:
        if threshold.percentile is None:
            return False
        phases, late = self._phases, self._late
        if threshold.phase is not None:
            number = self._number_of(threshold.phase)
            phases, late = [phases[number]], [late[number]]
        seen, doubtful = (_merged(each).get(threshold.metric) for each in (phases, late))
        if seen is None or doubtful is None:
            return False
        count = seen.count - doubtful.count
        slow = seen.beyond(threshold.most) - doubtful.beyond(threshold.most)
        return slow <= count - int(count * threshold.percentile / 100 + 0.5)  # rounded as histograms do it


def _is_late(second: Second) -> bool:
    """Its times are the driver's as much as the server's."""
    return second.late_ms > _LATE_MS or second.busiest > _BUSY


def _put(tick: Tick, histograms: dict[str, Histogram]) -> None:
    for metric, units in tick.times.items():
        histograms.setdefault(metric, Histogram()).add(units)


def _merged(phases: Sequence[Mapping[str, Histogram]]) -> dict[str, Histogram]:
    merged: dict[str, Histogram] = {}
    for histograms in phases:
        for metric, histogram in histograms.items():
            merged.setdefault(metric, Histogram()).merge(histogram)
    return merged


def _second(ticks: list[Tick]) -> Second:
    counts: dict[str, int] = {}
    units: dict[str, dict[int, int]] = {}
    for tick in ticks:
        for name, count in tick.counts.items():
            counts[name] = counts.get(name, 0) + count
        for metric, more in tick.times.items():
            merged = units.setdefault(metric, {})
            for unit, count in more.items():
                merged[unit] = merged.get(unit, 0) + count
    return Second(
        second=ticks[0].second,
        present=sum(tick.present for tick in ticks),
        counts=counts,
        times={metric: _times(found) for metric, found in units.items()},
        driver_cpu=sum(tick.cpu_s for tick in ticks),
        busiest=max(tick.cpu_s for tick in ticks),
        late_ms=max(tick.late_ms for tick in ticks),
    )


def _times(units: dict[int, int]) -> Times:
    return Times(
        count=sum(units.values()), p50=quantile(units, 0.5), p99=quantile(units, 0.99), max=quantile(units, 1.0)
    )


def encode(result: Result) -> bytes:
    return msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n"


def decode(data: bytes) -> Result:
    """Raises:
    ValueError: not a result, or of another format.
    """
    try:
        result = msgspec.json.decode(data, type=Result)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a result of a load test: {error}") from None
    if result.format != FORMAT:
        raise ValueError(f"a result of format {result.format}, and this program reads format {FORMAT}")
    return result
