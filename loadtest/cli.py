"""`livestream loadtest`: the commands."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from . import compare as comparing
from . import result as results
from .aim import aimed, changed, wish_of
from .crew import CrewError
from .finding import Bounds, Finder
from .interrupt import Interrupt
from .own import OwnError
from .report.files import write
from .report.screen import Screen, summary
from .report.table import table
from .result import Result
from .run import Progress, RunError, Wish, play
from .scenario import Scenario, ScenarioError
from .shelf import load, shipped
from .shop import ShopError
from .target import TargetError, bounded, highest_rate

INTERRUPTED = 130
EXIT = {"passed": 0, "failed": 1, "void": 3, "interrupted": INTERRUPTED}
_GRAVE = ("interrupted", "failed", "void", "passed")  #: of several runs the gravest verdict counts


class CannotError(click.ClickException):
    """It was asked for what cannot be: exit code 2."""

    exit_code = 2


@click.group()
def loadtest() -> None:
    """Rehearse tomorrow's sale tonight.

    \b
    Try it on this machine alone:    livestream loadtest run big-sale --own
    Against `livestream serve`:      LOADTEST_TOKEN=$(livestream token --role service) \\
                                     livestream loadtest run big-sale --shop demo --room demo

    Exit codes: 0 passed, 1 failed, 2 cannot be played, 3 void (the driver was
    the bottleneck), 130 interrupted.
    """


@loadtest.command("scenarios")
def scenarios() -> None:
    """List what is shipped."""
    for scenario in map(load, shipped()):
        click.echo(f"{scenario.name:<18} {scenario.viewers:>6,} viewers {scenario.seconds:>5.0f} s  {scenario.text}")


@loadtest.command("run")
@click.argument("scenarios", nargs=-1, metavar="SCENARIO...")
@aimed
@click.option("--all", "every", is_flag=True, help="All that are shipped, one after another.")
@click.option("--keep", is_flag=True, help="Do not erase the rehearsal.")
def run(scenarios: tuple[str, ...], every: bool, out: str, **given: Any) -> None:
    """Play scenarios: shipped ones by name, or files of your own.

    After several there is a table of them, printed and written as Markdown; the exit code is that of the gravest.
    """
    if bool(scenarios) == every:
        raise click.UsageError("name scenarios, or give --all")
    with _complaints():
        wanted = [changed(load(name), given) for name in (shipped() if every else scenarios)]
        folder = _folder(out)
        runs, heard = asyncio.run(_run_all(wanted, given, folder, Console()))
    if len(wanted) > 1:
        path = folder / f"table-{datetime.now(UTC).strftime('%Y%m%d-%H%M%S')}.md"
        path.write_text(table(runs))
        click.echo(f"\n{table(runs)}\nwritten: {path}")
    verdicts = [each.verdict for each in runs] + ["interrupted"] * (heard and len(runs) < len(wanted))
    sys.exit(EXIT[min(verdicts, key=_GRAVE.index)])


@loadtest.command("compare")
@click.argument("before", type=click.Path(exists=True, dir_okay=False))
@click.argument("after", type=click.Path(exists=True, dir_okay=False))
def compare(before: str, after: str) -> None:
    """Say what got better or worse from one result to another, beyond the noise. Exit code 1: something is worse."""
    try:
        pair = [results.decode(Path(path).read_bytes()) for path in (before, after)]
        found = comparing.compare(*pair)
    except (ValueError, OSError) as error:
        raise CannotError(str(error)) from None
    for line in comparing.notes(*pair):
        click.echo(line)
    for each in found:
        if each.phase is None or each.verdict in ("better", "worse"):  # a phase is worth a line if it stands out
            click.echo(each.line)
    told = comparing.promises(*pair)
    for line in told:
        click.echo(line)
    worse = any(each.verdict == "worse" for each in found) or any(line.startswith("broken") for line in told)
    sys.exit(1 if worse else 0)


@loadtest.command("find-limit")
@click.argument("scenario")
@aimed
@click.option("--what", type=click.Choice(["viewers", "rate"]), default="viewers", show_default=True)
@click.option("--most", type=click.FloatRange(0.01), help="Do not go beyond. [default: 15,000 viewers, 100 × the rate]")
@click.option("--close", type=click.FloatRange(0.01, 0.5), default=0.1, show_default=True, help="End so close to it.")
@click.option(
    "--minutes", type=click.FloatRange(0.1), default=60, show_default=True, help="Begin no run that would end later."
)
def find_limit(
    scenario: str, out: str, what: str, most: float | None, close: float, minutes: float, **given: Any
) -> None:
    """Search the most viewers, or the highest rate, that hold all thresholds and promises."""
    with _complaints():
        base = changed(load(scenario), given)
        bounds = Bounds(what == "viewers", most, close, minutes * 60)
        if not bounds.by_viewers and not highest_rate(base):
            raise ScenarioError(f"{base.name} has no actions, and so no rate to raise: search with --what viewers")
        finder = asyncio.run(_search(base, given, bounds, _folder(out), Console()))
    sys.exit(INTERRUPTED if finder.interrupted else 0 if finder.held else 1)


@contextlib.contextmanager
def _complaints() -> Iterator[None]:
    """What goes wrong by the user's doing is one line."""
    try:
        yield
    except (ScenarioError, TargetError, RunError, ShopError, CrewError, OwnError) as error:
        raise CannotError(str(error)) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("stopped, without a report", err=True)
        sys.exit(INTERRUPTED)
    except ExceptionGroup as group:
        found, rest = group.split((RunError, ShopError, CrewError))
        if rest is not None or found is None:
            raise
        raise CannotError(str(_first(found))) from None


def _first(error: BaseException) -> BaseException:
    """Of a group, or a group of groups."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _folder(out: str) -> Path:
    """Where reports go: known to be writable before anything is played.

    Raises:
        RunError
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (probe := folder / f".{time.time_ns()}").touch()
        probe.unlink()
    except OSError as error:
        raise RunError(f"reports cannot be written to {out}: {error.strerror}") from None
    return folder


async def _run_all(
    scenarios: list[Scenario], given: dict[str, Any], folder: Path, console: Console
) -> tuple[list[Result], bool]:
    """One after another, each with a report; Ctrl-C ends them all.

    Returns: what was played, and whether there was a Ctrl-C.
    """
    runs: list[Result] = []
    with Interrupt() as interrupt:
        for scenario in scenarios:
            async with wish_of(scenario, given) as wish:
                result = await _played(dataclasses.replace(wish, keep=given["keep"]), console, interrupt)
            paths = write(result, folder)
            console.print(summary(result))
            for path in paths:
                click.echo(f"written: {path}")
            runs.append(result)
            if interrupt.heard:
                break
    return runs, interrupt.heard


async def _played(wish: Wish, console: Console, interrupt: Interrupt) -> Result:
    with Screen(wish.scenario, console, click.echo) as screen, interrupt.played() as stop:
        return await play(wish, Progress(click.echo, screen.second), stop)


async def _search(base: Scenario, given: dict[str, Any], bounds: Bounds, folder: Path, console: Console) -> Finder:
    """Whatever ends it, what is known until then is told."""
    finder = Finder(base, bounds)
    try:
        with Interrupt() as interrupt:
            async with wish_of(base, given) as wish:
                most, why = bounded(wish.target, base, finder.most, by_viewers=bounds.by_viewers)
                if why:
                    finder = Finder(base, dataclasses.replace(bounds, most=most))
                    click.echo(f"-- not beyond {finder.shown(most)}: `{why}` of the target")
                while (scenario := finder.next(time.monotonic())) is not None:
                    click.echo(f"\n{finder.head()}")
                    probe = dataclasses.replace(wish, scenario=scenario, rate=wish.rate * finder.rate)
                    result = await _played(probe, console, interrupt)
                    write(result, folder)
                    finder.interrupted = interrupt.heard
                    click.echo(finder.told(result, time.monotonic()))
    except BaseException:
        finder.interrupted = True
        if finder.probes:
            click.echo(finder.text())
        raise
    click.echo(finder.text())
    return finder


if __name__ == "__main__":
    sys.exit(loadtest())
