"""Notices: rows written with what caused them; the bus hurries them, the heartbeat and the join find the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from livestream.config import Settings
from livestream.protocol.codec import Codec
from livestream.protocol.commands import Comment, Say
from livestream.protocol.events import Answered, HostMessage
from livestream.protocol.replies import Posted
from livestream.protocol.roles import Role
from livestream.storage import roomlog
from livestream.storage.pool import Database
from tests.support.gateways import Gateways
from tests.support.linecutter import line_cutter
from tests.support.nodes import HOST_ID, actor, node, until
from tests.support.people import People, pseudonym_of
from tests.support.wsclient import WsClient, joined

ROOM = "demo"


async def write_notices(database: Database, pseudonym: str, count: int) -> None:
    """Notices that are in Postgres and of which the bus said nothing."""
    message = HostMessage(id="0000000000001", name="Ada", text="yes", at=1)
    notice = Answered(comment="0000000000002", message=message)
    async with database.transaction() as tx:
        await roomlog.append(tx, ROOM, [], [], [(pseudonym, notice)] * count)


def numbers(client: WsClient) -> list[int]:
    return [notice["notice"] for notice in client.of("notice")]


@pytest.mark.parametrize("codec", Codec)
async def test_the_author_of_an_answered_comment_is_told_on_every_socket_and_nobody_else_is(
    start_gateway: Callable[..., Gateways], people: People, codec: Codec
) -> None:
    url = start_gateway(count=2).ws_url
    async with (
        joined(url, token=people.token("ada", Role.HOST)) as host,
        joined(url, codec, token=people.token("ann")) as phone,
        joined(url, token=people.token("ann")) as laptop,
        joined(url, token=people.token("bob")) as other,
    ):
        comment = await phone.ask("comment", text="which sizes?")
        answer = await host.ask("say", text="all", answers=comment["id"])
        for client in (phone, laptop):
            await client.until(lambda client=client: client.of("notice") != [])  # type: ignore[misc]
            (notice,) = client.of("notice")
            assert notice["notice"] == 1
            assert notice["event"]["t"] == "answered"
            assert notice["event"]["comment"] == comment["id"]
            assert notice["event"]["message"]["id"] == answer["id"]
            assert notice["event"]["message"]["answered_text"] == "which sizes?"
        await other.until(lambda: other.state["seq"] == answer["seq"])
        await asyncio.sleep(0.2)
        assert other.of("notice") == []
        assert host.of("notice") == []


async def test_a_notice_that_the_bus_lost_is_found_by_the_heartbeat(
    start_gateway: Callable[..., Gateways], people: People, database: Database, settings: Settings
) -> None:
    async with joined(start_gateway(heartbeat_ms=200).ws_url, token=people.token("ann")) as client:
        await write_notices(database, pseudonym_of(settings, "ann"), 3)
        await client.until(lambda: numbers(client) == [1, 2, 3], 5)


async def test_unseen_notices_come_with_the_join_until_they_are_seen(
    gateway: Gateways, people: People, database: Database, settings: Settings
) -> None:
    async def on_joining() -> list[int]:
        async with joined(gateway.ws_url, token=people.token("ann")) as client:
            return numbers(client)

    await write_notices(database, pseudonym_of(settings, "bob"), 2)
    assert await on_joining() == []
    await write_notices(database, pseudonym_of(settings, "ann"), 30)
    assert await on_joining() == list(range(13, 33))
    async with joined(gateway.ws_url, token=people.token("ann")) as client:
        assert (await client.ask("seen", notice=31))["t"] == "ok"
    assert await on_joining() == [32]
    async with joined(gateway.ws_url, token=people.token("ann")) as client:
        assert (await client.ask("seen", notice=5))["t"] == "ok"
        reply = client.joined
    assert await on_joining() == [32]
    resume = {"token": reply["resume"], "epoch": reply["epoch"], "seq": 1}
    async with joined(gateway.ws_url, state={"seq": 1}, resume=resume) as back:
        assert back.joined["resumed"] is True
        assert numbers(back) == [32]
    async with joined(gateway.ws_url, token=people.token("bob")) as bob:
        assert numbers(bob) == [1, 2]


async def test_a_notice_that_comes_while_a_join_reads_the_unseen_ones_is_told(
    start_gateway: Callable[..., Gateways], people: People, database: Database, settings: Settings, folder: Path
) -> None:
    """The join has read from Postgres and waits for the answer; then the notice is written and published."""
    async with line_cutter(settings.database_url, folder) as (cutter, url), node(database, settings, 900) as other:
        gateway = await asyncio.to_thread(start_gateway, database_url=url)
        await write_notices(database, "somebody", 1)
        late = pseudonym_of(settings, "late-viewer")
        who = msgspec.structs.replace(actor("late-viewer"), pseudonym=late)
        comment = await other.run(who, Comment(ref=1, text="which sizes?"))
        assert isinstance(comment, Posted)
        async with joined(gateway.ws_url), joined(gateway.ws_url, token=people.token("first-viewer")):
            cutter.hold_answers()
            joining = asyncio.create_task(_join(gateway, people.token("late-viewer")))
            await until(lambda: any(late.encode() in chunk for chunk in cutter.sent))
            await asyncio.sleep(0.1)
            say = Say(ref=1, text="yes", answers=comment.id)
            await other.run(actor(HOST_ID, Role.HOST), say)
            await asyncio.sleep(0.3)
            cutter.let_answers()
            notices = await joining
        assert [notice["event"]["comment"] for notice in notices] == [comment.id]
        await asyncio.to_thread(gateway.stop, gateway.processes[0])


async def _join(gateway: Gateways, token: str) -> list[dict[str, Any]]:
    async with joined(gateway.ws_url, token=token) as client:
        await asyncio.sleep(0.3)
        return client.of("notice")
