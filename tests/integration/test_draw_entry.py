"""Who gets into a draw, who is refused and told why, and what makes an entry weigh more."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence

import msgspec
import pytest

from livestream import parts
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.draws import DrawNeeds, DrawWeights
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import Entered
from livestream.protocol.roles import Role
from livestream.storage.pool import Database
from lottery import refusals
from lottery.part import PART
from tests.support import live_draws as draws
from tests.support.live_draws import close, create, enter, opened, refused, rows
from tests.support.nodes import Node, actor, node


async def test_an_entry_counts_once_and_the_same_key_gets_the_same_receipt(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    first = await enter(desk, draw_id, key="k")
    assert await enter(desk, draw_id, key="k") == first
    assert await refused(enter(desk, draw_id, key="other")) is ErrorCode.DRAW_ENTERED
    assert await refused(enter(desk, draw_id)) is ErrorCode.DRAW_ENTERED
    both = await asyncio.gather(*(enter(desk, draw_id, "bea") for _ in range(5)), return_exceptions=True)
    assert sum(not isinstance(each, Refused) for each in both) == 1
    assert await rows(database, "SELECT count(*) FROM draw_entry") == [(2,)]
    assert await rows(database, "SELECT entries FROM draw") == [(2,)]


async def test_who_comes_in_sees_how_many_are_in_though_nobody_entered_since(
    desk: Node, database: Database, settings: Settings
) -> None:
    draw_id = await opened(desk)
    for viewer in ("ann", "bea"):
        await enter(desk, draw_id, viewer)
    async with node(database, settings, 2) as later:
        assert (await later.hub.channel(draws.ROOM)).snapshot(staff=False).values["draw_entries"] == 2


REFUSALS = (
    "not eligible",
    "anonymous",
    "staff by role",
    "staff by the table",
    "muted",
    "banned",
    "closed",
    "another room's",
)


@pytest.mark.parametrize("case", REFUSALS)
async def test_who_may_not_enter_is_told_why_it_is_recorded_and_nothing_changed(
    case: str, desk: Node, database: Database
) -> None:
    draw_id = await opened(desk, needs=DrawNeeds(commented=case == "not eligible"))
    who, expected = actor("eve"), ErrorCode.DRAW_STAFF
    async with database.transaction() as tx:
        match case:
            case "anonymous":
                who, expected = actor("eve", Role.ANONYMOUS), ErrorCode.SIGN_IN_REQUIRED
                who = msgspec.structs.replace(who, viewer_id=None)
            case "not eligible":
                expected = ErrorCode.DRAW_NOT_ELIGIBLE
            case "staff by role":
                who = actor("eve", Role.MODERATOR)
            case "staff by the table":
                await tx.execute("INSERT INTO staff (shop_id, pseudonym, role) VALUES ('demo', 'p-eve', 'host')")
            case "muted" | "banned":
                expected = ErrorCode(case)
                kind = {"muted": "mute", "banned": "ban"}[case]
                await tx.execute(
                    "INSERT INTO sanction (room_id, pseudonym, kind, at, by_name)"
                    " VALUES ('demo', 'p-eve', $1, now(), 'x')",
                    kind,
                )
            case "another room's":
                who, expected = msgspec.structs.replace(who, room_id="other"), ErrorCode.DRAW_NOT_FOUND
                await tx.execute("INSERT INTO room (room_id, shop_id) VALUES ('other', 'demo')")
                await tx.execute("INSERT INTO room_head (room_id) VALUES ('other')")
    if case == "closed":
        await close(desk, draw_id)
        expected = ErrorCode.DRAW_NOT_OPEN
    before = await rows(database, "SELECT state, body::text, entries FROM draw")
    for _ in range(2):
        assert await refused(desk.run(who, c.EnterDraw(ref=1, draw=draw_id))) is expected
    assert await rows(database, "SELECT state, body::text, entries FROM draw") == before
    assert await rows(database, "SELECT count(*) FROM draw_entry") == [(0,)]
    assert await rows(database, "SELECT draw_id, pseudonym, code, times FROM draw_refusal") == [
        (draw_id, "p-eve", str(expected), 2)
    ]


async def test_a_draw_that_never_was_leaves_no_trace(desk: Node, database: Database) -> None:
    assert await refused(enter(desk, "ab" * 16)) is ErrorCode.DRAW_NOT_FOUND
    assert await rows(database, "SELECT * FROM draw_refusal") == []


async def test_refusals_are_read_by_pages_newest_first_with_totals_of_all(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    async with database.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO draw_refusal (room_id, draw_id, pseudonym, code, times, first_at, last_at)
            SELECT 'demo', $1, 'p' || n / 2, (ARRAY['muted', 'draw_not_eligible'])[n % 2 + 1], n + 1,
                   to_timestamp(n / 3), to_timestamp(n) FROM generate_series(0, 6) AS n""",
            draw_id,
        )
    found, before = [], None
    async with database.read() as connection:
        for _ in range(4):
            page = await refusals.page(connection, "demo", draw_id, before, 2)
            assert (page.people, page.times) == (4, 28)
            found += [(each.first_at, each.who, each.code) for each in page.items]
            before = page.next
        assert before is None
        assert found == sorted(set(found), reverse=True)
        assert len(found) == 7
        odd = await refusals.page(connection, "demo", draw_id, "9" * 30 + " x", 50)
        assert [len(odd.items), odd.next] == [7, None]
        another = await create(desk)
        empty = await refusals.page(connection, "demo", another, None, 50)
        assert (empty.items, empty.people, empty.times) == ([], 0, 0)
        for room, draw in (("demo", "ab" * 16), ("other", draw_id)):
            assert await refused(refusals.page(connection, room, draw, None, 50)) is ErrorCode.DRAW_NOT_FOUND


async def test_winners_of_the_last_draws_wait(desk: Node, database: Database) -> None:
    first = await opened(desk)
    await enter(desk, first)
    await draws.drawn(desk, database, first)
    second = await opened(desk, exclude_winners_of=1)
    assert await refused(enter(desk, second)) is ErrorCode.DRAW_EXCLUDED
    await enter(desk, second, "bea")
    await draws.drawn(desk, database, second)
    third = await opened(desk, exclude_winners_of=1)
    await enter(desk, third)
    assert await refused(enter(desk, third, "bea")) is ErrorCode.DRAW_EXCLUDED
    told = await rows(database, "SELECT draw_id, pseudonym, code FROM draw_refusal ORDER BY draw_id")
    assert told == [(second, "p-ann", "draw_excluded"), (third, "p-bea", "draw_excluded")]


async def test_who_commented_bought_or_watched_may_enter_and_weighs_more(desk: Node, database: Database) -> None:
    draw_id = await opened(
        desk,
        needs=DrawNeeds(commented=True, bought=True, watched_s=60),
        weights=DrawWeights(commented=2, bought=3, watched=4, watched_step_s=20, watched_most=2),
        law_read=True,
    )
    ann = msgspec.structs.replace(actor(), since_ms=1)  # in the room for long, but the show is seconds old
    asked = []
    for step in range(4):
        if step == 1:
            await desk.run(ann, c.Comment(ref=1, text="hello"))
        if step == 2:
            async with database.transaction() as tx:
                await tx.execute(
                    "INSERT INTO purchase (shop_id, purchase_id, pseudonym, amount, currency, exponent)"
                    " VALUES ('demo', '1', 'p-ann', 5, 'PLN', 2)"
                )
        if step == 3:
            async with database.transaction() as tx:
                await tx.execute("UPDATE show SET began_at = began_at - interval '61 seconds'")
            reply = await desk.run(ann, c.EnterDraw(ref=1, draw=draw_id))
            assert isinstance(reply, Entered)
            assert reply.receipt.weight == 14  # watched for three steps, of which two count
            break
        with pytest.raises(Refused) as caught:
            await desk.run(ann, c.EnterDraw(ref=1, draw=draw_id))
        assert caught.value.code is ErrorCode.DRAW_NOT_ELIGIBLE
        asked.append(caught.value.detail.split()[0])
    assert asked == ["write", "for", "watch"]


async def test_buyers_are_favoured_only_by_who_read_what_the_law_says(desk: Node) -> None:
    assert await refused(draws.create(desk, weights=DrawWeights(bought=1))) is ErrorCode.DRAW_RULES_REFUSED
    assert await refused(draws.create(desk, needs=DrawNeeds(bought=True))) is ErrorCode.DRAW_RULES_REFUSED


async def test_a_team_can_be_asked_for_only_where_there_are_teams(
    database: Database, settings: Settings, seeded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "load", lambda: (PART,))
    async with node(database, settings, beat=True) as desk:
        assert await refused(draws.create(desk, needs=DrawNeeds(team=True))) is ErrorCode.DRAW_RULES_REFUSED


async def test_who_joined_a_team_is_asked_of_the_part_that_has_teams(
    database: Database, settings: Settings, seeded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def members(
        connection: object, room_id: str, people: Sequence[str], since_ms: int, until_ms: int
    ) -> set[str]:
        assert (room_id, 0 < since_ms < until_ms) == (draws.ROOM, True)
        return {each for each in people if each == "p-bea"}

    monkeypatch.setattr(parts, "load", lambda: (dataclasses.replace(PART, team_members=members),))
    async with node(database, settings, beat=True) as desk:
        draw_id = await opened(desk, needs=DrawNeeds(team=True), weights=DrawWeights(team=4))
        assert await refused(enter(desk, draw_id)) is ErrorCode.DRAW_NOT_ELIGIBLE
        assert (await enter(desk, draw_id, "bea")).weight == 5
