"""Group buys: what is refused at the door, what belongs to others, and invites that lead nowhere any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from groupbuy import reads
from livestream import seed
from livestream.parts import Reading
from livestream.protocol import commands as c
from livestream.protocol.codec import Codec, decode_commands
from livestream.protocol.errors import ErrorCode
from livestream.protocol.groupbuy import DealStep
from livestream.protocol.http import PageQuery, TeamsQuery
from livestream.protocol.replies import Error
from livestream.protocol.roles import Role
from tests.support.market import Market, logged, refused
from tests.support.nodes import actor

TWO = [DealStep(people=2, price=900)]


@pytest.mark.parametrize(
    ("what", "fields"),
    [
        ("a team of one", {"steps": [{"people": 1, "price": 900}]}),
        ("a team of eleven", {"steps": [{"people": 11, "price": 900}]}),
        ("no step", {"steps": []}),
        ("a price of nothing", {"steps": [{"people": 2, "price": 0}]}),
        ("a negative price", {"steps": [{"people": 2, "price": -900}]}),
        ("a price with a fraction", {"steps": [{"people": 2, "price": 9.5}]}),
        ("a close in the past", {"closes_in_s": -1}),
        ("a life of no time", {"life_s": 0}),
        ("a life of two days", {"life_s": 172_800}),
        ("no units", {"units": 0}),
        ("no stock", {"stock": 0}),
        ("a share above all", {"share": 101}),
        ("a share of nothing", {"share": 0}),
        ("a negative single price", {"single_price": -1000}),
        ("a negative discount", {"leader_discount": -1}),
        ("nothing for anybody", {"per_viewer": 0}),
        ("a hold of no time", {"hold_s": 0}),
        ("a hold of a day", {"hold_s": 86_400}),
        ("a reference with a line break", {"reference": "A\n1"}),
    ],
)
def test_what_no_deal_may_be_is_refused_at_the_door(what: str, fields: dict[str, object]) -> None:
    good: dict[str, object] = {
        "t": "open_deal", "ref": 1, "product": "cup", "steps": [{"people": 2, "price": 900}], "stock": 10,
    }  # fmt: skip
    assert isinstance(_decoded(good), c.OpenDeal)
    assert _decoded({**good, **fields}) is ErrorCode.INVALID, what


@pytest.mark.parametrize("by_s", [0, -60, 2**40])
def test_no_end_is_moved_back_or_beyond_all_time(by_s: int) -> None:
    assert isinstance(_decoded({"t": "extend_deal", "ref": 1, "deal": "0" * 13, "by_s": 60}), c.ExtendDeal)
    assert _decoded({"t": "extend_deal", "ref": 1, "deal": "0" * 13, "by_s": by_s}) is ErrorCode.INVALID


def _decoded(body: dict[str, object]) -> object:
    (command,) = decode_commands(msgspec.json.encode([body]), Codec.JSON)
    return command.code if isinstance(command, Error) else command


async def test_another_shops_deal_is_not_found_by_viewers_or_staff_and_nothing_changes(market: Market) -> None:
    deal = await market.open_deal()
    first = await market.open_team("ann", deal)
    stranger = actor("bob")
    values = {field: getattr(stranger, field) for field in stranger.__struct_fields__}
    stranger = type(stranger)(**{**values, "shop_id": "elsewhere", "room_id": "elsewhere"})
    for command in (
        c.OpenTeam(ref=1, deal=deal),
        c.JoinTeam(ref=1, deal=deal, invite=first.invite),
        c.LeaveTeam(ref=1, deal=deal, seat=first.seat),
        c.PaySeat(ref=1, deal=deal, seat=first.seat),
    ):
        await refused(ErrorCode.DEAL_NOT_FOUND, market.run(stranger, command))
    for act in (
        c.ChangeDeal(ref=1, deal=deal, state="paused"),
        c.ExtendDeal(ref=1, deal=deal, by_s=60),
        c.CloseDeal(ref=1, deal=deal),
        c.VoidDeal(ref=1, deal=deal, why="mine"),
        c.WaiveTeam(ref=1, deal=deal, team=first.team.id, why="mine"),
        c.RefundOrder(ref=1, deal=deal, order=first.seat, why="mine", key="k"),
        c.DecideOrderRefund(ref=1, deal=deal, refund=first.seat, confirm=True),
    ):
        await refused(ErrorCode.DEAL_NOT_FOUND, market.operate(act, stranger))
    assert (await market.states("seat"), await logged(market)) == (["held"], ["deal_opened"])


@pytest.mark.parametrize("read", [reads.teams, reads.orders, reads.settlement])
async def test_another_rooms_deal_is_not_read(
    read: Callable[[Any, Reading], Awaitable[object]], market: Market
) -> None:
    deal = await market.open_deal()
    query = TeamsQuery() if read is reads.teams else PageQuery()
    async with market.database.read() as connection:
        await read(connection, Reading({"deal": deal}, query, room_id=seed.ROOM, role=Role.OPERATOR))
        for elsewhere in (Reading({"deal": deal}, query, room_id="another", role=Role.OPERATOR),
                          Reading({"deal": "0" * 13}, query, room_id=seed.ROOM, role=Role.OPERATOR)):  # fmt: skip
            await refused(ErrorCode.DEAL_NOT_FOUND, read(connection, elsewhere))


async def test_the_invite_of_a_team_that_ended_gets_its_code(market: Market) -> None:
    deal = await market.open_deal(steps=TWO)
    first = await market.open_team("ann", deal)
    second = await market.join("bob", deal, invite=first.invite)
    await refused(ErrorCode.TEAM_FULL, market.join("cid", deal, invite=first.invite))
    await market.pay("ann", deal, first.seat)
    await market.pay("bob", deal, second.seat)
    await refused(ErrorCode.TEAM_CLOSED, market.join("cid", deal, invite=first.invite))
    await market.operate(c.VoidDeal(ref=1, deal=deal, why="wrong price"))
    await refused(ErrorCode.DEAL_CLOSED, market.join("cid", deal, invite=first.invite))
