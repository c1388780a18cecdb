"""Group buys and time: windows, breaks of the stream, edits, and who leads when somebody goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from groupbuy import chores, reads, store
from groupbuy.team import Seat
from livestream import seed
from livestream.parts import Reading
from livestream.protocol import commands as c
from livestream.protocol.errors import ErrorCode
from livestream.protocol.groupbuy import DealStep
from livestream.protocol.http import Listed, TeamsQuery
from livestream.protocol.roles import Role
from livestream.storage.pool import Connection
from tests.support.market import Market, logged, refused

TWO = [DealStep(people=2, price=900)]


async def two(market: Market, deal: str) -> list[str]:
    """A team of two who paid, beside whatever else; their seats."""
    first = await market.open_team("ann", deal)
    second = await market.join("bob", deal, invite=first.invite)
    await market.pay("ann", deal, first.seat)
    await market.pay("bob", deal, second.seat)
    return [first.seat, second.seat]


# -- windows


async def test_a_team_whose_deal_was_taken_back_completes_no_more_though_its_deadline_comes_first(
    market: Market,
) -> None:
    deal = await market.open_deal()
    await two(market, deal)
    await market.advance(601)
    await market.operate(c.VoidDeal(ref=1, deal=deal, why="wrong price"))
    await chores.end_teams(market.database)
    assert await market.states("team") == ["forming"]
    await market.settle()
    assert (await market.states("team"), market.purse.cash) == (["voided"], 0)
    await market.audit(settled=True)


async def test_a_look_is_of_one_moment_though_a_team_ends_in_it(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    deal = await market.open_deal()
    team = (await market.open_team("ann", deal)).team
    load_seats = store._load_seats

    async def meanwhile(tx: Connection, teams: Sequence[str]) -> dict[str, list[Seat]]:
        monkeypatch.setattr(store, "_load_seats", load_seats)
        await market.advance(601)
        await chores.end_teams(market.database)
        return await load_seats(tx, teams)

    monkeypatch.setattr(store, "_load_seats", meanwhile)
    async with market.database.read() as connection:
        seen = await reads.seats_of(connection, seed.ROOM, ["p-ann"])
    assert await market.states("team") == ["expired"]
    assert [(each.team.state, each.team.deadline) for each in seen["p-ann"]] == [(team.state, team.deadline)]


async def test_a_deal_closes_by_the_clock_though_no_worker_runs_and_its_teams_go_on(market: Market) -> None:
    deal = await market.open_deal(steps=TWO, closes_in_s=60, life_s=600)
    first = await market.open_team("ann", deal)
    await market.advance(61)
    await refused(ErrorCode.DEAL_CLOSED, market.open_team("bob", deal))
    assert await logged(market) == ["deal_opened"]
    await market.chores()
    await market.chores()
    assert await logged(market) == ["deal_opened", "deal_closed"]
    await refused(ErrorCode.DEAL_CLOSED, market.operate(c.ExtendDeal(ref=1, deal=deal, by_s=60)))
    second = await market.join("bob", deal, invite=first.invite)
    await market.pay("ann", deal, first.seat)
    await market.pay("bob", deal, second.seat)
    await market.settle()
    assert await market.states("team") == ["complete"]
    await market.audit(settled=True)


async def test_a_deal_that_is_extended_closes_so_much_later(market: Market) -> None:
    deal = await market.open_deal(closes_in_s=60)
    await market.operate(c.ExtendDeal(ref=1, deal=deal, by_s=100))
    await market.advance(61)
    await market.chores()
    await market.open_team("ann", deal)
    await market.advance(100)
    await refused(ErrorCode.DEAL_CLOSED, market.open_team("bob", deal))
    await market.chores()
    assert await logged(market) == ["deal_opened", "deal_changed", "deal_closed"]
    endless = await market.open_deal()
    await refused(ErrorCode.TERMS_REFUSED, market.operate(c.ExtendDeal(ref=1, deal=endless, by_s=60)))


async def test_a_deal_that_sells_out_says_so_and_says_when_it_has_units_again(market: Market) -> None:
    deal = await market.open_deal(steps=TWO, stock=2, share=100)
    await market.open_team("ann", deal)
    await market.chores()
    await refused(ErrorCode.SOLD_OUT, market.open_team("bob", deal))
    await market.advance(91)
    await market.chores()
    await market.chores()
    await market.open_team("bob", deal)
    assert await logged(market) == ["deal_opened", "deal_changed", "deal_changed"]


# -- edits


async def test_an_edit_is_for_teams_that_are_opened_later(market: Market) -> None:
    deal = await market.open_deal(steps=TWO)
    old = await market.open_team("ann", deal)
    await market.operate(c.ChangeDeal(ref=1, deal=deal, steps=[DealStep(people=3, price=700)], life_s=60))
    new = await market.open_team("cid", deal)
    assert (old.team.size, new.team.size) == (2, 3)
    assert new.team.deadline < old.team.deadline
    second = await market.join("bob", deal, invite=old.invite)
    await market.pay("ann", deal, old.seat)
    await market.pay("bob", deal, second.seat)
    await market.settle()
    assert await market.states("team_order", "price") == [900, 900]
    await market.audit(settled=True)


async def test_an_edit_does_not_let_customers_into_teams_for_new_ones(market: Market) -> None:
    deal = await market.open_deal(new_only=True)
    old = await market.open_team("ann", deal)
    await two(market, await market.open_deal(steps=TWO))
    await market.operate(c.ChangeDeal(ref=1, deal=deal, new_only=False))
    await refused(ErrorCode.NEW_CUSTOMERS_ONLY, market.join("bob", deal, invite=old.invite))
    new = await market.open_team("cid", deal)
    await market.join("bob", deal, invite=new.invite)


# -- who leads


async def test_when_a_leader_who_has_not_paid_leaves_the_next_in_line_leads(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal)
    second = await market.join("bob", deal, invite=first.invite)
    third = await market.join("cid", deal, invite=first.invite)
    await market.begin("cid", deal, third.seat)
    await market.run("ann", c.LeaveTeam(ref=1, deal=deal, seat=first.seat))
    assert await market.states("team", "leader") == [third.seat], "who is paying comes before who only holds"
    await market.run("cid", c.LeaveTeam(ref=1, deal=deal, seat=third.seat))
    assert await market.states("team", "leader") == [second.seat]
    assert await market.states("team") == ["forming"]
    await market.run("bob", c.LeaveTeam(ref=1, deal=deal, seat=second.seat))
    assert await market.states("team") == ["expired"], "nobody is left"
    await market.audit()


async def test_when_a_leaders_hold_runs_out_who_is_paying_leads(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal)
    second = await market.join("bob", deal, invite=first.invite)
    await market.begin("bob", deal, second.seat)
    await market.advance(91)
    await market.chores()
    assert await market.states("team", "leader") == [second.seat]
    assert await market.states("team") == ["forming"]
    await market.audit()


async def test_who_let_a_hold_run_out_may_take_a_seat_again_at_once(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal)
    await market.pay("ann", deal, first.seat)
    second = await market.join("bob", deal, invite=first.invite)
    await refused(ErrorCode.TEAM_MEMBER, market.join("bob", deal, invite=first.invite))
    await market.advance(91)  # the worker sleeps
    again = await market.join("bob", deal, invite=first.invite)
    assert again.seat != second.seat
    assert await market.states("seat") == ["paid", "released", "held"]
    await market.audit()


async def test_a_hold_that_ran_out_keeps_nobody_from_other_teams_though_the_worker_sleeps(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal)
    other = await market.open_team("cid", deal)
    for who, seat in (("ann", first.seat), ("cid", other.seat)):
        await market.pay(who, deal, seat)
    await market.join("bob", deal, invite=first.invite)
    await refused(ErrorCode.SEAT_TAKEN, market.join("bob", deal, invite=other.invite))
    await market.freeze()
    await market.advance(91)  # it was frozen at that moment: nothing has run out
    await refused(ErrorCode.SEAT_TAKEN, market.join("bob", deal, invite=other.invite))
    await market.unfreeze()
    await refused(ErrorCode.SEAT_TAKEN, market.join("bob", deal, invite=other.invite))
    await market.advance(91)
    await market.join("bob", deal, invite=other.invite)
    assert await market.states("seat") == ["paid", "paid", "released", "held"]
    assert await market.states("team", "held") == [0, 1]
    await market.audit()


async def test_a_leader_whose_hold_ran_out_opens_another_team_and_the_first_ends(market: Market) -> None:
    deal = await market.open_deal(steps=TWO, stock=4, share=50)  # units for one team at a time
    await market.open_team("ann", deal)
    await refused(ErrorCode.SEAT_TAKEN, market.open_team("ann", deal))
    await market.advance(91)
    await market.open_team("ann", deal)
    assert await market.states("team") == ["expired", "forming"]
    assert await market.states("seat") == ["released", "held"]
    await market.audit()


async def test_a_leader_who_leaves_by_the_clock_hands_the_lead_to_who_is_paying(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal)
    second = await market.join("bob", deal, invite=first.invite)
    await market.begin("bob", deal, second.seat)
    await market.advance(91)
    other = await market.open_team("ann", deal)
    assert await market.states("team", "leader") == [second.seat, other.seat]
    assert await market.states("seat") == ["released", "paying", "held"]
    await refused(ErrorCode.SEAT_TAKEN, market.open_team("bob", deal))  # whose payment is under way
    await market.audit()


# -- quotas


async def test_an_order_that_lapsed_was_not_bought(market: Market) -> None:
    deal = await market.open_deal(steps=TWO, new_only=True)
    market.purse.trouble = lambda operation: "declined" if operation == "capture" else None
    await two(market, deal)
    await market.chores()
    await refused(ErrorCode.LIMIT_REACHED, market.open_team("ann", deal))  # it may still be paid
    await market.advance(25 * 3600)
    await market.settle()
    assert await market.states("team_order") == ["lapsed", "lapsed"]
    again = await market.open_team("ann", deal)
    await market.join("bob", deal, invite=again.invite)
    await market.audit()


# -- breaks


async def test_the_day_to_pay_again_does_not_run_in_a_break(market: Market) -> None:
    deal = await market.open_deal(steps=TWO)
    market.purse.trouble = lambda operation: "declined" if operation == "capture" else None
    seats = await two(market, deal)
    await market.chores()
    market.purse.trouble = lambda operation: None
    await market.freeze()
    await market.advance(25 * 3600)
    await market.chores()
    assert await market.states("team_order") == ["unpaid"] * 2
    await market.unfreeze()
    await market.chores()
    assert await market.states("team_order") == ["unpaid"] * 2
    await market.pay("ann", deal, seats[0])
    await market.advance(25 * 3600)
    await market.settle()
    assert await market.states("team_order") == ["confirmed", "lapsed"]
    await market.audit(settled=True)


async def test_holds_and_payments_under_way_have_after_a_break_what_they_had_before(market: Market) -> None:
    deal = await market.open_deal(closes_in_s=300)
    first = await market.open_team("ann", deal)
    await market.pay("ann", deal, first.seat)
    second = await market.join("bob", deal, invite=first.invite)
    paying = await market.begin("bob", deal, second.seat)
    third = await market.join("cid", deal, invite=first.invite)
    await market.advance(60)
    await market.freeze()
    await market.advance(5000)
    await market.chores()
    await market.hear(deal, paying)  # paid in the break, and seated
    assert await market.states("seat") == ["paid", "paid", "held"]
    await market.unfreeze()
    await market.chores()
    assert await market.states("seat") == ["paid", "paid", "held"]
    assert await logged(market) == ["deal_opened"]
    await market.advance(31)  # of its 90 s it had 30 left
    await refused(ErrorCode.SEAT_LOST, market.begin("cid", deal, third.seat))
    await market.chores()
    assert await market.states("seat") == ["paid", "paid", "released"]
    await market.advance(520)
    await market.settle()
    assert await market.states("team_order", "price") == [900, 900]
    await market.audit(settled=True)


async def _listed(market: Market, deal: str, role: Role = Role.VIEWER, **query: Any) -> Listed:
    asked = Reading({"deal": deal}, TeamsQuery(**query), room_id=seed.ROOM, role=role)
    async with market.database.read() as connection:
        return await reads.teams(connection, asked)


async def test_in_a_break_the_list_of_teams_stands_still_with_the_clock(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal)
    await market.advance(10)
    await market.freeze()
    await market.advance(3600)
    assert [team["id"] for team in (await _listed(market, deal)).items] == [first.team.id]
    await market.join("bob", deal, team=first.team.id)
    await market.unfreeze()
    assert [team["id"] for team in (await _listed(market, deal)).items] == [first.team.id]
    await market.advance(600)
    assert (await _listed(market, deal)).items == []


async def test_staff_find_an_old_team_that_forms_before_all_that_are_decided(market: Market) -> None:
    deal = await market.open_deal()
    old = [await market.open_team(who, deal) for who in ("ann", "bob", "cid")]
    over = [await market.open_team(f"v{number}", deal) for number in range(4)]
    for number, own in enumerate(over):
        await market.run(f"v{number}", c.LeaveTeam(ref=1, deal=deal, seat=own.seat))
    pages = [await _listed(market, deal, Role.OPERATOR, limit=2)]
    while pages[-1].next is not None:
        pages.append(await _listed(market, deal, Role.OPERATOR, limit=2, before=pages[-1].next))
    found = [team["id"] for page in pages for team in page.items]
    assert found == [own.team.id for own in (*reversed(old), *reversed(over))]


async def test_a_team_that_is_decided_between_two_pages_hides_no_other_from_staff(market: Market) -> None:
    deal = await market.open_deal()
    owns = [await market.open_team(who, deal) for who in ("ann", "bob", "cid", "dan")]
    page = await _listed(market, deal, Role.OPERATOR, limit=2)
    last = page.items[-1]["id"]
    assert last == owns[2].team.id
    await market.run("cid", c.LeaveTeam(ref=1, deal=deal, seat=owns[2].seat))
    rest = await _listed(market, deal, Role.OPERATOR, before=page.next)
    assert [team["id"] for team in rest.items] == [owns[1].team.id, owns[0].team.id, last]


async def test_a_paused_deal_takes_no_new_teams_and_those_it_has_go_on(market: Market) -> None:
    deal = await market.open_deal(steps=TWO)
    first = await market.open_team("ann", deal)
    await market.operate(c.ChangeDeal(ref=1, deal=deal, state="paused"))
    await refused(ErrorCode.DEAL_CLOSED, market.open_team("cid", deal))
    second = await market.join("bob", deal, invite=first.invite)
    await market.pay("ann", deal, first.seat)
    await market.pay("bob", deal, second.seat)
    await market.cashier.work()
    assert await market.states("team") == ["complete"]
    await market.operate(c.ChangeDeal(ref=1, deal=deal, state="open"))
    await market.open_team("cid", deal)


# -- who is told


async def test_what_the_worker_did_is_told_live(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal)
    second = await market.join("bob", deal, invite=first.invite)
    await market.pay("ann", deal, first.seat)
    await market.pay("bob", deal, second.seat)
    await market.advance(601)
    market.told.clear()
    await market.chores()
    assert [each.stirred for each in market.told][:1] == [True]
    assert any(b"team_completed" in event for each in market.told for event in each.message.live)
    assert {each.room_id for each in market.told} == {seed.ROOM}
