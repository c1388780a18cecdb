"""Erasing somebody who is about to win: whoever comes first, nothing of them is left."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.draws import DrawState, PrizeTier
from livestream.protocol.shop import EraseViewer
from livestream.shop import erasing
from livestream.shop.service import ShopService
from livestream.storage.pool import Database
from tests.integration.test_erasure import BACKEND, _texts, known, service
from tests.support import live_draws as draws
from tests.support.live_draws import checked, close, conduct, look, opened
from tests.support.nodes import Node

ONE_PRIZE = [PrizeTier(tier="First", name="Bike", value=1, currency="PLN")]
MASKED = "Q•••"  #: as the room would see them


@pytest.fixture
def shops(desk: Node, database: Database, settings: Settings) -> ShopService:
    return service(desk, database, settings)


async def _all_but_drawn(desk: Node, database: Database, settings: Settings) -> str:
    """A draw that one person entered, who never wrote a word, and whose secrets are all revealed."""
    quinn = known(settings, "quinn-77", "Quinn")
    draw_id = await opened(desk, prizes=ONE_PRIZE)
    await desk.run(quinn, c.EnterDraw(ref=1, draw=draw_id))
    await close(desk, draw_id)
    await conduct(database)
    await draws.reveal(desk, draw_id)
    return draw_id


async def _nothing_is_left(database: Database, settings: Settings, draw_id: str) -> None:
    who = known(settings, "quinn-77", "Quinn").pseudonym
    for mark in ("quinn-77", "Quinn", MASKED, who):
        assert await _texts(database, mark) == []
    draw = await look(database, draw_id)
    assert draw.state is DrawState.DRAWN
    assert [each.name.strip("•") for each in draw.winners] == [""]
    assert (await checked(database, draw_id)).ok


@pytest.mark.parametrize("drawn", ["before the lock", "behind the lock"])
async def test_who_wins_while_they_are_erased_is_gone_from_the_draw_too(
    drawn: str,
    desk: Node,
    shops: ShopService,
    database: Database,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw_id = await _all_but_drawn(desk, database, settings)
    drawing: list[asyncio.Task[None]] = []
    real = erasing.touched

    async def touched(*arguments: Any) -> list[str]:
        rooms = await real(*arguments)
        assert rooms == [draws.ROOM]
        if drawn == "before the lock":
            await conduct(database)
            assert (await look(database, draw_id)).state is DrawState.DRAWN
        return rooms

    async def off_the_screens(*arguments: Any) -> None:
        if drawn == "behind the lock":
            drawing.append(asyncio.create_task(conduct(database)))
            await asyncio.sleep(0.2)
            assert (await look(database, draw_id)).state is DrawState.CLOSED
        await really(*arguments)

    really = erasing._off_the_screens
    monkeypatch.setattr(erasing, "touched", touched)
    monkeypatch.setattr(erasing, "_off_the_screens", off_the_screens)
    await shops.run(BACKEND, EraseViewer(viewer="quinn-77"), None)
    await asyncio.gather(*drawing)
    await conduct(database)
    await _nothing_is_left(database, settings, draw_id)


async def test_erasing_locks_no_room_for_a_draw_that_is_long_over_and_tells_nothing_of_the_person(
    desk: Node, shops: ShopService, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A room of old draws only would stand still for the whole of it; one whose log names a winner is rewritten."""
    locked: list[list[str]] = []
    real = erasing.touched

    async def touched(*arguments: Any) -> list[str]:
        locked.append(await real(*arguments))
        return locked[-1]

    monkeypatch.setattr(erasing, "touched", touched)
    draw_id = await _all_but_drawn(desk, database, settings)
    async with database.transaction() as tx:
        await tx.execute("UPDATE draw SET state = 'void' WHERE draw_id = $1", draw_id)
    await shops.run(BACKEND, EraseViewer(viewer="quinn-77"), None)
    draw_id = await _all_but_drawn(desk, database, settings)
    await conduct(database)
    async with database.transaction() as tx:
        await tx.execute("UPDATE draw SET state = 'settled' WHERE draw_id = $1", draw_id)
    await shops.run(BACKEND, EraseViewer(viewer="quinn-77"), None)
    assert locked == [[], [draws.ROOM]]
    for mark in ("quinn-77", "Quinn", MASKED):
        assert await _texts(database, mark) == []
