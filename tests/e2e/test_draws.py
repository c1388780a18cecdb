"""A draw as people see it: a host who sets it up, viewers who take part, win, claim and check."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.visitors import Host, Visitors

pytestmark = pytest.mark.asyncio(loop_scope="session")
#: set it to a folder to look at what the test sees
_PICTURES = os.environ.get("LIVESTREAM_TEST_PICTURES")


async def _picture(page: Page, name: str) -> None:
    if _PICTURES:
        await page.screenshot(path=str(Path(_PICTURES) / f"{name}.png"), full_page=True)


async def _set_up(host: Host, title: str, *, password: str | None = None) -> None:
    page = host.page
    await page.get_by_role("button", name="draw…").click()
    form = page.get_by_label("Lucky draw", exact=True).locator("visible=true").last
    await form.get_by_label("What it is called").fill(title)
    await form.get_by_label("What is won").fill("Bike 🚲")
    await form.get_by_label("Value of one").fill("1999")
    await form.get_by_label("What decides").select_option("cohosts")
    if password is not None:
        await form.get_by_label("How people enter").select_option("password")
        await form.get_by_label("Password", exact=True).fill(password)


async def test_a_draw_from_the_form_to_a_check_in_the_browser(visitors: Visitors) -> None:
    host = await visitors.host()
    viewer = await visitors.viewer(visitors.link("viewer", "Zoë"))
    nobody = await visitors.viewer()
    await _set_up(host, "Friday draw")
    await _picture(host.page, "host-form")
    await expect(host.page.get_by_label("What viewers will read")).to_contain_text("Bike 🚲")
    await host.presses("Start now")
    card = viewer.page.get_by_label("Lucky draw")
    await expect(nobody.page.get_by_label("Lucky draw")).to_contain_text("Sign in at the shop")
    await _picture(viewer.page, "viewer-open")
    await card.get_by_role("button", name="Take part").click()
    await expect(card).to_contain_text("You are in.")
    await expect(nobody.page.get_by_test_id("draw-count")).to_have_text("1 person is in")
    await _picture(viewer.page, "viewer-in")
    await viewer.page.reload()
    await expect(card).to_contain_text("You are in.")
    await host.presses("Close entries now")
    await expect(card).to_contain_text("You won: Bike 🚲!")
    await expect(nobody.page.get_by_label("Lucky draw")).to_contain_text("Z•••")
    await _picture(viewer.page, "viewer-won")
    await _picture(host.page, "host-drawn")
    await card.get_by_role("button", name="Claim the prize").click()
    await card.get_by_label("Your name").fill("Zoë Example")
    await _picture(viewer.page, "viewer-claim")
    await card.get_by_role("button", name="Claim the prize").click()
    await expect(card).to_contain_text("Claimed.")
    async with viewer.page.context.expect_page() as opened:
        await card.get_by_role("link", name="Check this draw").click()
    check = await opened.value
    await expect(check.locator("body")).to_contain_text("Your receipt is genuine", timeout=30_000)
    await expect(check.locator(".failed")).to_have_count(0)
    await expect(check.locator("body")).to_contain_text("publication time witnessed")
    await _picture(check, "viewer-check")
    assert visitors.trouble.seen == []


async def test_a_password_is_written_and_a_draw_called_off_says_why(visitors: Visitors) -> None:
    host = await visitors.host()
    viewer = await visitors.viewer(visitors.link("viewer", "Bo"))
    await _set_up(host, "Password draw <b>", password="红包 now")
    await host.presses("Start now")
    card = viewer.page.get_by_label("Lucky draw")
    await expect(card).to_contain_text("Write “红包 now” in the chat")
    await viewer.says("红包 now")
    await expect(card).to_contain_text("You are in.")
    await expect(viewer.comment_of("红包 now")).to_have_count(1)
    await host.presses("Call it off…")
    await host.page.get_by_label("Why? Everybody reads it.").fill("wrong prize")
    await _picture(host.page, "host-cancel")
    await host.presses("Call it off")
    await expect(card).to_contain_text("Called off: wrong prize")
    await card.get_by_role("button", name="Close").click()
    await expect(card).to_have_count(0)
