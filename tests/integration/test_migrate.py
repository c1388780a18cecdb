"""Migrations: the folder of files and schema.sql tell the same, each file runs once, and misfits are refused."""

from __future__ import annotations

import asyncio
import importlib.resources

import asyncpg
import pytest

from livestream.storage import migrate as module
from livestream.storage.direct import DatabaseAway
from livestream.storage.migrate import Migration, MigrationError, migrate, migrations, new_epoch

#: what a schema consists of, one row a thing; the book-keeping table of `migrate` itself left out
_CATALOG = """
WITH ours AS (
    SELECT c.oid AS id, c.relname, c.relkind, c.reloptions FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT IN ('migration', 'migration_pkey')
)
SELECT 'relation', relname, relkind::text, coalesce(array_to_string(reloptions, ','), '') FROM ours
UNION ALL
SELECT 'column', relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod),
       concat_ws(' ', a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
                 row_number() OVER (PARTITION BY id ORDER BY a.attnum))
  FROM ours JOIN pg_attribute a ON a.attrelid = id LEFT JOIN pg_attrdef d ON d.adrelid = id AND d.adnum = a.attnum
 WHERE a.attnum > 0 AND NOT a.attisdropped AND relkind IN ('r', 'v', 'm', 'p')
UNION ALL
SELECT 'constraint', relname || '.' || conname, contype::text, pg_get_constraintdef(k.oid)
  FROM ours JOIN pg_constraint k ON k.conrelid = id AND contype <> 'n'
UNION ALL
SELECT 'index', relname, '', pg_get_indexdef(id) FROM ours WHERE relkind = 'i'
UNION ALL
SELECT 'trigger', relname || '.' || tgname, '', pg_get_triggerdef(t.oid)
  FROM ours JOIN pg_trigger t ON t.tgrelid = id WHERE NOT tgisinternal
UNION ALL
SELECT 'function', proname, prokind::text, pg_get_functiondef(p.oid)
  FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'p')
UNION ALL
SELECT 'type', typname, typtype::text, coalesce((SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder)
  FROM pg_enum WHERE enumtypid = t.oid), '')
  FROM pg_type t WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
UNION ALL
SELECT 'sequence', relname, s.seqtypid::regtype::text, concat_ws(' ', seqstart, seqincrement, seqmax, seqmin, seqcycle)
  FROM ours JOIN pg_sequence s ON s.seqrelid = id
ORDER BY 1, 2"""


async def _catalog(dsn: str) -> list[tuple[str, ...]]:
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(_CATALOG)]
    finally:
        await connection.close()


async def _execute(dsn: str, sql: str) -> None:
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _bring(monkeypatch: pytest.MonkeyPatch, *more: Migration) -> None:
    known = [*migrations(), *more]
    monkeypatch.setattr(module, "migrations", lambda: known)


async def test_the_migrated_schema_is_schema_sql(database_url: str, empty_database_url: str) -> None:
    await _execute(
        empty_database_url, importlib.resources.files("livestream.storage").joinpath("schema.sql").read_text()
    )
    for migration in migrations():  # siblings' files are their schema
        if not migration.name.startswith("livestream/"):
            await _execute(empty_database_url, migration.sql)
    written, migrated = await _catalog(empty_database_url), await _catalog(database_url)
    assert len(migrated) > 50
    assert migrated == written


async def test_the_comparison_sees_a_difference_in_a_default(database_url: str) -> None:
    before = await _catalog(database_url)
    await _execute(database_url, "ALTER TABLE shop ALTER demo SET DEFAULT true")
    assert before != await _catalog(database_url)


async def test_a_migrated_database_has_an_epoch(database_url: str) -> None:
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(database_url)
    try:
        before = await connection.fetchval("SELECT value FROM epoch")
        after = await new_epoch(database_url)
        assert before != after == await connection.fetchval("SELECT value FROM epoch")
    finally:
        await connection.close()


async def test_a_second_run_applies_nothing(empty_database_url: str) -> None:
    assert await migrate(empty_database_url) == [each.name for each in migrations()]
    assert await migrate(empty_database_url) == []


async def test_processes_that_start_together_apply_each_file_once(empty_database_url: str) -> None:
    applied = await asyncio.gather(*(migrate(empty_database_url) for _ in range(4)))
    assert sorted(name for names in applied for name in names) == [each.name for each in migrations()]


async def test_a_file_that_fails_leaves_nothing_behind(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await _catalog(database_url)
    _bring(monkeypatch, Migration("sibling/0001_bad.sql", "CREATE TABLE half (x int); SELECT 1/0"))
    with pytest.raises(MigrationError, match=r"sibling/0001_bad\.sql"):
        await migrate(database_url)
    assert await _catalog(database_url) == before


async def test_a_sibling_brings_its_own(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _bring(monkeypatch, Migration("sibling/0001_more.sql", "CREATE TABLE more (x int)"))
    assert await migrate(database_url) == ["sibling/0001_more.sql"]
    assert ("relation", "more", "r", "") in await _catalog(database_url)


async def test_a_changed_file_is_refused_by_name(database_url: str) -> None:
    await _execute(database_url, "UPDATE migration SET sha256 = 'other' WHERE name = 'livestream/0001_ground.sql'")
    with pytest.raises(MigrationError, match=r"livestream/0001_ground\.sql was changed"):
        await migrate(database_url)


async def test_a_newer_database_is_refused(database_url: str) -> None:
    await _execute(database_url, "INSERT INTO migration (name, sha256) VALUES ('livestream/9999_later.sql', '')")
    with pytest.raises(MigrationError, match="newer"):
        await migrate(database_url)


async def test_a_postgres_that_is_away_is_one_clear_line() -> None:
    with pytest.raises(DatabaseAway, match="is it running"):
        await migrate("postgresql://nobody:secret@127.0.0.1:9/nothing")
