"""The Python client against real gateways: what it promises while lines break, tokens end and processes die."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from livestream.auth import Identity
from livestream.bus import connect as connect_redis
from livestream.client import Client, Closed, Codec, CommandError, connect
from livestream.config import Settings
from livestream.protocol.commands import Comment
from livestream.protocol.errors import CloseCode, ErrorCode
from livestream.protocol.events import Answered, Said
from livestream.protocol.pushes import AnyPush, Log, Notice, Snapshot
from livestream.protocol.replies import Ok, Posted
from livestream.protocol.roles import Role
from livestream.storage.pool import Database
from livestream.tickets import Tickets
from tests.support.gateways import Gateways
from tests.support.people import People
from tests.support.relay import Relay, relayed
from tests.support.waiting import until

ROOM = People.room


@pytest.fixture
async def relay(gateway: Gateways) -> AsyncIterator[Relay]:
    async with relayed(gateway.ws_url) as relay:
        yield relay


@contextlib.asynccontextmanager
async def host_of(gateway: Gateways, people: People) -> AsyncIterator[Client]:
    async with connect(gateway.ws_url, room=ROOM, token=people.token("ada", Role.HOST, name="Ada")) as client:
        yield client


class Witness:
    """Notes what a client is handed, as `on_push`."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.texts: list[str] = []
        self.notices: list[Notice] = []
        self.snapshots = 0

    def __call__(self, push: AnyPush) -> None:
        if isinstance(push, Snapshot):
            self.snapshots += 1
            self.seqs.append(push.seq)
        elif isinstance(push, Log):
            self.seqs.append(push.seq)
            if isinstance(push.event, Said):
                self.texts.append(push.event.message.text)
        elif isinstance(push, Notice):
            self.notices.append(push)

    @property
    def unbroken(self) -> bool:
        return self.seqs == list(range(self.seqs[0], self.seqs[0] + len(self.seqs)))


# -- commands


@pytest.mark.parametrize("compression", [True, False])
@pytest.mark.parametrize("codec", Codec)
async def test_every_codec_joins_asks_and_hears(gateway: Gateways, codec: Codec, compression: bool) -> None:
    async with connect(gateway.ws_url, room=ROOM, name="Ann", codec=codec, compression=compression) as client:
        assert (client.me.role, client.me.name) == (Role.ANONYMOUS, "Ann")
        posted = await client.comment("does it come in blue? 蓝色")
        await until(lambda: posted.id in [comment.id for comment in client.state.comments], "the own comment is shown")
        await client.like(7)
        await until(lambda: client.state.values.get("likes") == 7, "the hearts are counted")


async def test_a_refusal_is_raised_with_its_code_and_costs_the_connection_nothing(gateway: Gateways) -> None:
    async with connect(gateway.ws_url, room=ROOM, name="Ann") as client:
        with pytest.raises(CommandError) as caught:
            await client.say("I am the host now")
        assert caught.value.code == ErrorCode.FORBIDDEN
        with pytest.raises(CommandError) as caught:
            await client.comment("   ")
        assert caught.value.code == ErrorCode.INVALID
        assert (await client.comment("sorry")).shown
        assert client.stats.closes == 0


async def test_being_too_quick_is_told_with_a_time_to_wait(start_gateway: Callable[..., Gateways]) -> None:
    gateway = start_gateway(comment_rate_burst=2, comment_rate_per_s=0.5)
    async with connect(gateway.ws_url, room=ROOM, name="Ann") as client:
        replies = await asyncio.gather(*(client.comment(f"c{n}") for n in range(4)), return_exceptions=True)
        refused = [reply for reply in replies if isinstance(reply, CommandError)]
        assert [reply.code for reply in refused] == [ErrorCode.RATE_LIMITED] * 2
        assert all(reply.temporary and reply.retry_after_ms for reply in refused)


async def test_commands_at_once_get_each_its_own_reply(gateway: Gateways, people: People) -> None:
    async with host_of(gateway, people) as host:
        witness = Witness()
        async with connect(gateway.ws_url, room=ROOM, on_push=witness):
            posted = []
            for start in range(0, 45, 15):
                posted += await asyncio.gather(*(host.say(f"message {n}") for n in range(start, start + 15)))
            assert len({reply.id for reply in posted}) == 45
            await until(lambda: len(witness.texts) == 45, "all are heard")
            assert sorted(witness.texts) == sorted(f"message {n}" for n in range(45))
            assert witness.unbroken


# -- what it knows


async def test_snapshot_and_events_make_the_state_that_a_newcomer_is_given(gateway: Gateways, people: People) -> None:
    async with host_of(gateway, people) as host:
        await host.say("before")
        async with connect(gateway.ws_url, room=ROOM, name="early") as early:
            said = await host.say("pinned at once", pin=True)
            for number in range(5):
                await host.say(f"message {number}")
            await host.set_show("paused")
            await host.comment("the host comments, too")
            assert said.seq is not None
            await until(lambda: early.position == host.position, "early has heard all")
            async with connect(gateway.ws_url, room=ROOM, name="late") as late:
                await until(lambda: late.state.seq, "the snapshot")
                for view in (early.state, late.state):
                    assert view.pinned is not None
                    assert view.pinned.id == said.id
                assert late.state.seq == early.state.seq
                assert late.state.messages == early.state.messages
                assert late.state.show == early.state.show
                assert late.state.epoch == early.state.epoch


async def test_iteration_hands_out_pushes_in_order_and_ends_with_the_client(gateway: Gateways, people: People) -> None:
    async with host_of(gateway, people) as host:
        async with connect(gateway.ws_url, room=ROOM) as client:
            await host.say("one")
            await host.say("two")
            heard = []
            async for push in client:
                if isinstance(push, Log) and isinstance(push.event, Said):
                    heard.append(push.event.message.text)
                if len(heard) == 2:
                    await client.close()
        assert heard == ["one", "two"]


async def test_a_consumer_that_is_too_slow_misses_comments_and_no_host_message(
    gateway: Gateways, people: People
) -> None:
    async with host_of(gateway, people) as host, connect(gateway.ws_url, room=ROOM, name="A", queue_size=3) as slow:
        for number in range(10):
            await host.comment(f"comment {number}")
            await host.say(f"message {number}")
        await until(lambda: slow.position == host.position and slow.stats.dropped, "all came in")
        await slow.close()
        waiting = [push async for push in slow]
        texts = [p.event.message.text for p in waiting if isinstance(p, Log) and isinstance(p.event, Said)]
        assert texts == [f"message {number}" for number in range(10)]


async def test_the_servers_clock_is_known_within_a_second(gateway: Gateways) -> None:
    async with connect(gateway.ws_url, room=ROOM) as client:
        assert abs(client.server_now_ms() - time.time() * 1000) < 1000


# -- lines break


async def test_a_cut_line_is_resumed_without_gap_or_repeat(relay: Relay, gateway: Gateways, people: People) -> None:
    witness = Witness()
    async with host_of(gateway, people) as host, connect(relay.url, room=ROOM, name="A", on_push=witness) as client:
        me = client.me.id
        for number in range(30):
            await host.say(f"message {number}")
            if number in (8, 17, 26):
                relay.cut()
        await until(lambda: len(witness.texts) == 30, "all are heard")
        assert witness.texts == [f"message {number}" for number in range(30)]
        assert witness.unbroken
        assert witness.snapshots == 1
        assert client.stats.reconnects == client.stats.resumes >= 1
        assert (client.stats.gaps, client.stats.resets) == (0, 0)
        assert client.me.id == me


@pytest.mark.parametrize(
    ("goes_on", "noticed"),
    [(True, "log event 4 came, which is not the next"), (False, "the log is at 3, we are at 2")],
    ids=["by the next event", "by the heartbeat"],
)
async def test_a_lost_log_event_is_noticed_and_fetched(
    relay: Relay, gateway: Gateways, people: People, goes_on: bool, noticed: str
) -> None:
    witness = Witness()
    async with host_of(gateway, people) as host, connect(relay.url, room=ROOM, on_push=witness) as client:
        assert (await host.say("heard")).seq == 2  # 1 is the show
        await until(lambda: witness.texts == ["heard"], "the first")
        relay.lose = 1000
        await host.say("lost on the way")
        await until(lambda: relay.lost, "the loss")
        relay.lose = 0
        texts = ["heard", "lost on the way"]
        if goes_on:
            await host.say("and on")
            texts.append("and on")
        await until(lambda: witness.texts == texts, "all of them, from the resume")
        assert witness.unbroken
        assert client.stats.gaps == client.stats.resumes == 1
        assert client.stats.last_trouble == noticed


async def test_a_keyed_command_whose_reply_was_lost_has_one_effect_and_one_answer(
    relay: Relay, people: People, database: Database
) -> None:
    async with connect(relay.url, room=ROOM, token=people.token("ann")) as client:
        relay.talks.clear()
        asking = asyncio.create_task(client.comment("only once, please"))
        await _until_archived(database, 1)
        relay.cut()
        relay.talks.set()
        posted = await asking
        assert client.stats.resumes == 1
        async with database.read() as connection:
            ids = [row["comment_id"] for row in await connection.fetch("SELECT comment_id FROM comment")]
        assert ids == [posted.id]


async def _until_archived(database: Database, count: int) -> None:
    async with asyncio.timeout(10):
        while True:
            async with database.read() as connection:
                if await connection.fetchval("SELECT count(*) FROM comment") == count:
                    return
            await asyncio.sleep(0.02)


async def test_a_command_without_a_key_says_that_its_outcome_is_unknown(relay: Relay) -> None:
    async with connect(relay.url, room=ROOM, name="Ann") as client:
        relay.talks.clear()
        asking = [asyncio.create_task(client.like()), asyncio.create_task(client.ask(Comment, text="no key"))]
        await asyncio.sleep(0.3)
        relay.cut()
        relay.talks.set()
        for outcome in await asyncio.gather(*asking, return_exceptions=True):
            assert isinstance(outcome, CommandError)
            assert outcome.code == ErrorCode.OUTCOME_UNKNOWN
        assert isinstance(await client.like(), Ok)


async def test_a_command_asked_for_while_the_line_is_down_waits_for_the_next(relay: Relay) -> None:
    async with connect(relay.url, room=ROOM, name="Ann") as client:
        relay.admits.clear()
        relay.cut()
        await until(lambda: not client.connected, "the break is noticed")
        asking = asyncio.create_task(client.comment("patience"))
        await until(lambda: relay.opened == 2, "it comes back")
        assert not asking.done()
        relay.admits.set()
        assert isinstance(await asking, Posted)
        assert client.stats.reconnects == 1


async def test_after_a_broken_line_a_refusal_for_now_settles_nothing() -> None:
    """The first try may have taken effect: the client asks on until it knows."""
    asked: list[str] = []

    async def serve_one(line: ServerConnection) -> None:
        (join,) = json.loads(await line.recv())
        me = {"id": "p", "role": "viewer", "name": "Ann"}
        joined = {"t": "joined", "ref": join["ref"], "room": ROOM, "epoch": "e", "now": 1, "me": me, "resume": "r"}
        snapshot = {"t": "snapshot", "epoch": "e", "seq": 0, "room": ROOM, "title": "T"}
        await line.send(json.dumps([joined, snapshot]))
        async for frame in line:
            (command,) = json.loads(frame)
            asked.append(command["key"])
            error = {"t": "error", "ref": command["ref"], "code": "busy", "text": "later", "temporary": True}
            if len(asked) == 1:
                line.transport.abort()
            elif len(asked) == 2:
                await line.send(json.dumps([{**error, "retry_after_ms": 1}]))
            else:
                await line.send(json.dumps([{"t": "posted", "ref": command["ref"], "id": "0000000000009"}]))

    async with serve(serve_one, "127.0.0.1", 0, subprotocols=[Subprotocol(Codec.JSON.value)]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/v1/ws", room=ROOM, name="Ann", codec=Codec.JSON) as client:
            assert (await client.comment("hello")).id == "0000000000009"
    assert len(asked) == 3
    assert len(set(asked)) == 1


async def test_a_killed_gateway_costs_no_message_and_no_double_effect(gateway: Gateways, people: People) -> None:
    witness = Witness()
    async with (
        host_of(gateway, people) as host,
        connect(gateway.ws_url, room=ROOM, name="A", on_push=witness) as client,
    ):

        async def speak() -> list[Posted]:
            return [await host.say(f"message {number}") for number in range(60)]

        speaking = asyncio.create_task(speak())
        await until(lambda: len(witness.texts) >= 10, "the host speaks")
        gateway.kill(gateway.processes[0])
        await asyncio.to_thread(gateway.start, 1)
        posted = await speaking
        await until(lambda: len(witness.texts) == 60, "all are heard")
        assert witness.texts == [f"message {number}" for number in range(60)]
        assert witness.unbroken
        assert len({reply.seq for reply in posted}) == 60
        assert client.stats.reconnects == client.stats.resumes == 1
        assert host.stats.reconnects == 1


async def test_a_drained_gateway_hands_its_viewers_to_the_next(start_gateway: Callable[..., Gateways]) -> None:
    gateway = start_gateway(count=1)
    witness = Witness()
    async with connect(gateway.ws_url, room=ROOM, name="Ann", on_push=witness) as client:
        first = gateway.processes[0]
        await asyncio.to_thread(gateway.start, 1)
        await asyncio.to_thread(gateway.stop, first)
        await until(lambda: client.stats.resumes == 1 and client.connected, "resumed at the other")
        assert client.stats.last_trouble.startswith(f"closed with {CloseCode.DRAIN.value}")
        assert (await client.comment("still here")).id
        assert witness.snapshots == 1


async def test_who_hosts_stays_while_a_full_gateway_hands_viewers_to_a_new_one(
    start_gateway: Callable[..., Gateways], people: People
) -> None:
    gateway = start_gateway(count=1)
    async with host_of(gateway, people) as host, contextlib.AsyncExitStack() as room:
        viewers = [await room.enter_async_context(connect(gateway.ws_url, room=ROOM)) for _ in range(130)]
        await asyncio.to_thread(gateway.start, 1)
        await until(lambda: sum(viewer.stats.resumes for viewer in viewers) > 50, "many are moved")
        await until(lambda: all(viewer.connected for viewer in viewers), "and are back")
        moved = [viewer for viewer in viewers if viewer.stats.reconnects]
        assert all(f"closed with {CloseCode.REBALANCE.value}" in viewer.stats.last_trouble for viewer in moved)
        assert (await host.say("still here")).seq
        assert host.stats.reconnects == 0


# -- who one is


async def test_an_expired_token_is_replaced_and_the_show_goes_on(gateway: Gateways, people: People) -> None:
    lives = iter([2, 3600])
    witness = Witness()

    async def get_token() -> str:
        return people.token("ann", ttl_s=next(lives))

    async with connect(gateway.ws_url, room=ROOM, get_token=get_token, on_push=witness) as client:
        me = client.me
        await until(lambda: client.stats.reconnects == 1 and client.connected, "back with a new token")
        assert client.stats.last_trouble.startswith(f"closed with {CloseCode.TOKEN_EXPIRED.value}")
        assert client.me.id == me.id
        assert (client.me.expires_at or 0) > (me.expires_at or 0) + 1_000_000
        assert client.stats.resumes == 1
        assert (await client.comment("still here")).id


async def test_an_expired_token_that_nobody_replaces_ends_the_client(gateway: Gateways, people: People) -> None:
    async with connect(gateway.ws_url, room=ROOM, token=people.token("ann", ttl_s=2)) as client:
        with pytest.raises(Closed) as caught:
            await asyncio.wait_for(client.wait_closed(), 15)
        assert caught.value.close_code == CloseCode.TOKEN_EXPIRED
        with pytest.raises(Closed):
            await client.comment("anyone?")


async def test_a_ticket_lets_in_once_and_the_resume_afterwards(
    relay: Relay, settings: Settings, people: People
) -> None:
    redis = connect_redis(settings.redis_url)
    ticket = await Tickets(redis).issue(Identity(people.shop, "ann", Role.VIEWER, "Ann", ROOM, None), 60)
    await redis.aclose()
    async with connect(relay.url, room=ROOM, ticket=ticket) as client:
        relay.cut()
        await until(lambda: client.stats.resumes == 1, "resumed without the ticket")
        assert client.me.name == "Ann"
    with pytest.raises(Closed) as caught:
        async with connect(relay.url, room=ROOM, ticket=ticket):
            pass
    assert caught.value.code == ErrorCode.TICKET_INVALID


async def test_who_opens_too_many_sockets_loses_the_oldest_for_good(
    start_gateway: Callable[..., Gateways], people: People
) -> None:
    gateway, token = start_gateway(sockets_per_viewer=1), people.token("ann")
    async with connect(gateway.ws_url, room=ROOM, token=token) as older:
        async with connect(gateway.ws_url, room=ROOM, token=token):
            with pytest.raises(Closed) as caught:
                await asyncio.wait_for(older.wait_closed(), 10)
        assert caught.value.close_code == CloseCode.REPLACED
        assert older.stats.reconnects == 0


async def test_a_notice_comes_once_however_often_the_line_breaks_until_it_is_seen(
    relay: Relay, gateway: Gateways, people: People
) -> None:
    witness = Witness()
    async with (
        host_of(gateway, people) as host,
        connect(relay.url, room=ROOM, token=people.token("ann"), on_push=witness) as client,
    ):
        posted = await client.comment("is it machine washable?")
        await host.say("it is", answers=posted.id)
        await until(lambda: witness.notices, "the answer")
        relay.cut()
        await until(lambda: client.stats.duplicates == 1, "the unseen notice comes with the resume")
        (notice,) = witness.notices
        assert isinstance(notice.event, Answered)
        await client.seen(notice.notice)
        relay.cut()
        await until(lambda: client.stats.resumes == 2, "resumed again")
        assert (await client.like()).ref
        assert (client.stats.duplicates, len(witness.notices)) == (1, 1)


# -- no way in


async def test_an_unknown_room_is_no_reason_to_try_again(gateway: Gateways) -> None:
    with pytest.raises(Closed, match="room_not_found") as caught:
        async with connect(gateway.ws_url, room="nowhere"):
            pass
    assert caught.value.code == ErrorCode.ROOM_NOT_FOUND


async def test_a_server_that_is_not_there_is_told_after_the_time_to_open(settings: Settings) -> None:
    url = f"ws://127.0.0.1:{settings.port}/v1/ws"
    with pytest.raises(Closed, match="ConnectionRefusedError"):
        async with connect(url, room=ROOM, open_timeout_s=0.5):
            pass


async def test_a_full_server_is_tried_again_until_it_has_room(start_gateway: Callable[..., Gateways]) -> None:
    gateway = start_gateway(max_connections=1)
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(connect(gateway.ws_url, room=ROOM))
        waiting = asyncio.create_task(stack.enter_async_context(connect(gateway.ws_url, room=ROOM, open_timeout_s=20)))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        await first.close()
        second = await waiting
        assert second.stats.last_trouble.startswith("HTTP 503")


async def test_a_join_that_the_server_was_too_slow_to_answer_is_tried_again(
    start_gateway: Callable[..., Gateways], database: Database
) -> None:
    gateway = start_gateway(join_timeout_ms=300)
    async with database.transaction() as tx:
        await tx.execute("LOCK TABLE room IN ACCESS EXCLUSIVE MODE")
        client = connect(gateway.ws_url, room=ROOM, open_timeout_s=30)
        opening = asyncio.create_task(client.__aenter__())
        await until(lambda: client.stats.closes, "the server gives up")
        assert client.stats.last_trouble.startswith(f"closed with {CloseCode.TRY_LATER.value}")
    await opening
    assert client.connected
    await client.close()


async def test_a_callback_that_fails_ends_the_client_and_says_so(gateway: Gateways) -> None:
    def on_push(push: AnyPush) -> None:
        raise ZeroDivisionError("of the caller")

    async with connect(gateway.ws_url, room=ROOM, on_push=on_push) as client:
        with pytest.raises(Closed, match="ZeroDivisionError: of the caller"):
            await asyncio.wait_for(client.wait_closed(), 10)


# -- a crowd


async def test_three_hundred_clients_of_one_process_hear_all_in_order(gateway: Gateways, people: People) -> None:
    witnesses = [Witness() for _ in range(300)]
    async with host_of(gateway, people) as host, contextlib.AsyncExitStack() as stack:
        for start in range(0, 300, 50):
            await asyncio.gather(
                *(
                    stack.enter_async_context(connect(gateway.ws_url, room=ROOM, on_push=witness, open_timeout_s=30))
                    for witness in witnesses[start : start + 50]
                )
            )
        for number in range(20):
            await host.say(f"message {number}")
        await until(lambda: all(len(witness.texts) == 20 for witness in witnesses), "all hear all", 30)
        assert all(witness.unbroken and witness.snapshots == 1 for witness in witnesses)
