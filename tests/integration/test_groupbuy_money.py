"""Group buys and what a provider may do besides what it should: no order hangs, no money stays where it should not."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from groupbuy import chores, reads, store
from groupbuy.cashier import news_of
from groupbuy.payments.port import Declined, Way
from groupbuy.service import GroupBuy
from livestream import seed
from livestream.config import Settings
from livestream.parts import Reading
from livestream.protocol import commands as c
from livestream.protocol.errors import ErrorCode
from livestream.protocol.groupbuy import DealStep
from livestream.protocol.http import PageQuery
from livestream.protocol.replies import PayAt, Posted
from livestream.protocol.roles import Role
from livestream.storage.pool import Database
from tests.support.market import Market, market_of, refused
from tests.support.nodes import Node, actor, node

TWO = [DealStep(people=2, price=900)]
SECOND = actor("otto", Role.OPERATOR)


async def full(market: Market, deal: str) -> list[str]:
    """A team of three who paid; their seats."""
    first = await market.open_team("ann", deal)
    seats = [first.seat, *[(await market.join(who, deal, invite=first.invite)).seat for who in ("bob", "cid")]]
    for who, seat in zip(("ann", "bob", "cid"), seats, strict=True):
        await market.pay(who, deal, seat)
    return seats


async def ops(market: Market) -> list[tuple[str, str]]:
    async with market.database.read() as connection:
        return [tuple(row) for row in await connection.fetch("SELECT kind, state FROM payment_op ORDER BY made_at")]


@pytest.mark.parametrize("way", list(Way))
@pytest.mark.parametrize("answers_lost", [False, True])
async def test_a_void_while_prices_are_taken_ends_every_operation(
    database: Database, settings: Settings, seeded: str, way: Way, answers_lost: bool
) -> None:
    market = await market_of(database, settings, way)
    deal = await market.open_deal()
    await full(market, deal)
    if answers_lost:  # the price was taken, and nobody knows
        kind = "capture" if way is Way.AUTHORISE else "refund"
        market.purse.trouble = lambda operation: "lost" if operation == kind else None
        await market.cashier.work()
        market.purse.trouble = lambda operation: None
    await market.operate(c.VoidDeal(ref=1, deal=deal, why="wrong price"))
    await market.settle()
    assert {state for kind, state in await ops(market) if kind != "undo"} <= {"dropped", "done"}
    await market.audit(settled=True)


@pytest.mark.parametrize("way", list(Way))
async def test_other_money_than_was_asked_for_releases_its_seat_and_the_team_goes_on(
    database: Database, settings: Settings, seeded: str, way: Way
) -> None:
    market = await market_of(database, settings, way)
    deal = await market.open_deal(steps=TWO)
    first = await market.open_team("ann", deal)
    second = await market.join("bob", deal, invite=first.invite)
    payment = await market.begin("ann", deal, first.seat)
    await market.hear(deal, payment)
    market.purse.convert(f"pay_{payment}", 901)
    await market.cashier.learn(deal, payment, news_of(await market.purse.look(key=f"pay_{payment}")))
    assert await market.states("seat") == ["released", "held"]
    await market.audit()
    await market.pay("bob", deal, second.seat)
    await market.advance(601)
    await market.settle()
    assert await market.states("team") == ["expired"]
    await market.audit(settled=True)


async def test_other_money_for_an_order_whose_price_is_being_taken_gives_a_day_to_pay_again(market: Market) -> None:
    deal = await market.open_deal()
    await full(market, deal)
    payment = (await market.states("payment", "payment_id"))[0]
    market.purse.convert(f"pay_{payment}", 901)
    await market.cashier.learn(deal, payment, news_of(await market.purse.look(key=f"pay_{payment}")))
    await market.chores()
    assert await market.states("team_order") == ["unpaid", "confirmed", "confirmed"]
    await market.advance(25 * 3600)
    await market.settle()
    assert await market.states("team_order") == ["lapsed", "confirmed", "confirmed"]
    await market.audit(settled=True)


async def test_a_provider_that_took_more_than_the_price_gives_the_rest_back(market: Market) -> None:
    deal = await market.open_deal()
    await full(market, deal)
    taken = next(iter(market.purse.payments.values()))
    standing = await market.purse.capture(key="by hand", reference=taken.reference, amount=900)
    await market.cashier.learn(deal, taken.key.removeprefix("pay_"), news_of(standing))
    await market.settle()
    assert market.purse.cash == 2400
    await market.audit(settled=True)


async def test_money_that_went_back_by_other_hands_frees_the_seat_while_the_team_forms(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal)
    payment = await market.begin("ann", deal, first.seat)
    await market.hear(deal, payment)
    await market.join("bob", deal, invite=first.invite)
    standing = await market.purse.void(key="by hand", reference=f"ref-pay_{payment}")
    await market.cashier.learn(deal, payment, news_of(standing))
    assert await market.states("seat") == ["released", "held"]
    assert await market.states("team_order") == ["returned"]
    await market.audit()


# -- pages


async def test_no_page_is_given_for_a_payment_that_nobody_waits_for(market: Market) -> None:
    deal = await market.open_deal()
    seat = (await market.open_team("ann", deal)).seat
    paying = await market.run("ann", c.PaySeat(ref=1, deal=deal, seat=seat))
    assert isinstance(paying, Posted)
    await market.run("ann", c.LeaveTeam(ref=1, deal=deal, seat=seat))
    await refused(ErrorCode.SEAT_LOST, market.cashier.open(paying.id, seed.ROOM))
    assert market.purse.payments == {}


async def test_a_page_that_opens_after_its_payment_was_given_up_is_closed_again(market: Market) -> None:
    deal = await market.open_deal()
    seat = (await market.open_team("ann", deal)).seat
    paying = await market.run("ann", c.PaySeat(ref=1, deal=deal, seat=seat))
    assert isinstance(paying, Posted)
    open_page = market.purse.open

    async def slowly(**given: object) -> object:
        await market.run("ann", c.LeaveTeam(ref=1, deal=deal, seat=seat))
        await market.advance(130)
        await market.cashier.work()  # the provider has not heard of it: the undo ends
        page = await open_page(**given)  # type: ignore[arg-type]
        market.purse.buyer(f"pay_{paying.id}")  # and somebody pays there, of which we never hear
        return page

    market.purse.open = slowly  # type: ignore[method-assign,assignment]
    await refused(ErrorCode.SEAT_LOST, market.cashier.open(paying.id, seed.ROOM))
    await market.settle()
    assert market.purse.held == 0
    await market.audit(settled=True)


@pytest.fixture
async def desk(database: Database, settings: Settings, market: Market) -> AsyncIterator[Node]:
    """A gateway whose provider is the market's."""
    async with node(database, settings) as process:
        buys = process.parts.by_command[c.PaySeat]
        assert isinstance(buys, GroupBuy)
        buys._cashier = market.cashier
        yield process


async def page_over(market: Market, payment: str) -> None:
    async with market.database.transaction() as tx:
        await tx.execute("UPDATE payment SET url_until = clock_timestamp() WHERE payment_id = $1", payment)


async def test_a_page_that_is_over_is_given_to_nobody_and_another_payment_begins(market: Market, desk: Node) -> None:
    deal = await market.open_deal()
    seat = (await market.open_team("ann", deal)).seat
    first = await market.begin("ann", deal, seat)
    pay = c.PaySeat(ref=1, deal=deal, seat=seat)
    page = await desk.run(actor("ann"), pay)
    assert page == await desk.run(actor("ann"), pay), "while it lasts, the same"
    await page_over(market, first)
    again = await desk.run(actor("ann"), pay)
    assert isinstance(page, PayAt)
    assert isinstance(again, PayAt)
    assert again.url != page.url
    market.purse.buyer(f"pay_{first}")  # the provider let them pay there all the same
    (second,) = set(await market.states("payment", "payment_id")) - {first}
    await market.hear(deal, second)
    assert await market.states("seat") == ["paid"]
    await market.advance(601)
    await market.settle()
    await market.audit(settled=True)


async def test_who_paid_on_a_page_that_is_over_has_paid(market: Market, desk: Node) -> None:
    deal = await market.open_deal()
    seat = (await market.open_team("ann", deal)).seat
    payment = await market.begin("ann", deal, seat)
    market.purse.buyer(f"pay_{payment}")  # and we did not hear
    await page_over(market, payment)
    await refused(ErrorCode.SEAT_PAID, desk.run(actor("ann"), c.PaySeat(ref=1, deal=deal, seat=seat)))
    assert (await market.states("seat"), await market.states("payment")) == (["paid"], ["authorised"])
    await market.audit()


# -- returns


async def test_a_refund_that_waits_is_there_for_who_loads_the_room_anew(market: Market, desk: Node) -> None:
    deal, seats = await confirmed(market)
    async with market.database.transaction() as tx:
        await tx.execute("UPDATE shop SET refund_limit = 0")
    reply = await market.operate(c.RefundOrder(ref=1, deal=deal, order=seats[0], why="broken", key="k1"))
    assert isinstance(reply, Posted)
    loaded = (await desk.hub.channel(seed.ROOM)).snapshot(True).desk
    assert loaded is not None
    assert [(each.id, each.purchase, each.deal) for each in loaded.refunds] == [(reply.id, seats[0], deal)]


async def confirmed(market: Market) -> tuple[str, list[str]]:
    deal = await market.open_deal(reference="P-1")
    seats = await full(market, deal)
    await market.settle()
    return deal, seats


async def given_back(market: Market) -> list[tuple[str, int]]:
    states, amounts = await market.states("team_order"), await market.states("team_order", "given_back")
    return [(state, int(amount)) for state, amount in zip(states, amounts, strict=True)]


async def test_a_part_given_back_at_the_provider_is_a_return_and_breaks_nothing(market: Market) -> None:
    deal, _ = await confirmed(market)
    paid = next(iter(market.purse.payments.values()))
    standing = await market.purse.refund(key="goodwill", reference=paid.reference, amount=100)
    await market.cashier.learn(deal, paid.key.removeprefix("pay_"), news_of(standing))
    assert await given_back(market) == [("confirmed", 100), ("confirmed", 0), ("confirmed", 0)]
    await market.audit(settled=True)


async def test_staff_give_an_order_back_in_parts_and_above_the_limit_two_decide(market: Market) -> None:
    deal, seats = await confirmed(market)
    async with market.database.transaction() as tx:
        await tx.execute("UPDATE shop SET refund_limit = 300")
    small = c.RefundOrder(ref=1, deal=deal, order=seats[0], amount=300, why="a scratch", key="k1")
    assert await market.operate(small) == await market.operate(small)
    await market.settle()
    assert (await given_back(market))[0] == ("confirmed", 300)
    asked = await market.operate(c.RefundOrder(ref=1, deal=deal, order=seats[0], why="broken", key="k2"))
    assert isinstance(asked, Posted)
    await market.settle()
    assert (await given_back(market))[0] == ("confirmed", 300), "it waits for a second person"
    again = c.RefundOrder(ref=1, deal=deal, order=seats[0], amount=1, why="broken", key="k3")
    await refused(ErrorCode.AMOUNT_REFUSED, market.operate(again))
    decide = c.DecideOrderRefund(ref=1, deal=deal, refund=asked.id, confirm=True)
    await refused(ErrorCode.SECOND_PERSON, market.operate(decide))
    await market.operate(decide, SECOND)
    await refused(ErrorCode.REFUND_NOT_FOUND, market.operate(decide, SECOND))
    await market.settle()
    assert await given_back(market) == [("returned", 800), ("confirmed", 0), ("confirmed", 0)]
    assert await market.states("team") == ["complete"]
    assert (market.purse.cash, await sold(market)) == (1600, 2)
    await market.audit(settled=True)


async def sold(market: Market) -> int:
    async with market.database.read() as connection:
        units: int = await connection.fetchval("SELECT sold FROM deal_stock")
    return units


async def test_a_refund_that_the_provider_declines_is_refused_and_can_be_asked_for_again(market: Market) -> None:
    deal, seats = await confirmed(market)
    market.purse.trouble = lambda operation: "declined" if operation == "refund" else None
    await market.operate(c.RefundOrder(ref=1, deal=deal, order=seats[1], amount=100, why="late", key="k1"))
    await market.settle()
    async with market.database.read() as connection:
        assert await connection.fetchval("SELECT state FROM order_refund") == "refused"
        last = "SELECT event->'refund'->>'state' FROM staff_log WHERE event->>'t' = 'refund_changed' ORDER BY seq DESC"
        assert await connection.fetchval(last) == "refused"
    market.purse.trouble = lambda operation: None
    await market.operate(c.RefundOrder(ref=1, deal=deal, order=seats[1], why="late", key="k2"))
    await market.settle()
    assert (await given_back(market))[1] == ("returned", 800)
    await market.audit(settled=True)


def declines_slowly(market: Market, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """The provider declines the next refund, after all that happens meanwhile."""
    refund = market.purse.refund

    async def slowly(**_: object) -> object:
        market.purse.refund = refund  # type: ignore[method-assign]
        await meanwhile()
        raise Declined("card")

    market.purse.refund = slowly  # type: ignore[method-assign,assignment]


async def test_a_refund_declined_after_its_deal_was_taken_back_counts_as_made_by_the_undo(market: Market) -> None:
    deal, seats = await confirmed(market)

    async def taken_back() -> None:
        await market.operate(c.VoidDeal(ref=1, deal=deal, why="wrong price"))
        await chores.void_teams(market.database)

    declines_slowly(market, taken_back)
    await market.operate(c.RefundOrder(ref=1, deal=deal, order=seats[0], amount=100, why="late", key="k1"))
    await market.settle()
    assert (market.purse.cash, await market.states("team_order")) == (0, ["returned"] * 3)
    await market.audit(settled=True)


async def test_a_refund_that_another_worker_made_meanwhile_is_not_refused_after_it(market: Market) -> None:
    deal, seats = await confirmed(market)

    async def made_by_another() -> None:
        await market.advance(60)  # the lease is over
        await market.cashier.work()

    declines_slowly(market, made_by_another)
    await market.operate(c.RefundOrder(ref=1, deal=deal, order=seats[0], amount=100, why="late", key="k1"))
    await market.settle()
    assert (await given_back(market))[0] == ("confirmed", 100)
    await market.audit(settled=True)


async def test_a_refund_declined_because_other_hands_gave_all_back_breaks_no_rule(market: Market) -> None:
    deal, seats = await confirmed(market)
    await market.operate(c.RefundOrder(ref=1, deal=deal, order=seats[0], amount=100, why="late", key="k1"))
    paid = next(iter(market.purse.payments.values()))
    await market.purse.refund(key="by hand", reference=paid.reference, amount=800)
    await market.settle()
    assert await given_back(market) == [("returned", 800), ("confirmed", 0), ("confirmed", 0)]
    await market.audit(settled=True)


async def test_an_order_that_was_never_paid_is_not_told_as_refunded(market: Market) -> None:
    async with market.database.transaction() as tx:
        await tx.execute(
            "INSERT INTO webhook_endpoint (endpoint_id, shop_id, url, secret) VALUES ('end_1', $1, 'https://x', 's')",
            seed.SHOP,
        )
    deal = await market.open_deal()
    market.purse.trouble = lambda operation: "declined" if operation == "capture" else None
    await full(market, deal)
    await market.cashier.work()
    market.purse.trouble = lambda operation: None
    await market.settle()
    assert await market.states("team_order") == ["unpaid"] * 3
    await market.operate(c.VoidDeal(ref=1, deal=deal, why="wrong price"))
    await market.settle()
    assert await market.states("team_order") == ["lapsed"] * 3
    async with market.database.read() as connection:
        told = await connection.fetch("SELECT type FROM webhook_message ORDER BY message_id")
    assert "order.refunded" not in [row["type"] for row in told]
    await market.audit(settled=True)


async def test_a_refund_whose_answer_is_lost_is_made_once(market: Market) -> None:
    deal, seats = await confirmed(market)
    lost = [2]

    def trouble(operation: str) -> str | None:
        lost[0] -= operation == "refund"
        return "lost" if operation == "refund" and lost[0] >= 0 else None

    market.purse.trouble = trouble
    await market.operate(c.RefundOrder(ref=1, deal=deal, order=seats[1], amount=100, why="late", key="k1"))
    await market.settle()
    assert (market.purse.cash, (await given_back(market))[1]) == (2300, ("confirmed", 100))
    await market.audit(settled=True)


async def test_only_operators_refund_and_only_orders_of_that_deal(market: Market) -> None:
    deal, _ = await confirmed(market)
    await refused(
        ErrorCode.ORDER_NOT_FOUND,
        market.operate(c.RefundOrder(ref=1, deal=deal, order="0" * 13, why="x", key="k")),
    )
    await refused(
        ErrorCode.DEAL_NOT_FOUND,
        market.operate(c.RefundOrder(ref=1, deal="0" * 13, order="0" * 13, why="x", key="k")),
    )


# -- the worker bears what it must


async def test_a_broken_team_keeps_neither_its_deal_nor_others_from_the_clock(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    deals = [await market.open_deal() for _ in range(2)]
    teams = [(await market.open_team(f"v{number}", deal)).team.id for number in range(2) for deal in deals]
    await market.advance(601)
    read = store._team

    def broken(row: dict[str, str], *rest: object) -> object:
        if row["team_id"] == teams[0]:
            raise AssertionError("a bug")
        return read(row, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("groupbuy.store._team", broken)
    await chores.end_teams(market.database)
    assert await market.states("team") == ["forming", "expired", "expired", "expired"]


async def test_a_broken_operation_keeps_no_other_from_being_done(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    deal = await market.open_deal()
    await full(market, deal)
    broken = (await market.states("payment", "payment_id"))[0]
    effect = market.cashier._effect

    async def act(op: object) -> object:
        if op.payment.payment_id == broken:  # type: ignore[attr-defined]
            raise AssertionError("a bug")
        return await effect(op)  # type: ignore[arg-type]

    monkeypatch.setattr(market.cashier, "_effect", act)
    await market.cashier.work()
    assert await market.states("team_order") == ["confirming", "confirmed", "confirmed"]


async def test_payments_of_settling_teams_are_asked_about_before_any_other(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    deal = await market.open_deal(steps=TWO, per_viewer=100)
    first = await market.open_team("ann", deal)
    await market.pay("ann", deal, first.seat)
    second = await market.join("bob", deal, invite=first.invite)
    paying = await market.begin("bob", deal, second.seat)
    await market.advance(605)
    await chores.end_teams(market.database)
    for number in range(40):  # many others have waited for longer
        own = await market.open_team(f"v{number}", deal)
        await market.begin(f"v{number}", deal, own.seat)
    async with market.database.transaction() as tx:
        await tx.execute("UPDATE payment SET ask_at = clock_timestamp() - interval '9 s'")
    asked: list[str] = []
    look = market.purse.look

    async def noted(*, key: str) -> object:
        asked.append(key)
        return await look(key=key)

    monkeypatch.setattr(market.purse, "look", noted)
    assert await market.cashier.ask() == 41, "a turn goes on while there is more"
    assert f"pay_{paying}" in asked[:16]


async def test_a_shops_own_numbers_stand_in_orders_and_webhooks(market: Market) -> None:
    deal = await market.open_deal(steps=TWO, reference="P-7")
    async with market.database.transaction() as tx:
        await tx.execute(
            "INSERT INTO webhook_endpoint (endpoint_id, shop_id, url, secret) VALUES ('end_1', $1, 'https://x', 's')",
            seed.SHOP,
        )
    first = await market.open_team("ann", deal)
    for reference in ("A-1", "A-2"):
        await market.run("ann", c.PaySeat(ref=1, deal=deal, seat=first.seat, reference=reference))
    await market.pay("ann", deal, first.seat)
    second = await market.join("bob", deal, invite=first.invite)
    await market.pay("bob", deal, second.seat)
    await market.settle()
    reading = Reading({"deal": deal}, PageQuery(), seed.SHOP, seed.ROOM)
    async with market.database.read() as connection:
        told = await connection.fetch("SELECT type, body->'data' AS data FROM webhook_message ORDER BY message_id")
        orders = (await reads.orders(connection, reading)).items
        lines = (await reads.settlement(connection, reading)).body.decode().splitlines()
    assert [(each["reference"], each["deal_reference"]) for each in orders] == [(None, "P-7"), ("A-2", "P-7")]
    table = list(csv.DictReader(lines))
    assert [(row["order_reference"], row["deal_reference"]) for row in table[:-1]] == [("A-2", "P-7"), ("", "P-7")]
    bodies = [(row["type"], json.loads(row["data"])) for row in told]
    assert {kind for kind, _ in bodies} == {"order.placed", "team.completed", "order.confirmed"}
    assert all(data["deal_reference"] == "P-7" for _, data in bodies)
    assert [data["reference"] for kind, data in bodies if kind == "order.confirmed" and data["reference"]] == ["A-2"]


async def test_races_of_a_void_with_prices_and_payments_close(market: Market) -> None:
    deal = await market.open_deal(steps=TWO)
    for number in range(6):
        first = await market.open_team(f"a{number}", deal)
        second = await market.join(f"b{number}", deal, invite=first.invite)
        await market.pay(f"a{number}", deal, first.seat)
        await market.pay(f"b{number}", deal, second.seat)
    await asyncio.gather(
        market.cashier.work(),
        market.operate(c.VoidDeal(ref=1, deal=deal, why="wrong price")),
        market.cashier.work(),
        chores.void_teams(market.database),
    )
    await market.settle()
    await market.audit(settled=True)


async def test_an_operation_that_a_worker_has_in_hand_is_no_others(market: Market) -> None:
    deal = await market.open_deal()
    await full(market, deal)
    capture, calls = market.purse.capture, []

    async def slowly(**given: object) -> object:
        calls.append(given["key"])
        await asyncio.sleep(0.3)
        return await capture(**given)  # type: ignore[arg-type]

    market.purse.capture = slowly  # type: ignore[method-assign,assignment]
    first = asyncio.create_task(market.cashier.work())
    await asyncio.sleep(0.15)
    assert await market.cashier.work() == 0
    await first
    assert len(calls) == len(set(calls)) == 3
