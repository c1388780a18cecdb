"""Histogram: times by HDR histograms, three digits from 0.1 ms to an hour. Pure.

Workers send times in tenths of a millisecond, counted; here they are put
together, a metric and a phase, apart where a fault was under way.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from hdrh.histogram import HdrHistogram

UNIT_US = 100  #: a tenth of a millisecond
_MOST = 3600 * 10_000
PERCENTILES = (50.0, 90.0, 99.0, 99.9)


class Percentiles(msgspec.Struct, frozen=True, kw_only=True):
    """Of one metric, in milliseconds."""

    count: int
    p50: float
    p90: float
    p99: float
    p999: float
    max: float
    mean: float


class Histogram:
    """Times of one metric."""

    __slots__ = ("_hdr",)

    def __init__(self) -> None:
        self._hdr = HdrHistogram(1, _MOST, 3)

    def add(self, units: Mapping[int, int]) -> None:
        """Times in tenths of a millisecond, with how often each came."""
        for unit, count in units.items():
            self._hdr.record_value(min(_MOST, max(1, unit)), count)

    def merge(self, other: Histogram) -> None:
        self._hdr.add(other._hdr)

    @property
    def count(self) -> int:
        return int(self._hdr.total_count)

    def at(self, percentile: float) -> float | None:
        """Milliseconds; None: nothing was measured."""
        if not self.count:
            return None
        value = self._hdr.get_max_value() if percentile >= 100 else self._hdr.get_value_at_percentile(percentile)
        return float(value) * UNIT_US / 1000

    def beyond(self, ms: float) -> int:
        """How many took longer."""
        found = self._hdr.get_recorded_iterator()
        return sum(
            int(each.count_at_value_iterated_to)
            for each in found
            if self._hdr.get_highest_equivalent_value(each.value_iterated_to) * UNIT_US / 1000 > ms
        )

    def summary(self) -> Percentiles:
        p50, p90, p99, p999 = (self.at(each) or 0.0 for each in PERCENTILES)
        mean = float(self._hdr.get_mean_value()) * UNIT_US / 1000 if self.count else 0.0
        return Percentiles(
            count=self.count, p50=p50, p90=p90, p99=p99, p999=p999, max=self.at(100) or 0.0, mean=round(mean, 2)
        )

    def encoded(self) -> str:
        """HdrHistogram's own compressed form, for other programs."""
        return str(self._hdr.encode().decode())


def quantile(units: Mapping[int, int], share: float) -> float:
    """Of counted tenths of a millisecond, in milliseconds. For one second's worth; 0 where there is nothing."""
    left = share * sum(units.values())
    for unit in sorted(units):
        left -= units[unit]
        if left <= 0:
            return unit * UNIT_US / 1000
    return 0.0
