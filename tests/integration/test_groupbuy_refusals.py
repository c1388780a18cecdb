"""Group buys: every error that their commands declare, provoked in the part's service, and that it changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from groupbuy.cashier import news_of
from groupbuy.part import PART
from groupbuy.service import GroupBuy
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.errors import ErrorCode as E
from livestream.protocol.groupbuy import DealStep
from livestream.protocol.limits import SNAPSHOT_DEALS
from livestream.protocol.replies import Posted
from livestream.protocol.roles import Role
from livestream.storage.pool import Database
from tests.support.market import OPERATOR, PRODUCT, STEPS, Market
from tests.support.nodes import Node, actor, node
from tests.support.refusals import Case, Names, answer, covered, declared, rows, try_all

GHOST = "0000000000000"
SECOND = actor("otto", Role.OPERATOR)
CUSTOMER = msgspec.structs.replace(actor("cora"), buyer=True)
TWO = [DealStep(people=2, price=900)]
FALLING = [DealStep(people=3, price=900), DealStep(people=2, price=800)]
CHEAP = [DealStep(people=2, price=400)]


# -- scenes: what was there before


async def forming(market: Market) -> Names:
    """Ann leads a team that bob is in, and eve one that is not listed."""
    deal = await market.open_deal()
    ann = await market.open_team("ann", deal)
    bob = await market.join("bob", deal, invite=ann.invite)
    eve = await market.open_team("eve", deal, listed=False)
    return {"deal": deal, "team": ann.team.id, "anns": ann.seat, "bobs": bob.seat, "hidden": eve.team.id}


async def full(market: Market) -> Names:
    names = await forming(market)
    await market.join("cid", names["deal"], team=names["team"])
    return names


async def late(market: Market) -> Names:
    """The deadline is past, and no worker has seen it."""
    names = await forming(market)
    await market.advance(601)
    return names


async def expired(market: Market) -> Names:
    names = await late(market)
    await market.chores()
    return names


async def lapsed(market: Market) -> Names:
    """Ann paid, and bob's hold ran out."""
    names = await forming(market)
    await market.pay("ann", names["deal"], names["anns"])
    await market.advance(91)
    return names


async def bought(market: Market) -> Names:
    """Ann and bob bought as often as they may, and dan leads another team."""
    deal = await market.open_deal(steps=TWO)
    ann = await market.open_team("ann", deal)
    bob = await market.join("bob", deal, invite=ann.invite)
    for who, seat in (("ann", ann.seat), ("bob", bob.seat)):
        await market.pay(who, deal, seat)
    await market.cashier.work()
    dan = await market.open_team("dan", deal)
    return {"deal": deal, "team": ann.team.id, "anns": ann.seat, "bobs": bob.seat, "dans": dan.team.id}


async def asked_back(market: Market) -> Names:
    """An operator asked for ann's and bob's money; since then the provider gave ann a part back, and bob all of it."""
    names = await bought(market)
    async with market.database.transaction() as tx:
        await tx.execute("UPDATE shop SET refund_limit = 0")
    refunds = {}
    for whose, amount in (("anns", 100), ("bobs", 900)):
        seat = names[whose]
        ask = c.RefundOrder(ref=1, deal=names["deal"], order=seat, why="broken", key=whose)
        reply = await market.operate(ask)
        assert isinstance(reply, Posted)
        refunds[f"refund_of_{whose}"] = reply.id
        async with market.database.read() as connection:
            payment = await connection.fetchval("SELECT payment_id FROM payment WHERE seat_id = $1", seat)
        standing = await market.purse.refund(key=seat, reference=f"ref-pay_{payment}", amount=amount)
        await market.cashier.learn(names["deal"], payment, news_of(standing))
    return {**names, **refunds}


async def unpaid_for_too_long(market: Market) -> Names:
    """The price could not be taken, and nobody paid again within the day."""
    market.purse.trouble = lambda operation: "declined" if operation == "capture" else None
    names = await bought(market)
    market.purse.trouble = lambda operation: None
    await market.advance(25 * 3600)
    await market.chores()
    return names


async def given_back(market: Market) -> Names:
    """Ann's order went back whole."""
    names = await bought(market)
    async with market.database.transaction() as tx:
        await tx.execute("UPDATE shop SET refund_limit = 10000")
    await market.operate(c.RefundOrder(ref=1, deal=names["deal"], order=names["anns"], why="broken", key="whole"))
    await market.chores()
    return names


async def for_new_customers_who_paid(market: Market) -> Names:
    """Zoe's seat is paid in another team of new customers, which still forms."""
    names = await for_new_customers(market)
    other = await market.open_deal()
    await market.pay("zoe", other, (await market.open_team("zoe", other)).seat)
    return names


async def closed(market: Market) -> Names:
    names = await forming(market)
    await market.operate(c.CloseDeal(ref=1, deal=names["deal"]))
    return names


async def paused(market: Market) -> Names:
    names = await forming(market)
    await market.operate(c.ChangeDeal(ref=1, deal=names["deal"], state="paused"))
    return names


async def ending(market: Market) -> Names:
    """It has an end that can be moved."""
    opened = await market.operate(c.OpenDeal(ref=1, product=PRODUCT, steps=STEPS, stock=300, closes_in_s=2_500_000))
    assert isinstance(opened, Posted)
    return {"deal": opened.id}


async def voided(market: Market) -> Names:
    names = await forming(market)
    await market.operate(c.VoidDeal(ref=1, deal=names["deal"], why="a wrong price"))
    return names


async def frozen(market: Market) -> Names:
    deal = await market.open_deal()
    await market.freeze()
    return {"deal": deal}


async def sold_out(market: Market) -> Names:
    deal = await market.open_deal(stock=3, share=100)
    await market.open_team("ann", deal)
    return {"deal": deal}


async def all_held(market: Market) -> Names:
    """Units are left, but open teams hold what they may."""
    deal = await market.open_deal(stock=6, share=50)
    await market.open_team("ann", deal)
    return {"deal": deal}


async def for_new_customers(market: Market) -> Names:
    deal = await market.open_deal(new_only=True)
    return {"deal": deal, "team": (await market.open_team("ann", deal)).team.id}


async def no_payments(market: Market) -> Names:
    """The provider opens none, and ann has tried."""
    names = await forming(market)
    market.purse.trouble = lambda operation: "declined" if operation == "open" else None
    assert await answer(market.begin("ann", names["deal"], names["anns"])) == E.PAYMENT_REFUSED
    return names


async def as_many_as_a_room_has(market: Market) -> Names:
    for _ in range(SNAPSHOT_DEALS):
        await market.open_deal()
    return {}


async def used_keys(market: Market) -> Names:
    """Every command was done once under the key "k"."""
    async with market.database.transaction() as tx:
        await tx.execute("UPDATE shop SET refund_limit = 100")
    names = await bought(market)
    deal, anns = names["deal"], names["anns"]
    # Under the limit of one unit of the currency, and above.
    await market.operate(c.RefundOrder(ref=1, deal=deal, order=anns, why="late", amount=1, key="k"))
    asked = await market.operate(c.RefundOrder(ref=1, deal=deal, order=anns, why="broken", key="all"))
    assert isinstance(asked, Posted)
    await market.operate(c.DecideOrderRefund(ref=1, deal=deal, refund=asked.id, confirm=False, key="k"))
    opened = await market.operate(c.OpenDeal(ref=1, product=PRODUCT, steps=STEPS, stock=300, closes_in_s=600, key="k"))
    assert isinstance(opened, Posted)
    other = opened.id
    await market.operate(c.ChangeDeal(ref=1, deal=other, life_s=300, key="k"))
    await market.operate(c.ExtendDeal(ref=1, deal=other, by_s=60, key="k"))
    eve = await market.open_team("eve", other, key="k")
    fay = await market.join("fay", other, team=eve.team.id, key="k")
    await market.run("fay", c.LeaveTeam(ref=1, deal=other, seat=fay.seat, key="k"))
    await market.operate(c.WaiveTeam(ref=1, deal=other, team=eve.team.id, why="a gift", key="k"))
    await market.operate(c.CloseDeal(ref=1, deal=other, key="k"))
    await market.operate(c.VoidDeal(ref=1, deal=other, why="a wrong price", key="k"))
    return {**names, "refund": asked.id}


DEAL = {"deal": "$deal"}
NEW = {"product": PRODUCT, "steps": STEPS, "stock": 300}
BACK = {"why": "broken", "key": "fresh"}
CASES: list[Case[Market]] = [
    Case(forming, OPERATOR, c.OpenDeal, {**NEW, "product": "hat"}, E.PRODUCT_NOT_FOUND),
    Case(forming, OPERATOR, c.OpenDeal, {**NEW, "variant": "red"}, E.PRODUCT_NOT_FOUND),
    Case(forming, OPERATOR, c.OpenDeal, {**NEW, "steps": FALLING}, E.TERMS_REFUSED),
    Case(forming, OPERATOR, c.OpenDeal, {**NEW, "leader_discount": 900, "steps": TWO}, E.TERMS_REFUSED),
    Case(forming, OPERATOR, c.OpenDeal, {**NEW, "stock": 3, "share": 50}, E.TERMS_REFUSED),
    Case(forming, OPERATOR, c.OpenDeal, {**NEW, "steps": CHEAP}, E.PRICE_LOW),
    Case(as_many_as_a_room_has, OPERATOR, c.OpenDeal, NEW, E.TOO_MANY),
    Case(used_keys, OPERATOR, c.OpenDeal, {**NEW, "stock": 299, "key": "k"}, E.KEY_REUSED),
    Case(forming, OPERATOR, c.ChangeDeal, {"deal": GHOST, "state": "paused"}, E.DEAL_NOT_FOUND),
    Case(closed, OPERATOR, c.ChangeDeal, {**DEAL, "state": "open"}, E.DEAL_CLOSED),
    Case(voided, OPERATOR, c.ChangeDeal, {**DEAL, "state": "open"}, E.DEAL_CLOSED),
    Case(forming, OPERATOR, c.ChangeDeal, {**DEAL, "steps": FALLING}, E.TERMS_REFUSED),
    Case(forming, OPERATOR, c.ChangeDeal, {**DEAL, "steps": CHEAP}, E.PRICE_LOW),
    Case(used_keys, OPERATOR, c.ChangeDeal, {**DEAL, "life_s": 400, "key": "k"}, E.KEY_REUSED),
    Case(forming, OPERATOR, c.ExtendDeal, {"deal": GHOST, "by_s": 60}, E.DEAL_NOT_FOUND),
    Case(closed, OPERATOR, c.ExtendDeal, {**DEAL, "by_s": 60}, E.DEAL_CLOSED),
    Case(forming, OPERATOR, c.ExtendDeal, {**DEAL, "by_s": 60}, E.TERMS_REFUSED),
    Case(ending, OPERATOR, c.ExtendDeal, {**DEAL, "by_s": 100_000}, E.TERMS_REFUSED),
    Case(used_keys, OPERATOR, c.ExtendDeal, {**DEAL, "by_s": 61, "key": "k"}, E.KEY_REUSED),
    Case(forming, OPERATOR, c.CloseDeal, {"deal": GHOST}, E.DEAL_NOT_FOUND),
    Case(closed, OPERATOR, c.CloseDeal, DEAL, E.DEAL_CLOSED),
    Case(used_keys, OPERATOR, c.CloseDeal, {**DEAL, "key": "k"}, E.KEY_REUSED),
    Case(forming, OPERATOR, c.VoidDeal, {"deal": GHOST, "why": "x"}, E.DEAL_NOT_FOUND),
    Case(voided, OPERATOR, c.VoidDeal, {**DEAL, "why": "x"}, E.DEAL_CLOSED),
    Case(used_keys, OPERATOR, c.VoidDeal, {**DEAL, "why": "x", "key": "k"}, E.KEY_REUSED),
    Case(forming, OPERATOR, c.WaiveTeam, {"deal": GHOST, "team": "$team", "why": "x"}, E.DEAL_NOT_FOUND),
    Case(forming, OPERATOR, c.WaiveTeam, {**DEAL, "team": GHOST, "why": "x"}, E.TEAM_NOT_FOUND),
    Case(expired, OPERATOR, c.WaiveTeam, {**DEAL, "team": "$team", "why": "x"}, E.TEAM_CLOSED),
    Case(bought, OPERATOR, c.WaiveTeam, {**DEAL, "team": "$team", "why": "x"}, E.TEAM_CLOSED),
    Case(voided, OPERATOR, c.WaiveTeam, {**DEAL, "team": "$team", "why": "x"}, E.TEAM_CLOSED),
    Case(late, OPERATOR, c.WaiveTeam, {**DEAL, "team": "$team", "why": "x"}, E.TEAM_LATE),
    Case(full, OPERATOR, c.WaiveTeam, {**DEAL, "team": "$team", "why": "x"}, E.TEAM_FULL),
    Case(used_keys, OPERATOR, c.WaiveTeam, {**DEAL, "team": "$dans", "why": "x", "key": "k"}, E.KEY_REUSED),
    Case(bought, OPERATOR, c.RefundOrder, {"deal": GHOST, "order": "$anns", **BACK}, E.DEAL_NOT_FOUND),
    Case(forming, OPERATOR, c.RefundOrder, {**DEAL, "order": "$anns", **BACK}, E.ORDER_NOT_FOUND),
    Case(bought, OPERATOR, c.RefundOrder, {**DEAL, "order": "$anns", "amount": 901, **BACK}, E.AMOUNT_REFUSED),
    Case(bought, OPERATOR, c.RefundOrder, {**DEAL, "order": "$anns", "amount": 0, **BACK}, E.AMOUNT_REFUSED),
    Case(unpaid_for_too_long, OPERATOR, c.RefundOrder, {**DEAL, "order": "$anns", **BACK}, E.AMOUNT_REFUSED),
    Case(used_keys, OPERATOR, c.RefundOrder, {**DEAL, "order": "$bobs", "why": "x", "key": "k"}, E.KEY_REUSED),
    Case(asked_back, SECOND, c.DecideOrderRefund,
         {"deal": GHOST, "refund": "$refund_of_anns", "confirm": True}, E.DEAL_NOT_FOUND),
    Case(asked_back, SECOND, c.DecideOrderRefund, {**DEAL, "refund": GHOST, "confirm": True}, E.REFUND_NOT_FOUND),
    Case(asked_back, SECOND, c.DecideOrderRefund,
         {**DEAL, "refund": "$refund_of_anns", "confirm": True}, E.AMOUNT_REFUSED),
    Case(asked_back, SECOND, c.DecideOrderRefund,
         {**DEAL, "refund": "$refund_of_bobs", "confirm": True}, E.AMOUNT_REFUSED),
    Case(asked_back, OPERATOR, c.DecideOrderRefund,
         {**DEAL, "refund": "$refund_of_anns", "confirm": True}, E.SECOND_PERSON),
    Case(used_keys, OPERATOR, c.DecideOrderRefund,
         {**DEAL, "refund": "$refund", "confirm": True, "key": "k"}, E.KEY_REUSED),
    Case(forming, "dan", c.OpenTeam, {"deal": GHOST}, E.DEAL_NOT_FOUND),
    Case(closed, "dan", c.OpenTeam, DEAL, E.DEAL_CLOSED),
    Case(paused, "dan", c.OpenTeam, DEAL, E.DEAL_CLOSED),
    Case(voided, "dan", c.OpenTeam, DEAL, E.DEAL_CLOSED),
    Case(frozen, "dan", c.OpenTeam, DEAL, E.FROZEN),
    Case(sold_out, "dan", c.OpenTeam, DEAL, E.SOLD_OUT),
    Case(all_held, "dan", c.OpenTeam, DEAL, E.TEAMS_FULL),
    Case(forming, "bob", c.OpenTeam, DEAL, E.SEAT_TAKEN),
    Case(bought, "ann", c.OpenTeam, DEAL, E.LIMIT_REACHED),
    Case(used_keys, "eve", c.OpenTeam, {**DEAL, "key": "k"}, E.KEY_REUSED),
    Case(forming, "dan", c.JoinTeam, {"deal": GHOST, "team": "$team"}, E.DEAL_NOT_FOUND),
    Case(voided, "dan", c.JoinTeam, {**DEAL, "team": "$team"}, E.DEAL_CLOSED),
    Case(forming, "dan", c.JoinTeam, {**DEAL, "team": "$hidden"}, E.TEAM_NOT_FOUND),
    Case(forming, "dan", c.JoinTeam, DEAL, E.TEAM_NOT_FOUND),
    Case(forming, "dan", c.JoinTeam, {**DEAL, "invite": "A" * 22}, E.INVITE_INVALID),
    Case(expired, "dan", c.JoinTeam, {**DEAL, "team": "$team"}, E.TEAM_CLOSED),
    Case(late, "dan", c.JoinTeam, {**DEAL, "team": "$team"}, E.TEAM_LATE),
    Case(full, "dan", c.JoinTeam, {**DEAL, "team": "$team"}, E.TEAM_FULL),
    Case(forming, "bob", c.JoinTeam, {**DEAL, "team": "$team"}, E.TEAM_MEMBER),
    Case(forming, "eve", c.JoinTeam, {**DEAL, "team": "$team"}, E.SEAT_TAKEN),
    Case(bought, "ann", c.JoinTeam, {**DEAL, "team": "$dans"}, E.LIMIT_REACHED),
    Case(for_new_customers, CUSTOMER, c.JoinTeam, {**DEAL, "team": "$team"}, E.NEW_CUSTOMERS_ONLY),
    Case(for_new_customers_who_paid, "zoe", c.JoinTeam, {**DEAL, "team": "$team"}, E.NEW_CUSTOMERS_ONLY),
    Case(used_keys, "fay", c.JoinTeam, {**DEAL, "team": "$dans", "key": "k"}, E.KEY_REUSED),
    Case(forming, "bob", c.LeaveTeam, {"deal": GHOST, "seat": "$bobs"}, E.DEAL_NOT_FOUND),
    Case(forming, "bob", c.LeaveTeam, {**DEAL, "seat": "$anns"}, E.SEAT_NOT_FOUND),
    Case(expired, "bob", c.LeaveTeam, {**DEAL, "seat": "$bobs"}, E.TEAM_CLOSED),
    Case(bought, "bob", c.LeaveTeam, {**DEAL, "seat": "$bobs"}, E.TEAM_CLOSED),
    Case(late, "bob", c.LeaveTeam, {**DEAL, "seat": "$bobs"}, E.TEAM_LATE),
    Case(used_keys, "fay", c.LeaveTeam, {**DEAL, "seat": "$anns", "key": "k"}, E.KEY_REUSED),
    Case(forming, "bob", c.PaySeat, {"deal": GHOST, "seat": "$bobs"}, E.DEAL_NOT_FOUND),
    Case(voided, "bob", c.PaySeat, {**DEAL, "seat": "$bobs"}, E.DEAL_CLOSED),
    Case(forming, "bob", c.PaySeat, {**DEAL, "seat": "$anns"}, E.SEAT_NOT_FOUND),
    Case(forming, "zoe", c.PaySeat, {**DEAL, "seat": GHOST}, E.SEAT_NOT_FOUND),
    Case(lapsed, "bob", c.PaySeat, {**DEAL, "seat": "$bobs"}, E.SEAT_LOST),
    Case(unpaid_for_too_long, "ann", c.PaySeat, {**DEAL, "seat": "$anns"}, E.SEAT_LOST),
    Case(given_back, "ann", c.PaySeat, {**DEAL, "seat": "$anns"}, E.SEAT_LOST),
    Case(lapsed, "ann", c.PaySeat, {**DEAL, "seat": "$anns"}, E.SEAT_PAID),
    Case(bought, "ann", c.PaySeat, {**DEAL, "seat": "$anns"}, E.SEAT_PAID),
    Case(expired, "bob", c.PaySeat, {**DEAL, "seat": "$bobs"}, E.TEAM_CLOSED),
    Case(late, "bob", c.PaySeat, {**DEAL, "seat": "$bobs"}, E.TEAM_LATE),
    Case(no_payments, "ann", c.PaySeat, {**DEAL, "seat": "$anns"}, E.PAYMENT_REFUSED),
]  # fmt: skip


@pytest.fixture
async def desk(database: Database, settings: Settings, market: Market) -> AsyncIterator[Node]:
    """A gateway's service, which takes its money through the market's purse."""
    async with node(database, settings, origin=7) as running:
        group_buy = next(each for each in running.parts.runners if isinstance(each, GroupBuy))
        group_buy._cashier = market.cashier
        yield running


async def _clear(market: Market) -> None:
    """Nothing holds the next scene up. Its people have a history, but every deal is a new one."""
    market.purse.trouble = lambda operation: None
    await market.unfreeze()
    async with market.database.read() as connection:
        going = await connection.fetch("SELECT deal_id FROM deal WHERE state IN ('open', 'paused')")
    for row in going:
        await market.operate(c.CloseDeal(ref=1, deal=row["deal_id"]))


async def test_every_declared_error_of_a_command_of_group_buys_is_answered_and_changes_nothing(
    market: Market, desk: Node
) -> None:
    assert await try_all(market.database, market, CASES, desk.run, lambda: _clear(market)) == []
    await market.audit()


async def test_a_rehearsal_without_the_sandbox_takes_no_payment(
    market: Market, database: Database, settings: Settings
) -> None:
    async with database.transaction() as tx:
        await tx.execute("UPDATE room SET state = jsonb_set(state::jsonb, '{rehearsal}', 'true')::json")
    names = await forming(market)
    before = await rows(database)
    async with node(database, settings, origin=8) as gateway:
        pay = c.PaySeat(ref=1, deal=names["deal"], seat=names["bobs"])
        assert await answer(gateway.run(actor("bob"), pay)) == E.PAYMENT_REFUSED
    assert await rows(database) == before


def test_the_table_covers_every_error_that_commands_of_group_buys_declare() -> None:
    assert covered(CASES) == declared(PART)
