"""`livestream audit groupbuy` finds what it says it looks for: one broken row planted for each rule."""

from __future__ import annotations

import pytest

from groupbuy.audit import INVARIANTS, findings
from livestream.config import Settings
from livestream.deployment import to_environ
from livestream.protocol import commands as c
from livestream.storage.pool import Database
from tests.support.commands import livestream
from tests.support.market import Market, market_of

#: what breaks a rule, by words of it. The schema's own constraints are lifted first: they would refuse most of these.
PLANTS = {
    "no more seats than its size": "UPDATE team SET held = held + 1 WHERE state = 'forming'",
    "has a team of its own deal": "UPDATE seat SET team_id = 'none' WHERE state = 'confirmed'",
    "sold + held + left is the stock": "UPDATE deal_stock SET free = free - 1",
    "what teams hold is the size": "UPDATE deal_stock SET held = held + 1, free = free - 1",
    "what is sold is the orders": "UPDATE deal_stock SET sold = sold + 1, free = free - 1",
    "no more than their share": "UPDATE deal_stock SET most_held = 0",
    "one live seat a deal": "UPDATE seat SET viewer = 'one', state = 'held' WHERE state IN ('held', 'paid')",
    "no more seats than the deal's limit": "UPDATE team_order SET viewer = 'one'",
    "who leads has a live seat": "UPDATE team SET leader = 'none' WHERE state = 'forming'",
    "a team that forms has a deadline": "DELETE FROM deadline WHERE kind = 'team'",
    "a complete team reached a step": "UPDATE team SET reached = 1 WHERE state = 'complete'",
    "a failed team has no seats": "UPDATE team SET state = 'expired' WHERE state = 'complete'",
    "a paid seat has an order": "DELETE FROM team_order WHERE state = 'placed'",
    "costs the price of the step": "UPDATE team_order SET price = price + 1 WHERE state = 'confirmed'",
    "price was taken, no more and no less": "UPDATE payment SET captured = captured + 1 WHERE captured > 0",
    "what staff gave back of an order": "UPDATE team_order SET given_back = 0",
    "a refund that was confirmed": "DELETE FROM payment_op WHERE kind = 'refund'",
    "what staff are shown": "UPDATE order_refund SET amount = amount + 1",
    "an unpaid order has a day": "INSERT INTO deadline SELECT room_id, 'repay', 'none', now() FROM room LIMIT 1",
    "a placed order's money is there": "UPDATE payment SET authorised = authorised - 1 WHERE state = 'authorised'",
    "has something that moves it": "UPDATE team_order SET state = 'returning' WHERE state = 'placed'",
    "on its way back": "UPDATE payment SET wanted = false WHERE state = 'authorised'",
    "given up waits for no payment": "UPDATE seat SET state = 'released' WHERE state = 'paid'",
    "is over waits for no payment": "UPDATE team_order SET state = 'returned' WHERE state = 'placed'",
    "nothing is given back twice": "UPDATE payment SET refunded = captured + 1 WHERE captured > 0",
    "sums to zero": "UPDATE ledger SET buyer = buyer - 1",
    "says of a payment what the payment says": "DELETE FROM ledger WHERE number = 1",
    "cash is the price of confirmed orders": "UPDATE team_order SET state = 'lapsed' WHERE state = 'confirmed'",
    "an answer that was given stands": "UPDATE seat SET viewer = 'another' WHERE state = 'paid'",
    "taken back keeps nobody's money": "UPDATE deal SET state = 'voided'",
    "no team is past its deadline": "UPDATE deadline SET due_at = now() - interval '1 h' WHERE kind = 'team'",
    "nothing is left in the outbox": "UPDATE payment_op SET state = 'pending' WHERE kind = 'refund'",
    "no seat of an ended team has an open payment": "UPDATE team SET state = 'expired' WHERE state = 'forming'",
}


@pytest.fixture
async def market(database: Database, settings: Settings, seeded: str) -> Market:
    """A complete team with a refund, and one that forms, of every kind of seat; all in order."""
    made = await market_of(database, settings)
    deal = await made.open_deal()
    for number, members in enumerate(("abc", "def")):
        first = await made.open_team(members[0], deal, key="k")
        own = [first, *[await made.join(who, deal, invite=first.invite) for who in members[1:]]]
        await made.pay(members[0], deal, own[0].seat)
        if number == 0:
            for who, seat in zip(members[1:], own[1:], strict=True):
                await made.pay(who, deal, seat.seat)
            await made.cashier.work()
            await made.operate(
                c.RefundOrder(ref=1, deal=deal, order=own[0].seat, amount=100, why="a scratch", key="refund")
            )
            await made.cashier.work()
        else:
            await made.begin(members[1], deal, own[1].seat)
    await made.audit()
    return made


async def lift_constraints(database: Database) -> None:
    async with database.transaction() as tx:
        for row in await tx.fetch(
            """
            SELECT conrelid::regclass::text AS of, conname AS name FROM pg_constraint
             WHERE contype IN ('c', 'f') AND conrelid IN (SELECT unnest(ARRAY['deal', 'deal_stock', 'team', 'seat',
                   'team_order', 'payment', 'payment_op', 'ledger', 'deadline']::regclass[]))"""
        ):
            await tx.execute(f"ALTER TABLE {row['of']} DROP CONSTRAINT {row['name']}")
        await tx.execute("DROP INDEX seat_one_live")


async def test_every_rule_finds_its_broken_row_and_the_command_prints_them(market: Market, settings: Settings) -> None:
    assert len(PLANTS) == len(INVARIANTS)
    environ = to_environ(settings)
    clean = livestream("audit", "groupbuy", **environ)
    assert (clean.returncode, "rules hold" in clean.stdout) == (0, True)
    await lift_constraints(market.database)
    for words, plant in PLANTS.items():
        (rule,) = [each.rule for each in INVARIANTS if words in each.rule]
        async with market.database.transaction() as tx:
            await tx.execute("SAVEPOINT clean")
            await tx.execute(plant)
            broken = [each.rule for each in await findings(tx, settled=True)]
            await tx.execute("ROLLBACK TO SAVEPOINT clean")
        assert rule in broken, plant
    async with market.database.transaction() as tx:
        await tx.execute(PLANTS["sums to zero"])
    told = livestream("audit", "groupbuy", **environ)
    assert told.returncode == 1
    assert "BROKEN: the ledger sums to zero, row by row" in told.stdout
