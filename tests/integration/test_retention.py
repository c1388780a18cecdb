"""Retention: what is older than the shop keeps it goes, the rest stays, and no quote outlives its comment."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from livestream import seed
from livestream.config import Settings
from livestream.ids import first_of
from livestream.protocol import commands as c
from livestream.protocol.replies import Posted
from livestream.protocol.roles import Role
from livestream.room import attendance
from livestream.shop import retention
from livestream.shop.retention import forget_past
from livestream.storage.pool import Database
from tests.support.nodes import HOST_ID, actor, node

MOD, HOST = actor("mo", Role.MODERATOR), actor(HOST_ID, Role.HOST)

ROOM = "demo"


async def _put(database: Database, days: list[int]) -> None:
    """A comment, a notice, a staff log entry and a person of each age."""
    async with database.transaction() as tx:
        now_ms = await tx.fetchval("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint")
        for age in days:
            at_ms = now_ms - age * 86_400_000
            at = "to_timestamp($2::double precision / 1000)"
            await tx.execute(
                "INSERT INTO comment (room_id, comment_id, show_id, pseudonym, role, text, at, fate)"
                f" VALUES ($1, $3, 's', 'p', 'viewer', $4, {at}, 'shown')",
                ROOM, at_ms, first_of(at_ms), f"words of day {age}",
            )  # fmt: skip
            await tx.execute(
                f"INSERT INTO report (room_id, comment_id, reporter, at) VALUES ($1, $3, 'r', {at})",
                ROOM, at_ms, first_of(at_ms),
            )  # fmt: skip
            for table, column in (("notice", "pseudonym, "), ("staff_log", "")):
                value = "'p', " if column else ""
                await tx.execute(
                    f"INSERT INTO {table} (room_id, seq, {column}at, event) VALUES ($1, $3, {value}{at}, '{{}}')",
                    ROOM, at_ms, 1000 - age,
                )  # fmt: skip
            await tx.execute(
                f"INSERT INTO person (shop_id, pseudonym, viewer_id, name, seen_at) VALUES ($1, $3, $3, 'N', {at})",
                seed.SHOP, at_ms, f"p{age}",
            )  # fmt: skip


async def _ages(database: Database, table: str, column: str) -> list[int]:
    async with database.read() as connection:
        rows = await connection.fetch(
            f"SELECT round(extract(epoch FROM clock_timestamp() - {column}) / 86400)::int AS age FROM {table}"
            " ORDER BY age"
        )
        return [row["age"] for row in rows]


async def _all(database: Database) -> dict[str, list[int]]:
    columns = {"comment": "at", "report": "at", "notice": "at", "staff_log": "at", "person": "seen_at"}
    return {table: await _ages(database, table, column) for table, column in columns.items()}


async def test_each_kind_is_kept_for_its_own_time(database: Database, seeded: str) -> None:
    await _put(database, [1, 29, 31, 89, 91, 364, 366])
    forgotten = await forget_past(database)
    assert await _all(database) == {
        "comment": [1, 29, 31, 89],
        "report": [1, 29, 31, 89],
        "notice": [1, 29],
        "staff_log": [1, 29, 31, 89, 91, 364],
        "person": [1, 29, 31, 89, 91, 364],
    }
    assert forgotten == 3 + 5 + 1 + 1
    assert await forget_past(database) == 0


async def test_a_shop_says_how_long(database: Database, seeded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await _put(database, [1, 3, 5, 400])
    async with database.transaction() as tx:
        await tx.execute("UPDATE shop SET retention = $1::text::json", json.dumps({"comments": 2, "people": 3650}))
    monkeypatch.setattr(retention, "_AT_ONCE", 1)
    for _ in range(4):
        await forget_past(database)
    assert (await _all(database))["comment"] == [1]
    assert (await _all(database))["person"] == [1, 3, 5, 400]


async def test_what_waits_for_staff_and_who_is_staff_stays(database: Database, seeded: str) -> None:
    await _put(database, [100, 101, 102])
    async with database.transaction() as tx:
        await tx.execute("UPDATE comment SET fate = 'held' WHERE text = 'words of day 100'")
        await tx.execute("UPDATE comment SET report_open = true WHERE text = 'words of day 101'")
        await tx.execute(
            "INSERT INTO staff (shop_id, room_id, pseudonym, role) VALUES ($1, '', 'p100', 'host')", seed.SHOP
        )
        await tx.execute("UPDATE shop SET retention = '{\"people\": 90}'")
    await forget_past(database)
    left = await _all(database)
    assert left["comment"] == [100, 101]
    assert left["person"] == [100]


async def test_an_answer_quotes_no_words_that_were_forgotten(database: Database, seeded: str) -> None:
    await _put(database, [200])
    async with database.transaction() as tx:
        comment = await tx.fetchval("SELECT comment_id FROM comment")
        said = {
            "id": "0000000000001",
            "name": "Ada",
            "text": "yes",
            "at": 1,
            "answers": comment,
            "answered_text": "words of day 200",
        }
        await tx.execute(
            "INSERT INTO host_message (message_id, room_id, body) VALUES ('0000000000001', $1, $2::text::json)",
            ROOM, json.dumps(said),
        )  # fmt: skip
        await tx.execute(
            "INSERT INTO room_log (room_id, seq, at, event) VALUES ($1, 900, clock_timestamp(), $2::text::json)",
            ROOM, json.dumps({"t": "said", "message": said}),
        )  # fmt: skip
    await forget_past(database)
    async with database.read() as connection:
        for table, column in (("host_message", "body"), ("room_log", "event")):
            assert not await connection.fetchval(
                f"SELECT bool_or(strpos({column}::text, 'words of day') > 0) FROM {table}"
            )


async def test_what_nobody_decides_on_ends_and_leaves_the_desk(
    database: Database, settings: Settings, seeded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with node(database, settings) as process:
        await process.run(MOD, c.SetChat(ref=1, approve_first=True))
        posted = await process.run(actor("bob"), c.Comment(ref=2, text="is anybody here"))
        assert isinstance(posted, Posted)
        await process.run(MOD, c.SetChat(ref=1, approve_first=False))
        shown = await process.run(actor("eve"), c.Comment(ref=3, text="good evening"))
        assert isinstance(shown, Posted)
        await process.run(actor("bob"), c.Report(ref=4, comment=shown.id, why="he knows why"))
        channel = await process.hub.channel(seed.ROOM)
        assert (len(channel.local.staff.held), len(channel.local.staff.reports)) == (1, 1)
        monkeypatch.setattr(retention, "_DAY_MS", 1)  # so that days are milliseconds
        await _keep(database, comments=1, waiting=100_000, staff_log=100_000, people=100_000)
        assert await forget_past(database) == 0
        await _keep(database, waiting=1)
        await asyncio.sleep(0.01)
        assert await forget_past(database) == 2
        await process.hub.catch_up(channel)
        assert (channel.local.staff.held, channel.local.staff.reports) == ((), ())
    async with database.read() as connection:
        for words in ("is anybody here", "good evening", "he knows why"):
            assert await connection.fetch("SELECT FROM staff_log WHERE strpos(event::text, $1) > 0", words) == []
        assert (
            await connection.fetchval("SELECT count(*) FROM staff_log WHERE event->>'t' IN ('held', 'reported')") == 2
        )


async def _keep(database: Database, **days: int) -> None:
    async with database.transaction() as tx:
        await tx.execute("UPDATE shop SET retention = (retention::jsonb || $1::text::jsonb)::json", json.dumps(days))


async def test_sanctions_guests_and_what_people_left_behind_have_an_end(
    database: Database, settings: Settings, seeded: str
) -> None:
    async with node(database, settings) as process:
        await process.run(actor("bob"), c.Comment(ref=1, text="good evening"))
        await process.run(MOD, c.Ban(ref=2, who="p-bob", seconds=None))
        guest = msgspec.structs.replace(actor("guest-1", Role.HOST), grounds=("kid:k", "who:p-ada"))
        async with database.transaction() as tx:
            for each in (guest, MOD, HOST):
                await attendance.remember(tx, each)
            await tx.execute("INSERT INTO staff (shop_id, pseudonym, role) VALUES ('demo', 'p-ada', 'host')")
            await tx.execute("INSERT INTO block (shop_id, pseudonym, blocked) VALUES ('demo', 'p-eve', 'p-bob')")
            await tx.execute("UPDATE staff SET at = at - interval '2 days'")
        assert await forget_past(database) == 1
        async with database.transaction() as tx:
            left = await tx.fetch("SELECT pseudonym FROM staff ORDER BY pseudonym")
            assert {row["pseudonym"] for row in left} == {"p-ada", "p-mo"}
            await tx.execute("UPDATE staff SET at = at - interval '2 years'")
            await tx.execute("UPDATE sanction SET at = at - interval '4 years'")
            await tx.execute("UPDATE person SET seen_at = seen_at - interval '2 years'")
        await forget_past(database)
        channel = await process.hub.channel(seed.ROOM)
        await process.hub.catch_up(channel)
        assert channel.local.staff.sanctions == ()
    async with database.read() as connection:
        for table in ("sanction", "block"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
        assert await connection.fetchval("SELECT string_agg(pseudonym, ',') FROM staff WHERE room_id = ''") == "p-ada"
        assert await connection.fetchval("SELECT string_agg(pseudonym, ',') FROM person") == "p-ada"
