"""Screen: how a run goes, while it goes: a live view on a terminal, else a line now and then; and the summary."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..result import Collected, Result, Second
from ..scenario import Scenario

_EVERY = 5  #: seconds between lines where there is no terminal
_COLOURS = {"passed": "green", "failed": "red", "void": "yellow", "interrupted": "yellow"}


class Screen:
    """For `with`. On a terminal it redraws itself once a second."""

    def __init__(self, scenario: Scenario, console: Console, say: Callable[[str], None]) -> None:
        self._scenario = scenario
        self._console = console
        self._say = say
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> Screen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live is not None:
            self._live.stop()

    def second(self, second: Second, collected: Collected) -> None:
        """A second is complete."""
        if self._live is not None:
            self._live.update(self._panel(second, collected), refresh=True)
        elif second.second % _EVERY == 0:
            self._say(self._line(second))

    def _phase(self, second: Second) -> str:
        return self._scenario.phase[self._scenario.phase_at(second.second)].name

    def _line(self, second: Second) -> str:
        counts = second.counts
        parts = [
            f"{second.second + 1:4d} s  {self._phase(second):<12}",
            f"{second.present} viewers",
            f"sent {counts.get('sent', 0)}/s",
            f"received {counts.get('frames_in', 0)}/s",
        ]
        parts += [
            f"{metric} p99 {second.times[metric].p99:.0f} ms"
            for metric in ("say.seen", "comment.reply")
            if metric in second.times
        ]
        parts += [f"{name} {counts[name]}" for name in ("dropped", "refused", "gaps", "repeats") if counts.get(name)]
        parts.append(f"driver {second.driver_cpu:.2f} cores, {second.late_ms:.0f} ms late")
        return " · ".join(parts)

    def _panel(self, second: Second, collected: Collected) -> Group:
        total = self._scenario.seconds
        progress = Table.grid(padding=(0, 1))
        progress.add_row(
            ProgressBar(total=total, completed=min(total, second.second + 1), width=50),
            f"{second.second + 1:.0f} of {total:.0f} s",
            Text(self._phase(second), style="bold"),
        )
        now = Table.grid(padding=(0, 2))
        now.add_column(justify="right", style="bold")
        now.add_column(min_width=60)
        counts, totals = second.counts, collected.totals
        now.add_row("viewers", f"{second.present} of {self._scenario.viewers}")
        now.add_row("sent", f"{counts.get('sent', 0)}/s · {totals.get('sent', 0)} in all")
        now.add_row("received", f"{counts.get('frames_in', 0):,} frames/s · {counts.get('bytes_in', 0) / 1e6:.2f} MB/s")
        for name in ("dropped", "refused", "gaps", "repeats", "gave_up", "resumes", "resets"):
            if totals.get(name):
                bad = name in ("gaps", "repeats", "gave_up", "dropped")
                now.add_row(name, Text(str(totals[name]), style="red" if bad else ""))
        now.add_row("driver", f"{second.driver_cpu:.2f} cores, {second.late_ms:.0f} ms late")
        return Group(progress, Text(), now, Text(), self._times(second), Text("Ctrl-C ends it with a report", "dim"))

    def _times(self, second: Second) -> Table:
        table = Table("ms, last second", "count", "p50", "p99", "max", box=None, header_style="dim")
        for metric, times in sorted(second.times.items()):
            table.add_row(metric, str(times.count), f"{times.p50:.1f}", f"{times.p99:.1f}", f"{times.max:.1f}")
        return table


def summary(result: Result) -> Group:
    """What there is to say at the end."""
    verdict = Text(f"{result.scenario}: {result.verdict}", style=f"bold {_COLOURS[result.verdict]}")
    times = Table("ms", "count", "p50", "p90", "p99", "p99.9", "max", box=None, header_style="dim")
    for metric, each in result.metrics.items():
        times.add_row(
            metric,
            f"{each.count:,}",
            *(f"{value:.1f}" for value in (each.p50, each.p90, each.p99, each.p999, each.max)),
        )
    promises = Table.grid(padding=(0, 1))
    for finding in result.findings:
        mark = Text("–", "yellow") if finding.ok is None else Text("✓", "green") if finding.ok else Text("✗", "red")
        promises.add_row(mark, Text(f"{finding.name}: {finding.text}"))
    for judged in result.thresholds:
        promises.add_row(Text("✓", "green") if judged.ok else Text("✗", "red"), Text(f"{judged.text}: {judged.shown}"))
    faults = [
        Text(
            f"{mark.text} at {mark.at_s:.1f} s: "
            + ("not recovered" if mark.recovered_s is None else f"well again after {mark.recovered_s:.1f} s")
        )
        for mark in result.marks
        if mark.kind == "fault"
    ]
    driver = Text(
        f"driver: {result.driver.get('cores', 0):.2f} cores, {result.driver.get('us_per_frame', 0):.1f} µs a frame, "
        f"{result.driver.get('memory_mib', 0):.0f} MiB, at most {result.driver.get('late_ms_max', 0):.0f} ms late",
        "dim",
    )
    reasons = [Text(each, style="red") for each in result.reasons]
    return Group(Text(), times, Text(), promises, Text(), *faults, driver, *reasons, verdict)
