"""The command line. Sibling packages add their commands through the entry point group `livestream.commands`."""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from importlib.metadata import EntryPoint, EntryPoints, entry_points, version
from typing import Any, NoReturn

import click
import uvloop

from livestream.config import ConfigError, Settings, reference
from livestream.flags import load_settings, settings_flags
from livestream.protocol.errors import LivestreamError, Unavailable
from livestream.protocol.roles import Role

_ROLES = [role.value for role in Role if role is not Role.ANONYMOUS]


class Commands(click.Group):
    """Our commands and the siblings', which are loaded when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *(point.name for point in _siblings())})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        for point in _siblings():
            if point.name == cmd_name:
                return _loaded(point)
        return None


def _siblings() -> EntryPoints:
    return entry_points(group="livestream.commands")


def _loaded(point: EntryPoint) -> click.Command:
    """The command, or one that says why there is none: a broken sibling must not take the others' help away."""
    try:
        command: click.Command = point.load()
    except ImportError as error:
        reason = f"cannot be loaded: {error}"

        def refuse() -> None:
            raise click.ClickException(f"`{point.name}` {reason}")

        return click.Command(point.name, callback=refuse, short_help=f"({reason})")
    return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("livestream"), prog_name="livestream")
@settings_flags
@click.pass_context
def cli(ctx: click.Context) -> None:
    """The backend of a live shopping show: everything around the video.

    \b
    Start a show on this machine:      livestream serve
    Fill it with simulated viewers:    livestream demo --viewers 500
    Mint a token for a viewer:         livestream token --viewer ann
    Make a shop of your own:           livestream shop create myshop
    See every setting:                 livestream config

    Flags win over the environment (LIVESTREAM_PORT=9000), which wins over the
    --config file, which wins over the defaults.
    """
    load_settings(ctx)


def _run(name: str, settings: Settings, work: Coroutine[Any, Any, None]) -> None:
    from livestream.logs import configure

    configure(settings, name)
    uvloop.run(work)


@cli.command()
@click.option("--demo/--no-demo", default=None, help="A demo shop with a show on air. [default: in development]")
@settings_flags
@click.pass_obj
def serve(settings: Settings, demo: bool | None) -> None:
    """Run everything on this machine.

    Stores, schema, a gateway a core, and a worker. Without DATABASE_URL and
    REDIS_URL a real Postgres and Valkey start in the data folder. Ctrl-C stops
    all of it; the next start finds the same data.
    """
    from livestream.serve import serve as run

    wanted = not settings.production if demo is None else demo
    _run("serve", settings, run(settings, click.echo, demo=wanted))


@cli.command()
@settings_flags
@click.pass_obj
def worker(settings: Settings) -> None:
    """Run one worker process; any number may run."""
    from livestream.deployment import resolve, secret_of
    from livestream.worker import run

    settings = resolve(settings)
    _run("worker", settings, run(settings, secret_of(settings)))


@cli.command()
@click.option("--new-epoch", is_flag=True, help="Tell clients that the past changed: after restoring a backup.")
@settings_flags
@click.pass_obj
def migrate(settings: Settings, new_epoch: bool) -> None:
    """Bring the database up to this program's schema.

    Safe to run at any time: what was applied is left alone.
    """
    from livestream.deployment import resolve
    from livestream.storage import migrate as migrations

    url = resolve(settings).database_url

    async def work() -> None:
        applied = await migrations.migrate(url)
        click.echo(f"applied: {', '.join(applied)}" if applied else "nothing to apply")
        if new_epoch:
            click.echo(f"new epoch: {await migrations.new_epoch(url)}")

    _run("migrate", settings, work())


@cli.command()
@click.option("--shop", default="demo", show_default=True)
@click.option("--viewer", default="viewer", show_default=True, help="The shop's id of the person.")
@click.option("--name", help="Display name.")
@click.option("--role", type=click.Choice(_ROLES), default="viewer", show_default=True)
@click.option("--room", help="Only this room. [default: all rooms of the shop; with --link: demo]")
@click.option(
    "--ttl", "ttl_s", type=click.IntRange(1), default=3600, show_default=True, help="Seconds until it expires."
)
@click.option(
    "--count", type=click.IntRange(1), default=1, show_default=True, help="So many tokens, for viewer-1, viewer-2, …"
)
@click.option("--link", is_flag=True, help="Print a one-use link to the page instead of a token.")
@settings_flags
@click.pass_obj
def token(settings: Settings, /, link: bool, count: int, **person: Any) -> None:
    """Sign a token, as the shop's backend would.

    \b
    livestream token --viewer ann --name Ann
    livestream token --role host --name Ada --link
    """
    from livestream import tokens
    from livestream.deployment import resolve

    settings = resolve(settings)

    async def work() -> None:
        lines = await (tokens.link(settings, **person) if link else tokens.mint_many(settings, count, **person))
        click.echo("\n".join(lines))

    _run("token", settings, work())


@cli.group()
def shop() -> None:
    """Make shops, and change their keys."""


@shop.command("create")
@click.argument("shop_id", metavar="SHOP")
@click.option("--name", help="As people read it. [default: the id]")
@click.option("--room", default="main", show_default=True, help="Id of its first room.")
@click.option("--room-title", default="Main room", show_default=True)
@click.option("--time-zone", default="UTC", show_default=True, help="In which its shows are announced.")
@settings_flags
@click.pass_obj
def shop_create(settings: Settings, shop_id: str, name: str | None, room: str, room_title: str, time_zone: str) -> None:
    """Make a shop with a room, and print its key.

    With the key the shop's backend signs its viewers' tokens.

    \b
    livestream shop create myshop --name "My shop" --room main
    """
    from livestream import shops
    from livestream.deployment import resolve

    settings = resolve(settings)

    async def work() -> None:
        key = await shops.create(
            settings.database_url,
            shop_id,
            name=name or shop_id,
            room_id=room,
            room_title=room_title,
            time_zone=time_zone,
        )
        click.echo(f"shop {shop_id}\nroom {room}\nkid  {key.kid}\nkey  {key.key}")

    _run("shop", settings, work())


@shop.command("add-key")
@click.argument("shop_id", metavar="SHOP")
@settings_flags
@click.pass_obj
def shop_add_key(settings: Settings, shop_id: str) -> None:
    """Give a shop one more key, and print it.

    Those it has go on holding.
    """
    from livestream import shops
    from livestream.deployment import resolve

    settings = resolve(settings)

    async def work() -> None:
        key = await shops.add_key(settings.database_url, shop_id)
        click.echo(f"kid  {key.kid}\nkey  {key.key}")

    _run("shop", settings, work())


@shop.command("retire-key")
@click.argument("kid", metavar="KID")
@click.option("--last", is_flag=True, help="Also where the shop has no other key left.")
@settings_flags
@click.pass_obj
def shop_retire_key(settings: Settings, kid: str, last: bool) -> None:
    """Refuse a key from now on.

    Whoever came by it is sent away within a heartbeat.

    \b
    livestream shop retire-key myshop-0a1b2c3d
    """
    from livestream import shops
    from livestream.deployment import resolve

    settings = resolve(settings)

    async def work() -> None:
        click.echo(f"{kid} of {await shops.retire_key(settings.database_url, kid, last=last)} is retired")

    _run("shop", settings, work())


@cli.command()
@click.option("--check", is_flag=True, help="Only say whether the present settings hold, and which they are.")
@settings_flags
@click.pass_obj
def config(settings: Settings, check: bool) -> None:
    """Print every setting, its meaning and default.

    What it prints is a TOML file to edit, for --config.
    """
    if not check:
        click.echo(reference(), nl=False)
        return
    from livestream.serve import shown

    for name, value in shown(settings).items():
        click.echo(f"{name} = {value!r}")


def main() -> None:
    """Entry point: what goes wrong by the user's doing is one line and exit code 2, never a traceback."""
    try:
        # What a command ends with by `ctx.exit` comes back as its value.
        code = cli.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (ConfigError, LivestreamError) as error:
        _complain(error)
    except ExceptionGroup as group:
        expected, unexpected = group.split((ConfigError, LivestreamError))
        if unexpected is not None or expected is None:
            raise
        _complain(_first(expected))


def _complain(error: Exception) -> NoReturn:
    if isinstance(error, Unavailable):
        error = ConfigError(f"{error.dependency} does not answer: is it running?")
    detail = " ".join(str(error).split()) or type(error).__name__
    click.echo(f"livestream: {detail}", err=True)
    sys.exit(2)


def _first(group: ExceptionGroup[Exception]) -> Exception:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, ExceptionGroup) else inner
