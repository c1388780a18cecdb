"""Passwords of draws: what is an entry, what is written about the close, and what a refused comment comes to."""

from __future__ import annotations

from typing import Any

import pytest

from livestream.protocol import commands as c
from livestream.protocol.draws import DrawNeeds, DrawReceipt, EntryKind
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import Posted
from livestream.storage.pool import Database
from tests.support.live_draws import HOST, close, enter, opened, refused, rows
from tests.support.nodes import Node, actor


async def _writes(desk: Node, who: str, text: str = "open", key: str | None = None) -> Posted:
    reply = await desk.run(actor(who), c.Comment(ref=1, text=text, key=key))
    assert isinstance(reply, Posted)
    return reply


async def test_a_password_is_an_entry_before_slow_mode_collapse_and_sampling(desk: Node, database: Database) -> None:
    draw_id = await opened(desk, entry=EntryKind.PASSWORD, password="红包 now")
    await desk.run(HOST, c.SetChat(ref=1, slow_mode_s=120, links=False))
    await desk.run(HOST, c.SetRoom(ref=1, display_per_s=0.01))
    assert await refused(enter(desk, draw_id)) is ErrorCode.DRAW_NOT_ELIGIBLE  # a tap is not the password
    for number in range(30):
        viewer = actor(f"v{number}")
        await desk.run(viewer, c.Comment(ref=1, text="first, something else"))
        reply = await desk.run(viewer, c.Comment(ref=1, text="红包 now"))
        assert isinstance(reply, Posted)
        assert reply.entered is not None
        assert reply.entered.draw_id == draw_id
    again = await refused(desk.run(actor("v1"), c.Comment(ref=1, text="红包 now")))
    assert again is ErrorCode.SLOW_MODE  # in already, so it is a comment like others
    assert await rows(database, "SELECT count(*) FROM draw_entry") == [(30,)]
    shown = dict(await rows(database, "SELECT fate, count(*) FROM comment WHERE text = '红包 now' GROUP BY 1"))  # type: ignore[arg-type]
    assert sum(shown.values()) == 30
    assert set(shown) == {"shown", "collapsed"}


async def test_the_muted_are_refused_by_password_too_and_nearly_is_not_the_password(
    desk: Node, database: Database
) -> None:
    await opened(desk, entry=EntryKind.PASSWORD, password="open")
    reply = await desk.run(actor(), c.Comment(ref=1, text="open "))
    assert isinstance(reply, Posted)
    assert (reply.entered, reply.not_entered) == (None, None)
    await desk.run(HOST, c.Mute(ref=1, who="p-ann", seconds=600))
    assert await refused(desk.run(actor(), c.Comment(ref=1, text="open"))) is ErrorCode.MUTED
    assert await rows(database, "SELECT count(*) FROM draw_entry") == [(0,)]
    assert await rows(database, "SELECT pseudonym, code FROM draw_refusal") == [("p-ann", "muted")]


async def test_a_password_that_is_no_entry_is_told_why_also_when_the_comment_is_refused(desk: Node) -> None:
    needs = DrawNeeds(watched_s=60)
    await opened(desk, entry=EntryKind.PASSWORD, password="open", needs=needs)
    await desk.run(HOST, c.SetChat(ref=1, slow_mode_s=120))
    shown = await desk.run(actor(), c.Comment(ref=1, text="open"))
    assert isinstance(shown, Posted)
    with pytest.raises(Refused) as caught:
        await desk.run(actor(), c.Comment(ref=1, text="open"))
    assert (caught.value.code, caught.value.not_entered) == (ErrorCode.SLOW_MODE, ErrorCode.DRAW_NOT_ELIGIBLE)
    assert caught.value.not_entered_why == shown.not_entered_why
    assert caught.value.retry_after_ms is not None
    with pytest.raises(Refused) as caught:
        await desk.run(actor(), c.Comment(ref=1, text="something else"))
    assert (caught.value.code, caught.value.not_entered) == (ErrorCode.SLOW_MODE, None)


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
    assert await rows(database, "SELECT pseudonym, code FROM draw_refusal") == [("p-bea", "draw_not_open")]


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
