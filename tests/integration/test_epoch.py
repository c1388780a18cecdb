"""The epoch: after the database was restored to an earlier point, every client gets a fresh snapshot, unasked."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable

import asyncpg
import pytest

from livestream.config import Settings
from livestream.protocol.codec import Codec
from livestream.protocol.roles import Role
from livestream.storage.migrate import new_epoch
from tests.support.gateways import Gateways
from tests.support.people import People
from tests.support.wsclient import WsClient, joined

WAYS = list(itertools.product(Codec, (False, True), (Role.VIEWER, Role.MODERATOR)))


@pytest.fixture
def quick(start_gateway: Callable[..., Gateways]) -> Gateways:
    return start_gateway(heartbeat_ms=150)


async def everybody(stack: contextlib.AsyncExitStack, gateway: Gateways, people: People) -> list[WsClient]:
    """One client of each kind."""
    return [
        await stack.enter_async_context(
            joined(gateway.ws_url, codec, compressed=compressed, token=people.token(f"p{number}", role))
        )
        for number, (codec, compressed, role) in enumerate(WAYS)
    ]


async def test_a_new_epoch_resets_every_client_and_the_log_goes_on(
    quick: Gateways, people: People, settings: Settings
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        host = await stack.enter_async_context(joined(quick.ws_url, token=people.token("ada", Role.HOST)))
        await host.ask("say", text="before")
        clients = await everybody(stack, quick, people)
        old = host.joined
        await new_epoch(settings.database_url)
        for client in clients:
            await client.until(lambda client=client: client.snapshots == 2)  # type: ignore[misc]
            assert client.state["epoch"] != old["epoch"]
            assert client.state["seq"] == 2
            assert client.state["messages"][-1]["text"] == "before"
        assert len({client.state["epoch"] for client in clients}) == 1
        said = await host.ask("say", text="after")
        for client in clients:
            await client.until(lambda client=client: client.state["seq"] == said["seq"])  # type: ignore[misc]
            assert [message["text"] for message in client.state["messages"]] == ["before", "after"]
        resume = {"token": old["resume"], "epoch": old["epoch"], "seq": 2}
        async with joined(quick.ws_url, resume=resume) as back:
            assert back.joined.get("resumed", False) is False
            assert back.state["seq"] == said["seq"]
            assert back.state["epoch"] == clients[0].state["epoch"]


async def test_a_log_that_was_cut_short_resets_every_client(
    quick: Gateways, people: People, settings: Settings
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        host = await stack.enter_async_context(joined(quick.ws_url, token=people.token("ada", Role.HOST)))
        for number in range(5):
            await host.ask("say", text=str(number))
        clients = await everybody(stack, quick, people)
        await _forget_the_last(settings, 3)
        for client in clients:
            await client.until(lambda client=client: client.snapshots == 2)  # type: ignore[misc]
            assert client.state["seq"] == 3
            assert [message["text"] for message in client.state["messages"]] == ["0", "1"]
        said = await host.ask("say", text="again")
        assert said["seq"] == 4
        for client in clients:
            await client.until(lambda client=client: client.state["seq"] == 4)  # type: ignore[misc]
            assert [message["text"] for message in client.state["messages"]] == ["0", "1", "again"]


async def _forget_the_last(settings: Settings, count: int) -> None:
    """What a restore to an earlier point does."""
    connection = await asyncpg.connect(settings.database_url)
    async with connection.transaction():
        await connection.execute(
            """
            DELETE FROM host_message WHERE message_id IN (
                SELECT message_id FROM host_message ORDER BY message_id DESC LIMIT $1)""",
            count,
        )
        await connection.execute("DELETE FROM room_log WHERE seq > (SELECT max(seq) - $1 FROM room_log)", count)
        await connection.execute("UPDATE room_head SET seq = seq - $1", count)
    await connection.close()
