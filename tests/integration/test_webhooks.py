"""Webhooks from the business transaction to the shop's server: at least once, under one id, whoever dies on the way."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec
import pytest
from aiohttp import web

from livestream import seed
from livestream.config import Settings
from livestream.deployment import to_environ
from livestream.protocol.errors import Unavailable
from livestream.storage.pool import Database
from livestream.webhooks import outbox, queue, service, signature
from livestream.webhooks.delivery import Courier
from livestream.webhooks.resolver import Targets
from livestream.webhooks.schedule import ATTEMPTS, DELAYS_S, State
from livestream.webhooks.service import EndpointSecret
from livestream.webhooks.store import Delivery
from livestream.webhooks.target import Rules
from tests.support.gateways import clean_environ
from tests.support.ports import free_port
from tests.support.shopserver import Received, ShopServer, own_certificate, shop_server
from tests.support.waiting import until

SHOP = seed.SHOP


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Webhooks may go to this machine, and need not wait long for it."""
    return msgspec.structs.replace(settings, webhook_inside=("127.0.0.1",), webhook_timeout_ms=2000)


@pytest.fixture
async def shop(seeded: str) -> AsyncIterator[ShopServer]:
    async with shop_server() as server:
        yield server


@pytest.fixture
async def courier(settings: Settings) -> AsyncIterator[Courier]:
    async with Courier.open(settings) as running:
        yield running


async def add(database: Database, settings: Settings, url: str, **more: Any) -> EndpointSecret:
    with contextlib.closing(Targets.of(settings)) as targets:
        return await service.add_endpoint(database, targets, SHOP, url, **more)


@pytest.fixture
async def endpoint(database: Database, settings: Settings, shop: ShopServer) -> EndpointSecret:
    """The shop's server is told everything."""
    return await add(database, settings, shop.url)


async def emit(database: Database, *types: str, data: object = None) -> None:
    async with database.transaction() as tx:
        await outbox.emit(tx, SHOP, [(type_, {"n": n} if data is None else data) for n, type_ in enumerate(types)])


async def deliveries(database: Database) -> list[Delivery]:
    """All, the oldest first."""
    page = await service.list_deliveries(database, SHOP, limit=service.PAGE_MAX)
    return page.deliveries[::-1]


async def only(database: Database) -> Delivery:
    (found,) = await deliveries(database)
    return found


async def execute(database: Database, sql: str) -> None:
    async with database.transaction() as tx:
        await tx.execute(sql)


async def make_due(database: Database) -> None:
    """As if the time had come: of retries, of leases, of endpoints that wanted quiet."""
    await execute(database, "UPDATE webhook_delivery SET next_at = clock_timestamp() WHERE state = 'pending'")
    await execute(database, "UPDATE webhook_endpoint SET quiet_until = NULL")


async def test_an_event_arrives_once_signed_and_whole(
    database: Database, courier: Courier, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    data = {"text": 'żółć "直播" \u2028 </script> \x00', "amount_cents": 12_50, "nothing": None}
    before = time.time()
    await emit(database, "refund.confirmed", data=data)
    assert await courier.deliver(database) == 1
    assert await courier.deliver(database) == 0
    (got,) = shop.received
    signature.verify([endpoint.secret], got.headers, got.body, time.time())
    assert got.request.method == "POST"
    assert got.path == "/hook"
    assert got.headers["content-type"] == "application/json"
    assert list(got.event) == ["type", "timestamp", "data"]
    assert got.event["type"] == "refund.confirmed"
    assert got.event["data"] == data
    happened = msgspec.convert(got.event["timestamp"], datetime).timestamp()
    assert before - 2 < happened < time.time() + 2
    stored = await only(database)
    assert (stored.state, stored.attempts, stored.status, stored.error) == (State.DELIVERED, 1, 204, None)
    assert (stored.message, stored.type, stored.next_at) == (got.id, "refund.confirmed", None)
    assert abs(stored.at - happened * 1000) < 2
    shown = await service.show_delivery(database, SHOP, stored.id)
    assert bytes(shown.body) == got.body


async def test_a_rollback_emits_nothing(database: Database, courier: Courier, endpoint: EndpointSecret) -> None:
    with pytest.raises(KeyError):
        async with database.transaction() as tx:
            await outbox.emit(tx, SHOP, [("a", 1)])
            raise KeyError
    assert await courier.deliver(database) == 0
    assert await deliveries(database) == []


async def test_a_shop_without_an_endpoint_that_wants_it_stores_nothing(
    database: Database, settings: Settings, shop: ShopServer
) -> None:
    async def stored() -> tuple[int, int]:
        async with database.read() as connection:
            return tuple(  # type: ignore[return-value]
                await connection.fetchrow(
                    "SELECT (SELECT count(*) FROM webhook_message), (SELECT count(*) FROM webhook_delivery)"
                )
            )

    await emit(database, "a.b", "c")
    assert await stored() == (0, 0)
    made = await add(database, settings, shop.url, events=["c", "d"])
    await emit(database, "a.b", "c")
    await emit(database)
    assert await stored() == (1, 1)
    await add(database, settings, shop.url)
    await emit(database, "a.b", "c")
    assert await stored() == (3, 4)
    await service.disable_endpoint(database, SHOP, made.endpoint.id)
    await emit(database, "c")
    assert await stored() == (4, 5)
    async with database.transaction() as tx:
        await outbox.emit(tx, "another", [("c", 1)])
    assert await stored() == (4, 5)


async def test_events_of_an_endpoint_leave_in_order(
    database: Database, settings: Settings, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    async def at_once(got: Received) -> web.StreamResponse:
        return web.Response()

    shop.answer = at_once
    for _ in range(3):
        await emit(database, *["step"] * 20)
    async with Courier.open(msgspec.structs.replace(settings, webhook_parallel=1)) as courier:
        assert await courier.deliver(database) == 60
    assert [got.event["data"] for got in shop.received] == [{"n": n} for n in range(20)] * 3
    assert shop.ids == sorted(set(shop.ids))


async def test_a_failure_is_tried_again_by_the_schedule_under_the_same_id(
    database: Database, courier: Courier, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    shop.status = 500
    await emit(database, "a")
    for attempt, delay in enumerate(DELAYS_S, 1):
        assert await courier.deliver(database) == 1
        assert await courier.deliver(database) == 0
        stored = await only(database)
        assert (stored.state, stored.attempts, stored.status) == (State.PENDING, attempt, 500)
        assert stored.next_at is not None
        assert stored.attempted_at is not None
        assert delay * 1000 - 1000 <= stored.next_at - stored.attempted_at <= delay * 1200 + 1000
        await make_due(database)
    assert await courier.deliver(database) == 1
    stored = await only(database)
    assert (stored.state, stored.attempts) == (State.FAILED, ATTEMPTS)
    await make_due(database)
    assert await courier.deliver(database) == 0
    assert len(shop.ids) == ATTEMPTS
    assert len(set(shop.ids)) == 1


async def test_a_server_that_comes_back_gets_it(
    database: Database, courier: Courier, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    shop.status = 503
    await emit(database, "a")
    await courier.deliver(database)
    (failing,) = await service.list_endpoints(database, SHOP)
    assert failing.failing_since is not None
    shop.status = 200
    await make_due(database)
    await courier.deliver(database)
    assert (await only(database)).state is State.DELIVERED
    (healthy,) = await service.list_endpoints(database, SHOP)
    assert healthy.failing_since is None


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_silences_the_endpoint(
    database: Database, courier: Courier, shop: ShopServer, endpoint: EndpointSecret, status: int
) -> None:
    async def later(got: Received) -> web.StreamResponse:
        return web.Response(status=status, headers={"Retry-After": "600"})

    shop.answer = later
    await emit(database, "a")
    await courier.deliver(database)
    first = await only(database)
    assert first.next_at is not None
    assert first.attempted_at is not None
    assert 595_000 < first.next_at - first.attempted_at < 605_000
    shop.answer = None
    await emit(database, "b")
    assert await courier.deliver(database) == 0, "another event would break its peace too"
    await execute(database, "UPDATE webhook_endpoint SET quiet_until = quiet_until - interval '11 minutes'")
    assert await courier.deliver(database) == 1
    assert [got.event["type"] for got in shop.received] == ["a", "b"]


async def test_410_disables_the_endpoint_and_ends_what_waits_for_it(
    database: Database, courier: Courier, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    shop.status = 500
    await emit(database, "old")
    await courier.deliver(database)
    shop.status = 410
    await emit(database, "new")
    await courier.deliver(database)
    (disabled,) = await service.list_endpoints(database, SHOP)
    assert (disabled.disabled_reason, disabled.disabled_at is None) == ("gone", False)
    await make_due(database)
    assert await courier.deliver(database) == 0
    assert await courier.stop_strays(database) == 1
    assert [each.state for each in await deliveries(database)] == [State.FAILED] * 2
    await emit(database, "later")
    assert len(await deliveries(database)) == 2


@pytest.mark.parametrize(("days", "disabled"), [(4.99, None), (5.01, "failing")])
async def test_five_days_of_nothing_but_failures_disable_the_endpoint(
    database: Database,
    courier: Courier,
    shop: ShopServer,
    endpoint: EndpointSecret,
    days: float,
    disabled: str | None,
) -> None:
    shop.status = 500
    await emit(database, "a")
    await courier.deliver(database)
    await execute(database, f"UPDATE webhook_endpoint SET failing_since = failing_since - {days} * interval '1 day'")
    await make_due(database)
    await courier.deliver(database)
    (found,) = await service.list_endpoints(database, SHOP)
    assert found.disabled_reason == disabled
    assert (await only(database)).state is (State.FAILED if disabled else State.PENDING)


async def test_a_time_out_a_refusal_and_a_broken_answer_are_failures_with_a_reason(
    database: Database, settings: Settings, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    async def hang_up(got: Received) -> web.StreamResponse:
        assert got.request.transport is not None
        got.request.transport.abort()
        raise web.HTTPOk

    async def nonsense(got: Received) -> web.StreamResponse:
        assert got.request.transport is not None
        got.request.transport.write(b"SSH-2.0-hello\r\n\r\n")  # type: ignore[attr-defined]
        got.request.transport.close()
        raise web.HTTPOk

    async def reason(courier: Courier) -> str:
        await emit(database, "a")
        await courier.deliver(database)
        stored = (await deliveries(database))[-1]
        assert (stored.state, stored.status) == (State.PENDING, None)
        return stored.error or ""

    async with Courier.open(msgspec.structs.replace(settings, webhook_timeout_ms=300)) as courier:
        shop.answer = shop.dawdle
        assert await reason(courier) == "no answer in 0.3 s"
        shop.answer = hang_up
        assert await reason(courier) == "the connection broke"
        shop.answer = nonsense
        assert (await reason(courier)).startswith("no answer that is HTTP")
        await execute(database, f"UPDATE webhook_endpoint SET url = 'http://127.0.0.1:{free_port()}/'")
        assert (await reason(courier)).startswith("no connection: ")


async def test_a_redirect_is_a_failure_and_never_followed(
    database: Database, courier: Courier, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    async def elsewhere(got: Received) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "/other"})

    shop.answer = elsewhere
    await emit(database, "a")
    await courier.deliver(database)
    assert [got.path for got in shop.received] == ["/hook"]
    assert (await only(database)).status == 307


async def test_a_response_is_kept_to_500_characters_and_read_no_further(
    database: Database, courier: Courier, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    async def flood(got: Received) -> web.StreamResponse:
        response = web.StreamResponse(status=200)
        await response.prepare(got.request)
        for _ in range(10_000):
            await response.write("\0żółć".encode() * 4096)
        return response

    shop.answer = flood
    await emit(database, "a")
    await courier.deliver(database)
    stored = await only(database)
    assert stored.state is State.DELIVERED
    assert stored.response == ("\N{REPLACEMENT CHARACTER}żółć" * 100)
    await until(lambda: not shop.under_way, "the flood ends with its connection")
    assert stored.duration_ms is not None
    assert stored.duration_ms < 900, "it was not read until its time was up"


async def test_a_body_that_dawdles_does_not_undo_the_status(
    database: Database, courier: Courier, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    async def begin(got: Received) -> web.StreamResponse:
        response = web.StreamResponse(status=201)
        await response.prepare(got.request)
        await response.write(b"well")
        return await shop.dawdle(got)

    shop.answer = begin
    await emit(database, "a")
    await courier.deliver(database)
    stored = await only(database)
    assert (stored.state, stored.status, stored.response) == (State.DELIVERED, 201, "well")


async def test_a_compressed_bomb_stays_compressed(
    database: Database, courier: Courier, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    async def bomb(got: Received) -> web.StreamResponse:
        response = web.Response(body=b"x" * 10_000_000, zlib_executor_size=100_000_000)
        response.enable_compression(web.ContentCoding.deflate)
        return response

    shop.answer = bomb
    await emit(database, "a")
    await courier.deliver(database)
    stored = await only(database)
    assert stored.state is State.DELIVERED
    assert stored.response
    assert "xxx" not in stored.response


async def test_the_proxy_of_the_environment_is_not_used(
    database: Database, courier: Courier, shop: ShopServer, endpoint: EndpointSecret, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    await emit(database, "a")
    await courier.deliver(database)
    assert (await only(database)).state is State.DELIVERED


@pytest.mark.parametrize("host", ["shop.example", "127.0.0.1"])
async def test_a_target_that_has_moved_inside_is_not_reached(
    database: Database, settings: Settings, shop: ShopServer, host: str
) -> None:
    """The name answers with an address of the internet when the endpoint is added, and with ours when it is used."""
    answers = [["8.8.8.8"]]
    url = shop.url.replace("127.0.0.1", "shop.example")
    with contextlib.closing(Targets(Rules(False), lambda _: answers.pop() if answers else ["127.0.0.1"])) as targets:
        made = await service.add_endpoint(database, targets, SHOP, url)
        await execute(database, f"UPDATE webhook_endpoint SET url = replace(url, 'shop.example', '{host}')")
        await emit(database, "a")
        async with Courier.open(settings, targets) as courier:
            await courier.deliver(database)
    stored = await only(database)
    assert (stored.endpoint, stored.status) == (made.endpoint.id, None)
    assert "inside the network" in (stored.error or "")
    assert shop.received == []


async def test_a_name_is_looked_up_once_a_connection_and_that_answer_is_used(
    database: Database, settings: Settings, shop: ShopServer
) -> None:
    asked = []

    async def hang_up_after(got: Received) -> web.StreamResponse:
        return web.Response(headers={"Connection": "close"})

    def lookup(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    url = shop.url.replace("127.0.0.1", "shop.example")
    async with Courier.open(settings, Targets(Rules.of(settings), lookup)) as courier:
        with contextlib.closing(Targets(Rules.of(settings), lookup)) as targets:
            await service.add_endpoint(database, targets, SHOP, url)
        shop.answer = hang_up_after
        for _ in range(2):
            await emit(database, "a")
            await courier.deliver(database)
    assert asked == ["shop.example"] * 3
    assert shop.received[0].headers["host"].startswith("shop.example:")


async def test_two_workers_never_send_one_message_at_the_same_time_nor_twice(
    database: Database, settings: Settings, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    async def slowly(got: Received) -> web.StreamResponse:
        await asyncio.sleep(0.01)
        return web.Response(status=500 if len(shop.received) % 3 == 0 else 200)

    shop.answer = slowly
    await add(database, settings, shop.url + "/2")
    for _ in range(10):
        await emit(database, *["a"] * 10)
    async with contextlib.AsyncExitStack() as stack:
        couriers = [await stack.enter_async_context(Courier.open(settings)) for _ in range(4)]
        while any(each.state is State.PENDING for each in await deliveries(database)):
            await asyncio.gather(*(courier.deliver(database) for courier in couriers))
            await make_due(database)
    answered = [each for each in await deliveries(database) if each.state is State.DELIVERED]
    assert len(answered) == 200
    assert shop.at_once <= 2, "a message goes to two endpoints, to each once at a time"
    assert len(shop.received) == sum(each.attempts for each in answered)


async def test_an_endpoint_takes_a_few_at_a_time_and_a_slow_one_delays_no_other(
    database: Database, settings: Settings, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    shop.answer = shop.dawdle
    await emit(database, *["slow"] * 50)
    async with shop_server() as other, Courier.open(settings) as courier:
        sending = asyncio.create_task(courier.deliver(database))
        await until(lambda: len(shop.received) == 4, "its share of the slots is taken")
        await add(database, settings, other.url, events=["quick"])
        began = time.monotonic()
        await emit(database, *["quick"] * 20)
        await until(lambda: len(set(other.ids)) == 20, "the other shop's webhooks arrive")
        assert time.monotonic() - began < 1.5
        assert shop.most == 4
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def test_who_has_fewest_under_way_goes_first_then_who_is_healthy(
    database: Database, settings: Settings, shop: ShopServer
) -> None:
    ids = [(await add(database, settings, shop.url)).endpoint.id for _ in range(3)]
    ailing, busy, idle = ids
    await execute(database, f"UPDATE webhook_endpoint SET failing_since = now() WHERE endpoint_id = '{ailing}'")
    await emit(database, *["a"] * 5)

    async def claim(limit: int, **under_way: int) -> list[int]:
        async with database.transaction() as tx:
            found = [each.endpoint_id for each in await queue.claim(tx, limit, 4, under_way, "x", 0.0)]
        return [found.count(each) for each in ids]

    assert await claim(16) == [4, 4, 4]
    assert await claim(3) == [1, 1, 1]
    assert await claim(2) == [0, 1, 1]
    assert await claim(5) == [1, 2, 2]
    assert await claim(5, **{busy: 2}) == [2, 1, 2]
    assert await claim(16, **{busy: 4, idle: 3}) == [4, 0, 1]


async def test_while_postgres_is_away_a_result_waits_to_be_recorded(
    database: Database, courier: Courier, shop: ShopServer, endpoint: EndpointSecret, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, refusals = database.transaction, 3

    @contextlib.asynccontextmanager
    async def flaky(**arguments: Any) -> AsyncIterator[Any]:
        nonlocal refusals
        if shop.received and refusals:
            refusals -= 1
            raise Unavailable("postgres")
        async with begin(**arguments) as tx:
            yield tx

    await emit(database, "a")
    monkeypatch.setattr(database, "transaction", flaky)
    with contextlib.suppress(Unavailable):
        await courier.deliver(database)
    assert refusals == 0
    assert (await only(database)).state is State.DELIVERED
    assert len(shop.received) == 1


async def test_what_is_under_way_at_sigterm_ends_and_is_recorded(
    database: Database, settings: Settings, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    async def slowly(got: Received) -> web.StreamResponse:
        await asyncio.sleep(0.5)
        return web.Response()

    shop.answer = slowly
    await emit(database, "a")
    async with Courier.open(msgspec.structs.replace(settings, drain_s=5.0)) as courier:
        sending = asyncio.create_task(courier.deliver(database))
        await until(lambda: shop.under_way, "it is under way")
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    assert (await only(database)).state is State.DELIVERED


@contextlib.contextmanager
def worker(settings: Settings) -> Any:
    process = subprocess.Popen(
        [sys.executable, "-m", "livestream", "worker"],
        env=clean_environ(**to_environ(settings)),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        _, said = process.communicate()
        assert b"Traceback" not in said, said.decode()
        assert b'"exception"' not in said, said.decode()


async def test_a_worker_killed_between_send_and_record_loses_nothing(
    database: Database, settings: Settings, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    shop.answer = shop.dawdle
    await emit(database, "a", "b", "c")
    with worker(settings) as first:
        await until(lambda: len(shop.received) == 3, "the worker sends")
        first.kill()
        first.wait()
    assert [each.attempts for each in await deliveries(database)] == [0, 0, 0]
    shop.answer = None
    with worker(settings) as second:
        await asyncio.sleep(1.5)
        assert len(shop.received) == 3, "the lease still holds"
        await make_due(database)
        await until(lambda: len(shop.received) == 6, "the second worker sends them again")
        deadline = time.monotonic() + 10
        while any(each.state is not State.DELIVERED for each in await deliveries(database)):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        second.terminate()
        assert second.wait(10) == 0
    assert sorted(shop.ids[3:]) == sorted(shop.ids[:3])
    assert len(set(shop.ids)) == 3


async def test_a_claim_that_another_took_over_is_not_recorded(
    database: Database, courier: Courier, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    async def taken_over(got: Received) -> web.StreamResponse:
        await execute(database, "UPDATE webhook_delivery SET lease = 'another'")
        return web.Response(status=500)

    shop.answer = taken_over
    await emit(database, "a")
    await courier.deliver(database)
    stored = await only(database)
    assert (stored.attempts, stored.status) == (0, None)


async def test_a_worker_that_was_frozen_past_its_lease_does_not_send(
    database: Database, courier: Courier, shop: ShopServer, endpoint: EndpointSecret
) -> None:
    await emit(database, "a")
    async with database.transaction() as tx:
        (claimed,) = await queue.claim(tx, 1, 1, {}, "mine", 30.0)
    await courier._deliver(database, claimed, "mine", time.monotonic() + 1.0)
    assert shop.received == []
    await courier._deliver(database, claimed, "mine", time.monotonic() + 30.0)
    assert shop.ids == [claimed.message_id]


async def test_a_certificate_that_does_not_hold_is_a_failure_with_a_reason(
    database: Database, settings: Settings, courier: Courier, seeded: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own_certificate(context)
    async with shop_server(context) as server:
        await add(database, settings, server.url)
        await emit(database, "a")
        await courier.deliver(database)
    assert server.received == []
    assert (await only(database)).error == "the certificate does not hold: self-signed certificate"


async def test_messages_are_forgotten_with_their_deliveries_after_their_days(
    database: Database, courier: Courier, settings: Settings, endpoint: EndpointSecret
) -> None:
    await emit(database, "old", "new")
    await execute(
        database,
        f"UPDATE webhook_message SET at = at - {settings.webhook_keep_days} * interval '1 day' WHERE type = 'old'",
    )
    assert await courier.forget_old(database) == 1
    assert [each.type for each in await deliveries(database)] == ["new"]
