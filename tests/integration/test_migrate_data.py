"""A database of the first schema, with a show in it, is brought up to today's: the room reads as it did."""

from __future__ import annotations

import asyncpg
import pytest

from livestream.config import Settings
from livestream.room.store import load_room
from livestream.storage import migrate as module
from livestream.storage import roomlog
from livestream.storage.migrate import migrate, migrations
from livestream.storage.pool import Database

_PAST = """
INSERT INTO shop (shop_id, name) VALUES ('tea', 'Tea'), ('hats', 'Hats');
INSERT INTO shop_key (kid, shop_id, algorithm, key) VALUES ('k1', 'tea', 'HS256', 'c2VjcmV0');
INSERT INTO room (room_id, shop_id, title, anonymous_comments, comment_chars, display_per_s) VALUES
    ('tea-room', 'tea', 'Tea "tonight"', true, 300, 12.5), ('hat-room', 'hats', 'Hats', false, 200, NULL);
INSERT INTO show (show_id, room_id, title, state, starts_at, live_at, ended_at, likes) VALUES
    ('0aaaaaaaaaas1', 'tea-room', 'Last week', 'ended', '2026-01-01', '2026-01-01', '2026-01-02', 5),
    ('0aaaaaaaaaas2', 'tea-room', 'Tonight', 'live', '2026-01-08', '2026-01-08 20:00Z', NULL, 7);
INSERT INTO host_message (message_id, room_id, body) VALUES
    ('0aaaaaaaaaam1', 'tea-room', '{"id":"0aaaaaaaaaam1","name":"Ada","text":"Welcome","at":1767902400000}');
INSERT INTO pin (room_id, message_id) VALUES ('tea-room', '0aaaaaaaaaam1');
INSERT INTO comment (room_id, comment_id, show_id, viewer_id, pseudonym, name, role, text, at, fate) VALUES
    ('tea-room', '0aaaaaaaaaac1', '0aaaaaaaaaas2', 'ann', 'p-ann', 'Ann', 'viewer',
     'green?', '2026-01-08 20:01Z', 'shown'),
    ('tea-room', '0aaaaaaaaaac2', '0aaaaaaaaaas2', 'ann', 'p-ann', 'Anna', 'viewer',
     'or black?', '2026-01-08 20:02Z', 'shown'),
    ('tea-room', '0aaaaaaaaaac3', '0aaaaaaaaaas2', NULL, 'p-nobody', 'Guest', 'anonymous',
     'hi', '2026-01-08 20:03Z', 'shown');
INSERT INTO room_head (room_id, seq, notice_seq) VALUES ('tea-room', 1, 2), ('hat-room', 0, 0);
INSERT INTO room_log (room_id, seq, at, event) VALUES
    ('tea-room', 1, '2026-01-08 20:00Z',
     '{"t":"said","message":{"id":"0aaaaaaaaaam1","name":"Ada","text":"Welcome","at":1767902400000}}');
INSERT INTO notice (room_id, seq, viewer_id, at, event) VALUES
    ('tea-room', 1, 'ann', '2026-01-08',
     '{"t":"answered","message":"0aaaaaaaaaam1","comment":"0aaaaaaaaaac1"}'),
    ('tea-room', 2, 'never-spoke', '2026-01-08',
     '{"t":"answered","message":"0aaaaaaaaaam1","comment":"0aaaaaaaaaac1"}');
INSERT INTO notice_seen (room_id, viewer_id, seq) VALUES ('tea-room', 'ann', 1), ('tea-room', 'never-spoke', 2);
INSERT INTO idempotency (shop_id, actor, command, key, body_hash) VALUES ('tea', 'ann', 'comment', 'k', '');
"""


async def test_a_show_under_way_in_the_first_schema_goes_on(
    empty_database_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = migrations()
    with monkeypatch.context() as past:
        past.setattr(module, "migrations", lambda: every[:1])
        assert await migrate(empty_database_url) == ["livestream/0001_ground.sql"]
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute(_PAST)
        assert await migrate(empty_database_url) == [each.name for each in every[1:]]
        # Who was known keeps their pseudonym: the secret that made it becomes the key.
        assert [tuple(row) for row in await connection.fetch("SELECT key FROM pseudonym_key")] == [(None,)]
        rows = await connection.fetch("SELECT seq, pseudonym FROM notice ORDER BY seq")
        assert [tuple(row) for row in rows] == [(1, "p-ann"), (2, "")]
        rows = await connection.fetch("SELECT pseudonym, viewer_id, name FROM person ORDER BY pseudonym")
        assert [tuple(row) for row in rows] == [("p-ann", "ann", "Anna"), ("p-nobody", None, "Guest")]
        rows = await connection.fetch("SELECT pseudonym, seq FROM notice_seen")
        assert [tuple(row) for row in rows] == [("p-ann", 1)]
        assert await connection.fetchval("SELECT count(*) FROM shop_key") == 1
    finally:
        await connection.close()

    database = await Database.connect(empty_database_url, settings)
    try:
        async with database.transaction(snapshot=True) as tx:
            tea, hats = await load_room(tx, "tea-room"), await load_room(tx, "hat-room")
            log = await roomlog.read_log(tx, "tea-room", 0, 10)
    finally:
        await database.close()
    assert (tea.state.title, tea.state.seq, tea.likes) == ('Tea "tonight"', 1, 7)
    assert tea.state.pinned is not None
    assert tea.state.pinned.text == "Welcome"
    assert tea.state.show is not None
    assert (tea.state.show.id, tea.state.show.live_at) == ("0aaaaaaaaaas2", 1767902400000)
    assert tea.state.show.began_at == tea.state.show.live_at
    assert [message.text for message in tea.state.messages] == ["Welcome"]
    assert [comment.text for comment in tea.comments] == ["green?", "or black?", "hi"]
    assert (tea.state.chat.comment_chars, tea.state.chat.anonymous) == (300, True)
    assert (tea.staff.policy.display_per_s, hats.staff.policy.display_per_s) == (12.5, None)
    assert hats.state.show is None
    assert [item.seq for item in log] == [1]
