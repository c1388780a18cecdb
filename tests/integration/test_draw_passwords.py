"""Passwords of draws: what is written about the close, and what comes of an entry whose comment is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.draws import DrawNeeds, DrawReceipt, DrawWeights, EntryKind
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import Posted
from livestream.storage.pool import Database
from tests.support.live_draws import HOST, close, conduct, enter, look, opened, refused
from tests.support.nodes import Node, actor, node


@pytest.fixture
async def desk(database: Database, settings: Settings, seeded: str) -> AsyncIterator[Node]:
    async with node(database, settings, beat=True) as running:
        yield running


async def _writes(desk: Node, who: str, text: str = "open", key: str | None = None) -> Posted:
    reply = await desk.run(actor(who), c.Comment(ref=1, text=text, key=key))
    assert isinstance(reply, Posted)
    return reply


async def test_a_password_sent_again_after_the_close_gets_its_receipt_and_a_new_one_is_told_that_it_is_too_late(
    desk: Node, database: Database
) -> None:
    await opened(desk, entry=EntryKind.PASSWORD, password="open")
    first = await _writes(desk, "ann", key="k")
    assert first.entered is not None
    await close(desk, first.entered.draw_id)
    assert await _writes(desk, "ann", key="k") == first
    late = await _writes(desk, "bea")
    assert (late.entered, late.not_entered) == (None, ErrorCode.DRAW_NOT_OPEN)
    async with database.read() as connection:
        told = await connection.fetch("SELECT pseudonym, code FROM draw_refusal")
    assert [tuple(row) for row in told] == [("p-bea", "draw_not_open")]


async def test_an_entry_whose_comment_is_refused_has_its_receipt(desk: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_id = await opened(desk, entry=EntryKind.PASSWORD, password="open")

    async def busy(*_: Any, **__: Any) -> None:
        raise Refused(ErrorCode.BUSY, "comments: too many wait", retry_after_ms=1000)

    with monkeypatch.context() as patch:
        patch.setattr("livestream.room.comments.Comments._said", busy)
        with pytest.raises(Refused) as caught:
            await _writes(desk, "ann", key="k")
    receipt = caught.value.entered
    assert isinstance(receipt, DrawReceipt)
    assert (caught.value.code, receipt.draw_id, caught.value.not_entered) == (ErrorCode.BUSY, draw_id, None)
    assert (await _writes(desk, "ann", key="k")).entered == receipt


# -- comments that count for a draw


async def _held(desk: Node, who: str) -> str:
    """A comment that waits for staff; its id."""
    await desk.run(HOST, c.SetChat(ref=1, approve_first=True))
    said = await _writes(desk, who, "hello")
    assert said.held
    return said.id


async def test_a_comment_that_nobody_sees_makes_nobody_eligible(desk: Node, database: Database) -> None:
    draw_id = await opened(desk, needs=DrawNeeds(commented=True))
    ann, bea = await _held(desk, "ann"), await _held(desk, "bea")
    assert await refused(enter(desk, draw_id)) is ErrorCode.DRAW_NOT_ELIGIBLE  # it waits
    await desk.run(HOST, c.Rule(ref=1, comments=[ann], show=False))
    assert await refused(enter(desk, draw_id)) is ErrorCode.DRAW_NOT_ELIGIBLE
    await desk.run(HOST, c.Rule(ref=1, comments=[bea], show=True))
    await enter(desk, draw_id, "bea")


@pytest.mark.parametrize(("held", "weight"), [("before", 1), ("after", 3)])
async def test_a_comment_held_before_the_close_gives_no_chances_and_one_held_after_it_does(
    held: str, weight: int, desk: Node, database: Database
) -> None:
    draw_id = await opened(desk, weights=DrawWeights(commented=2))
    await enter(desk, draw_id)
    said = await _writes(desk, "ann", "hello")
    await desk.run(HOST, c.SetRoom(ref=1, reports_to_hold=1))
    for moment in ("before", "after"):
        if moment == held:
            await desk.run(actor("bea"), c.Report(ref=1, comment=said.id))
        if moment == "before":
            await close(desk, draw_id)
    await conduct(database)
    assert (await look(database, draw_id)).weight == weight
