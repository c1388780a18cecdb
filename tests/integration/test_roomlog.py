"""The room log on Postgres: gap-free, in the order of COMMIT, dated after the lock, and stopped by nobody for long."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import msgspec
import pytest

from livestream.config import Settings
from livestream.protocol.errors import OutcomeUnknown, Refused, Unavailable
from livestream.protocol.events import Acted, Answered, HostMessage, Pinned, Said
from livestream.protocol.roles import Role
from livestream.room import desk_store, store
from livestream.room.desk_store import Named
from livestream.storage import roomlog
from livestream.storage.pool import Connection, Contention, Database

ROOM = "demo"


def said(text: str) -> Said:
    return Said(message=HostMessage(id="0000000000001", name="Ada", text=text, at=1))


def answered(text: str) -> Answered:
    return Answered(comment="0000000000002", message=said(text).message)


ACTED = Acted(who="ada", name="Ada", role=Role.HOST, command="say", what="said a message")


@pytest.fixture
async def wide(settings: Settings, seeded: str) -> AsyncIterator[Database]:
    """A pool that 32 can use at once."""
    pool = await Database.connect(settings.database_url, msgspec.structs.replace(settings, pool_size=33))
    yield pool
    await pool.close()


class Rollback(Exception):
    """An appender changes its mind."""


async def test_seq_is_gap_free_and_the_order_of_commit_under_32_appenders(wide: Database) -> None:
    top = (await _log(wide))[-1].seq
    done: list[roomlog.Appended] = []
    running = True

    async def appender(number: int) -> None:
        chance = random.Random(number)
        for turn in range(12):
            try:
                async with wide.transaction() as tx:
                    await tx.fetchval("SELECT 1")
                    events = [said(f"{number}.{turn}.{i}") for i in range(chance.randint(1, 3))]
                    appended = await roomlog.append(tx, ROOM, events, [ACTED], [("ann", answered("x"))])
                    if chance.random() < 0.3:
                        raise Rollback
                done.append(appended)
            except (Rollback, Contention, Unavailable):
                pass  # on a busy machine a lock may take too long: that too must leave no trace

    async def reader() -> int:
        """Whatever moment one looks at, what is there has no hole: none committed before a lower one."""
        looks = 0
        while running:
            seqs = [item.seq for item in await _log(wide)]
            assert seqs == list(range(1, len(seqs) + 1))
            looks += 1
        return looks

    reading = asyncio.create_task(reader())
    await asyncio.gather(*(appender(number) for number in range(32)))
    running = False
    assert await reading > 1
    assert len(done) > 50

    rows = await _log(wide)
    told = sorted((item for appended in done for item in appended.log), key=lambda item: item.seq)
    assert rows[top:] == told
    assert [item.at for item in rows] == sorted(item.at for item in rows)
    async with wide.read() as connection:
        staff = await roomlog.read_staff_log(connection, ROOM, 0, 10_000)
        notices = await roomlog.read_notices(connection, ROOM, 0, 10_000)
        pulse = await roomlog.read_pulse(connection, [ROOM])
    assert [item.seq for item in staff] == list(range(1, len(done) + 1))
    assert notices == sorted((n for appended in done for n in appended.notices), key=lambda n: n.seq)
    assert [notice.seq for notice in notices] == list(range(1, len(done) + 1))
    head = pulse.heads[ROOM]
    assert (head.seq, head.staff_seq, head.notice_seq) == (rows[-1].seq, len(done), len(done))


async def test_now_is_read_after_the_lock(wide: Database) -> None:
    """Both begin together; the second gets the lock half a second later and dates its event, and decides, then."""
    async with wide.transaction() as first:
        await roomlog.append(first, ROOM, [Pinned(message=None)])
        await first.fetch("SELECT 1 FROM room WHERE room_id = $1 FOR UPDATE", ROOM)
        second = asyncio.create_task(_append(wide, "late"))
        desk = asyncio.create_task(_desk_time(wide))
        await asyncio.sleep(0.5)
        assert not second.done()
        assert not desk.done()
        released = await _now_ms(first)
    (late,) = (await second).log
    assert late.at >= released
    assert await desk >= released


async def test_a_process_frozen_between_append_and_commit_does_not_stop_the_room(wide: Database) -> None:
    loop = asyncio.get_running_loop()
    thaw, frozen = asyncio.Event(), asyncio.Event()

    async def freeze() -> None:
        async with wide.transaction() as tx:
            await roomlog.append(tx, ROOM, [said("of the frozen one")])
            frozen.set()
            await thaw.wait()

    freezing = asyncio.create_task(freeze())
    await frozen.wait()
    began = loop.time()
    while True:
        try:
            appended = await _append(wide, "of the living")
            break
        except (Unavailable, Contention):
            assert loop.time() - began < 10
    assert loop.time() - began < 4.0
    thaw.set()
    with pytest.raises((Unavailable, OutcomeUnknown)):
        await freezing
    rows = await _log(wide)
    assert rows[-1] == appended.log[0]
    assert not any(b"frozen one" in item.event for item in rows)
    assert [item.seq for item in rows] == list(range(1, len(rows) + 1))


async def test_what_rides_with_an_append_is_done_before_the_room_is_locked(settings: Settings, wide: Database) -> None:
    """It waits for a row that somebody has; the room goes on meanwhile."""
    patient = await Database.connect(
        settings.database_url, msgspec.structs.replace(settings, statement_timeout_ms=30_000), name="patient"
    )
    statements = [
        roomlog.Also("UPDATE show SET title = {0} WHERE room_id = {1}", ("slow", ROOM)),
        roomlog.Also("INSERT INTO block (shop_id, pseudonym, blocked) VALUES ({0}, {1}, {2})", ("demo", "ann", "bob")),
    ]

    async def ride() -> roomlog.Appended:
        async with patient.transaction() as tx:
            return await roomlog.append(tx, ROOM, [said("after all")], [], [], statements)

    async with wide.transaction() as holder:
        await holder.execute("SELECT FROM show WHERE room_id = $1 FOR UPDATE", ROOM)
        riding = asyncio.create_task(ride())
        while not await holder.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'patient' AND wait_event_type = 'Lock'"
        ):
            await asyncio.sleep(0.01)
        appended = await _append(wide, "meanwhile")
        assert not riding.done()
    assert [each.seq for each in (await riding).log] == [appended.log[0].seq + 1]
    async with wide.read() as connection:
        assert await connection.fetchval("SELECT title FROM show WHERE room_id = $1", ROOM) == "slow"
        assert await connection.fetchval("SELECT count(*) FROM block WHERE pseudonym = 'ann'") == 1
    await patient.close()


async def test_what_is_read_back_is_what_was_appended(wide: Database) -> None:
    top = (await _log(wide))[-1].seq
    text = 'quotes " \\ “sì” 你好 \u2028 \x01 end'
    async with wide.transaction() as tx:
        appended = await roomlog.append(tx, ROOM, [said(text), Pinned(message=None)], [], [("ann", answered(text))])
    async with wide.read() as connection:
        assert await roomlog.read_log(connection, ROOM, top, 10) == appended.log
        assert await roomlog.read_log(connection, ROOM, top, 1) == appended.log[:1]
        assert await roomlog.read_log(connection, ROOM, top + 2, 10) == []
        assert await roomlog.read_notices(connection, ROOM, 0, 10) == appended.notices
        assert await roomlog.read_staff_log(connection, ROOM, 0, 10) == []
    assert msgspec.json.decode(appended.log[0].event, type=Said) == said(text)


async def test_a_room_that_is_not_there_cannot_be_appended_to(wide: Database) -> None:
    with pytest.raises(Refused, match="nowhere"):
        async with wide.transaction() as tx:
            await roomlog.append(tx, "nowhere", [Pinned(message=None)])


async def test_unseen_notices_are_the_newest_in_order_and_after_what_was_seen(wide: Database) -> None:
    async with wide.transaction() as tx:
        await roomlog.append(
            tx, ROOM, [], [], [(viewer, answered(str(n))) for n in range(5) for viewer in ("ann", "bob")]
        )
        await store.mark_seen(tx, {(ROOM, "bob"): 8})
    async with wide.read() as connection:
        found = await roomlog.unseen_notices(connection, ROOM, ["ann", "bob", "eve"], 3)
    assert {viewer: [notice.seq for notice in notices] for viewer, notices in found.items()} == {
        "ann": [5, 7, 9],
        "bob": [10],
    }


async def test_the_pulse_knows_heads_likes_epoch_and_the_time(wide: Database) -> None:
    async with wide.transaction() as tx:
        await roomlog.append(tx, ROOM, [said("x")], [ACTED, ACTED], [])
        assert await store.add_likes(tx, ROOM, 5) == 5
    async with wide.read() as connection:
        before = await _now_ms(connection)
        pulse = await roomlog.read_pulse(connection, [ROOM, "nowhere"])
        empty = await roomlog.read_pulse(connection, [])
    assert pulse.heads == {ROOM: roomlog.Head(2, 2, 0, 5)}
    assert before <= pulse.now_ms <= empty.now_ms
    assert pulse.epoch == empty.epoch
    assert len(pulse.epoch) == 16


async def _append(database: Database, text: str) -> roomlog.Appended:
    async with database.transaction() as tx:
        return await roomlog.append(tx, ROOM, [said(text)])


async def _log(database: Database) -> list[roomlog.Logged]:
    async with database.read() as connection:
        return await roomlog.read_log(connection, ROOM, 0, 10_000)


async def _desk_time(database: Database) -> int:
    async with database.transaction() as tx:
        return (await desk_store.load(tx, ROOM, Named())).now_ms


async def _now_ms(connection: Connection) -> int:
    now: int = await connection.fetchval("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint")
    return now
