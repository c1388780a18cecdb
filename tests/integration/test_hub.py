"""The hub: what the bus loses or turns around is repaired from Postgres, once for all who are in the room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from gateway.channel import Channel, Loaded
from livestream.bus import BusMessage
from livestream.config import Settings
from livestream.metrics import LOG_READS
from livestream.protocol.commands import Like, Say
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import Erased, HostMessage, Said
from livestream.protocol.roles import Role
from livestream.storage import roomlog
from livestream.storage.pool import Database
from tests.support.bare import new_room
from tests.support.nodes import HOST_ID, Node, actor, node, until
from tests.support.receivers import Remembering

ROOM = "demo"
HOST = actor(HOST_ID, Role.HOST)
VIEWERS = 200


class Audience:
    """A room of one process with its viewers."""

    def __init__(self, process: Node, channel: Channel) -> None:
        self.process = process
        self.channel = channel
        self.viewers = [Remembering() for _ in range(VIEWERS)]
        self.after = channel.log.top
        for viewer in self.viewers:
            channel.fanout.add(viewer)

    async def has(self, count: int, seconds: float = 5.0) -> None:
        """All viewers got so many events, in order, none twice."""
        wanted = list(range(self.after + 1, self.after + count + 1))
        await until(lambda: self.viewers[-1].seqs() == wanted, seconds)
        assert all(viewer.seqs() == wanted for viewer in self.viewers)


@pytest.fixture
async def audience(database: Database, settings: Settings, seeded: str) -> AsyncIterator[Audience]:
    """A room without a heartbeat: what is repaired is repaired by what arrives."""
    async with node(database, settings) as process:
        yield Audience(process, await process.hub.channel(ROOM))


async def commit(database: Database, count: int) -> list[BusMessage]:
    """So many events in Postgres, each its own transaction; the bus has not carried them."""
    messages = []
    for number in range(count):
        said = Said(message=HostMessage(id=f"{number:013d}", name="Ada", text=str(number), at=number))
        async with database.transaction() as tx:
            messages.append(BusMessage(origin=99, appended=await roomlog.append(tx, ROOM, [said])))
    return messages


def reads() -> float:
    (metric,) = LOG_READS.collect()
    return next(sample.value for sample in metric.samples if sample.name.endswith("_total"))


async def test_a_lost_message_is_read_once_for_all_viewers(audience: Audience, database: Database) -> None:
    *_, last = await commit(database, 20)
    before = reads()
    audience.process.hub.receive(ROOM, last)
    await audience.has(20)
    assert reads() == before + 1
    assert not audience.channel.gap


async def test_a_message_out_of_order_waits_for_its_turn_and_costs_no_read(
    audience: Audience, database: Database
) -> None:
    first, second, third = await commit(database, 3)
    before = reads()
    for message in (third, second):
        audience.process.hub.receive(ROOM, message)
    await asyncio.sleep(0)
    assert audience.viewers[0].frames == []
    assert audience.channel.gap
    audience.process.hub.receive(ROOM, first)
    await audience.has(3)
    await asyncio.sleep(0.1)
    assert reads() == before


async def test_what_comes_after_its_repair_is_ignored(audience: Audience, database: Database) -> None:
    first, second = await commit(database, 2)
    audience.process.hub.receive(ROOM, second)
    await audience.has(2)
    for message in (first, second, first):
        audience.process.hub.receive(ROOM, message)
    await asyncio.sleep(0.1)
    await audience.has(2)
    assert not audience.channel.gap


async def test_the_heartbeat_finds_what_nothing_followed(database: Database, settings: Settings, seeded: str) -> None:
    quick = msgspec.structs.replace(settings, heartbeat_ms=100)
    async with node(database, quick, beat=True) as process:
        audience = Audience(process, await process.hub.channel(ROOM))
        await commit(database, 5)
        await audience.has(5, seconds=2)


async def test_an_own_commit_is_told_at_once_and_another_processs_over_the_bus(
    audience: Audience, database: Database, settings: Settings
) -> None:
    async with node(database, settings, origin=2) as other:
        there = Audience(other, await other.hub.channel(ROOM))
        before = reads()
        await audience.process.run(HOST, Say(ref=1, text="here"))
        await other.run(HOST, Say(ref=1, text="there"))
        await audience.has(2)
        await there.has(2)
        assert reads() == before
        await other.run(actor(), Like(ref=1, count=7))
        await until(lambda: audience.channel.gauges["likes"] == 7)


async def test_a_room_is_loaded_once_for_all_who_ask(database: Database, settings: Settings, seeded: str) -> None:
    async with node(database, settings) as process:
        found = await asyncio.gather(*(process.hub.channel(ROOM) for _ in range(100)))
        assert len({id(channel) for channel in found}) == 1
        assert list(process.hub.channels) == [ROOM]


async def test_a_room_that_is_not_there_is_refused_and_not_remembered(
    database: Database, settings: Settings, seeded: str
) -> None:
    async with node(database, settings) as process:
        with pytest.raises(Refused) as refused:
            await process.hub.channel("nowhere")
        assert refused.value.code is ErrorCode.ROOM_NOT_FOUND
        assert process.hub.channels == {}
        process.hub.receive("nowhere", BusMessage(origin=9))


async def test_a_load_and_what_arrives_meanwhile_leave_no_gap(
    database: Database, settings: Settings, seeded: str
) -> None:
    """Rooms opened again and again while another process speaks without a pause."""
    async with node(database, settings) as speaker, node(database, settings, origin=2) as opener:
        await speaker.hub.channel(ROOM)
        for _ in range(10):
            speaking = [asyncio.create_task(speaker.run(HOST, Say(ref=n, text=str(n)))) for n in range(20)]
            audience = Audience(opener, await opener.hub.channel(ROOM))
            await asyncio.gather(*speaking)
            await audience.has(speaker.hub.channels[ROOM].log.top - audience.after)
            audience.channel.idle_since = asyncio.get_running_loop().time() - 1000
            assert await opener.hub.drop_idle() == [ROOM]


async def test_only_rooms_that_nobody_needs_are_dropped(database: Database, settings: Settings, seeded: str) -> None:
    """Neither with somebody in it nor while somebody is about to come in; but if they never come, it is."""
    async with node(database, settings) as process:
        channel = await process.hub.channel(ROOM)

        async def drop_after(seconds: float) -> list[str]:
            if channel.idle_since is not None:
                channel.idle_since -= seconds
            return await process.hub.drop_idle()

        viewer = Remembering()
        channel.fanout.add(viewer)
        channel.idle_since = None
        assert await drop_after(1000) == []
        channel.idle_since = asyncio.get_running_loop().time() - 1000
        assert await process.hub.channel(ROOM) is channel
        assert await drop_after(0) == []
        assert await drop_after(1000) == [ROOM]
        assert process.hub.channels == {}


async def test_a_room_that_was_asked_for_and_never_entered_is_dropped(
    database: Database, settings: Settings, seeded: str
) -> None:
    async with node(database, settings) as process:
        channel = await process.hub.channel(ROOM)
        assert channel.idle_since is not None
        channel.idle_since -= 1000
        assert await process.hub.drop_idle() == [ROOM]


async def test_a_room_somebody_enters_while_another_is_being_dropped_stays(
    database: Database, settings: Settings, seeded: str
) -> None:
    other_room = await new_room(settings.database_url)
    async with node(database, settings) as process:
        long_ago = asyncio.get_running_loop().time() - 1000
        for room_id in (ROOM, other_room):
            (await process.hub.channel(room_id)).idle_since = long_ago
        entered = process.hub.channels[other_room]
        unsubscribe = process.bus.unsubscribe

        async def enter_meanwhile(room_id: str) -> None:
            entered.idle_since = None
            await unsubscribe(room_id)

        process.bus.unsubscribe = enter_meanwhile  # type: ignore[method-assign]
        assert await process.hub.drop_idle() == [ROOM]
        assert process.hub.channels == {other_room: entered}


async def test_a_room_somebody_was_erased_from_is_read_once_and_nobody_goes_back_in_time(
    audience: Audience, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, loads = audience.process.hub, 0
    load = hub._load

    async def counted(room_id: str) -> Loaded:
        nonlocal loads
        loads += 1
        return await load(room_id)

    monkeypatch.setattr(hub, "_load", counted)
    async with database.transaction() as tx:
        erased = await roomlog.append(tx, ROOM, [], [Erased()])
    hub.receive(ROOM, BusMessage(origin=99, appended=erased))
    for _ in range(10):
        for message in await commit(database, 1):
            hub.receive(ROOM, message)
    viewer, top = audience.viewers[-1], audience.after + 10
    await until(lambda: not audience.channel.stale and audience.channel.log.top == top)
    await until(lambda: bool(viewer.messages()) and viewer.messages()[-1]["seq"] == top)
    seen = [each["seq"] for each in viewer.messages() if each["t"] in ("snapshot", "log")]
    assert seen == sorted(seen)
    assert loads == len(viewer.of("snapshot")) == 1


async def test_while_postgres_is_away_viewers_hear_that_the_line_is_alive(
    database: Database, settings: Settings, seeded: str
) -> None:
    quick = msgspec.structs.replace(settings, heartbeat_ms=20, gauge_tick_ms=10)
    async with node(database, quick, beat=True) as process:
        audience = Audience(process, await process.hub.channel(ROOM))
        await database.close()
        heard = len(audience.viewers[0].of("heartbeat"))
        await until(lambda: len(audience.viewers[0].of("heartbeat")) > heard + 2)
        first, *_, last = audience.viewers[0].of("heartbeat")
        assert last["now"] > first["now"]


async def test_a_room_that_is_not_there_never_reaches_redis(
    database: Database, settings: Settings, seeded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with node(database, settings) as process:
        subscribed: list[str] = []
        monkeypatch.setattr(process.bus, "subscribe", subscribed.append)
        with pytest.raises(Refused):
            await process.hub.channel("nowhere")
        assert not subscribed


async def test_a_host_message_is_four_questions_to_postgres_and_five_with_a_key(
    settings: Settings, seeded: str
) -> None:
    """Each waits for the scheduler beside a busy fan-out."""
    single = await Database.connect(settings.database_url, msgspec.structs.replace(settings, pool_size=1))
    asked: list[str] = []
    async with node(single, settings) as process:
        await process.run(HOST, Say(ref=1, text="the room is here"))
        await process.run(HOST, Say(ref=1, text="and all is prepared", key="k0"))
        async with single.read() as connection:
            connection.add_query_logger(lambda record: asked.append(record.query))
        await process.run(HOST, Say(ref=2, text="once"))
        once = list(asked)
        asked.clear()
        first = await process.run(HOST, Say(ref=3, text="keyed", key="k1"))
        keyed = list(asked)
        assert await process.run(HOST, Say(ref=3, text="keyed", key="k1")) == msgspec.structs.replace(first, seq=None)  # type: ignore[type-var]
    await single.close()
    assert (len(once), len(keyed)) == (4, 5), (once, keyed)
    assert once[0].startswith("BEGIN")
    assert once[-1].startswith("COMMIT")
