"""`livestream sandbox-pay`: the sandbox on the command line."""

from __future__ import annotations

import asyncio
import ipaddress
from pathlib import Path

import click
import uvloop

from livestream.config import Settings

PORT = 8095


@click.command("sandbox-pay")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True)
@click.option("--url", help="Under which buyers' browsers reach it. [default: http://HOST:PORT]")
@click.option("--show-keys", is_flag=True, help="Print the accounts' API keys: they let one do anything there.")
@click.option("--anywhere", is_flag=True, help="Listen on an address that is not this machine's own.")
@click.pass_obj
def sandbox_pay(settings: Settings, host: str, port: int, url: str | None, show_keys: bool, anywhere: bool) -> None:
    """Run a payment provider that moves no money.

    It has a checkout page, an API, signed webhooks, and one account for each
    way of taking money: `authorise` holds first and takes later, `capture`
    takes at once. What it answered survives kill -9. `livestream serve` starts
    one by itself; keys come from the data folder's secret, so both agree.

    \b
    Faults are ordered with `livestream sandbox-fault`, or with a key that
    --show-keys prints:
      curl -H "Authorization: Bearer KEY" http://127.0.0.1:8095/v1/faults \\
           -d '{"what": "silent", "on": "capture", "ms": 8000, "times": 3}'
      what: slow down reset silent refused lost late reordered repeated wrong_amount converted forged
      on:   any open pay capture void refund look
      curl -X DELETE -H "Authorization: Bearer KEY" http://127.0.0.1:8095/v1/faults

    GET /v1/ledger tells the account's sums, GET /v1/payments each payment.
    """
    from groupbuy.payments.port import Way
    from groupbuy.payments.sandbox_keys import keys
    from livestream import lifeline
    from livestream.deployment import resolve, secret_of
    from livestream.logs import configure

    from .app import run

    if not anywhere and not _loopback(host):
        raise click.ClickException(f"{host} is not this machine's own address: say --anywhere if that is meant")
    if not settings.secret:
        settings = resolve(settings)
    configure(settings, "sandbox-pay")
    secret = secret_of(settings)
    base_url = url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    click.echo(f"sandbox-pay: {base_url} (no real money moves)")
    for way in Way if show_keys else ():
        click.echo(f"  {way}: {keys(secret, way).api}")

    async def supervised() -> None:
        stop = asyncio.Event()
        lifeline.stop_on_signals(stop)
        async with lifeline.shown(lambda lag: None):
            await run(host, port, Path(settings.data_dir), secret, base_url, stop)

    uvloop.run(supervised())


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
