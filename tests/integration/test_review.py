"""The review service of a shop: its verdicts hold, and without it its fallback does, in time and visibly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest
from aiohttp import web

from livestream import seed
from livestream.config import Settings
from livestream.moderation.circuit import FAILURES
from livestream.protocol.commands import Comment
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import Posted
from livestream.protocol.roles import Role
from livestream.room import review
from livestream.storage.pool import Database
from livestream.webhooks import signature
from tests.support.nodes import HOST_ID, Node, actor, node
from tests.support.shopserver import Received, ShopServer, shop_server

SECRET = signature.secret_of(b"k" * 32)
ANN = actor("ann", Role.VIEWER)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, webhook_inside=("127.0.0.1",), comment_rate_burst=1000, display_per_s=1000)


@pytest.fixture
async def server(seeded: str) -> AsyncIterator[ShopServer]:
    async with shop_server() as server:
        yield server


@pytest.fixture
async def process(database: Database, settings: Settings, server: ShopServer) -> AsyncIterator[Node]:
    async with node(database, settings) as process:
        yield process


async def hook(database: Database, url: str, fallback: str = "show") -> None:
    async with database.transaction() as tx:
        await tx.execute(
            "UPDATE shop SET review_url = $2, review_secret = $3, review_fallback = $4 WHERE shop_id = $1",
            seed.SHOP,
            url,
            SECRET,
            fallback,
        )


def verdicts(answer: object) -> Any:
    """An answer by the words of each comment: those in it, as said; the rest not at all."""

    async def respond(got: Received) -> web.StreamResponse:
        comments: list[dict[str, str]] = got.event["data"]["comments"]  # type: ignore[index]
        by_text: Any = answer
        found = {each["id"]: by_text[each["text"]] for each in comments if each["text"] in by_text}
        return web.json_response({"verdicts": found})

    return respond


async def said(process: Node, texts: Sequence[str]) -> list[Posted | Refused]:
    outcomes: list[Posted | Refused] = []
    for outcome in await asyncio.gather(
        *(process.run(ANN, Comment(ref=i, text=text, key=f"k{i}{text}")) for i, text in enumerate(texts)),
        return_exceptions=True,
    ):
        assert isinstance(outcome, Posted | Refused), outcome
        outcomes.append(outcome)
    return outcomes


async def test_verdicts_show_hold_and_refuse(process: Node, database: Database, server: ShopServer) -> None:
    await hook(database, server.url)
    server.answer = verdicts({"bad words": "refuse", "hm": "hold", "fine": "show"})
    refused, held, shown, unmentioned = await said(process, ["bad words", "hm", "fine", "nice cup"])
    assert isinstance(refused, Refused)
    assert refused.code is ErrorCode.TEXT_REFUSED
    assert isinstance(held, Posted)
    assert held.held
    assert all(isinstance(each, Posted) and each.shown for each in (shown, unmentioned))
    (got,) = server.received  # those of one moment share a request
    signature.verify([SECRET], got.headers, got.body, float(got.headers[signature.TIMESTAMP]))
    async with database.read() as connection:
        assert await connection.fetchval("SELECT held_why FROM comment WHERE fate = 'held'") == "review"


async def test_a_repetition_is_answered_as_before_whatever_a_review_says_now(
    process: Node, database: Database, server: ShopServer
) -> None:
    await hook(database, server.url)
    server.answer = verdicts({"fine": "show"})
    (first,) = await said(process, ["fine"])
    server.answer = verdicts({"fine": "refuse"})
    assert await said(process, ["fine"]) == [first]


async def test_what_staff_say_is_reviewed_by_nobody(process: Node, database: Database, server: ShopServer) -> None:
    await hook(database, server.url)
    assert isinstance(await process.run(actor(HOST_ID, Role.HOST), Comment(ref=1, text="hello")), Posted)
    assert server.received == []


@pytest.mark.parametrize("trouble", ["silent", "status", "nonsense", "absent", "too long", "inside"])
@pytest.mark.parametrize("fallback", ["show", "hold"])
async def test_without_verdicts_the_fallback_decides(
    process: Node, database: Database, server: ShopServer, trouble: str, fallback: str
) -> None:
    url = server.url
    if trouble == "silent":
        server.answer = server.dawdle
    elif trouble == "status":
        server.status = 500
    elif trouble == "absent":
        url = "http://127.0.0.1:9"
    elif trouble == "inside":
        url = url.replace("127.0.0.1", "127.0.0.2")
    else:
        body = "{" if trouble == "nonsense" else " " * (review._ANSWER_BYTES + 1) + "{}"

        async def respond(got: Received) -> web.StreamResponse:
            return web.Response(text=body)

        server.answer = respond
    await hook(database, url, fallback)
    (outcome,) = await said(process, ["hello"])
    assert isinstance(outcome, Posted)
    assert (outcome.shown, outcome.held) == (fallback == "show", fallback == "hold")


async def test_a_service_that_keeps_failing_is_left_alone_and_staff_are_told(
    process: Node, database: Database, server: ShopServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hook(database, server.url)
    server.status = 500
    for number in range(FAILURES + 3):
        await said(process, [f"comment {number}"])
    assert len(server.received) == FAILURES

    async def told() -> list[str]:
        async with database.read() as connection:
            rows = await connection.fetch("SELECT event->>'what' AS what FROM staff_log ORDER BY seq")
            return [row["what"] for row in rows]

    async def tells(count: int) -> list[str]:
        for _ in range(200):
            if len(await told()) >= count:
                break
            await asyncio.sleep(0.01)
        return await told()

    (away,) = await tells(1)
    assert "does not answer" in away
    server.status, server.answer = 200, verdicts({"rude": "refuse"})
    process.service._comments._review._shops[seed.SHOP].circuit.next_try_at = 0.0  # the rest is over
    (outcome,) = await said(process, ["rude"])
    assert isinstance(outcome, Refused)
    assert "answers again" in (await tells(2))[1]


async def test_a_change_of_settings_holds_within_moments(
    process: Node, database: Database, server: ShopServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review, "_CONFIG_S", 0.05)
    server.answer = verdicts({"rude": "refuse", "ruder": "refuse"})
    (before,) = await said(process, ["rude"])
    assert isinstance(before, Posted)
    await hook(database, server.url)
    await asyncio.sleep(0.1)
    (after,) = await said(process, ["ruder"])
    assert isinstance(after, Refused)
