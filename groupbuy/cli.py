"""`livestream audit groupbuy`: the audit on the command line."""

from __future__ import annotations

import asyncio

import click

from livestream.config import Settings
from livestream.deployment import resolve
from livestream.storage.pool import Database

from .audit import INVARIANTS, audit


@click.group("audit")
def audit_group() -> None:
    """Check that what must always hold does hold."""


@audit_group.command("groupbuy")
@click.option("--settled", is_flag=True, help="Nothing is under way: hold it to that as well.")
@click.pass_obj
def groupbuy(settings: Settings, settled: bool) -> None:
    """Check stock, seats, orders, payments and ledger of all group buys.

    Reads one moment of the database, beside whatever runs. Prints the rows that
    break a rule and ends with 1; with 0 if there are none.
    """
    found = asyncio.run(_audit(resolve(settings), settled=settled))
    for line in found:
        click.echo(line)
    if found:
        raise SystemExit(1)
    click.echo(f"groupbuy: {sum(settled or not each.settled for each in INVARIANTS)} rules hold")


async def _audit(settings: Settings, *, settled: bool) -> list[str]:
    database = await Database.connect(settings.database_url, settings, name="livestream audit")
    try:
        found = await audit(database, settled=settled)
    finally:
        await database.close()
    return [line for each in found for line in (f"BROKEN: {each.rule}", *(f"  {row}" for row in each.rows))]
