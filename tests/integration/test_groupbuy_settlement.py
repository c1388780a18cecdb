"""The settlement closes: whatever befell a deal, its lines add up to what the orders say and what the provider has."""

from __future__ import annotations

import csv
from collections.abc import Mapping

import pytest

from groupbuy import reads
from groupbuy.payments.port import Way
from livestream import seed
from livestream.config import Settings
from livestream.parts import Reading
from livestream.protocol import commands as c
from livestream.protocol.groupbuy import DealStep
from livestream.protocol.http import PageQuery
from livestream.storage.pool import Database
from tests.support.market import Market, market_of

UNITS = 3  #: a seat, for one price
STEPS = [DealStep(people=2, price=2700), DealStep(people=3, price=2400)]
_SUMS = ("captured", "refunded", "net", "sold")


async def _lines(market: Market, deal: str) -> tuple[list[dict[str, str]], dict[str, str]]:
    async with market.database.read() as connection:
        made = await reads.settlement(connection, Reading({"deal": deal}, PageQuery(), seed.SHOP, seed.ROOM))
    *lines, total = csv.DictReader(made.body.decode().splitlines())
    return lines, total


def _closes(lines: list[dict[str, str]], total: Mapping[str, str], cash: int) -> None:
    for name in _SUMS:
        assert int(total[name]) == sum(int(line[name]) for line in lines), name
    for line in lines:
        assert int(line["captured"]) - int(line["refunded"]) == int(line["net"]) == int(line["sold"]), line
    assert int(total["net"]) == cash


async def _everything_happens(market: Market, deal: str) -> None:
    """A team at the higher step, one filled by the shop, one that expires, one who goes; parts and wholes go back."""
    first = await market.open_team("ann", deal)
    seats = [first.seat, *[(await market.join(who, deal, invite=first.invite)).seat for who in ("bob", "cid")]]
    for who, seat in zip(("ann", "bob", "cid"), seats, strict=True):
        await market.pay(who, deal, seat)
    filled = await market.open_team("dan", deal)
    await market.pay("dan", deal, filled.seat)
    await market.operate(c.WaiveTeam(ref=1, deal=deal, team=filled.team.id, why="thank you", key="waive"))
    for who in ("eve", "fay"):
        own = await market.open_team(who, deal)
        await market.pay(who, deal, own.seat)
        if who == "eve":
            await market.run(who, c.LeaveTeam(ref=1, deal=deal, seat=own.seat))
    await market.chores()
    await market.advance(601)
    await market.settle()
    for seat, amount, key in ((seats[0], 100, "a"), (seats[0], 33, "b"), (seats[1], None, "c"), (filled.seat, 1, "d")):
        await market.operate(c.RefundOrder(ref=1, deal=deal, order=seat, amount=amount, why="a scratch", key=key))
        await market.settle()


@pytest.mark.parametrize("way", list(Way))
async def test_a_settlement_closes_after_refunds_waivers_and_seats_of_several_units(
    database: Database, settings: Settings, seeded: str, way: Way
) -> None:
    market = await market_of(database, settings, way)
    deal = await market.open_deal(units=UNITS, steps=STEPS)
    await _everything_happens(market, deal)
    lines, total = await _lines(market, deal)
    _closes(lines, total, market.purse.cash)
    assert [line["quantity"] for line in lines if line["state"] == "confirmed"] == [str(UNITS)] * 3
    assert int(total["sold"]) == 3 * 2400 - (100 + 33 + 1)  # the second of the first team went back whole
    await market.audit(settled=True)

    await market.operate(c.VoidDeal(ref=1, deal=deal, why="wrong price", key="void"))
    await market.settle()
    lines, total = await _lines(market, deal)
    _closes(lines, total, 0)
    await market.audit(settled=True)
