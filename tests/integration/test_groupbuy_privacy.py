"""Group buys and erasure: who is erased stands in no refund, and no payment in hand writes them down again."""

from __future__ import annotations

import asyncio

import pytest

from groupbuy import engine
from livestream import seed
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.groupbuy import DealStep
from livestream.protocol.replies import Posted
from livestream.protocol.roles import Role
from livestream.protocol.shop import EraseViewer
from livestream.storage.pool import Database
from tests.support.market import Market
from tests.support.nodes import node

from .test_erasure import BACKEND, _texts, known, service


async def test_the_reason_of_a_refund_goes_with_the_buyer_and_names_with_those_who_asked_and_decided(
    market: Market, database: Database, settings: Settings
) -> None:
    ann = known(settings, "ann-1", "Ann")
    asks = known(settings, "ola-1", "Aleksandra", Role.OPERATOR)
    decides = known(settings, "ula-1", "Urszula", Role.OPERATOR)
    async with database.transaction() as tx:
        await tx.execute("UPDATE shop SET refund_limit = 0")
    deal = await market.open_deal(steps=[DealStep(people=2, price=900)])
    seat = (await market.open_team(ann, deal)).seat
    await market.pay(ann, deal, seat)
    async with database.read() as connection:
        team = await connection.fetchval("SELECT team_id FROM team")
    await market.operate(c.WaiveTeam(ref=1, deal=deal, team=team, why="a gift", key="waive"))
    await market.settle()
    for amount in (100, 200):
        asked = c.RefundOrder(ref=1, deal=deal, order=seat, amount=amount, why="she fell ill", key=f"k{amount}")
        reply = await market.operate(asked, asks)
        assert isinstance(reply, Posted)
    decide = c.DecideOrderRefund(ref=1, deal=deal, refund=reply.id, confirm=False, why="she is well again")
    await market.operate(decide, decides)
    assert len(await _texts(database, "she fell ill")) >= 4, "rows and events"

    async with node(database, settings) as process:
        shops = service(process, database, settings)
        await shops.run(BACKEND, EraseViewer(viewer="ann-1"), None)
        for mark in (ann.pseudonym, "she fell ill", "she is well again"):
            assert await _texts(database, mark) == []
        for who in (asks, decides):
            assert await _texts(database, who.name)
            await shops.run(BACKEND, EraseViewer(viewer=str(who.viewer_id)), None)
            for mark in (who.pseudonym, who.name):
                assert await _texts(database, mark) == []
    async with node(database, settings, 2) as other:
        shown = (await other.hub.channel(seed.ROOM)).snapshot(True).desk
        assert shown is not None
        assert [(each.purchase, each.amount, each.why, each.asked_by) for each in shown.refunds] == [
            (seat, 100, "", "")
        ]
    await market.audit()


async def test_a_payment_in_hand_while_its_buyer_is_erased_writes_nobody_down_again(
    market: Market, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = known(settings, "ann-1", "Ann")
    deal = await market.open_deal()
    payment = await market.begin(ann, deal, (await market.open_team(ann, deal)).seat)
    finish, erased = engine.finish, []

    async with node(database, settings) as process:
        shops = service(process, database, settings)

        async def slowly(*given: object) -> object:
            monkeypatch.setattr(engine, "finish", finish)
            erased.append(asyncio.create_task(shops.run(BACKEND, EraseViewer(viewer="ann-1"), None)))
            await asyncio.wait(erased, timeout=0.5)
            return await finish(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(engine, "finish", slowly)
        await market.hear(deal, payment)
        await erased[0]
    assert await market.states("seat") == ["paid"]
    assert await _texts(database, ann.pseudonym) == []
    await market.audit()
