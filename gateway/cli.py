"""`livestream gateway`: one gateway process."""

from __future__ import annotations

import click
import uvloop

from livestream.config import Settings


@click.command()
@click.pass_obj
def gateway(settings: Settings) -> None:
    """Run one gateway process; it shares its port with the others of this machine.

    `livestream serve` starts one a core. In production run this under your
    process manager, with DATABASE_URL, REDIS_URL and LIVESTREAM_SECRET set.
    """
    from livestream.deployment import resolve, secret_of
    from livestream.logs import configure

    from .app import run

    settings = resolve(settings)
    configure(settings, "gateway")
    uvloop.run(run(settings, secret_of(settings)))
