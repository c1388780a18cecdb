"""Group buys on Postgres: what viewers, the clock and the provider do to teams, seats, orders and money."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from groupbuy import chores, reads, store
from groupbuy.cashier import news_of
from groupbuy.membership import team_members
from groupbuy.payments.port import Way
from livestream import seed
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.groupbuy import DealStep, OrderState, SeatState, TeamState
from livestream.protocol.replies import Seated
from livestream.storage.pool import Database
from tests.support.market import Market, market_of, refused
from tests.support.nodes import actor, node


@pytest.fixture(params=list(Way))
async def market(request: pytest.FixtureRequest, database: Database, settings: Settings, seeded: str) -> Market:
    return await market_of(database, settings, request.param)


async def three(market: Market, deal: str) -> list[str]:
    """A team of three whose seats are held; the seats."""
    first = await market.open_team("ann", deal)
    second = await market.join("bob", deal, invite=first.invite)
    third = await market.join("cid", deal, team=first.team.id)
    return [first.seat, second.seat, third.seat]


async def notices(market: Market, viewer: str) -> list[dict[str, Any]]:
    """What a viewer was told of own seats, on every screen."""
    async with market.database.read() as connection:
        rows = await connection.fetch("SELECT event FROM notice WHERE pseudonym = $1 ORDER BY seq", f"p-{viewer}")
    return [json.loads(row["event"])["own"] for row in rows]


async def test_a_team_fills_pays_and_is_confirmed_at_the_full_price(market: Market) -> None:
    deal = await market.open_deal(leader_discount=50)
    seats = await three(market, deal)
    for who, seat in zip(("ann", "bob", "cid"), seats, strict=True):
        await market.pay(who, deal, seat)
    assert await market.states("team") == ["complete"]
    await market.settle()
    assert await market.states("team_order") == ["confirmed"] * 3
    assert await market.states("team_order", "price") == [750, 800, 800]
    assert market.purse.cash == 2350
    await market.audit(settled=True)


async def test_who_comes_in_sees_stock_and_seats_though_nobody_joined_since(market: Market, settings: Settings) -> None:
    deal = await market.open_deal(stock=10)
    await market.open_team("ann", deal)
    async with node(market.database, settings) as process:
        values = (await process.hub.channel(seed.ROOM)).snapshot(staff=False).values
    assert (values[f"deal_{deal}_left"], values[f"deal_{deal}_seats"]) == (7, 2)


async def test_all_screens_of_a_viewer_learn_that_the_payment_began(market: Market) -> None:
    deal = await market.open_deal()
    seats = await three(market, deal)
    before = len(await notices(market, "bob"))
    await market.begin("bob", deal, seats[1])
    told = (await notices(market, "bob"))[before:]
    assert [(own["seat"], own["state"]) for own in told] == [(seats[1], "paying")]
    held_ms = told[0]["hold_until"] - told[0]["team"]["deadline"]
    assert held_ms > -60_000  # ten minutes of the team's ten, not the ninety seconds of a mere hold
    await market.run("bob", c.PaySeat(ref=1, deal=deal, seat=seats[1]))
    assert len(await notices(market, "bob")) == before + 1  # nothing changed


async def test_at_the_deadline_the_step_reached_is_the_price(market: Market) -> None:
    deal = await market.open_deal()
    seats = await three(market, deal)
    await market.pay("ann", deal, seats[0])
    await market.pay("bob", deal, seats[1])
    await market.advance(601)
    await market.settle()
    assert await market.states("team") == ["complete"]
    assert await market.states("team_order", "price") == [900, 900]
    await market.audit(settled=True)


async def test_a_team_that_does_not_fill_gets_its_money_back(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal)
    await market.pay("ann", deal, first.seat)
    await market.advance(601)
    await market.settle()
    assert await market.states("team") == ["expired"]
    assert await market.states("team_order") == ["returned"]
    assert market.purse.cash == market.purse.held == 0
    await market.audit(settled=True)


async def test_money_that_comes_too_late_goes_back_and_is_never_seated(market: Market) -> None:
    deal = await market.open_deal()
    seats = await three(market, deal)
    payments = [await market.begin(who, deal, seat) for who, seat in zip(("ann", "bob", "cid"), seats, strict=True)]
    await market.hear(deal, payments[0])
    await market.advance(640)  # past the deadline and the 30 s of settling; the worker slept
    for payment in payments[1:]:
        await market.hear(deal, payment)
    assert await market.states("seat") == ["paid", "paying", "paying"]
    await market.settle()
    assert await market.states("team") == ["expired"]
    assert market.purse.cash == market.purse.held == 0
    await market.audit(settled=True)


async def test_payments_under_way_at_the_deadline_have_the_grace_of_settling(market: Market) -> None:
    deal = await market.open_deal()
    seats = await three(market, deal)
    payments = [await market.begin(who, deal, seat) for who, seat in zip(("ann", "bob", "cid"), seats, strict=True)]
    for payment in payments[:2]:
        await market.hear(deal, payment)
    await market.advance(605)
    await market.chores()
    assert await market.states("team") == ["settling"]
    market.purse.buyer(f"pay_{payments[2]}")  # and nobody tells us: we are to ask
    await market.advance(15)
    await market.chores()
    assert await market.states("team") == ["complete"]
    assert set(await market.states("team_order", "price")) == {800}
    await market.settle()
    await market.audit(settled=True)


async def test_a_hold_that_ran_out_makes_room(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal)
    await market.pay("ann", deal, first.seat)
    await market.join("bob", deal, invite=first.invite)
    await market.join("cid", deal, invite=first.invite)
    await refused(ErrorCode.TEAM_FULL, market.join("dan", deal, invite=first.invite))
    await market.advance(91)
    own = await market.join("dan", deal, invite=first.invite)
    assert own.team.held == 1
    await market.audit()


async def test_a_leader_who_never_pays_ends_the_team(market: Market) -> None:
    deal = await market.open_deal()
    seats = await three(market, deal)
    await market.advance(91)
    await market.chores()
    assert await market.states("team", "why") == ["abandoned"]
    await market.audit(settled=True)
    assert len(seats) == 3


async def test_when_the_leader_leaves_the_next_member_leads(market: Market) -> None:
    deal = await market.open_deal(leader_discount=100)
    seats = await three(market, deal)
    await market.pay("ann", deal, seats[0])
    await market.pay("bob", deal, seats[1])
    await market.run("ann", c.LeaveTeam(ref=1, deal=deal, seat=seats[0]))
    assert await market.states("team", "leader") == [seats[1]]
    await market.pay("cid", deal, seats[2])
    dan = await market.join("dan", deal, team=(await market.states("team", "team_id"))[0])
    await market.pay("dan", deal, dan.seat)
    await market.settle()
    assert await market.states("team_order") == ["returned", "confirmed", "confirmed", "confirmed"]
    assert (await market.states("team_order", "price"))[1:] == [700, 800, 800]
    await market.audit(settled=True)


async def test_a_waiver_fills_the_team_and_everybody_is_told(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal)
    await market.pay("ann", deal, first.seat)
    await market.operate(c.WaiveTeam(ref=1, deal=deal, team=first.team.id, why="a gift", key="k"))
    await market.operate(c.WaiveTeam(ref=1, deal=deal, team=first.team.id, why="a gift", key="k"))
    await market.settle()
    assert await market.states("team_order", "price") == [800]
    async with market.database.read() as connection:
        told = await connection.fetchval("SELECT event->>'seats' FROM room_log WHERE event->>'t' = 'team_waived'")
        sold = await connection.fetchval("SELECT sold FROM deal_stock")
    assert (told, sold) == ("2", 1)
    await market.audit(settled=True)


async def test_a_deal_taken_back_refunds_everyone_even_complete_teams(market: Market) -> None:
    deal = await market.open_deal()
    for who, seat in zip(("ann", "bob", "cid"), await three(market, deal), strict=True):
        await market.pay(who, deal, seat)
    waiting = await market.open_team("dan", deal)
    await market.pay("dan", deal, waiting.seat)
    await market.chores()
    await market.operate(c.VoidDeal(ref=1, deal=deal, why="wrong price"))
    await market.settle()
    assert await market.states("team") == ["voided", "voided"]
    assert market.purse.cash == market.purse.held == 0
    await market.audit(settled=True)


async def test_a_declined_capture_gives_a_day_to_pay_again(database: Database, settings: Settings, seeded: str) -> None:
    market = await market_of(database, settings)
    deal = await market.open_deal()
    seats = await three(market, deal)
    market.purse.trouble = lambda operation: "declined" if operation == "capture" else None
    for who, seat in zip(("ann", "bob", "cid"), seats, strict=True):
        await market.pay(who, deal, seat)
    await market.chores()
    assert await market.states("team") == ["complete"]
    assert await market.states("team_order") == ["unpaid"] * 3
    market.purse.trouble = lambda operation: None
    await market.pay("ann", deal, seats[0])
    await market.settle()
    await market.advance(25 * 3600)
    await market.settle()
    assert await market.states("team_order") == ["confirmed", "lapsed", "lapsed"]
    assert market.purse.cash == 800
    await market.audit(settled=True)


async def test_answers_that_were_lost_have_one_effect(market: Market) -> None:
    deal = await market.open_deal()
    seats = await three(market, deal)
    payments = [await market.begin(who, deal, seat) for who, seat in zip(("ann", "bob", "cid"), seats, strict=True)]
    lost = {"capture": 2, "refund": 2, "void": 2}

    def trouble(operation: str) -> str | None:
        lost[operation] = lost.get(operation, 0) - 1
        return "lost" if lost[operation] >= 0 else None

    market.purse.trouble = trouble
    for payment in payments:
        await market.hear(deal, payment)
    await market.settle()
    assert market.purse.cash == 2400
    await market.audit(settled=True)


async def test_the_same_key_holds_one_seat(market: Market) -> None:
    deal = await market.open_deal()
    command = c.OpenTeam(ref=1, deal=deal, key="once")
    first, second = await asyncio.gather(
        market.run("ann", command, market.engines[0]), market.run("ann", command, market.engines[1])
    )
    assert first == second
    assert len(await market.states("seat")) == 1


async def test_bad_input_gets_its_code_and_changes_nothing(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal, listed=False)
    await refused(ErrorCode.SEAT_TAKEN, market.open_team("ann", deal))
    await refused(ErrorCode.TEAM_MEMBER, market.join("ann", deal, invite=first.invite))
    await refused(ErrorCode.INVITE_INVALID, market.join("bob", deal, invite="A" * 22))
    await refused(ErrorCode.TEAM_NOT_FOUND, market.join("bob", deal, team=first.team.id))
    await refused(ErrorCode.DEAL_NOT_FOUND, market.open_team("bob", "0" * 13))
    await refused(ErrorCode.SEAT_NOT_FOUND, market.begin("bob", deal, first.seat))
    elsewhere = actor("bob")
    other = type(elsewhere)(**{**{f: getattr(elsewhere, f) for f in elsewhere.__struct_fields__}, "room_id": "other"})
    await refused(ErrorCode.DEAL_NOT_FOUND, market.run(other, c.OpenTeam(ref=1, deal=deal)))
    for steps, code in (
        ([DealStep(people=2, price=1000)], ErrorCode.TERMS_REFUSED),
        ([DealStep(people=3, price=900), DealStep(people=2, price=800)], ErrorCode.TERMS_REFUSED),
        ([DealStep(people=2, price=800), DealStep(people=3, price=900)], ErrorCode.TERMS_REFUSED),
        ([DealStep(people=2, price=400)], ErrorCode.PRICE_LOW),
    ):
        await refused(code, market.open_deal(steps=steps))
    assert (await market.states("team"), len(await market.states("seat"))) == (["forming"], 1)
    await market.advance(700)
    await refused(ErrorCode.TEAM_LATE, market.join("bob", deal, invite=first.invite))
    await market.chores()
    await refused(ErrorCode.TEAM_CLOSED, market.join("bob", deal, invite=first.invite))


async def test_stock_is_never_oversold_and_teams_hold_at_most_their_share(market: Market) -> None:
    deal = await market.open_deal(stock=10, share=60)
    outcomes = await asyncio.gather(
        *(market.open_team(f"v{number}", deal) for number in range(20)), return_exceptions=True
    )
    refusals = [each.code for each in outcomes if isinstance(each, Refused)]
    assert len(outcomes) - len(refusals) == 2
    assert set(refusals) == {ErrorCode.TEAMS_FULL}
    await market.audit()


async def test_only_new_customers_join_and_anyone_may_open(market: Market) -> None:
    deal = await market.open_deal(new_only=True, per_viewer=2)
    first = await market.open_team("ann", deal)
    buyer = actor("bob")
    known = type(buyer)(**{**{f: getattr(buyer, f) for f in buyer.__struct_fields__}, "buyer": True})
    await refused(ErrorCode.NEW_CUSTOMERS_ONLY, market.run(known, c.JoinTeam(ref=1, deal=deal, invite=first.invite)))
    assert isinstance(await market.run(known, c.OpenTeam(ref=1, deal=deal)), Seated)


async def test_seats_that_were_given_up_push_no_order_out_of_sight(market: Market) -> None:
    deal, other = await market.open_deal(), await market.open_deal()
    paid = await market.open_team("ann", deal)
    await market.pay("ann", deal, paid.seat)
    for _ in range(20):
        seat = (await market.open_team("ann", other)).seat
        await market.run("ann", c.LeaveTeam(ref=1, deal=other, seat=seat))
    async with market.database.read() as connection:
        seen = await reads.seats_of(connection, seed.ROOM, ["p-ann"])
    oldest, *others = seen["p-ann"]
    assert (oldest.seat, oldest.order, len(others)) == (paid.seat, OrderState.PLACED, 19)


async def test_the_last_seat_goes_to_one(market: Market) -> None:
    deal = await market.open_deal(steps=[DealStep(people=2, price=900)])
    first = await market.open_team("ann", deal)
    outcomes = await asyncio.gather(
        *(market.join(f"v{number}", deal, invite=first.invite) for number in range(40)), return_exceptions=True
    )
    assert sum(not isinstance(each, BaseException) for each in outcomes) == 1
    assert {each.code for each in outcomes if isinstance(each, Refused)} == {ErrorCode.TEAM_FULL}
    await market.audit()


async def test_a_freeze_stops_the_clock_of_a_team_and_its_holds(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal)
    async with market.database.transaction() as tx:
        await tx.execute("UPDATE room SET frozen_at = clock_timestamp()")
    await market.advance(0)
    async with market.database.transaction() as tx:  # as if the break had lasted for long
        await tx.execute("UPDATE room SET frozen_at = clock_timestamp() - interval '700 s'")
        await tx.execute("UPDATE deadline SET due_at = due_at - interval '700 s'")
        await tx.execute("UPDATE seat SET hold_at = hold_at - interval '700 s'")
    await market.chores()
    assert await market.states("team") == ["forming"]
    own = await market.join("bob", deal, invite=first.invite)
    assert (own.state, own.team.state) == (SeatState.HELD, TeamState.FORMING)
    await refused(ErrorCode.FROZEN, market.open_team("cid", deal))
    async with market.database.transaction() as tx:
        await tx.execute("UPDATE room SET frozen_at = NULL")
    await market.settle()
    assert await market.states("team") == ["expired"]


async def test_what_fails_at_commit_is_neither_answered_nor_told(market: Market) -> None:
    deal = await market.open_deal()
    async with market.database.transaction() as tx:
        await tx.execute(
            """
            CREATE FUNCTION doom() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'doomed' USING ERRCODE = '23514'; END $$"""
        )
        await tx.execute(
            "CREATE CONSTRAINT TRIGGER doom AFTER INSERT ON team DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW WHEN (NOT NEW.listed) EXECUTE FUNCTION doom()"
        )
    market.told.clear()
    await refused(ErrorCode.INVALID, market.open_team("ann", deal, listed=False))
    assert market.told == []
    assert await market.states("seat") == []
    await market.open_team("ann", deal)
    await market.audit()


async def test_a_poisoned_command_does_not_fail_its_neighbours(market: Market) -> None:
    deal = await market.open_deal()
    outcomes = await asyncio.gather(
        *(market.run(f"v{number}", c.OpenTeam(ref=1, deal=deal), market.engines[0]) for number in range(5)),
        market.run("v\x00", c.OpenTeam(ref=1, deal=deal), market.engines[0]),
        return_exceptions=True,
    )
    assert [isinstance(each, Seated) for each in outcomes] == [True] * 5 + [False]
    await market.audit()


async def test_one_viewer_in_two_processes_at_once_gets_one_seat(market: Market) -> None:
    deal = await market.open_deal()
    outcomes = await asyncio.gather(
        *(market.run("ann", c.OpenTeam(ref=1, deal=deal), engine) for engine in market.engines),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Seated) for each in outcomes) == 1
    assert [each.code for each in outcomes if isinstance(each, Refused)] == [ErrorCode.SEAT_TAKEN]
    await market.audit()


async def test_who_has_a_seat_is_a_member_and_who_gave_it_up_is_none(market: Market, database: Database) -> None:
    deal = await market.open_deal()
    await three(market, deal)
    people = ["p-ann", "p-bob", "p-cid", "p-dan"]
    async with database.read() as connection:
        room = await connection.fetchval("SELECT room_id FROM deal")
        assert await team_members(connection, room, people, 0) == {"p-ann", "p-bob", "p-cid"}
        assert await team_members(connection, room, people, 2**52) == set()
        assert await team_members(connection, room, people, 0, 1) == set()
        assert await team_members(connection, "elsewhere", people, 0) == set()
    await market.advance(601)
    await market.settle()
    async with database.read() as connection:
        assert await team_members(connection, room, people, 0) == set()


@pytest.mark.parametrize("rival", ["a member leaves", "the clock"])
async def test_who_waited_for_a_team_sees_what_the_one_before_made_of_it(market: Market, rival: str) -> None:
    deal = await market.open_deal()
    seats = await three(market, deal)
    payment = await market.begin("ann", deal, seats[0])
    standing = market.purse.buyer(f"pay_{payment}")
    if rival == "the clock":
        await market.advance(91)  # the holds of the two others are over
    async with market.database.transaction() as tx:
        await tx.execute("SELECT FROM team FOR UPDATE")  # both come while somebody else has the team
        paying = asyncio.create_task(market.cashier.learn(deal, payment, news_of(standing)))
        await asyncio.sleep(0.2)
        if rival == "the clock":
            other: asyncio.Task[object] = asyncio.create_task(chores.end_teams(market.database))
        else:
            leave = c.LeaveTeam(ref=1, deal=deal, seat=seats[1])
            other = asyncio.create_task(market.run("bob", leave))
        await asyncio.sleep(0.2)
    await asyncio.gather(paying, other)
    await market.audit()
    await market.chores()
    assert (await market.states("seat"))[:2] == ["paid", "released"]
    await market.audit()


async def test_the_end_of_a_show_closes_its_deals_and_teams_go_on(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal)
    async with market.database.transaction() as tx:
        await tx.execute("UPDATE show SET state = 'ended', ended_at = clock_timestamp()")
    await refused(ErrorCode.DEAL_CLOSED, market.open_team("dan", deal))  # whether or not a worker has seen it
    await market.chores()
    async with market.database.read() as connection:
        row = await connection.fetchrow("SELECT state, why FROM deal")
    assert row is not None
    assert tuple(row) == ("closed", "the show ended")
    second = await market.join("bob", deal, invite=first.invite)
    for who, seat in (("ann", first.seat), ("bob", second.seat)):
        await market.pay(who, deal, seat)
    await market.advance(601)
    await market.settle()
    assert await market.states("team") == ["complete"]
    later = await market.open_deal()  # after the show, for who comes later
    await market.open_team("eve", later)
    await market.chores()
    assert await market.states("team") == ["complete", "forming"]


async def test_who_sees_the_video_last_has_the_whole_time(market: Market) -> None:
    async with market.database.transaction() as tx:
        await tx.execute("UPDATE room SET state = jsonb_set(state::jsonb, '{video_delay_ms}', '60000')::json")
    deal = await market.open_deal(life_s=60, closes_in_s=60)
    await market.open_team("ann", deal)
    async with market.database.read() as connection:
        left = await connection.fetch("SELECT kind, extract(epoch FROM due_at - clock_timestamp()) AS s FROM deadline")
    assert {row["kind"] for row in left} == {"team", "deal"}
    assert all(90 < row["s"] <= 120 for row in left)


async def test_who_changes_a_deal_stands_in_line_with_those_who_buy(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal)
    async with market.database.transaction() as tx:
        assert await store.load(tx, deal, store.Named())  # a batch that takes its time
        closing = asyncio.create_task(market.operate(c.CloseDeal(ref=1, deal=deal)))
        await asyncio.sleep(0.2)
        opening = asyncio.create_task(market.open_team("bob", deal))  # came later: goes behind
        await asyncio.sleep(0.2)
        assert not closing.done()
        assert not opening.done()
    await closing
    await refused(ErrorCode.DEAL_CLOSED, opening)
    await market.join("cid", deal, invite=first.invite)
