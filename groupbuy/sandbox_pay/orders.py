"""`livestream sandbox-fault`: orders a fault of a running sandbox."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from livestream.config import Settings

from .cli import PORT


@click.command("sandbox-fault")
@click.argument("what", required=False)
@click.option("--on", default="any", show_default=True, help="open, pay, capture, void, refund or look.")
@click.option("--ms", type=click.IntRange(0, 3_600_000), default=1000, show_default=True)
@click.option("--times", type=click.IntRange(1), help="So often; left out: until it is cleared.")
@click.option("--copies", type=click.IntRange(2, 1000), default=10, show_default=True, help="Of `repeated`.")
@click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=1.0, show_default=True)
@click.option("--way", type=click.Choice(["authorise", "capture"]), default="authorise", show_default=True)
@click.option("--url", default=f"http://127.0.0.1:{PORT}", show_default=True, help="Where the sandbox runs.")
@click.option("--clear", is_flag=True, help="Take away all orders of the account.")
@click.pass_obj
def sandbox_fault(settings: Settings, /, url: str, way: str, what: str | None, clear: bool, **fault: Any) -> None:
    """Have something go wrong at a running sandbox-pay.

    \b
    In answers:  slow          does it after MS
                 down          answers 503, does nothing
                 reset         cuts the connection, does nothing
                 silent        does it, says nothing for MS, cuts the connection
                 refused       declines
                 away          once, for MS: nobody listens at the port
    In payments: converted     the buyer pays one more than was asked for
    In webhooks: lost late reordered repeated wrong_amount forged

    \b
    The answers to the next three captures are lost, though the money moved:
      livestream sandbox-fault silent --on capture --ms 8000 --times 3
    A tenth of all webhooks comes five seconds late:
      livestream sandbox-fault late --ms 5000 --share 0.1
    What stands, and an end to it:
      livestream sandbox-fault
      livestream sandbox-fault --clear

    Orders belong to one account (--way) and end with the sandbox's process.
    """
    from groupbuy.payments.port import Way
    from groupbuy.payments.sandbox_keys import keys
    from livestream.deployment import resolve, secret_of

    if not settings.secret:
        settings = resolve(settings)
    key = keys(secret_of(settings), Way(way)).api
    method, body = ("DELETE", None) if clear else ("GET", None) if what is None else ("POST", {"what": what, **fault})
    click.echo(asyncio.run(_ask(method, f"{url.rstrip('/')}/v1/faults", key, body)))


async def _ask(method: str, url: str, key: str, body: dict[str, Any] | None) -> str:
    import aiohttp

    headers = {"Authorization": f"Bearer {key}"}
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.request(method, url, json=body) as response,
        ):
            said = await response.text()
            if response.status != 200:
                raise click.ClickException(f"{response.status}: {said}")
            return said
    except (TimeoutError, aiohttp.ClientError) as error:
        raise click.ClickException(f"{url}: {error}; does sandbox-pay run there?") from error
