"""Verdict: what a run was worth, from what was seen in it and what can be read after it."""

from __future__ import annotations

import os
import platform

import msgspec

from .conductor import Seen
from .messages import Account
from .oracles import ORACLES, Evidence, Finding
from .result import Mark, Result, Second
from .scenario import digest
from .source import Source, unreadable
from .thresholds import Judged
from .wish import Wish

_LONG_S = 3.0  #: a wait for teams and money that is worth a mark in the charts


async def judge(wish: Wish, seen: Seen, source: Source) -> list[Finding]:
    """Ask each oracle. Where one cannot say anything its promise is broken: what is judged was written by a server that
    may be broken in any way, so whatever goes wrong in reading it is the finding, and not the end of the run."""
    evidence = Evidence(
        seen.accounts,
        faults=bool(wish.scenario.faults()),
        rehearsal=not wish.target.real_room,
        cut_short=seen.interrupted,
    )
    findings: list[Finding] = []
    for oracle in ORACLES:
        try:
            findings += oracle.judge(evidence, await oracle.read(source, evidence))
        except Exception as error:
            findings.append(Finding(name=oracle.name, ok=False, text=f"cannot be judged: {unreadable(error)}"))
    return findings


def decided(
    broken: list[str], void: list[str], thresholds: list[Judged], *, interrupted: bool
) -> tuple[str, list[str]]:
    """The verdict and its reasons. Broken promises weigh more than an end that came too early, that more than a driver
    at its limit, and that more than speed, which such a driver cannot tell."""
    missed = [] if interrupted else [f"missed: {each.text} (was {each.shown})" for each in thresholds if not each.ok]
    if broken:
        verdict = "failed"
    elif interrupted:
        verdict = "interrupted"
    else:
        verdict = "void" if void else "failed" if missed else "passed"
    return verdict, [*broken, *void, *missed]


def result_of(wish: Wish, seen: Seen, findings: list[Finding]) -> Result:
    """Everything, as it is written down."""
    scenario, collected = wish.scenario, seen.collected
    thresholds = collected.judged(scenario.limits())
    broken = [f"broken promise: {each.name}" for each in findings if each.ok is False] + seen.trouble
    verdict, reasons = decided(broken, collected.void_reasons(), thresholds, interrupted=seen.interrupted)
    overall = collected.overall()
    timeline = [msgspec.structs.replace(each, server=seen.server.get(each.second, {})) for each in collected.seconds]
    return Result(
        scenario=scenario.name,
        text=scenario.text,
        target=wish.target.url,
        started_at=seen.started_at,
        seconds=seen.played_s,
        viewers=scenario.viewers,
        seed=scenario.seed,
        workers=seen.workers,
        verdict=verdict,
        reasons=reasons,
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
        marks=_marks(wish, seen, timeline),
        driver=_driver(collected.played, seen.accounts),
        machine={"cores": str(os.cpu_count()), "python": platform.python_version(), "kernel": platform.release()},
        settings=wish.settings,
        rate=wish.rate,
        time=wish.time,
        digest=digest(scenario),
    )


def _marks(wish: Wish, seen: Seen, timeline: list[Second]) -> list[Mark]:
    """Phases, the wait for teams and money if there was one, and faults."""
    scenario = wish.scenario
    marks = [
        Mark(at_s=scenario.start_of(number), seconds=phase.seconds, text=phase.name, kind="phase")
        for number, phase in enumerate(scenario.phase)
    ]
    waited_s = timeline[-1].second - scenario.seconds if timeline else 0.0
    if waited_s > _LONG_S:
        marks.append(Mark(at_s=scenario.seconds, seconds=waited_s, text="settling", kind="phase"))
    return marks + seen.marks


def _driver(seconds: list[Second], accounts: list[Account]) -> dict[str, float]:
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
        "memory_mib": round(sum(each.peak_mib for each in accounts), 1),
        "frames": frames,
        "us_per_frame": round(cpu_s / frames * 1e6, 2) if frames else 0.0,
        "us_per_viewer_s": round(cpu_s / viewer_s * 1e6, 1) if viewer_s else 0.0,
    }
