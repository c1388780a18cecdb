"""Retention: what is older than the shop keeps it goes, the rest stays, and no quote outlives its comment."""

from __future__ import annotations

import json

import pytest

from livestream import seed
from livestream.ids import first_of
from livestream.shop import retention
from livestream.shop.retention import forget_past
from livestream.storage.pool import Database

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
    await _put(database, [1000, 1001, 1002])
    async with database.transaction() as tx:
        await tx.execute("UPDATE comment SET fate = 'held' WHERE text = 'words of day 1000'")
        await tx.execute("UPDATE comment SET report_open = true WHERE text = 'words of day 1001'")
        await tx.execute(
            "INSERT INTO staff (shop_id, room_id, pseudonym, role) VALUES ($1, '', 'p1000', 'host')", seed.SHOP
        )
    await forget_past(database)
    left = await _all(database)
    assert left["comment"] == [1000, 1001]
    assert left["person"] == [1000]


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
