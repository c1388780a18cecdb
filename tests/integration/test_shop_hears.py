"""A shop's server hears a group buy's life, and a draw's: real HTTP, each body verified by the library shops use."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from groupbuy.payments.port import Way
from livestream import seed
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.draw_hooks import DRAW_HOOKS
from livestream.protocol.draws import BeaconKind, PrizeTier
from livestream.protocol.groupbuy import DealStep
from livestream.storage.pool import Database
from livestream.webhooks import service
from livestream.webhooks.delivery import Courier
from livestream.webhooks.resolver import Targets
from lottery import passing
from tests.support import live_draws
from tests.support.live_draws import HOST, ROOM, close, conduct, create, drawn, enter, hurry, opened, reveal
from tests.support.market import market_of
from tests.support.nodes import actor, node
from tests.support.shopserver import Received, ShopServer, shop_server

TWO = [DealStep(people=2, price=900)]


class Shop:
    """A backend as the docs ask for: it believes what is signed, works off each id once, and loses answers."""

    def __init__(self, server: ShopServer, secret: str) -> None:
        self._verify = Webhook(secret).verify
        self._known: set[str] = set()
        self.repeated = 0
        self.orders: dict[str, dict[str, Any]] = {}  #: what is to be sent, or was given back
        self.heard: list[tuple[str, dict[str, Any]]] = []
        server.answer = self.take

    async def take(self, got: Received) -> web.StreamResponse:
        try:
            event = self._verify(got.body, got.headers)
        except WebhookVerificationError:
            return web.Response(status=401)
        first = got.id not in self._known
        if first:
            self._known.add(got.id)
            self._work(event["type"], event["data"])
        self.repeated += not first
        return web.Response(status=500 if first and len(self._known) % 3 == 0 else 204)

    def _work(self, kind: str, data: dict[str, Any]) -> None:
        self.heard.append((kind, data))
        if kind.startswith("order."):
            self.orders.setdefault(data["order"], {}).update({kind: data})

    def count(self, kind: str) -> int:
        return sum(heard == kind for heard, _ in self.heard)

    def sole(self, kind: str) -> Mapping[str, Any]:
        (found,) = [data for heard, data in self.heard if heard == kind]
        return found

    @property
    def kept(self) -> int:
        """Of all orders, in minor units: the shop's own books, from what it was told alone."""
        return sum(
            each["order.confirmed"]["price"] - each.get("order.refunded", {"given_back": 0})["given_back"]
            for each in self.orders.values()
            if "order.confirmed" in each
        )


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, webhook_inside=("127.0.0.1",))


@pytest.fixture
async def server(seeded: str) -> AsyncIterator[ShopServer]:
    async with shop_server() as running:
        yield running


@pytest.fixture
async def shop(database: Database, settings: Settings, server: ShopServer) -> Shop:
    targets = Targets.of(settings)
    made = await service.add_endpoint(database, targets, seed.SHOP, server.url)
    targets.close()
    return Shop(server, made.secret)


async def deliver(database: Database, settings: Settings) -> None:
    """All that waits, with what failed sent once more."""
    async with Courier.open(settings) as courier:
        for _ in range(3):
            while await courier.deliver(database):
                pass
            async with database.transaction() as tx:
                await tx.execute("UPDATE webhook_delivery SET next_at = clock_timestamp() WHERE state = 'pending'")
                await tx.execute("UPDATE webhook_endpoint SET quiet_until = NULL")
    async with database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM webhook_delivery WHERE state <> 'delivered'") == 0


@pytest.mark.parametrize("way", list(Way))
async def test_a_shop_keeps_its_books_by_webhooks_alone(
    database: Database, settings: Settings, server: ShopServer, shop: Shop, way: Way
) -> None:
    market = await market_of(database, settings, way)
    good = await market.open_deal(steps=TWO, reference="spring-7")
    first = await market.open_team("ann", good)
    second = await market.join("bob", good, invite=first.invite)
    for who, own in (("ann", first), ("bob", second)):
        await market.pay(who, good, own.seat)
    lonely = await market.open_team("cid", good)
    await market.pay("cid", good, lonely.seat)
    gone = await market.join("eve", good, invite=lonely.invite)
    await market.run("eve", c.LeaveTeam(ref=1, deal=good, seat=gone.seat))
    unpaid = await market.join("dan", good, invite=lonely.invite)
    await market.begin("dan", good, unpaid.seat)
    await market.chores()
    await market.advance(601)
    await market.settle()
    back = c.RefundOrder(ref=1, deal=good, order=second.seat, amount=250, why="a scratch", key="back")
    await market.operate(back)
    await market.settle()
    await deliver(database, settings)
    assert shop.sole("deal.opened")["deal"]["reference"] == "spring-7"
    assert sorted(shop.sole("team.completed")["seats"]) == sorted([first.seat, second.seat])
    expired = shop.sole("team.expired")
    assert expired["team"] == shop.orders[lonely.seat]["order.placed"]["team"]
    assert expired["seats"] == [lonely.seat, unpaid.seat]  # who left was in it no more
    assert {each["order.confirmed"]["viewer"] for each in shop.orders.values() if "order.confirmed" in each} == {
        "ann",
        "bob",
    }
    refunds = {
        order: each["order.refunded"]["state"] for order, each in shop.orders.items() if "order.refunded" in each
    }
    assert refunds == {lonely.seat: "returned", second.seat: "confirmed"}
    assert shop.kept == 2 * 900 - 250 == market.purse.cash

    await market.operate(c.VoidDeal(ref=1, deal=good, why="wrong price", key="void"))
    await market.settle()
    await deliver(database, settings)
    assert shop.sole("deal.voided")["why"] == "wrong price"
    assert sorted(shop.sole("team.voided")["seats"]) == sorted([first.seat, second.seat])
    assert {data["state"] for _, data in shop.heard[-2:]} == {"returned"}
    assert shop.kept == 0 == market.purse.cash
    assert shop.repeated > 0  # the same message came again, and had one effect
    assert Counter(server.ids).keys() == shop._known
    await market.audit(settled=True)


async def test_a_shop_hears_of_its_draws(
    database: Database, settings: Settings, server: ShopServer, shop: Shop
) -> None:
    async with node(database, settings, beat=True) as desk:
        draw_id = await opened(desk)
        for viewer in ("ann", "bob", "cid"):
            await enter(desk, draw_id, viewer)
        await close(desk, draw_id)
        await conduct(database)
        await reveal(desk, draw_id)
        await conduct(database)
        called_off = await create(desk)
        await deliver(database, settings)
        winners = shop.sole("draw.drawn")["winners"]
        assert len(winners) == 2
        assert {each["viewer"] for each in winners} < {"ann", "bob", "cid"}
        winner = winners[0]["viewer"]
        claim = c.ClaimPrize(ref=1, draw=draw_id, form={"name": "Ann Kowalska"}, key="mine")
        await desk.run(actor(winner), claim)
        await desk.run(HOST, c.CancelDraw(ref=1, draw=called_off, why="no camera"))
    await deliver(database, settings)
    claimed = shop.sole("draw.claimed")
    assert (claimed["draw"], claimed["viewer"], claimed["form"]) == (draw_id, winner, {"name": "Ann Kowalska"})
    assert shop.count("draw.opened") == 1
    assert shop.sole("draw.cancelled") == {
        "draw": called_off, "room": ROOM, "title": "Friday draw", "why": "no camera"
    }  # fmt: skip


async def test_a_shop_hears_where_each_prize_went_and_how_each_draw_ended(
    database: Database, settings: Settings, server: ShopServer, shop: Shop
) -> None:
    async with node(database, settings, beat=True) as desk:
        late = await opened(desk, beacon=BeaconKind.DRAND)
        await enter(desk, late)
        await close(desk, late)
        await live_draws.rewind(database, late, 20)
        await conduct(database)
        draw_id = await opened(desk, prizes=[PrizeTier(tier="First", name="Bike", value=1, currency="PLN")])
        for viewer in ("ann", "bob"):
            await enter(desk, draw_id, viewer)
        await drawn(desk, database, draw_id)
        await deliver(database, settings)
        [won] = shop.sole("draw.drawn")["winners"]
        await desk.run(actor(won["viewer"]), c.DeclinePrize(ref=1, draw=draw_id))
        await hurry(database, draw_id, 8 * 24 * 3600)
        assert await passing.pass_on(database, ROOM, draw_id)
        assert await passing.pass_on(database, ROOM, draw_id) is None
    await deliver(database, settings)
    of_it = Counter(kind for kind, data in shop.heard if data["draw"] == draw_id)
    assert of_it == Counter(
        ["draw.opened", "draw.drawn", "draw.passed_on", "draw.prize_lapsed", "draw.settled"]
    )  # each once, whatever answer was lost
    passed, lapsed = shop.sole("draw.passed_on"), shop.sole("draw.prize_lapsed")
    assert (passed["why"], passed["winner"]["prize_name"]) == ("declined", won["prize_name"])
    assert {won["viewer"], passed["winner"]["viewer"]} == {"ann", "bob"}
    assert (lapsed["prize"], lapsed["prize_name"], lapsed["why"]) == (0, won["prize_name"], "unclaimed")
    assert shop.sole("draw.settled")["draw"] == draw_id
    assert (shop.sole("draw.void")["draw"], shop.sole("draw.void")["why"]) == (late, "late_root")
    declared = {each.kind: set(each.__struct_fields__) for each in DRAW_HOOKS}
    assert all(set(data) == declared[kind] for kind, data in shop.heard)


async def test_what_somebody_else_signed_is_not_believed(
    database: Database, settings: Settings, server: ShopServer, shop: Shop
) -> None:
    stranger = Shop(server, "whsec_" + "A" * 43 + "=")
    market = await market_of(database, settings)
    await market.open_deal()
    async with Courier.open(settings) as courier:
        await courier.deliver(database)
    assert stranger.heard == []
    assert len(server.received) == 1
