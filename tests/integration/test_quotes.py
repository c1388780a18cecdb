"""Words are taken back quickly however long the room's history is; who is erased leaves nothing, and gains nothing."""

from __future__ import annotations

import dataclasses

import asyncpg
import msgspec

from livestream import seed
from livestream.config import Settings
from livestream.deployment import secret_of
from livestream.protocol import commands as c
from livestream.protocol.replies import Posted
from livestream.protocol.roles import Role
from livestream.protocol.shop import EraseViewer, ExportViewer, Rehearsal, Rehearse, RemoveStaff
from livestream.pseudonyms import first_key
from livestream.revocations import Revocations, mark_of
from livestream.room import attendance
from livestream.shop.actions import ShopActor
from livestream.shop.service import ShopService
from livestream.storage.pool import Database
from livestream.webhooks.resolver import Targets
from tests.support.nodes import HOST_ID, Node, actor, node
from tests.support.people import pseudonym_of

HOST, MOD = actor(HOST_ID, Role.HOST), actor("mo", Role.MODERATOR)
BACKEND = ShopActor(seed.SHOP, seed.SHOP, "erp", "p-erp", Role.SERVICE, "Backend")
_HISTORY = """
INSERT INTO room_log (room_id, seq, at, event)
SELECT $1, n, clock_timestamp(), json_build_object('t', 'said', 'message', json_build_object(
           'id', lpad(n::text, 13, '0'), 'name', 'Ada', 'text', 'message number ' || n, 'at', n))
  FROM generate_series($2::int, $2::int + 19999) AS n"""


async def _analysed(settings: Settings) -> None:
    """Over a line without limits: autovacuum may be at the table just now, and is waited for."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        await connection.execute("ANALYZE room_log")
    finally:
        await connection.close()


def service(process: Node, database: Database, settings: Settings) -> ShopService:
    rules = Targets.of(settings).rules
    return ShopService(database, process.bus.redis, first_key(secret_of(settings)), process.hub.publish, 9, rules)


async def test_the_quotes_are_found_without_reading_the_whole_log(
    database: Database, settings: Settings, seeded: str
) -> None:
    async with node(database, settings) as process:
        posted = await process.run(actor("ann"), c.Comment(ref=1, text="call 5550123456"))
        assert isinstance(posted, Posted)
        await process.run(HOST, c.Say(ref=2, text="Careful", answers=posted.id, pin=True))
        for first in range(1_000_000, 1_100_000, 20_000):
            async with database.transaction() as tx:
                await tx.execute(_HISTORY, seed.ROOM, first)
        await _analysed(settings)
        async with database.read() as connection:
            plan = await connection.fetch(
                "EXPLAIN (ANALYZE, FORMAT TEXT) SELECT seq FROM room_log"
                " WHERE event->>'t' IN ('said', 'pinned', 'unretracted', 'restored') AND quoted(event) && $1::text[]",
                [posted.id],
            )
        assert any("room_log_quoted" in row[0] for row in plan), plan
        await process.run(MOD, c.Delete(ref=3, comments=[posted.id]))
        async with database.read() as connection:
            written = await connection.fetch("SELECT event::text FROM room_log WHERE event::text LIKE '%5550123456%'")
    assert written == []


async def test_who_is_erased_is_out_and_stays_out_by_a_hash_alone(
    database: Database, settings: Settings, seeded: str
) -> None:
    who = pseudonym_of(settings, "mallory")
    async with node(database, settings) as process:
        shops = service(process, database, settings)
        await shops.run(BACKEND, RemoveStaff(viewer="mallory"), None)
        await shops.run(BACKEND, ExportViewer(viewer="mallory"), "export-1")
        await shops.run(BACKEND, EraseViewer(viewer="mallory"), None)
    revoked = Revocations()
    async with database.read() as connection:
        fresh = await revoked.read(connection)
        kept = await connection.fetch("SELECT answer::text FROM idempotency WHERE command LIKE 'export%'")
    assert {each.mark for each in fresh} == {mark_of(who)}
    assert who not in str(fresh)
    assert kept == []


async def test_who_was_sent_away_is_not_written_back_by_coming_again(
    database: Database, settings: Settings, seeded: str
) -> None:
    mo = msgspec.structs.replace(MOD, pseudonym=pseudonym_of(settings, "mo"))
    async with node(database, settings) as process:
        shops = service(process, database, settings)
        rehearsal = await shops.run(BACKEND, Rehearse(room=seed.ROOM), None)
        assert isinstance(rehearsal, Rehearsal)
        there = dataclasses.replace(BACKEND, shop_id=rehearsal.shop)
        async with database.transaction() as tx:
            await attendance.remember(tx, mo)
        await shops.run(there, RemoveStaff(viewer="mo"), None)
        async with database.read() as connection:
            assert await connection.fetchval("SELECT count(*) FROM revocation") == 0
        await shops.run(BACKEND, RemoveStaff(viewer="mo"), None)
        async with database.transaction() as tx:
            await attendance.remember(tx, mo)
            assert await tx.fetchval("SELECT count(*) FROM staff WHERE shop_id = $1", seed.SHOP) == 0


async def test_the_reason_of_a_report_goes_with_who_gave_it(
    database: Database, settings: Settings, seeded: str
) -> None:
    async with node(database, settings) as process:
        posted = await process.run(actor("bob"), c.Comment(ref=1, text="good evening"))
        assert isinstance(posted, Posted)
        ann = msgspec.structs.replace(actor("ann"), pseudonym=pseudonym_of(settings, "ann"))
        await process.run(ann, c.Report(ref=2, comment=posted.id, why="he owes me 500"))
        await service(process, database, settings).run(BACKEND, EraseViewer(viewer="ann"), None)
    async with database.read() as connection:
        left = await connection.fetch(
            "SELECT event::text FROM staff_log WHERE event::text LIKE '%owes me%'"
            " UNION ALL SELECT report_why FROM comment WHERE report_why LIKE '%owes me%'"
        )
    assert left == []
