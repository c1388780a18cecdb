"""Aim: the options of the command line that say which deployment is loaded, and what is changed of the scenario."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import click
import msgspec

from .own import own_show
from .scenario import Scenario, scaled
from .target import Target, TargetError, read
from .wish import Wish

_KEY, _TOKEN = "LOADTEST_KEY", "LOADTEST_TOKEN"
_OF_A_TARGET = ("target_file", "url", "shop", "room", "kid", "real_room")


def aimed(command: Any) -> Any:
    """The options, for a command."""
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


def changed(scenario: Scenario, given: dict[str, Any]) -> Scenario:
    """The scenario as the options want it.

    Raises:
        ScenarioError: its faults have no room in a shorter evening.
    """
    return scaled(scenario, viewers=given["viewers"], rate=given["rate"], time=given["time_factor"])


@contextlib.asynccontextmanager
async def wish_of(scenario: Scenario, given: dict[str, Any]) -> AsyncIterator[Wish]:
    """The scenario, against a server of our own or the deployment that was named.

    Raises:
        TargetError, OwnError
    """
    settings = dict(each.partition("=")[::2] for each in given["settings"])
    plain = Wish(scenario, Target(), workers=given["workers"] or 0, rate=given["rate"], time=given["time_factor"])
    if given["own"]:
        if any(given[name] for name in _OF_A_TARGET):
            raise TargetError("--own starts a server for the run: leave out what names another one")
        async with own_show(settings, pays=scenario.pays) as (target, pid):
            yield dataclasses.replace(plain, target=target, server_pid=pid, settings=settings)
        return
    if settings:
        raise TargetError("--set is for a server of the suite's own, with --own")
    yield dataclasses.replace(plain, target=_target(given), real_room=given["real_room"])


def _target(given: dict[str, Any]) -> Target:
    """The file's, changed by options and environment."""
    target = Target()
    if given["target_file"]:
        try:
            target = read(Path(given["target_file"]).read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise TargetError(f"cannot read {given['target_file']}: {error}") from None
    flags = {name: given[name] for name in ("url", "shop", "room", "kid") if given[name]}
    flags |= {"url": given["url"].rstrip("/")} if given["url"] else {}
    secrets = {"key": os.environ.get(_KEY, ""), "token": os.environ.get(_TOKEN, "")}
    flags |= {name: value for name, value in secrets.items() if value}
    return msgspec.structs.replace(target, **flags)
