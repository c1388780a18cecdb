"""`livestream demo`: the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from livestream.config import ConfigError, Settings
from livestream.flags import settings_flags

if TYPE_CHECKING:
    from .run import Wish


@click.command()
@click.option("--viewers", type=click.IntRange(1, 15_000), default=500, show_default=True, help="How many come.")
@click.option(
    "--comments-per-s",
    type=click.FloatRange(0, 5000),
    default=50.0,
    show_default=True,
    help="What all of them write together; each writes once in 2 s at most.",
)
@click.option("--room", default="demo", show_default=True, help="Room to fill.")
@click.option("--url", help="Websocket of the show. [default: ws://127.0.0.1:PORT/v1/ws]")
@click.option("--seconds", type=click.FloatRange(1), help="Stop by itself after so long. [default: until Ctrl-C]")
@click.option("--ramp", "ramp_s", type=click.FloatRange(0), help="Seconds over which they arrive. [default: by number]")
@click.option("--signed-in", is_flag=True, help="Come with tokens of the demo shop, not as anonymous viewers.")
@click.option("--seed", type=int, help="The same people in the same order again.")
@settings_flags
@click.pass_obj
def demo(settings: Settings, /, **given: object) -> None:
    """Fill a running show with simulated viewers.

    They arrive over some seconds, write real sentences in four languages,
    react when the host says something, and send hearts. The room shows as many
    comments as people can read (the setting display_per_s); the rest is
    archived and counted as left out.

    \b
    In one terminal:    livestream serve
    In another:         livestream demo --viewers 500 --comments-per-s 50
    A calm room:        livestream demo --viewers 30 --comments-per-s 2
    A flood:            livestream demo --viewers 2000 --comments-per-s 500
    As a quick check:   livestream demo --viewers 50 --seconds 10

    Then open the viewer page that `livestream serve` printed, and speak from
    the host page to see the crowd react. Ctrl-C ends the crowd with a summary.
    """
    import uvloop

    from . import run

    wish: Wish = run.Wish(**given)  # type: ignore[arg-type]
    try:
        uvloop.run(run.run(settings, wish, click.echo))
    except run.NobodyThere as error:
        raise ConfigError(str(error)) from None
