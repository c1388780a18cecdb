"""Group buys through real gateways, a worker and the sandbox: what viewers see, and that all of it closes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from groupbuy.payments.port import Way
from livestream.config import Settings
from livestream.protocol.roles import Role
from livestream.storage.pool import Database
from tests.support.fair import Fair, fair
from tests.support.gateways import Gateways
from tests.support.people import People


@pytest.fixture
async def market(
    settings: Settings, start_gateway: Callable[..., Gateways], people: People, database: Database, tmp_path: Path
) -> AsyncIterator[Fair]:
    async with fair(settings, start_gateway, people, database, tmp_path) as running:
        yield running


async def test_a_team_fills_over_websockets_and_everybody_learns_of_it(market: Fair, database: Database) -> None:
    async with market.viewer("ann") as ann, market.viewer("zoe") as onlooker:
        deal = await market.open_deal()
        await onlooker.until(lambda: any(each.id == deal for each in onlooker.view.deals))
        opened = await ann.ask("open_team", deal=deal, key="k", show_name=True)
        invite = opened["own"]["invite"]
        for name in ("bob", "cid"):
            own = await market.seat(name, "join_team", deal=deal, invite=invite)
            assert own is not None
            assert await market.pay(name, deal, own["seat"]) == "paid"
        assert await market.pay("ann", deal, opened["own"]["seat"]) == "paid"
        await ann.until(lambda: any(each.order == "confirmed" for each in ann.view.seats))
        await onlooker.until(
            lambda: any(event["t"] == "team_completed" for push in onlooker.of("live") for event in push["events"])
        )
        await onlooker.until(lambda: onlooker.view.values.get(f"deal_{deal}_left") == 2997)
    async with market.viewer("ann") as back:
        await back.until(lambda: [each.price for each in back.view.seats] == [800])
    await market.settle(database)


async def test_a_seat_taken_on_one_screen_shows_on_all_of_that_viewer_and_on_nobody_elses(market: Fair) -> None:
    deal = await market.open_deal()
    async with contextlib.AsyncExitStack() as stack:
        phone, *others = [await stack.enter_async_context(market.viewer("ann")) for _ in range(5)]  # over two processes
        bob = await stack.enter_async_context(market.viewer("bob"))
        opened = await phone.ask("open_team", deal=deal, key="k")
        for screen in others:
            await screen.until(lambda screen=screen: len(screen.view.seats) == 1)  # type: ignore[misc]
        assert [screen.of("your_seat") for screen in others] == [[{"t": "your_seat", "own": opened["own"]}]] * 4
        await bob.ask("join_team", deal=deal, invite=opened["own"]["invite"])
        await phone.until(lambda: len(phone.of("notice")) == 1)
        assert phone.of("your_seat") == bob.of("your_seat") == []
        for screen in others:
            await screen.until(lambda screen=screen: screen.view.seats[0].team.held == 2)  # type: ignore[misc]


async def test_reads_over_http_and_a_settlement_that_closes(market: Fair, database: Database) -> None:
    deal = await market.open_deal()
    await asyncio.gather(*(market.team(number, deal) for number in range(2)))
    await market.settle(database)
    token = market.people.token("olga", Role.OPERATOR)
    base = f"{market.gateways.url}/v1/rooms/demo"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:

        async def read(path: str) -> str:
            async with session.get(base + path) as response:
                assert response.status == 200, await response.text()
                return await response.text()

        assert '"left":2994' in await read("/deals")
        assert (await read(f"/deals/{deal}/teams")).count('"complete"') == 2
        assert (await read(f"/deals/{deal}/orders")).count('"confirmed"') == 6
        lines = (await read(f"/deals/{deal}/settlement.csv")).splitlines()
        assert len(lines) == 8
        total = dict(zip(lines[0].split(","), lines[-1].split(","), strict=True))
        assert (total["net"], total["sold"]) == ("4800", "4800")
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {market.people.token('t0-0')}"}) as session,
        session.get(f"{base}/deals/{deal}/orders") as refused,
    ):
        assert refused.status == 403


@pytest.mark.parametrize("what", ["repeated", "reordered", "late", "wrong_amount", "forged", "lost"])
async def test_notifications_in_any_state_have_one_effect(market: Fair, database: Database, what: str) -> None:
    await market.sandbox.order(Way.AUTHORISE, what=what, ms=1500)
    deal = await market.open_deal(life_s=60)
    await market.team(1, deal)
    await market.settle(database, 60)
    async with database.read() as connection:
        orders = await connection.fetch("SELECT state, price FROM team_order")
    assert [tuple(each) for each in orders] == [("confirmed", 800)] * 3


async def test_a_forged_notification_is_refused(market: Fair) -> None:
    body = b'{"event_id":"e","standing":{"key":"pay_x","reference":"r","state":"captured","amount":1,"currency":"PLN"}}'
    async with aiohttp.ClientSession() as session:
        for source, status in (("sandbox", 401), ("stripe", 401)):
            async with session.post(f"{market.gateways.url}/v1/payments/{source}", data=body) as response:
                assert response.status == status


async def three(market: Fair, deal: str, *, pay: int) -> list[dict[str, Any]]:
    """A team of three, of whom so many paid."""
    leader = await market.seat("ann", "open_team", deal=deal)
    assert leader is not None
    seats = [leader]
    for name in ("bob", "cid"):
        own = await market.seat(name, "join_team", deal=deal, invite=leader["invite"])
        assert own is not None
        seats.append(own)
    for name, own in list(zip(("ann", "bob", "cid"), seats, strict=True))[:pay]:
        assert await market.pay(name, deal, own["seat"]) == "paid"
    return seats


async def orders(database: Database) -> list[tuple[str, int | None]]:
    async with database.read() as connection:
        return [tuple(row) for row in await connection.fetch("SELECT state, price FROM team_order ORDER BY seat_id")]


async def test_what_the_worker_decides_is_seen_at_once(market: Fair, database: Database) -> None:
    deal = await market.open_deal()
    await three(market, deal, pay=2)
    async with market.viewer("zoe") as onlooker:
        await onlooker.until(lambda: any(each.id == deal for each in onlooker.view.deals))
        await market.deadline_in(database, 0)
        await onlooker.until(
            lambda: any(event["t"] == "team_completed" for push in onlooker.of("live") for event in push["events"])
        )
        await onlooker.until(lambda: onlooker.view.values.get(f"deal_{deal}_left") == 2998)
        await onlooker.until(lambda: onlooker.view.values.get(f"deal_{deal}_seats") == 0)
    await market.settle(database, 60)
    assert await orders(database) == [("confirmed", 900)] * 2


async def test_a_break_with_payments_under_way_takes_nothing_from_anybody(market: Fair, database: Database) -> None:
    deal = await market.open_deal()
    seats = await three(market, deal, pay=1)
    async with market.viewer("hana", Role.HOST) as host:
        await market.deadline_in(database, 2)
        assert (await host.ask("freeze"))["t"] == "ok"
        await asyncio.sleep(3)  # the deadline passes, and does not
        assert await market.pay("bob", deal, seats[1]["seat"]) == "paid"
        assert (await market.surely("dan", "open_team", deal=deal, key="k"))["code"] == "frozen"
        assert (await host.ask("unfreeze"))["t"] == "ok"
    assert await market.pay("cid", deal, seats[2]["seat"]) == "paid"
    await market.settle(database, 60)
    assert await orders(database) == [("confirmed", 800)] * 3


@pytest.mark.parametrize("way", list(Way))
async def test_notifications_that_come_after_the_deadline_and_its_grace_seat_nobody(
    settings: Settings,
    start_gateway: Callable[..., Gateways],
    people: People,
    database: Database,
    tmp_path: Path,
    way: Way,
) -> None:
    async with fair(settings, start_gateway, people, database, tmp_path, way=way) as market:
        await market.sandbox.order(way, what="late", on="pay", ms=4000)
        await market.sandbox.order(way, what="down", on="look")  # nor can anybody ask meanwhile
        deal = await market.open_deal()
        await three(market, deal, pay=3)
        await market.deadline_in(database, -31)
        async with database.read() as connection, asyncio.timeout(10):
            while await connection.fetchval("SELECT state FROM team") != "expired":
                await asyncio.sleep(0.1)
        assert await orders(database) == []
        await asyncio.sleep(4)
        await market.sandbox.call(way, "DELETE", "/v1/faults")
        await market.settle(database, 60)
        assert await orders(database) == []


async def test_who_pays_another_amount_gets_it_back_and_the_team_goes_on(market: Fair, database: Database) -> None:
    await market.sandbox.order(Way.AUTHORISE, what="converted", on="pay", times=1)
    deal = await market.open_deal()
    seats = await three(market, deal, pay=3)
    await market.deadline_in(database, 1)
    await market.settle(database, 60)
    async with database.read() as connection:
        back = await connection.fetch("SELECT seat_id, state, authorised FROM payment WHERE NOT wanted")
    assert [tuple(row) for row in back] == [(seats[0]["seat"], "voided", 901)]
    assert await orders(database) == [("confirmed", 900)] * 2
