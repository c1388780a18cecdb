"""Hands on a draw: what moderators, hosts and staff may not move, whatever they may do to people and shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from livestream import seed
from livestream.client import connect
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.draws import DrawNeeds, DrawState, DrawWeights, PrizeTier
from livestream.protocol.errors import ErrorCode
from livestream.protocol.replies import Posted
from livestream.protocol.roles import Role
from livestream.protocol.show import ShowState
from livestream.storage.pool import Database
from lottery import passing
from tests.support import live_draws as draws
from tests.support.gateways import Gateways
from tests.support.live_draws import HOST, close, conduct, create, enter, look, opened, refused
from tests.support.market import market_of
from tests.support.nodes import Node, actor
from tests.support.people import People, pseudonym_of

BUYERS: dict[str, Any] = {"needs": DrawNeeds(bought=True), "law_read": True}


async def _post(gateway: Gateways, token: str, command: str, **body: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(gateway.url) as session,
        session.post(f"/v1/rooms/{seed.ROOM}/{command}", headers=headers, json=body) as response,
    ):
        return response.status, await response.json()


@pytest.mark.parametrize("command", ["claim_prize", "decline_prize"])
async def test_a_ban_takes_no_prize_from_who_won_it(
    command: str, gateway: Gateways, people: People, database: Database
) -> None:
    host, ann = people.token("ada", Role.HOST), people.token("ann")
    prize = [PrizeTier(tier="First", name="Bike", value=1, currency="PLN")]
    async with connect(gateway.ws_url, room=seed.ROOM, token=host) as desk:
        draw_id = (await desk.create_draw(draws.plan(prizes=prize))).draw
        await desk.open_draw(draw_id, commitments=[draws.commitment(draw_id)], names=["Ada"])
        assert (await _post(gateway, ann, "enter_draw", draw=draw_id))[0] == 200
        await desk.close_draw(draw_id)
        await conduct(database)
        await desk.reveal_draw(draw_id, 2, draws.COHOST_SECRET.hex())
        await conduct(database)
        assert (await _post(gateway, ann, "comment", text="hello"))[0] == 200
        who = pseudonym_of(gateway.settings, "ann")
        moderator = people.token("mo", Role.MODERATOR)
        assert (await _post(gateway, moderator, "ban", who=who, seconds=None))[0] == 200
        _, other = await _post(gateway, ann, "comment", text="hello again")
        assert other["error"]["code"] == "banned"
        form = {"form": {"name": "Ann"}} if command == "claim_prize" else {}
        assert (await _post(gateway, ann, command, draw=draw_id, **form))[0] == 200


# -- "in this show"


async def _buy(database: Database, number: str, seconds_ago: float = 0.0) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO purchase (shop_id, purchase_id, pseudonym, amount, currency, exponent, at)"
            " VALUES ('demo', $1, 'p-ann', 5, 'PLN', 2, clock_timestamp() - $2 * interval '1 second')",
            number,
            seconds_ago,
        )


async def test_a_show_announced_for_last_month_begins_when_it_does(desk: Node, database: Database) -> None:
    await desk.run(HOST, c.SetShow(ref=1, state=ShowState.ENDED))
    await desk.run(HOST, c.Schedule(ref=1, title="Old", starts_at=1))
    await _buy(database, "long ago", 60)
    await desk.run(HOST, c.SetShow(ref=1, state=ShowState.WARM_UP))
    draw_id = await opened(desk, **BUYERS)
    assert await refused(enter(desk, draw_id)) is ErrorCode.DRAW_NOT_ELIGIBLE


async def test_what_is_bought_in_the_warm_up_counts_before_the_announced_start_and_once_it_is_live(
    desk: Node, database: Database
) -> None:
    await desk.run(HOST, c.SetShow(ref=1, state=ShowState.ENDED))
    await desk.run(HOST, c.Schedule(ref=1, title="Tomorrow", starts_at=4_000_000_000_000))
    await desk.run(HOST, c.SetShow(ref=1, state=ShowState.WARM_UP))
    await _buy(database, "just now")
    first = await opened(desk, **BUYERS)
    await enter(desk, first)
    await desk.run(HOST, c.CancelDraw(ref=1, draw=first, why="x"))
    await desk.run(HOST, c.SetShow(ref=1, state=ShowState.LIVE))
    second = await opened(desk, weights=DrawWeights(bought=3), **BUYERS)
    assert (await enter(desk, second)).weight == 4
    await close(desk, second)
    await conduct(database)
    assert (await look(database, second)).weight == 4


# -- weights after the close


async def _said(desk: Node, who: str = "ann") -> Posted:
    reply = await desk.run(actor(who), c.Comment(ref=1, text="hello"))
    assert isinstance(reply, Posted)
    return reply


async def _deleted(desk: Node, comment: str) -> None:
    await desk.run(actor("mo", Role.MODERATOR), c.Delete(ref=1, comments=[comment]))


async def _held(desk: Node, comment: str) -> None:
    await desk.run(HOST, c.SetRoom(ref=1, reports_to_hold=1))
    await desk.run(actor("bea"), c.Report(ref=1, comment=comment))


@pytest.mark.parametrize("goes", [_deleted, _held])
@pytest.mark.parametrize(("moment", "weight"), [("before", 1), ("after", 6)])
async def test_a_comment_that_goes_after_the_close_still_counts_and_one_that_went_before_does_not(
    goes: Callable[[Node, str], Awaitable[None]], moment: str, weight: int, desk: Node, database: Database
) -> None:
    draw_id = await opened(desk, weights=DrawWeights(commented=5))
    await enter(desk, draw_id)
    said = await _said(desk)
    if moment == "before":
        await goes(desk, said.id)
    await close(desk, draw_id)
    if moment == "after":
        await goes(desk, said.id)
    await conduct(database)
    assert (await look(database, draw_id)).weight == weight


async def test_a_comment_that_nobody_sees_makes_nobody_eligible(desk: Node, database: Database) -> None:
    draw_id = await opened(desk, needs=DrawNeeds(commented=True))
    await desk.run(HOST, c.SetChat(ref=1, approve_first=True))
    ann, bea = await _said(desk), await _said(desk, "bea")
    assert ann.held
    assert await refused(enter(desk, draw_id)) is ErrorCode.DRAW_NOT_ELIGIBLE  # it waits
    await desk.run(HOST, c.Rule(ref=1, comments=[ann.id], show=False))
    assert await refused(enter(desk, draw_id)) is ErrorCode.DRAW_NOT_ELIGIBLE
    await desk.run(HOST, c.Rule(ref=1, comments=[bea.id], show=True))
    await enter(desk, draw_id, "bea")


async def test_a_real_team_lets_in_and_weighs_more(desk: Node, database: Database, settings: Settings) -> None:
    market = await market_of(database, settings)
    deal = await market.open_deal()
    draw_id = await opened(desk, needs=DrawNeeds(team=True), weights=DrawWeights(team=4))
    assert await refused(enter(desk, draw_id)) is ErrorCode.DRAW_NOT_ELIGIBLE
    first = await market.open_team("ann", deal)
    await market.join("bea", deal, invite=first.invite)
    for viewer in ("ann", "bea"):
        assert (await enter(desk, draw_id, viewer)).weight == 5
    await desk.run(HOST, c.CancelDraw(ref=1, draw=draw_id, why="x"))
    second = await opened(desk, weights=DrawWeights(team=4))
    for viewer in ("ann", "cid", "dan"):
        await enter(desk, second, viewer)
    await market.join("cid", deal, invite=first.invite)  # after entering, before the close
    await close(desk, second)
    await market.open_team("dan", deal)  # too late
    await conduct(database)
    async with database.read() as connection:
        rows = await connection.fetch("SELECT viewer_id, weight FROM draw_entry WHERE draw_id = $1", second)
    assert {row["viewer_id"]: row["weight"] for row in rows} == {"ann": 5, "cid": 5, "dan": 1}


# -- staff, hosts, the shop


@pytest.mark.parametrize("room", ["", "demo", "elsewhere"])
async def test_staff_of_the_shop_enter_no_draw_in_any_of_its_rooms(room: str, desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO staff (shop_id, room_id, pseudonym, role) VALUES ('demo', $1, 'p-ann', 'operator')", room
        )
    assert await refused(enter(desk, draw_id)) is ErrorCode.DRAW_STAFF


async def test_a_draw_whose_show_is_over_is_closed_by_nobodys_hand(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    await desk.run(HOST, c.SetShow(ref=1, state=ShowState.ENDED))
    assert await refused(close(desk, draw_id)) is ErrorCode.DRAW_STATE
    await desk.run(HOST, c.Schedule(ref=1, title="Next", starts_at=1))
    await desk.run(HOST, c.SetShow(ref=1, state=ShowState.LIVE))
    assert await refused(close(desk, draw_id)) is ErrorCode.DRAW_STATE
    await conduct(database)
    assert (await look(database, draw_id)).state is DrawState.CANCELLED
    await create(desk)


async def test_a_claimed_prize_is_handed_over_also_when_the_draw_is_settled(desk: Node, database: Database) -> None:
    operator = actor("op", Role.OPERATOR)
    draw_id = await opened(desk)
    for viewer in ("ann", "bea"):
        await enter(desk, draw_id, viewer)
    draw = await draws.drawn(desk, database, draw_id)
    async with database.read() as connection:
        winner = await connection.fetchval(
            "SELECT viewer_id FROM draw_entry JOIN draw_pick USING (draw_id, entry_id) WHERE prize = 0"
        )
    await desk.run(actor(winner), c.ClaimPrize(ref=1, draw=draw.id, form=c.ClaimForm(name="Ann")))
    await draws.hurry(database, draw_id, 8 * 24 * 3600)
    await passing.pass_on(database, draws.ROOM, draw_id)
    assert (await look(database, draw_id)).state is DrawState.SETTLED
    late = c.MarkClaimed(ref=1, draw=draw_id, prize=1)
    assert await refused(desk.run(operator, late)) is ErrorCode.DRAW_STATE  # nobody claimed that one
    mark = c.MarkClaimed(ref=1, draw=draw_id, prize=0)
    await desk.run(operator, mark)
    assert await refused(desk.run(operator, mark)) is ErrorCode.CLAIMED
    excluded = c.DisqualifyWinner(ref=1, draw=draw_id, prize=0, why="x")
    assert await refused(desk.run(operator, excluded)) is ErrorCode.DRAW_STATE


async def test_a_receipt_stays_the_same_when_its_entry_came_to_weigh_more(desk: Node, database: Database) -> None:
    draw_id = await opened(desk, weights=DrawWeights(commented=5))
    receipt = await enter(desk, draw_id, key="k")
    await desk.run(actor(), c.Comment(ref=1, text="hello"))
    draw = await draws.drawn(desk, database, draw_id)
    assert (draw.weight, receipt.weight) == (6, 1)
    assert await enter(desk, draw_id, key="k") == receipt
    report = await draws.checked(database, draw_id, receipt)
    assert report.ok, report
