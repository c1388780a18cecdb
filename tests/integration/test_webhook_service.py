"""What a shop does with its webhooks: endpoints, secrets, deliveries, replays; and what it may not see or reach."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from livestream import seed
from livestream.config import Settings
from livestream.protocol.errors import ErrorCode, Refused
from livestream.storage.pool import Database
from livestream.webhooks import outbox, service
from livestream.webhooks.delivery import Courier
from livestream.webhooks.resolver import Targets
from livestream.webhooks.schedule import State
from livestream.webhooks.service import ENDPOINTS_PER_SHOP, EndpointSecret
from livestream.webhooks.target import Rules
from tests.support.shopserver import ShopServer, shop_server

SHOP, OTHER = seed.SHOP, "other"


@pytest.fixture
async def shops(seeded: str, database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO shop (shop_id, name) VALUES ($1, 'Other')", OTHER)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, webhook_inside=("127.0.0.1",))


@pytest.fixture
def targets(settings: Settings) -> Iterator[Targets]:
    with contextlib.closing(Targets.of(settings)) as made:
        yield made


@pytest.fixture
async def server(shops: None) -> AsyncIterator[ShopServer]:
    async with shop_server() as running:
        yield running


@pytest.fixture
async def courier(settings: Settings) -> AsyncIterator[Courier]:
    async with Courier.open(settings) as running:
        yield running


@pytest.fixture
async def made(database: Database, targets: Targets, server: ShopServer) -> EndpointSecret:
    return await service.add_endpoint(database, targets, SHOP, server.url)


async def emit(database: Database, *types: str) -> None:
    async with database.transaction() as tx:
        await outbox.emit(tx, SHOP, [(type_, {}) for type_ in types])


async def code(attempt: Awaitable[object]) -> ErrorCode:
    with pytest.raises(Refused) as refused:
        await attempt
    return refused.value.code


async def test_an_endpoint_is_listed_without_its_secret(
    database: Database, targets: Targets, made: EndpointSecret
) -> None:
    second = await service.add_endpoint(database, targets, SHOP, made.endpoint.url, events=["b.c", "a", "a"])
    assert second.endpoint.events == ["a", "b.c"]
    assert second.secret != made.secret
    listed = await service.list_endpoints(database, SHOP)
    assert listed == [made.endpoint, second.endpoint]
    assert b"whsec_" not in msgspec.json.encode(listed)
    assert await service.list_endpoints(database, OTHER) == []


@pytest.mark.parametrize("events", [[], ["a b"], ["a."], [".a"], ["a..b"], ["ł"], ["x" * 101], ["a\n"], ["a"] * 0])
async def test_types_that_are_none_are_refused(
    database: Database, targets: Targets, made: EndpointSecret, events: list[str]
) -> None:
    url, endpoint_id = made.endpoint.url, made.endpoint.id
    assert await code(service.add_endpoint(database, targets, SHOP, url, events=events)) is ErrorCode.INVALID
    changed = service.change_endpoint(database, targets, SHOP, endpoint_id, events=events)
    assert await code(changed) is ErrorCode.INVALID


async def test_a_target_inside_is_refused_with_a_reason_that_tells_nothing(
    database: Database, made: EndpointSecret
) -> None:
    with contextlib.closing(Targets(Rules(False), lambda host: ["10.1.2.3"])) as closed:
        for attempt in (
            service.add_endpoint(database, closed, SHOP, "https://intranet.example/"),
            service.change_endpoint(database, closed, SHOP, made.endpoint.id, url="https://intranet.example/"),
        ):
            with pytest.raises(Refused) as refused:
                await attempt
            assert refused.value.code is ErrorCode.WEBHOOK_TARGET_REFUSED
            assert "10.1" not in refused.value.detail
    assert await service.list_endpoints(database, SHOP) == [made.endpoint]


async def test_a_shop_has_so_many_endpoints_and_no_race_gives_it_more(
    database: Database, targets: Targets, made: EndpointSecret
) -> None:
    async def add() -> object:
        return await service.add_endpoint(database, targets, SHOP, made.endpoint.url)

    outcomes = await asyncio.gather(*(add() for _ in range(ENDPOINTS_PER_SHOP + 3)), return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, Refused)]
    assert [each.code for each in refused] == [ErrorCode.WEBHOOK_LIMIT] * 4
    assert len(await service.list_endpoints(database, SHOP)) == ENDPOINTS_PER_SHOP


async def test_what_is_not_given_does_not_change(database: Database, targets: Targets, made: EndpointSecret) -> None:
    endpoint_id, url = made.endpoint.id, made.endpoint.url

    async def change(**what: Any) -> tuple[str, list[str] | None]:
        changed = await service.change_endpoint(database, targets, SHOP, endpoint_id, **what)
        return changed.url, changed.events

    assert await change(events=["a"]) == (url, ["a"])
    assert await change(url=url + "/new") == (url + "/new", ["a"])
    assert await change() == (url + "/new", ["a"])
    assert await change(events=None) == (url + "/new", None)


async def test_another_shop_sees_and_reaches_nothing(
    database: Database, targets: Targets, courier: Courier, server: ShopServer, made: EndpointSecret
) -> None:
    await emit(database, "a")
    (mine,) = (await service.list_deliveries(database, SHOP)).deliveries
    endpoint_id = made.endpoint.id
    for attempt in (
        service.change_endpoint(database, targets, OTHER, endpoint_id, events=["x"]),
        service.remove_endpoint(database, OTHER, endpoint_id),
        service.rotate_secret(database, OTHER, endpoint_id),
        service.disable_endpoint(database, OTHER, endpoint_id),
        service.enable_endpoint(database, OTHER, endpoint_id),
        service.send_ping(database, OTHER, endpoint_id),
        service.replay_failed(database, OTHER, endpoint_id, 0),
    ):
        assert await code(attempt) is ErrorCode.WEBHOOK_NOT_FOUND
    for other in (
        service.show_delivery(database, OTHER, mine.id),
        service.replay_delivery(database, OTHER, mine.id),
        service.show_delivery(database, SHOP, "dlv_none"),
        service.replay_delivery(database, SHOP, "dlv_none"),
    ):
        assert await code(other) is ErrorCode.DELIVERY_NOT_FOUND
    for filters in ({}, {"endpoint_id": endpoint_id}):
        assert (await service.list_deliveries(database, OTHER, **filters)).deliveries == []
    assert await service.list_endpoints(database, SHOP) == [made.endpoint]


async def test_a_removed_endpoint_gets_nothing_more_and_holds_up_nobody(
    database: Database, courier: Courier, server: ShopServer, made: EndpointSecret
) -> None:
    await emit(database, "a")
    async with database.transaction() as tx:
        await outbox.emit(tx, SHOP, [("b", {})])
        async with asyncio.timeout(1):
            await service.remove_endpoint(database, SHOP, made.endpoint.id)
    assert await courier.deliver(database) == 0
    assert await courier.stop_strays(database) == 2
    page = await service.list_deliveries(database, SHOP)
    assert [(each.state, each.error) for each in page.deliveries] == [
        (State.FAILED, "the endpoint was disabled or removed")
    ] * 2
    again = service.replay_delivery(database, SHOP, page.deliveries[0].id)
    assert await code(again) is ErrorCode.WEBHOOK_NOT_FOUND
    assert server.received == []


async def test_while_a_secret_rotates_both_sign_and_then_only_the_new_one(
    database: Database, courier: Courier, server: ShopServer, made: EndpointSecret
) -> None:
    async def who_signs(*secrets: str) -> list[bool]:
        await emit(database, "a")
        await courier.deliver(database)
        got = server.received[-1]

        def holds(secret: str) -> bool:
            try:
                Webhook(secret).verify(got.body, got.headers)
            except WebhookVerificationError:
                return False
            return True

        return [holds(secret) for secret in secrets]

    first = made.secret
    assert await who_signs(first) == [True]
    rotated = await service.rotate_secret(database, SHOP, made.endpoint.id)
    second = rotated.secret
    until = rotated.endpoint.old_secret_until
    assert until is not None
    assert abs(until / 1000 - time.time() - 86_400) < 60
    assert await who_signs(first, second) == [True, True]
    async with database.transaction() as tx:
        await tx.execute("UPDATE webhook_endpoint SET old_secret_until = clock_timestamp()")
    assert await who_signs(first, second) == [False, True]
    assert (await service.list_endpoints(database, SHOP))[0].old_secret_until is None
    await courier.forget_old(database)
    async with database.read() as connection:
        assert await connection.fetchval("SELECT old_secret FROM webhook_endpoint") is None
    third = (await service.rotate_secret(database, SHOP, made.endpoint.id, overlap_s=0)).secret
    assert await who_signs(second, third) == [False, True]


async def test_a_disabled_endpoint_is_left_alone_until_it_is_enabled(
    database: Database, courier: Courier, server: ShopServer, made: EndpointSecret
) -> None:
    server.status = 500
    await emit(database, "a", "b")
    await courier.deliver(database)
    disabled = await service.disable_endpoint(database, SHOP, made.endpoint.id)
    assert disabled.disabled_reason == "by_hand"
    assert await service.disable_endpoint(database, SHOP, made.endpoint.id) == disabled
    await courier.stop_strays(database)
    page = await service.list_deliveries(database, SHOP, state=State.FAILED)
    assert len(page.deliveries) == 2
    for attempt in (
        service.send_ping(database, SHOP, made.endpoint.id),
        service.replay_failed(database, SHOP, made.endpoint.id, 0),
        service.replay_delivery(database, SHOP, page.deliveries[0].id),
    ):
        assert await code(attempt) is ErrorCode.WEBHOOK_DISABLED
    server.status = 200
    enabled = await service.enable_endpoint(database, SHOP, made.endpoint.id)
    assert enabled == made.endpoint
    assert await courier.deliver(database) == 0
    assert await service.replay_failed(database, SHOP, made.endpoint.id, 0) == 2
    assert await courier.deliver(database) == 2
    assert len(set(server.ids)) == 2


async def test_replay_sends_the_same_message_again(
    database: Database, courier: Courier, server: ShopServer, made: EndpointSecret
) -> None:
    await emit(database, "a")
    await courier.deliver(database)
    (delivered,) = (await service.list_deliveries(database, SHOP)).deliveries
    again = await service.replay_delivery(database, SHOP, delivered.id)
    assert (again.state, again.attempts) == (State.PENDING, 0)
    await courier.deliver(database)
    assert server.ids == [delivered.message] * 2
    assert server.received[0].body == server.received[1].body


async def test_what_is_pending_is_hurried_and_what_is_under_way_is_not_sent_beside_itself(
    database: Database, courier: Courier, server: ShopServer, made: EndpointSecret
) -> None:
    async def due_in_s() -> float:
        (pending,) = (await service.list_deliveries(database, SHOP)).deliveries
        again = await service.replay_delivery(database, SHOP, pending.id)
        assert again.next_at is not None
        return again.next_at / 1000 - time.time()

    server.status = 500
    await emit(database, "a")
    await courier.deliver(database)
    assert await due_in_s() < 1
    async with database.transaction() as tx:
        await tx.execute("UPDATE webhook_delivery SET lease = 'x', next_at = clock_timestamp() + interval '30 s'")
    assert await due_in_s() > 25


async def test_failed_ones_are_replayed_from_a_time_on(
    database: Database, courier: Courier, server: ShopServer, made: EndpointSecret, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_REPLAY_SIZE", 2)
    await emit(database, "old", "a", "b", "c", "good")
    async with database.transaction() as tx:
        await tx.execute("UPDATE webhook_delivery SET state = 'failed'")
        await tx.execute("UPDATE webhook_message SET at = at - interval '1 hour' WHERE type = 'old'")
        await tx.execute(
            "UPDATE webhook_delivery SET state = 'delivered' FROM webhook_message m"
            " WHERE m.message_id = webhook_delivery.message_id AND type = 'good'"
        )
    since_ms = int(time.time() * 1000) - 60_000
    assert await service.replay_failed(database, SHOP, made.endpoint.id, since_ms) == 3
    await courier.deliver(database)
    assert sorted(str(got.event["type"]) for got in server.received) == ["a", "b", "c"]


async def test_a_ping_goes_to_one_endpoint_whatever_it_wants(
    database: Database, targets: Targets, courier: Courier, server: ShopServer, made: EndpointSecret
) -> None:
    picky = await service.add_endpoint(database, targets, SHOP, server.url + "/picky", events=["other"])
    sent = await service.send_ping(database, SHOP, picky.endpoint.id)
    assert (sent.type, sent.state) == ("ping", State.PENDING)
    await courier.deliver(database)
    (got,) = server.received
    assert (got.path, got.id) == ("/hook/picky", sent.message)
    assert got.event["data"] == {"endpoint": picky.endpoint.id}
    assert list(got.event) == ["type", "timestamp", "data"]
    Webhook(picky.secret).verify(got.body, got.headers)


async def test_deliveries_come_in_pages_newest_first_filtered(
    database: Database, targets: Targets, courier: Courier, server: ShopServer, made: EndpointSecret
) -> None:
    picky = await service.add_endpoint(database, targets, SHOP, server.url, events=["b"])
    for _ in range(4):
        await emit(database, "a", "b", "c")
    seen, before = [], None
    while True:
        page = await service.list_deliveries(database, SHOP, before=before, limit=5)
        seen += page.deliveries
        before = page.next
        if before is None:
            break
    ids = [each.id for each in seen]
    assert len(ids) == 16
    assert ids == sorted(set(ids), reverse=True)

    async def count(**filters: Any) -> int:
        return len((await service.list_deliveries(database, SHOP, **filters)).deliveries)

    assert await count(endpoint_id=picky.endpoint.id) == 4
    assert await count(type="b") == 8
    assert await count(type="a", endpoint_id=picky.endpoint.id) == 0
    assert await count(state=State.PENDING) == 16
    assert await count(state=State.DELIVERED) == 0
    assert await count(limit=0) == 1
    await courier.deliver(database)
    assert await count(state=State.DELIVERED, type="c") == 4
