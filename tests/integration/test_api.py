"""HTTP: the same commands with the same effect; what only a shop asks; and an outside tool that attacks all of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import redis.asyncio

from livestream import seed
from livestream.auth import ShopKey
from livestream.config import Settings
from livestream.deployment import to_environ
from livestream.embedded import Stores
from livestream.protocol.errors import CloseCode
from livestream.protocol.http import OPERATIONS
from livestream.protocol.roles import Role
from livestream.protocol.shop import SHOP_COMMANDS
from livestream.storage.pool import Database
from tests.support import live_draws
from tests.support.gateways import Gateways, clean_environ
from tests.support.people import People, pseudonym_of
from tests.support.wsclient import joined

SHOP, ROOM = seed.SHOP, seed.ROOM


class Backend:
    """A program that talks to one gateway over HTTP."""

    def __init__(self, url: str, people: People, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.people = people
        self.session = session

    async def ask(
        self, method: str, path: str, body: Any = None, *, role: Role | None = Role.SERVICE, key: str | None = None,
        token: str | None = None, headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:  # fmt: skip
        sent = dict(headers or {})
        if token is None and role is not None:
            token = self.people.token(f"{role}-1", role, name="Ada")
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if key is not None:
            sent["Idempotency-Key"] = key
        async with self.session.request(method, self.url + path, json=body, headers=sent) as response:
            assert response.content_type == "application/json", await response.text()
            return response.status, await response.json()

    async def shop(self, command: str, /, **body: Any) -> Any:
        status, answer = await self.ask("POST", f"/v1/shops/{SHOP}/{command}", body)
        assert status == 200, answer
        return answer

    async def room(self, command: str, /, **body: Any) -> Any:
        status, answer = await self.ask("POST", f"/v1/rooms/{ROOM}/{command}", body)
        assert status == 200, answer
        return answer


@pytest.fixture
async def backend(start_gateway: Callable[..., Gateways], people: People) -> AsyncIterator[Backend]:
    gateway = start_gateway(
        staff_rate_burst=10_000,
        heartbeat_ms=200,
        allowed_origins=("same", "https://app.example"),
        webhook_inside=("127.0.0.1",),
    )
    async with aiohttp.ClientSession() as session:
        yield Backend(gateway.url, people, session)


@contextlib.asynccontextmanager
async def viewer(backend: Backend, name: str = "ann", room: str = ROOM) -> AsyncIterator[Any]:
    token = backend.people.token(name)
    async with joined(backend.url.replace("http", "ws") + "/v1/ws", token=token, room=room) as client:
        yield client


async def test_a_command_has_the_effect_it_has_on_a_websocket_and_a_key_has_it_once(backend: Backend) -> None:
    async with viewer(backend) as ann:
        answers = [await backend.ask("POST", f"/v1/rooms/{ROOM}/say", {"text": "Hi"}, key="k1") for _ in range(3)]
        assert [status for status, _ in answers] == [200] * 3
        assert {answer["id"] for _, answer in answers} == {answers[0][1]["id"]}
        await ann.until(lambda: ann.state["seq"] == answers[0][1]["seq"])
        assert [message["text"] for message in ann.state["messages"]] == ["Hi"]
    status, answer = await backend.ask("POST", f"/v1/rooms/{ROOM}/say", {"text": "Other"}, key="k1")
    assert (status, answer["error"]["code"]) == (409, "key_reused")


@pytest.mark.parametrize(("path", "body", "role", "status", "code"), [
    ("/v1/rooms/demo/say", {}, Role.HOST, 400, "invalid"),
    ("/v1/rooms/demo/say", {"text": 5}, Role.HOST, 400, "invalid"),
    ("/v1/rooms/demo/say", {"text": "a\0b"}, Role.HOST, 400, "invalid"),
    ("/v1/rooms/demo/say", {"text": "x"}, Role.VIEWER, 403, "forbidden"),
    ("/v1/rooms/demo/say", {"text": "x"}, None, 401, "token_invalid"),
    ("/v1/rooms/nowhere/say", {"text": "x"}, Role.HOST, 404, "room_not_found"),
    ("/v1/rooms/Demo/say", {"text": "x"}, Role.HOST, 404, "room_not_found"),
    ("/v1/rooms/demo/explode", {}, Role.HOST, 404, "not_found"),
    ("/v1/shops/other/create_room", {"room": "x", "title": "X"}, Role.SERVICE, 404, "shop_not_found"),
    ("/v1/shops/demo/create_room", {"room": "x", "title": "X"}, Role.OPERATOR, 403, "forbidden"),
    ("/v1/shops/demo/create_room", {"room": "demo", "title": "X"}, Role.SERVICE, 409, "id_taken"),
    ("/v1/shops/demo/add_key", {"public_key": "x"}, Role.SERVICE, 400, "key_refused"),
    ("/v1/shops/demo/set_shop", {"time_zone": "Mars/Base"}, Role.SERVICE, 400, "time_zone_unknown"),
    ("/v1/shops/demo/webhooks", {"url": "http://169.254.169.254/"}, Role.OPERATOR, 400, "webhook_target_refused"),
])  # fmt: skip
async def test_what_is_wrong_is_told_in_one_shape(
    backend: Backend, path: str, body: dict[str, object], role: Role | None, status: int, code: str
) -> None:
    got, answer = await backend.ask("POST", path, body, role=role)
    assert (got, answer["error"]["code"]) == (status, code), answer


async def test_another_shops_token_opens_nothing(backend: Backend, database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO shop (shop_id, name) VALUES ('evil', 'Evil')")
        await tx.execute(
            "INSERT INTO shop_key (kid, shop_id, algorithm, key) VALUES ('evil-1', 'evil', 'HS256', $1)", "e" * 64
        )
    evil = People(ShopKey("evil-1", "evil", "HS256", "e" * 64)).token("eve", Role.SERVICE)
    for operation in OPERATIONS:
        if operation.roles is None:
            continue
        path = operation.path.format(room=ROOM, shop=SHOP, webhook="x", delivery="x", draw="0" * 32, deal="0" * 13)
        if path.startswith("/v1/tickets"):
            continue
        status, answer = await backend.ask(operation.method, path, _least(operation.body), token=evil, key="k")
        assert answer["error"]["code"] in ("token_invalid", "shop_not_found"), (path, status, answer)


def _least(body: Any) -> Any:
    """The smallest body that validates."""
    if body is None:
        return None
    values = {
        "text": "x", "comment": "0" * 13, "who": "p", "notice": 1, "message": "0" * 13, "title": "T", "starts_at": 0,
        "state": "live", "seconds": 60, "name": "N", "to": "p", "comments": ["0" * 13], "show": True, "purchase": "A",
        "why": "w", "refund": "0" * 13, "confirm": True, "room": "r", "viewer": "v", "role": "host", "kid": "k",
        "words": ["w"], "action": "hold", "product": "p", "price": 1, "currency": "PLN", "amount": 1,
        "url": "https://a.example/", "since": 0, "draw": "0" * 32, "party": 2, "secret": "0" * 64,
        "form": {"name": "N"}, "steps": [{"people": 2, "price": 1}], "stock": 2, "deal": "0" * 13, "team": "0" * 13,
        "seat": "0" * 13, "order": "0" * 13, "by_s": 1, "invite": "A" * 22, "prize": 0,
        "plan": {"title": "T", "organiser": "O", "prizes": [{"tier": "1", "name": "N", "value": 1, "currency": "PLN"}]},
    }  # fmt: skip
    return {each.name: values[each.name] for each in msgspec.structs.fields(body) if each.required}


async def test_each_operation_is_for_its_roles_and_no_other(backend: Backend) -> None:
    for operation in OPERATIONS:
        if operation.roles is None or operation.path.startswith("/v1/tickets"):
            continue
        path = operation.path.format(room=ROOM, shop=SHOP, webhook="x", delivery="x", draw="0" * 32, deal="0" * 13)
        for role in set(Role) - {Role.ANONYMOUS} - operation.roles:
            status, answer = await backend.ask(operation.method, path, _least(operation.body), role=role, key="k")
            assert (status, answer["error"]["code"]) == (403, "forbidden"), (path, role)


async def test_a_product_that_is_on_screen_changes_there(backend: Backend) -> None:
    product = {"product": "cup-1", "title": "Cup", "price": 1999, "currency": "PLN", "stock": 12,
               "variants": [{"id": "blue", "title": "Blue", "price": 2099, "stock": 3}],
               "pictures": [{"url": "https://shop.example/c.jpg", "alt": "A cup"}], "tax_included": True}  # fmt: skip
    await backend.shop("put_product", **product)
    await backend.room("feature", product="cup-1")
    async with viewer(backend) as ann:
        shown = ann.state["featured"]
        assert (shown["price"], shown["stock"], shown["variants"][0]["stock"]) == (1999, 12, 3)
        await backend.shop("put_product", **{**product, "price": 999, "stock": 5})
        await ann.until(lambda: ann.state["featured"]["price"] == 999)
        status, listed = await backend.ask("GET", f"/v1/rooms/{ROOM}/products", role=None)
        assert (status, listed["items"][0]["stock"]) == (200, 5)
        await backend.shop("remove_product", product="cup-1")
        await ann.until(lambda: ann.state["featured"] is None)
    status, answer = await backend.ask("POST", f"/v1/rooms/{ROOM}/feature", {"product": "cup-1"})
    assert (status, answer["error"]["code"]) == (404, "product_not_found")


async def test_a_reported_purchase_makes_a_buyer_who_may_talk_where_only_buyers_may(backend: Backend) -> None:
    async with viewer(backend) as ann:
        await backend.room("set_chat", buyers_only=True)
        await ann.until(lambda: ann.state["chat"].get("buyers_only") is True)
        assert (await ann.ask("comment", text="hello"))["code"] == "buyers_only"
        bought = {"purchase": "A-1", "viewer": "ann", "amount": 1999, "currency": "PLN", "room": ROOM}
        for _ in range(3):
            await backend.shop("report_purchase", **bought)
        await ann.until(lambda: [each["event"]["t"] for each in ann.of("notice")] == ["you_bought"])
        assert (await ann.ask("comment", text="hello"))["t"] == "posted"
    async with viewer(backend) as again:
        assert again.joined["me"]["buyer"] is True
    status, answer = await backend.ask("POST", f"/v1/shops/{SHOP}/report_purchase", {**bought, "amount": 1})
    assert (status, answer["error"]["code"]) == (409, "key_reused")


async def test_a_refund_above_the_limit_needs_a_second_operator(backend: Backend, database: Database) -> None:
    await backend.shop("report_purchase", purchase="A-1", viewer="ann", amount=50_000, currency="PLN", room=ROOM)
    await backend.shop("set_shop", refund_limit=10_000)
    one, other = (backend.people.token(name, Role.OPERATOR, name=name) for name in ("olga", "otto"))
    path = f"/v1/rooms/{ROOM}"
    status, answer = await backend.ask(
        "POST", f"{path}/refund", {"purchase": "A-1", "why": "broken"}, token=one, key="1"
    )
    assert status == 200
    decide = {"refund": answer["id"], "confirm": True}
    status, refused = await backend.ask("POST", f"{path}/decide_refund", decide, token=one)
    assert (status, refused["error"]["code"]) == (403, "second_person")
    answers = await asyncio.gather(
        *(backend.ask("POST", f"{path}/decide_refund", decide, token=other) for _ in range(8))
    )
    assert sorted(status for status, _ in answers) == [200, *[404] * 7]
    status, more = await backend.ask(
        "POST", f"{path}/refund", {"purchase": "A-1", "amount": 1, "why": "x"}, token=one, key="2"
    )
    assert (status, more["error"]["code"]) == (400, "amount_refused")
    async with database.read() as connection:
        assert await connection.fetchval("SELECT refunded FROM purchase") == 50_000


async def test_a_new_key_signs_and_a_retired_one_lets_nobody_in_nor_stay(backend: Backend) -> None:
    made = await backend.shop("add_key")
    new = People(ShopKey(made["kid"], SHOP, "HS256", made["key"]))
    async with viewer(backend) as old:
        await asyncio.sleep(1.1)
        status, _ = await backend.ask(
            "POST", f"/v1/shops/{SHOP}/retire_key", {"kid": backend.people.key.kid},
            token=new.token("service", Role.SERVICE),
        )  # fmt: skip
        assert status == 200
        await old.until(lambda: old.close_code is not None)
        assert old.close_code == CloseCode.REVOKED
    with pytest.raises(AssertionError, match="token_invalid"):
        async with viewer(backend):
            pass
    async with joined(backend.url.replace("http", "ws") + "/v1/ws", token=new.token("ann")):
        pass
    status, answer = await backend.ask(
        "POST", f"/v1/shops/{SHOP}/retire_key", {"kid": made["kid"]}, token=new.token("service", Role.SERVICE)
    )
    assert answer["error"]["code"] == "last_key"


async def test_who_is_taken_off_the_staff_is_out_at_once(backend: Backend) -> None:
    url = backend.url.replace("http", "ws") + "/v1/ws"
    token = backend.people.token("mo", Role.MODERATOR)
    async with joined(url, token=token) as mo, viewer(backend) as ann:
        resume = {"token": mo.joined["resume"], "epoch": mo.joined["epoch"], "seq": mo.state["seq"]}
        await backend.shop("remove_staff", viewer="mo")
        await mo.until(lambda: mo.close_code is not None)
        assert mo.close_code == CloseCode.REVOKED
        assert ann.close_code is None
    for proof in ({"token": token}, {"resume": resume}):
        with pytest.raises(AssertionError, match="token_invalid"):
            async with joined(url, **proof):
                pass
    status, answer = await backend.ask("GET", f"/v1/rooms/{ROOM}/staff_log", token=token)
    assert (status, answer["error"]["code"]) == (401, "token_invalid")


async def test_words_of_the_shop_hold_from_the_next_moment(backend: Backend) -> None:
    async with viewer(backend) as ann:
        assert (await ann.ask("comment", text="what a zonk"))["t"] == "posted"
        await backend.shop("put_words", words=["zonk*"], action="refuse")
        for _ in range(50):
            if (await ann.ask("comment", text="total zonker")).get("code") == "text_refused":
                break
            await asyncio.sleep(0.2)
        else:
            raise AssertionError("the word is not known")
        await backend.shop("put_words", words=["idiot*"], action="allow")
        await backend.shop("remove_words", words=["zonk*"])


async def test_a_rehearsal_is_a_room_apart_and_leaves_nothing_behind(backend: Backend, database: Database) -> None:
    await backend.shop("put_product", product="cup", title="Cup", price=100, currency="PLN", stock=10)
    made = await backend.shop("rehearse", room=ROOM)
    shop, room = made["shop"], made["room"]
    async with viewer(backend, room=room) as ann:
        assert ann.state["rehearsal"] is True
        show = ann.state["show"]
        assert (show["state"], show["title"]) == ("scheduled", "Tonight's show")
        assert (await backend.ask("POST", f"/v1/rooms/{room}/set_show", {"state": "live"}))[0] == 200
        assert (await ann.ask("comment", text="does it work"))["t"] == "posted"
        await _play(backend, ann, room)
        bought = {"purchase": "R-1", "viewer": "ann", "amount": 100, "currency": "PLN"}
        assert (await backend.ask("POST", f"/v1/shops/{shop}/report_purchase", bought))[0] == 200
        product = {"product": "cup", "title": "Cup", "price": 100, "currency": "PLN", "stock": 0}
        assert (await backend.ask("POST", f"/v1/shops/{shop}/put_product", product))[0] == 200
        _, real = await backend.ask("GET", f"/v1/rooms/{ROOM}/products")
        assert real["items"][0]["stock"] == 10
        _, purchases = await backend.ask("GET", f"/v1/shops/{SHOP}/purchases")
        assert purchases["items"] == []
    async with viewer(backend) as still:
        assert still.joined["me"].get("buyer") is None
    await backend.shop("erase_rehearsal", room=room)
    assert await traces(database, shop, room) == []
    status, answer = await backend.ask("POST", f"/v1/shops/{SHOP}/erase_rehearsal", {"room": ROOM})
    assert (status, answer["error"]["code"]) == (404, "room_not_found")


async def _play(backend: Backend, ann: Any, room: str) -> None:
    """A draw that she is in, and a group buy with a team of hers."""
    prize = {"tier": "1", "name": "Mug", "value": 1, "currency": "PLN"}
    plan = {"title": "Mugs", "organiser": "Shop", "prizes": [prize], "beacon": "recorded"}
    status, refused = await backend.ask("POST", f"/v1/rooms/{ROOM}/create_draw", {"plan": plan})
    assert (status, refused["error"]["code"]) == (400, "draw_rules_refused")
    status, announced = await backend.ask("POST", f"/v1/rooms/{room}/create_draw", {"plan": plan})
    assert status == 200, announced
    draw = announced["draw"]
    assert (await backend.ask("POST", f"/v1/rooms/{room}/open_draw", {"draw": draw}))[0] == 200
    assert (await ann.ask("enter_draw", draw=draw, key="e1"))["t"] == "entered"
    form = {"product": "cup", "steps": [{"people": 2, "price": 80}], "stock": 4}
    status, deal = await backend.ask("POST", f"/v1/rooms/{room}/open_deal", form)
    assert status == 200, deal
    assert (await ann.ask("open_team", deal=deal["id"], key="t1"))["t"] == "seated"


async def traces(database: Database, *marks: str) -> list[str]:
    """Tables in which one of these stands, anywhere."""
    found = []
    async with database.read() as connection:
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        for table in tables:
            for mark in marks:
                name = table["relname"]
                if await connection.fetchval(f'SELECT count(*) FROM "{name}" AS t WHERE strpos(t::text, $1) > 0', mark):
                    found.append(f"{name}: {mark}")
    return found


@pytest.fixture
async def worker(settings: Settings, seeded: str, tmp_path: Path) -> AsyncIterator[None]:
    """A worker beside the gateway."""
    with (tmp_path / "worker.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "livestream", "worker", env=clean_environ(**to_environ(settings)), stdout=log,
            stderr=log,
        )  # fmt: skip
    while "worker.started" not in (tmp_path / "worker.log").read_text():  # before, a signal just kills it
        await asyncio.sleep(0.1)
    yield
    process.terminate()
    assert await process.wait() == 0


@pytest.mark.usefixtures("worker")
async def test_an_erased_viewer_leaves_no_trace_in_postgres_redis_or_logs(
    backend: Backend, database: Database, settings: Settings, stores: Stores, tmp_path: Path
) -> None:
    who = pseudonym_of(settings, "zygmunt-77")
    url = backend.url.replace("http", "ws") + "/v1/ws"
    zyg = backend.people.token("zygmunt-77", name="Zygmuntowski")
    async with joined(url, token=zyg) as client, viewer(backend) as ann:
        one = await client.ask("comment", text="my secret wish is xylophone")
        await client.ask("comment", text="you idiot, quetzal")
        other = await ann.ask("comment", text="hello")
        await client.ask("report", comment=other["id"], why="by zebrafish")
        await client.ask("block", who=ann.joined["me"]["id"])
        await ann.ask("block", who=who)
        await backend.room("say", text="Yes!", answers=one["id"], pin=True)
        await backend.room("mute", who=who, seconds=600, why="rude zygote")
        await backend.shop("report_purchase", purchase="A-7", viewer="zygmunt-77", amount=5, currency="PLN", room=ROOM)
        await backend.ask("POST", "/v1/tickets", token=backend.people.token("zygmunt-77", Role.HOST))
        exported = await backend.shop("export_viewer", viewer="zygmunt-77")
        assert "xylophone" in json.dumps(exported)
        assert exported["purchases"][0]["purchase_id"] == "A-7"
        await backend.shop("erase_viewer", viewer="zygmunt-77")
        await ann.until(lambda: "xylophone" not in json.dumps(ann.state))
        await ann.until(lambda: ann.snapshots == 2)
    marks = (who, "zygmunt-77", "Zygmuntowski", "xylophone", "quetzal", "zebrafish", "zygote")
    assert await traces(database, *marks) == []
    moderator = backend.people.token("mo", Role.MODERATOR)
    async with viewer(backend) as fresh, joined(url, token=moderator) as staff:
        assert not any(mark in json.dumps(fresh.messages) for mark in marks)
        assert not any(mark in json.dumps(staff.messages) for mark in marks)
    stored = await _redis(settings.redis_url)
    assert stored, "the sampler of comments alone leaves something there"
    assert not [each for each in stored if any(mark in each for mark in marks)]
    logs = await asyncio.to_thread(_logs, tmp_path, stores.data.path)
    assert {"gateway", "worker", "postgres", "valkey"} <= {name.split("-")[0].split(".")[0] for name in logs}
    assert not [name for name, text in logs.items() for mark in marks if mark in text]
    async with database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM comment") == 3
        assert await connection.fetchval("SELECT amount FROM purchase") == 5


async def _redis(url: str) -> list[str]:
    """Every key with what it holds."""
    client = redis.asyncio.Redis.from_url(url, decode_responses=True)
    read: dict[str, Callable[[str], Any]] = {
        "string": client.get, "hash": client.hgetall, "set": client.smembers,
        "zset": lambda key: client.zrange(key, 0, -1), "list": lambda key: client.lrange(key, 0, -1),
    }  # fmt: skip
    stored = [f"{key} {await read[await client.type(key)](key)}" async for key in client.scan_iter("*")]
    await client.aclose()
    return stored


def _logs(*folders: Path) -> dict[str, str]:
    """What every process wrote, the stores' too."""
    return {path.name: path.read_text(errors="replace") for folder in folders for path in folder.rglob("*.log")}


async def test_pages_of_allowed_origins_may_ask_and_no_others(backend: Backend) -> None:
    for origin, allowed in (("https://app.example", True), ("https://evil.example", False)):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        async with backend.session.options(f"{backend.url}/v1/rooms/{ROOM}/say", headers=headers) as response:
            assert (response.headers.get("Access-Control-Allow-Origin") == origin) is allowed
            assert response.status == (204 if allowed else 403)


async def test_what_is_no_api_is_told_to_no_other_origin(backend: Backend) -> None:
    for path in ("/", f"/r/{ROOM}", "/metrics", "/readyz", "/docs"):
        for origin in ("https://app.example", "https://evil.example"):
            async with backend.session.get(f"{backend.url}{path}", headers={"Origin": origin}) as response:
                assert response.status == 200, path
                assert not [name for name in response.headers if name.startswith("Access-Control-")], path


async def test_a_page_that_is_not_there_says_so_in_words_and_no_answer_names_versions(backend: Backend) -> None:
    for path, status, kind in (
        ("/r/nowhere", 404, "text/plain"),
        ("/nowhere", 404, "text/plain"),
        ("/v1/rooms/nowhere", 404, "application/json"),
        (f"/v1/rooms/{ROOM}", 200, "application/json"),
    ):
        async with backend.session.get(f"{backend.url}{path}") as response:
            assert (response.status, response.content_type) == (status, kind), path
            assert response.headers["Server"] == "livestream", path
            assert "nosniff" in response.headers["X-Content-Type-Options"], path


async def test_webhooks_are_changed_once_under_one_key_and_a_retry_keeps_the_secret_in_use(
    backend: Backend, database: Database
) -> None:
    hooks = f"/v1/shops/{SHOP}/webhooks"
    for body in ({"url": "http://127.0.0.1:9999/"},) * 2:
        _, made = await backend.ask("POST", hooks, body, key="add")
    endpoint = made["result"]["endpoint"]["id"]
    first = made["result"]["secret"]
    answers = [
        (await backend.ask("POST", f"{hooks}/{endpoint}/rotate", {"overlap_s": 60}, key="turn"))[1] for _ in range(3)
    ]
    assert len({answer["result"]["secret"] for answer in answers}) == 1
    async with database.read() as connection:
        kept = await connection.fetch("SELECT secret, old_secret FROM webhook_endpoint")
    assert [tuple(row) for row in kept] == [(answers[0]["result"]["secret"], first)]
    status, answer = await backend.ask("POST", f"{hooks}/{endpoint}/rotate", {"overlap_s": 0}, key="turn")
    assert (status, answer["error"]["code"]) == (409, "key_reused")
    status, answer = await backend.ask("POST", f"{hooks}/{endpoint}/rotate", {})
    assert (status, answer["error"]["code"]) == (400, "invalid")
    pings = [(await backend.ask("POST", f"{hooks}/{endpoint}/ping", key="p"))[1]["result"]["id"] for _ in range(2)]
    assert len(set(pings)) == 1
    removed = [(await backend.ask("DELETE", f"{hooks}/{endpoint}", key="gone"))[0] for _ in range(2)]
    assert removed == [200, 200]


async def test_reads_have_a_rate_and_what_staff_read_has_none(
    start_gateway: Callable[..., Gateways], people: People
) -> None:
    gateway = start_gateway(read_rate_burst=3, read_rate_per_s=0.01)
    async with aiohttp.ClientSession() as session:
        asks = Backend(gateway.url, people, session)
        path = f"/v1/rooms/{ROOM}/products"
        assert [(await asks.ask("GET", path, role=None))[0] for _ in range(4)] == [200, 200, 200, 429]
        assert (await asks.ask("GET", "/v1/rooms/nowhere", role=None))[0] == 429
        assert {(await asks.ask("GET", path, role=Role.VIEWER))[0] for _ in range(10)} == {200}
        seen = [(await asks.ask("GET", path, role=Role.VIEWER))[0] for _ in range(200)]
        assert seen[-1] == 429
        assert {(await asks.ask("GET", path, role=Role.MODERATOR))[0] for _ in range(80)} == {200}


async def test_the_document_is_at_docs_as_a_page_and_as_json(backend: Backend) -> None:
    async with backend.session.get(f"{backend.url}/docs", headers={"Accept": "text/html,*/*"}) as response:
        page = await response.text()
        assert response.content_type == "text/html"
    assert all(f'id="{operation.name}"' in page for operation in OPERATIONS)
    assert "<code>Idempotency-Key</code>" in page
    for path, accept in (("/docs", "application/json"), ("/docs/openapi.json", "*/*"), ("/v1/openapi.json", "*/*")):
        async with backend.session.get(backend.url + path, headers={"Accept": accept}) as response:
            document = await response.json()
        assert document["openapi"].startswith("3.1")
    async with backend.session.get(f"{backend.url}/docs/protocol") as response:
        assert "close codes" in (await response.text()).lower()


async def test_lists_are_read_page_by_page(backend: Backend) -> None:
    for number in range(7):
        await backend.shop("report_purchase", purchase=f"A-{number}", viewer="ann", amount=number, currency="PLN")
    seen, before = [], ""
    while True:
        _, page = await backend.ask("GET", f"/v1/shops/{SHOP}/purchases?limit=3{before}")
        seen += [item["purchase"] for item in page["items"]]
        if "next" not in page:
            break
        before = f"&before={page['next']}"
    assert seen == [f"A-{number}" for number in range(6, -1, -1)]


def test_every_command_of_a_shop_has_an_operation() -> None:
    assert {each.command for each in OPERATIONS if each.path.startswith("/v1/shops")} >= set(SHOP_COMMANDS)


async def attacked(backend: Backend, folder: Path, role: Role | None, *how: str) -> None:
    """An outside tool tries every operation with what the document allows, and with what it does not."""
    token = None if role is None else backend.people.token(f"{role}-x", role, ttl_s=3600)
    signed = () if token is None else ("--header", f"Authorization: Bearer {token}")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", "run", f"{backend.url}/docs/openapi.json", *signed,
        "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        *how,
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0, f"{role}: {out.decode()[-6000:]}"


async def placed(backend: Backend, folder: Path) -> None:
    """Has the attacker try the room, the shop, the group buy and the draw that are there, and not only made-up ids."""
    await backend.shop("put_product", product="cup", title="Cup", price=1000, currency="PLN")
    deal = await backend.room("open_deal", product="cup", steps=[{"people": 2, "price": 900}], stock=100)
    draw = await backend.room("create_draw", plan=msgspec.to_builtins(live_draws.plan()))
    promised = [live_draws.commitment(draw["draw"])]
    await backend.room("open_draw", draw=draw["draw"], commitments=promised, names=["Ada"])
    there = {"room": ROOM, "shop": SHOP, "deal": deal["id"], "draw": draw["draw"]}
    lines = [f'"path.{name}" = "{value}"' for name, value in there.items()]
    (folder / "schemathesis.toml").write_text("\n".join(["[parameters]", *lines]))


#: who attacks, and with how many examples for each operation: most of what can break is behind the shop's own token
ATTACKERS = {Role.SERVICE: 3, Role.HOST: 1, Role.VIEWER: 1, None: 1}


@pytest.mark.timeout(600)
async def test_schemathesis_finds_no_server_error_and_no_undocumented_answer(backend: Backend, tmp_path: Path) -> None:
    await placed(backend, tmp_path)
    how = ("--phases", "fuzzing", "--workers", "2", "--seed", "1", "--max-examples")
    await asyncio.gather(*(attacked(backend, tmp_path, role, *how, str(most)) for role, most in ATTACKERS.items()))


@pytest.mark.trial
@pytest.mark.timeout(3600)
async def test_schemathesis_for_long(backend: Backend, tmp_path: Path) -> None:
    await placed(backend, tmp_path)
    how = ("--phases", "coverage,fuzzing", "--workers", "2", "--max-examples")
    for role, most in ATTACKERS.items():
        await attacked(backend, tmp_path, role, *how, str(most * 12))
