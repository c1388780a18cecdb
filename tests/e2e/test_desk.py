"""What staff do from the panel: quieting people, ruling on comments, undoing it, and what operators set."""

from __future__ import annotations

import contextlib

import pytest
from playwright.async_api import Dialog, Page, expect

from livestream import seed
from tests.e2e.visitors import Visitors

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_somebody_is_muted_with_a_reason_told_alone_and_it_is_undone(visitors: Visitors) -> None:
    moderator = await visitors.host(visitors.link("moderator", "Mo"))
    viewer = await visitors.viewer(visitors.link("viewer", "Loud"))
    await viewer.says("buy my stuff")
    other = await visitors.viewer()
    await expect(other.comment_of("buy my stuff")).to_be_visible()
    await moderator.page.get_by_role("button", name="Mute: Loud").click()
    sheet = moderator.page.get_by_role("form", name="Quiet for Loud")
    await sheet.get_by_label("For how long").select_option("1 hour")
    await sheet.get_by_label("Why").fill("advertising")
    await sheet.get_by_label("Delete what they wrote last").check()
    await sheet.get_by_role("button", name="Mute", exact=True).click()
    await expect(sheet).to_have_count(0)
    await expect(other.comment_of("buy my stuff")).to_have_count(0)
    await expect(viewer.page.get_by_text("advertising")).to_be_visible()
    await expect(other.page.get_by_text("advertising")).to_have_count(0)
    log = moderator.page.get_by_label("Staff log")
    await expect(log).to_contain_text("muted Loud for 3600 s")
    await expect(log).to_contain_text("advertising")
    await moderator.page.get_by_role("button", name="Undo: muted Loud for 3600 s").click()
    await expect(other.comment_of("buy my stuff")).to_be_visible()
    await viewer.says("thanks")
    await expect(other.comment_of("thanks")).to_be_visible()


async def test_a_comment_that_waits_is_shown_or_turned_down_and_a_deleted_one_comes_back(visitors: Visitors) -> None:
    host, viewer, other = await visitors.host(), await visitors.viewer(), await visitors.viewer()
    await host.page.get_by_label("Read first").check()
    await expect(host.page.get_by_label("Staff log")).to_contain_text("approve_first")
    await viewer.says("let me in", name="Ann")
    queue = host.page.get_by_role("region", name="Waiting for you")
    await expect(queue).to_contain_text("let me in")
    await expect(other.comment_of("let me in")).to_have_count(0)
    await queue.get_by_role("button", name="Show").click()
    await expect(other.comment_of("let me in")).to_be_visible()
    await viewer.says("not me")
    await queue.get_by_role("button", name="Turn down").click()
    await expect(queue).to_have_count(0)
    await expect(other.comment_of("not me")).to_have_count(0)
    await host.page.get_by_role("button", name="Delete: Ann").first.click()
    await expect(other.comment_of("let me in")).to_have_count(0)
    await host.page.get_by_role("button", name="Undo: deleted 1 comment of Ann").click()
    await expect(other.comment_of("let me in")).to_be_visible()


async def test_an_operator_sets_the_room_and_its_words(visitors: Visitors) -> None:
    operator, viewer = await visitors.host(visitors.link("operator", "Ola")), await visitors.viewer()
    await operator.presses("Room settings")
    form = operator.page.get_by_role("region", name="Room settings")
    await form.get_by_label("Name of the room").fill("Winter sale")
    await form.get_by_label("Video is behind by, seconds").fill("2.5")
    await form.get_by_label("Reports that hold a comment").fill("1")
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_role("status")).to_contain_text("Saved")
    await expect(operator.page.get_by_role("heading", name="Winter sale")).to_be_visible()
    log = operator.page.get_by_label("Staff log")
    await expect(log).to_contain_text("video_delay_s to 2.5")
    await form.get_by_role("button", name="Close").click()
    await operator.presses("Word list")
    words = operator.page.get_by_role("region", name="Word list")
    await words.get_by_label("Words").fill("zonk*\nmizzle")
    await words.get_by_label("What becomes of them").select_option("are refused")
    await words.get_by_role("button", name="Add").click()
    await expect(words.get_by_role("listitem")).to_have_count(2)
    await words.get_by_role("button", name="Take mizzle off the list").click()
    await expect(words.get_by_role("listitem")).to_have_count(1)
    await viewer.says("hello", name="Zed")
    refused = viewer.page.get_by_text("These words are not allowed here.")
    for _ in range(20):  # the other process learns of it a moment later
        await viewer.field.fill("total zonker")
        await viewer.field.press("Enter")
        with contextlib.suppress(AssertionError):
            await expect(refused).to_be_visible(timeout=500)
            break
    await expect(refused).to_be_visible()


def _yes(page: Page) -> None:
    async def agree(dialog: Dialog) -> None:
        await dialog.accept()

    page.once("dialog", agree)


async def test_a_rehearsal_is_made_visited_and_erased(visitors: Visitors) -> None:
    operator = await visitors.host(visitors.link("operator", "Ola"))
    await operator.presses("Rehearsals", "Make a rehearsal")
    rehearsals = operator.page.get_by_role("region", name="Rehearsals")
    await expect(rehearsals.get_by_role("listitem")).to_have_count(1)
    await rehearsals.get_by_role("button", name="Go there").click()
    await expect(operator.page.get_by_test_id("connection")).to_contain_text("Connected")
    await expect(operator.page.locator(".watermark")).to_be_visible()
    room = operator.page.url.rpartition("/")[2]
    viewer = await visitors.stranger(f"{visitors.origin}/r/{room}")
    await expect(viewer.locator(".watermark")).to_be_visible()
    await operator.page.goto(f"{visitors.origin}/host/{seed.ROOM}")
    await operator.presses("Rehearsals")
    _yes(operator.page)
    await rehearsals.get_by_role("button", name="Erase").click()
    await expect(rehearsals.get_by_role("listitem")).to_have_count(0)
    visitors.trouble.seen.clear()  # the question before erasing is a dialog that was meant


async def test_a_break_shows_its_message_and_the_way_to_the_other_video(visitors: Visitors) -> None:
    host, viewer = await visitors.host(), await visitors.viewer()
    await host.presses("Technical break…")
    await host.page.get_by_label("What viewers read").fill("The camera fell")
    await host.page.get_by_label("Back-up video (address, if there is one)").fill("https://video.example/two")
    await host.page.get_by_role("button", name="Stop all clocks").click()
    await expect(viewer.page.get_by_text("The camera fell")).to_be_visible()
    link = viewer.page.get_by_role("link", name="Watch the back-up video")
    await expect(link).to_have_attribute("href", "https://video.example/two")
    await host.presses("Go on")
    await expect(viewer.page.get_by_text("The camera fell")).to_have_count(0)
