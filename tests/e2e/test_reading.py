"""Reading and writing without pain: a flood does not fill the page, a reader is left in peace, a keyboard is enough."""

from __future__ import annotations

import asyncio
import json

import pytest
import websockets
from playwright.async_api import Page, expect

from livestream.protocol.codec import Codec
from tests.e2e.visitors import DESK, Visitors

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOST_ROWS = 200


async def talk(visitors: Visitors, name: str, texts: list[str]) -> None:
    """Somebody with a program of their own who says all of this."""
    url = f"ws://127.0.0.1:{visitors.show.port}/v1/ws"
    async with websockets.connect(url, subprotocols=[websockets.Subprotocol(Codec.JSON.value)]) as line:
        await line.send(json.dumps([{"t": "join", "ref": 0, "room": "demo", "name": name}]))
        await line.recv()
        await line.send(json.dumps([{"t": "comment", "ref": ref, "text": text} for ref, text in enumerate(texts, 1)]))
        waiting = set(range(1, len(texts) + 1))
        async for frame in line:
            for message in json.loads(frame):
                if message.get("ref") in waiting:
                    assert message["t"] == "posted", message
                    waiting.discard(message["ref"])
            if not waiting:
                return


async def flood(visitors: Visitors, people: int, each: int, word: str = "comment") -> None:
    await asyncio.gather(
        *(talk(visitors, f"P{p}", [f"{word} {number} of {p}" for number in range(each)]) for p in range(people))
    )


async def test_500_comments_do_not_grow_the_page_beyond_its_cap(visitors: Visitors) -> None:
    host, viewer = await visitors.host(), await visitors.viewer()
    await host.says("stays in order")
    await flood(visitors, people=25, each=20)
    await talk(visitors, "Last", ["the very last"])
    for visitor in (viewer, host):
        await expect(visitor.comment_of("the very last")).to_be_visible()
        rows = await visitor.page.locator(".comment, .host-message").count()
        assert MOST_ROWS - 5 <= rows <= MOST_ROWS + 1, rows
    await expect(viewer.comment_of("the very last")).to_be_in_viewport()


async def test_who_scrolled_up_to_read_is_left_there_and_told_how_many_are_new(visitors: Visitors) -> None:
    viewer = await visitors.viewer()
    await flood(visitors, people=3, each=15)
    await expect(viewer.comments).to_have_count(45)
    scroll = viewer.page.get_by_role("log")
    await scroll.hover()
    await viewer.page.mouse.wheel(0, -2000)
    first = viewer.comments.first
    await expect(first).to_be_in_viewport()
    before = await first.bounding_box()
    chip = viewer.page.locator(".chip")
    await talk(visitors, "New", [f"new {number}" for number in range(12)])
    await expect(chip).to_contain_text("12 new")
    assert await first.bounding_box() == before
    await chip.click()
    await expect(viewer.comment_of("new 11")).to_be_in_viewport()
    await expect(chip).to_have_count(0)


async def reach(page: Page, label: str) -> None:
    """Press Tab until the element of this name has the focus."""
    for _ in range(40):
        focused = page.locator("input:focus, textarea:focus, button:focus")
        if await focused.and_(page.get_by_label(label)).or_(focused.filter(has_text=label)).count():
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {label!r}")


async def test_a_keyboard_is_enough_for_a_viewer(visitors: Visitors) -> None:
    viewer = await visitors.viewer()
    await reach(viewer.page, "Your comment")
    await viewer.keyboard.type("typed without a mouse")
    await viewer.keyboard.press("Enter")
    await viewer.keyboard.press("Escape")
    await expect(viewer.page.locator(".name-prompt")).to_have_count(0)
    await expect(viewer.field).to_be_focused()
    await viewer.keyboard.press("Enter")
    await viewer.keyboard.type("Mia")
    await viewer.keyboard.press("Enter")
    await expect(viewer.comment_of("typed without a mouse")).to_contain_text("Mia")
    await expect(viewer.field).to_be_focused()
    await reach(viewer.page, "Send a heart")
    await viewer.keyboard.press("Space")
    await expect(viewer.page.get_by_test_id("likes")).to_have_text("1")


async def test_a_keyboard_is_enough_for_a_host(visitors: Visitors) -> None:
    host, viewer = await visitors.host(), await visitors.viewer()
    await reach(host.page, "Say it to everyone")
    await host.keyboard.type("typed without a mouse")
    await host.keyboard.press("Control+Enter")
    await expect(viewer.host_messages).to_have_text(["typed without a mouse"])
    await host.page.reload()
    await reach(host.page, "End the show")
    await host.keyboard.press("Enter")
    await expect(host.page.get_by_role("button", name="Keep going")).to_be_focused()
    await host.keyboard.press("Escape")
    await expect(host.show_state).to_have_text("Live")


async def test_pages_fit_their_windows_without_scrolling_sideways(visitors: Visitors) -> None:
    host, viewer = await visitors.host(), await visitors.viewer()
    await host.says("W" * 300, pin=True)
    await viewer.says("x" * 200, name="M" * 40)
    for visitor in (host, viewer):
        for width, height in ((320, 568), (390, 844), (844, 390), (1024, 768), (DESK["width"], DESK["height"])):
            await visitor.page.set_viewport_size({"width": width, "height": height})
            await expect(visitor.host_messages).to_have_count(1)
            wide = await visitor.page.evaluate(
                "() => [...document.querySelectorAll('body *')]"
                ".filter(each => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest('.stage'))"
                ".map(each => each.className || each.tagName)"
            )
            assert wide == [], width
            assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= width
