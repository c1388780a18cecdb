"""Host and viewers in one show, with real browsers: what one does, the others see."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from tests.e2e.visitors import PHONE, Visitors

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_the_host_says_appears_on_every_open_page_in_order(visitors: Visitors) -> None:
    host = await visitors.host()
    viewers = await asyncio.gather(*(visitors.viewer() for _ in range(5)))
    said = [f"message number {number}" for number in range(1, 7)]
    for text in said:
        await host.says(text)
    for viewer in viewers:
        await expect(viewer.host_messages).to_have_text(said)
        await expect(viewer.page.locator(".caption")).to_contain_text(said[-1])
    await expect(host.host_messages).to_have_text(said[::-1])


async def test_a_comment_and_a_heart_reach_the_host_and_the_other_viewers(visitors: Visitors) -> None:
    host = await visitors.host()
    mia, ben = await visitors.viewer(), await visitors.viewer()
    await mia.says("is it warm?", name="Mia")
    for visitor in (host, ben, mia):
        await expect(visitor.comment_of("is it warm?")).to_contain_text("Mia")
    await expect(mia.comment_of("is it warm?")).to_have_class("comment own")
    await expect(ben.comment_of("is it warm?")).to_have_class("comment")
    for _ in range(3):
        await ben.page.get_by_role("button", name="Send a heart").click()
    for visitor in (host, ben, mia):
        await expect(visitor.page.get_by_test_id("likes")).to_have_text("3")


async def test_everyone_sees_how_many_watch(visitors: Visitors) -> None:
    first = await visitors.viewer()
    second = await visitors.viewer()
    for viewer in (first, second):
        await expect(viewer.page.get_by_test_id("viewers")).to_have_text("2 viewers")
    await second.page.close()
    await expect(first.page.get_by_test_id("viewers")).to_have_text("1 viewer")


async def test_a_pinned_message_stays_in_sight_until_it_is_taken_away(visitors: Visitors) -> None:
    host, viewer = await visitors.host(), await visitors.viewer()
    pinned = viewer.page.get_by_label("Pinned")
    await host.says("free shipping tonight", pin=True)
    await host.says("and something else")
    await expect(pinned).to_contain_text("free shipping tonight")
    await expect((await visitors.viewer()).page.get_by_label("Pinned")).to_contain_text("free shipping tonight")
    await host.page.get_by_label("Pinned").get_by_role("button", name="Unpin").click()
    await expect(pinned).to_have_count(0)


async def test_the_one_whose_comment_is_answered_is_told_until_they_have_read_it(visitors: Visitors) -> None:
    host = await visitors.host()
    ann = await visitors.viewer(visitors.link("viewer", "Ann"))
    other = await visitors.viewer()
    await ann.says("does it come in navy?")
    await host.page.get_by_label("Answer Ann").click()
    await host.says("Yes, from Monday on")
    notice = ann.page.locator(".card.notice")
    await expect(notice).to_contain_text("Ada answered you")
    await expect(notice).to_contain_text("Yes, from Monday on")
    await expect(other.host_messages).to_have_text(["Yes, from Monday on"])
    await expect(other.page.locator(".quote")).to_contain_text("does it come in navy?")
    await ann.page.reload()
    await notice.get_by_role("button", name="Got it").click()
    await expect(notice).to_have_count(0)
    await expect(other.page.locator(".card.notice")).to_have_count(0)
    await ann.says("thank you")  # once it is there, so is what was said before it over the same line
    await expect(other.page.get_by_text("thank you")).to_be_visible()
    await ann.page.reload()
    await expect(ann.host_messages).to_have_text(["Yes, from Monday on"])
    await expect(notice).to_have_count(0)


async def test_the_show_goes_through_its_states_on_every_page(visitors: Visitors) -> None:
    host, viewer = await visitors.host(), await visitors.viewer()
    await expect(viewer.show_state).to_have_text("Live")
    await host.presses("Pause")
    await expect(viewer.show_state).to_have_text("Paused")
    await host.presses("Resume")
    await expect(viewer.show_state).to_have_text("Live")
    await host.presses("End the show", "Keep going", "End the show", "Yes, end it")
    await expect(viewer.show_state).to_have_text("Ended")
    await expect(viewer.field).to_be_disabled()
    await host.page.get_by_label("Title of the show").fill("Second night")
    await host.presses("Schedule the next show")
    await expect(viewer.page.get_by_role("heading")).to_have_text("Second night")
    await expect(viewer.page.get_by_role("timer")).to_contain_text(":")
    await host.presses("Warm up")
    await expect(viewer.show_state).to_have_text("Warming up")
    await expect(viewer.field).to_be_enabled()
    await host.presses("Go live")
    await expect(viewer.show_state).to_have_text("Live")


async def test_a_reloaded_page_is_the_same_viewer_with_the_same_room(visitors: Visitors) -> None:
    host, viewer = await visitors.host(), await visitors.viewer()
    await host.says("hello")
    await viewer.says("my comment", name="Mia")
    await viewer.page.reload()
    await expect(viewer.host_messages).to_have_text(["hello"])
    await expect(viewer.comment_of("my comment")).to_have_class("comment own")
    await viewer.says("and another")
    await expect(viewer.comment_of("and another")).to_contain_text("Mia")
    await host.page.reload()
    await host.says("still the host")
    await expect(viewer.host_messages).to_have_text(["hello", "still the host"])


async def test_who_talks_too_fast_is_told_how_long_to_wait(visitors: Visitors) -> None:
    viewer = await visitors.viewer()
    await viewer.says("number 1", name="Mia")
    trouble = viewer.page.locator(".composer .trouble")
    sent = viewer.page.locator(".field input:placeholder-shown")
    for number in range(2, 40):
        await viewer.field.fill(f"number {number}")
        await viewer.field.press("Enter")
        await expect(sent.or_(trouble)).to_have_count(1)
        if await trouble.count():
            break
    await expect(trouble).to_contain_text("you can send again in")
    await expect(viewer.field).to_have_value(f"number {number}")
    await expect(trouble).to_have_count(0)
    await viewer.field.press("Enter")
    await expect(viewer.field).to_have_value("")


async def test_two_tabs_of_one_browser_keep_one_name(visitors: Visitors) -> None:
    context = await visitors.profile(PHONE)
    first = await visitors.viewer(context=context)
    await first.says("from the first tab", name="Mia")
    second = await visitors.viewer(context=context)
    await second.says("from the second tab")
    await expect(first.comment_of("from the second tab")).to_contain_text("Mia")
