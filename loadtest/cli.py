"""`livestream loadtest`: the commands."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from livestream.protocol.commands import COMMANDS, AnyCommand, Command
from livestream.protocol.replies import Announced, Posted
from livestream.protocol.roles import HOSTS

from . import compare as comparing
from . import result as results
from .behaviours import BEHAVIOURS, options_of
from .crew import CrewError
from .limit import Search
from .own import OwnError, own_show
from .report.junit import junit
from .report.page import page
from .report.screen import Screen, summary
from .result import Result
from .run import Progress, RunError, Wish, play
from .scenario import Scenario, ScenarioError, bound, read, scaled
from .shop import ShopError
from .target import Target, TargetError
from .target import read as read_target

FOLDER = Path(__file__).parent / "scenarios"
EXIT = {"passed": 0, "failed": 1, "void": 3, "interrupted": 130}
CUES = {str(each.__struct_config__.tag) for each in COMMANDS if each.roles & HOSTS}
_KEY, _TOKEN = "LOADTEST_KEY", "LOADTEST_TOKEN"


class CannotError(click.ClickException):
    """It was asked for what cannot be: exit code 2."""

    exit_code = 2


def load(name: str) -> Scenario:
    """A shipped scenario by name, or one of your own by path.

    Raises:
        ScenarioError
    """
    path = FOLDER / f"{name}.toml" if "/" not in name and not name.endswith(".toml") else Path(name)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
        raise ScenarioError(f"there is no scenario {name!r}: give a path, or one of {known}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"cannot read {path}: {error}") from None
    try:
        scenario = read(text, set(BEHAVIOURS), CUES)
        _check_parts(scenario)
    except (ScenarioError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{path.name}: {error}") from None
    return scenario


def _check_parts(scenario: Scenario) -> None:
    """Options of actions, and cues as the commands that they will be.

    Raises:
        ScenarioError, msgspec.ValidationError
    """
    examples: dict[str, str] = {}  #: of what cues make
    for phase in scenario.phase:
        for action in phase.action:
            options_of(action.do, action.options)
            if not BEHAVIOURS[action.do].scheduled:
                raise ScenarioError(f"phase {phase.name!r}: {action.do!r} follows from other actions: leave it out")
        for cue in sorted(phase.cue, key=lambda each: each.at_s):
            command: Command = msgspec.convert({**bound(cue.send, examples), "ref": 0, "key": "k"}, AnyCommand)
            if cue.makes and command.reply not in (Posted, Announced):
                raise ScenarioError(f"phase {phase.name!r}: `{cue.send['t']}` makes nothing that has an id")
            if cue.makes:
                examples[cue.makes] = "0" * (32 if command.reply is Announced else 13)


def _where(command: Any) -> Any:
    """Options that name the target and change the scenario."""
    for option in reversed(
        [
            click.option("--own", is_flag=True, help="Start a server for the run, in a temporary folder."),
            click.option("--target", "target_file", type=click.Path(), help="A TOML file; see docs/loadtest.md."),
            click.option("--url", help="Of the deployment. [default: http://127.0.0.1:8080]"),
            click.option("--shop", help="Whose room it is."),
            click.option("--room", help="A rehearsal of it is made, used and erased."),
            click.option(
                "--kid", help=f"Of the shop's key, which is in ${_KEY}; or give a service token in ${_TOKEN}."
            ),
            click.option("--real-room", default="", help="Load this room itself; the target file must name it, too."),
            click.option("--viewers", type=click.IntRange(1), help="Instead of the scenario's number."),
            click.option("--rate", type=click.FloatRange(0.001), default=1.0, help="Factor of all rates."),
            click.option("--time", "time_factor", type=click.FloatRange(0.01), default=1.0, help="Factor of lengths."),
            click.option("--workers", type=click.IntRange(1, 64), help="Processes of the driver."),
            click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the own server."),
            click.option("--out", type=click.Path(file_okay=False), default="loadtest-results", show_default=True),
        ]
    ):
        command = option(command)
    return command


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
    for file in sorted(FOLDER.glob("*.toml")):
        scenario = load(file.stem)
        click.echo(f"{scenario.name:<18} {scenario.viewers:>6,} viewers {scenario.seconds:>5.0f} s  {scenario.text}")


@loadtest.command("run")
@click.argument("scenario")
@_where
@click.option("--keep", is_flag=True, help="Do not erase the rehearsal.")
def run(scenario: str, out: str, **given: Any) -> None:
    """Play a scenario: one that is shipped, by name, or a file of your own."""
    console = Console()
    with _complaints():
        result = asyncio.run(_run(load(scenario), given, console))
    paths = write(result, Path(out))
    console.print(summary(result))
    for path in paths:
        click.echo(f"written: {path}")
    sys.exit(EXIT[result.verdict])


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
    for each in found:
        click.echo(f"{each.verdict:<8} {each.name:<22} {each.before:>10.2f} → {each.after:>10.2f}  {each.change:+.0%}")
    told = comparing.promises(*pair)
    for line in told:
        click.echo(line)
    worse = any(each.verdict == "worse" for each in found) or any(line.startswith("broken") for line in told)
    sys.exit(1 if worse else 0)


@loadtest.command("find-limit")
@click.argument("scenario")
@_where
@click.option("--what", type=click.Choice(["viewers", "rate"]), default="viewers", show_default=True)
@click.option(
    "--most", type=click.FloatRange(0.001), help="Do not go beyond. [default: 15,000 viewers, 100 × the rate]"
)
@click.option("--close", type=click.FloatRange(0.01, 0.5), default=0.1, show_default=True, help="End so close to it.")
def find_limit(scenario: str, out: str, what: str, most: float | None, close: float, **given: Any) -> None:
    """Search the most viewers, or the highest rate, that hold all thresholds and promises."""
    console = Console()
    with _complaints():
        search = asyncio.run(_search(load(scenario), given, what, most, close, Path(out), console))
    if search.held:
        end = f", and not {search.broke:g}" if search.broke else ", the most that was tried"
        click.echo(f"{scenario} holds {what} {search.held:g}{end}")
    else:
        click.echo(f"{scenario} does not hold even {what} {search.broke or search.first:g}")


@contextlib.contextmanager
def _complaints() -> Any:
    """What goes wrong by the user's doing is one line."""
    try:
        yield
    except (ScenarioError, TargetError, RunError, ShopError, CrewError, OwnError) as error:
        raise CannotError(str(error)) from None
    except ExceptionGroup as group:
        found, rest = group.split((RunError, ShopError, CrewError))
        if rest is not None or found is None:
            raise
        raise CannotError(str(found.exceptions[0])) from None


async def _run(scenario: Scenario, given: dict[str, Any], console: Console) -> Result:
    scenario = scaled(scenario, viewers=given["viewers"], rate=given["rate"], time=given["time_factor"])
    async with _place(given, scenario) as wish:
        return await _played(dataclasses.replace(wish, keep=given["keep"]), console)


async def _played(wish: Wish, console: Console) -> Result:
    with Screen(wish.scenario, console, click.echo) as screen:
        return await play(wish, Progress(wish.scenario, click.echo, screen.second))


async def _search(
    scenario: Scenario,
    given: dict[str, Any],
    what: str,
    most: float | None,
    close: float,
    out: Path,
    console: Console,
) -> Search:
    base = scaled(scenario, viewers=given["viewers"], rate=given["rate"], time=given["time_factor"])
    by_viewers = what == "viewers"
    search = Search(
        first=base.viewers if by_viewers else 1.0,
        least=10 if by_viewers else 0.01,
        most=most or (15_000 if by_viewers else 100.0),
        close=close,
    )
    async with _place(given, base) as wish:
        while (value := search.next()) is not None:
            viewers, rate = (int(value), 1.0) if by_viewers else (base.viewers, value)
            value = viewers if by_viewers else rate
            click.echo(f"-- {what} {value:g}")
            wish = dataclasses.replace(wish, scenario=scaled(base, viewers=viewers, rate=rate))
            result = await _played(wish, console)
            write(result, out)
            click.echo(f"-- {what} {value:g}: {result.verdict}" + "".join(f"\n   {each}" for each in result.reasons))
            if result.verdict == "interrupted":
                break
            search.told(value, result.passed)
    return search


@contextlib.asynccontextmanager
async def _place(given: dict[str, Any], scenario: Scenario) -> AsyncIterator[Wish]:
    """The target: a server of our own, or the one that was named."""
    settings = dict(each.partition("=")[::2] for each in given["settings"])
    if given["own"]:
        async with own_show(settings, pays=scenario.pays) as (target, pid):
            yield Wish(scenario, target, workers=given["workers"] or 0, server_pid=pid, settings=settings)
        return
    if settings:
        raise TargetError("--set is for a server of the suite's own, with --own")
    yield Wish(scenario, _target(given), real_room=given["real_room"], workers=given["workers"] or 0)


def _target(given: dict[str, Any]) -> Target:
    target = Target()
    if given["target_file"]:
        try:
            target = read_target(Path(given["target_file"]).read_text("utf-8"))
        except OSError as error:
            raise TargetError(f"cannot read {given['target_file']}: {error.strerror}") from None
    flags = {name: given[name] for name in ("url", "shop", "room", "kid") if given[name]}
    secrets = {"key": os.environ.get(_KEY, ""), "token": os.environ.get(_TOKEN, "")}
    flags |= {name: value for name, value in secrets.items() if value}
    return msgspec.structs.replace(target, **flags)


def write(result: Result, folder: Path) -> list[Path]:
    """HTML, JSON and JUnit; never over older ones."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{result.scenario}-{datetime.now(UTC).strftime('%Y%m%d-%H%M%S-%f')[:-3]}"
    files = {".html": page(result).encode(), ".json": results.encode(result), ".xml": junit(result).encode()}
    for ending, data in files.items():
        (folder / f"{name}{ending}").write_bytes(data)
    return [folder / f"{name}{ending}" for ending in files]


if __name__ == "__main__":
    sys.exit(loadtest())
