"""Render: results as a page that a person reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from .machine import Machine
from .results import BenchmarkResult, FigureResult, Results

_INTRO = """\
# What was measured

Made by `make bench`; the raw numbers of every round lie beside this page. One
gateway process on one core; stores, worker and client on the other; `csend`, a C
loop that does nothing but `send(2)`, in the same round on the gateway's core.
Figures are medians of rounds; in brackets the lowest and highest round. Ratios
less than about 15 % apart are not resolved on a shared machine. A round is void,
left out of the median, and told, where the client was the bottleneck (busy more
than 85 %) or other processes took more than 10 % of the gateway's core. Where the time goes: `make bench
ARGS=--profile` writes the `profile-*.txt` beside this page.
"""


def page(all_results: Sequence[Results]) -> str:
    """The newest result of each benchmark.

    Args:
        all_results: oldest first.
    """
    newest: dict[str, tuple[Results, BenchmarkResult]] = {}
    for results in all_results:
        for result in results.benchmarks:
            newest[result.name] = (results, result)
    return "\n".join([_INTRO, *(section(results, result) for results, result in newest.values())])


def section(results: Results, result: BenchmarkResult) -> str:
    lines = [f"## {result.name}: {result.title}", ""]
    lines += ["| figure | target | median | lowest – highest | |", "|---|---|---|---|---|"]
    lines += [row(figure) for figure in result.figures]
    lines += ["", conditions(results.machine, result), "", f"    {results.command} --only {result.name}", ""]
    return "\n".join(lines)


def row(figure: FigureResult) -> str:
    if figure.summary is None:
        return f"| {figure.name} | {figure.target} | – | – | void |"
    low, high = number(figure.summary.low), number(figure.summary.high)
    unit = f" {figure.unit}" if figure.unit else ""
    mark = {"reached": "reached", "missed": "**missed**"}.get(figure.verdict, "")
    return f"| {figure.name} | {figure.target} | {number(figure.summary.median)}{unit} | {low} – {high} | {mark} |"


def conditions(machine: Machine, result: BenchmarkResult) -> str:
    rounds = f"{result.void.count(None)} of {len(result.void)} rounds count"
    busiest = max(result.client_busy_pct, default=0.0)
    reasons = [reason for reason in result.void if reason]
    void = f"; void rounds: {len(reasons)} ({'; '.join(reasons)})" if reasons else ""
    settings = sorted({f"{name.lower()} = {value}" for run in result.settings.values() for name, value in run.items()})
    changed = " with changes" if machine.changed else ""
    return (
        f"{machine.date}, commit {machine.commit}{changed}, {machine.processor}, {machine.cores} cores, "
        f"{machine.memory_gib} GiB, Linux {machine.kernel}, Python {machine.python}; "
        f"fsync p50 {machine.fsync_p50_ms:g} ms, p99 {machine.fsync_p99_ms:g} ms; {rounds}; "
        f"{'send loop in C; ' if machine.compiled_send else ''}"
        f"client at most {busiest:.0f} % busy{void}. Settings beside the defaults: {', '.join(settings) or 'none'}."
    )


def number(value: float) -> str:
    """Three digits that matter, thousands parted."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
