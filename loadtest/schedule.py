"""Schedule: when things are due, whatever the server does. Pure: the dice are an argument.

Arrivals of actions are a Poisson process whose rate ramps and spikes; so are
the sums of several processes' shares, which is why each worker may draw its
own. Latency counts from the due time: a server that stalls is charged for all
who would have come meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .dice import Dice
from .scenario import Action, Ramp, Scenario


@dataclass(frozen=True, slots=True)
class Rate:
    """Events a second over the seconds of a phase."""

    first: float
    last: float
    seconds: float
    spike_at_s: float = 0.0
    spike_s: float = 0.0
    spike_times: float = 1.0

    def at(self, second: float) -> float:
        rate = self.first + (self.last - self.first) * second / self.seconds
        inside = self.spike_at_s <= second < self.spike_at_s + self.spike_s
        return rate * self.spike_times if inside else rate

    @property
    def most(self) -> float:
        return max(self.first, self.last) * max(1.0, self.spike_times)


def rate_of(action: Action, seconds: float, viewers: int, share: float) -> Rate:
    """The rate of one worker.

    Args:
        share: of all viewers who are this worker's.
    """
    ramp: Ramp | None = action.per_s
    factor = share
    if ramp is None:
        ramp, factor = action.per_viewer_s or 0.0, share * viewers
    first, last = ramp if isinstance(ramp, list) else (ramp, ramp)
    spike = action.spike
    if spike is None:
        return Rate(first * factor, last * factor, seconds)
    return Rate(first * factor, last * factor, seconds, spike.at_s, spike.seconds, spike.times)


def due(rate: Rate, random: Dice) -> Iterator[float]:
    """Seconds from the beginning of the phase, rising. Cost: O(1) each, by thinning of the highest rate."""
    most = rate.most
    if most <= 0:
        return
    at = 0.0
    while True:
        at += random.expovariate(most)
        if at >= rate.seconds:
            return
        if random.random() * most < rate.at(at):
            yield at


def steady(per_s: float, seconds: float) -> Iterator[float]:
    """Evenly spaced: the heartbeat of a host."""
    for number in range(int(seconds * per_s)):
        yield number / per_s


def spread(count: int, seconds: float, shape: str) -> list[float]:
    """When so many arrive or leave within a phase.

    Args:
        shape: `even`, or `rush`: half of them in the first tenth.
    """
    places = [(number + 0.5) / count for number in range(count)]
    if shape == "rush":
        places = [each / 5 if each < 0.5 else 0.1 + (each - 0.5) * 1.8 for each in places]
    return [place * seconds for place in places]


def least_present(scenario: Scenario, second: int) -> int:
    """How many viewers the schedule wants to be there in this second, at least."""
    before = after = 0.0
    for number, phase in enumerate(scenario.phase):
        if scenario.start_of(number) > second:
            break
        before, after = after, after if phase.present is None else phase.present
    return int(min(before, after) * scenario.viewers)
