"""Load results: made up, for comparisons and reports."""

from __future__ import annotations

import random

import msgspec

from loadtest.histogram import Histogram
from loadtest.oracles import Finding
from loadtest.result import Mark, Result, Second, Times
from loadtest.thresholds import Judged


def load_result(p50: float, seed: int, noise: float = 0.1, **more: object) -> Result:
    dice = random.Random(seed)

    def second(number: int) -> Second:
        value = p50 * (1 + dice.uniform(-noise, noise))
        return Second(
            second=number,
            present=10,
            counts={"sent": 3},
            times={"say.seen": Times(count=10, p50=value, p99=value * 3, max=value * 4)},
            driver_cpu=0.2,
            busiest=0.1,
            late_ms=2,
            server={"cores": 0.5},
        )

    histogram = Histogram()
    histogram.add({int(p50 * 10): 100})
    plain = Result(
        scenario="big-sale", text="<b>text</b>", target="http://127.0.0.1:1", started_at="2026-01-01 00:00:00",
        seconds=60, viewers=10, seed=1, workers=2, verdict="passed", reasons=[],
        thresholds=[Judged("say.seen p99 <= 500 ms", p50 * 3, 500, p50 * 3 <= 500)],
        findings=[
            Finding(name="order", ok=True, text="fine"),
            Finding(name="told", ok=None, text="not judged"),
            Finding(name="kept", ok=False, text="a < b", examples=["<script>alert(1)</script>\x07"]),
        ],
        totals={"sent": 3}, metrics={"say.seen": histogram.summary()}, under_faults={}, phases={},
        histograms={"say.seen": histogram.encoded()}, timeline=[second(number) for number in range(60)],
        marks=[
            Mark(at_s=0, seconds=60, text="talk", kind="phase"),
            Mark(at_s=20, seconds=2, text="kill gateway", kind="fault", recovered_s=1.5),
        ],
        driver={"cores": 0.2}, machine={"cores": "2"},
    )  # fmt: skip
    return msgspec.structs.replace(plain, **more)
