"""`livestream gateway`: one gateway process."""

from __future__ import annotations

import click
import uvloop

from livestream.config import Settings
from livestream.flags import settings_flags


@click.command()
@settings_flags
@click.pass_obj
def gateway(settings: Settings) -> None:
    """Run one gateway process; any number share a port.

    `livestream serve` starts one a core. In production run this under your
    process manager, with DATABASE_URL, REDIS_URL and LIVESTREAM_SECRET set.
    """
    from livestream.deployment import resolve, secret_of
    from livestream.exposure import refuse_unsafe
    from livestream.logs import configure

    from .app import run

    refuse_unsafe(settings, demo=False)
    settings = resolve(settings)
    configure(settings, "gateway")
    uvloop.run(run(settings, secret_of(settings)))
