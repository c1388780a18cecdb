"""What people write is text and nothing else; a link lets one person in, once."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from livestream.moderation.names import clean_name
from tests.e2e.visitors import Visitors

pytestmark = pytest.mark.asyncio(loop_scope="session")

INJECTIONS = [
    "<script>alert(1)</script>",
    '<img src="https://example.org/x.png" onerror="alert(1)">',
    "\"><svg onload=alert(1)><a href='javascript:alert(1)'>x</a>",
    "</li></ol><iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)}",
    "&lt;b&gt; &amp; '; DROP TABLE comment; --",
    "\u202egnp.exe\u2066 turned \u200f\u200e\u2069\u061c",
]


@pytest.mark.parametrize("text", INJECTIONS)
async def test_markup_script_and_bidi_marks_are_shown_as_text(visitors: Visitors, text: str) -> None:
    host, viewer = await visitors.host(), await visitors.viewer()
    name = text[:10]
    await host.page.get_by_label("Links").check()
    await expect(host.page.get_by_label("Staff log")).to_contain_text("links")
    await asyncio.sleep(1.5)  # the viewer's process may be the other one: it knows within a heartbeat
    await viewer.says(text, name=name)
    await host.says(text, pin=True)
    reader = await visitors.viewer()
    for visitor in (host, viewer, reader):
        await expect(visitor.comment_texts).to_have_count(1)
        assert await visitor.comment_texts.text_content() == text
        assert await visitor.comments.locator(".name").text_content() == clean_name(name)
        assert await visitor.host_messages.text_content() == text
        assert await visitor.page.get_by_label("Pinned").locator(".card-text").text_content() == text
        for element in ("script:not([src])", "iframe", "img[onerror]", "svg[onload]", "a[href^=javascript]", "b"):
            assert await visitor.page.locator(f"body {element}").count() == 0


async def test_bidi_marks_do_not_turn_what_stands_around_them(visitors: Visitors) -> None:
    viewer = await visitors.viewer()
    await viewer.says("\u202eabc", name="\u202eeve")
    row = viewer.comment_of("abc")
    avatar, name, text = [await row.locator(part).bounding_box() for part in (".avatar", ".name", ".text")]
    assert avatar is not None
    assert name is not None
    assert text is not None
    assert avatar["x"] < name["x"] < text["x"]


async def test_a_host_link_works_once_and_says_so(visitors: Visitors) -> None:
    link = visitors.first_link()
    host = await visitors.host(link)
    assert "#" not in host.page.url
    second = await visitors.stranger(link)
    await expect(second.get_by_role("alert")).to_contain_text("used already")
    await expect(second.get_by_role("alert")).to_contain_text("livestream token --role host")
    assert "#" not in second.url
    await host.page.reload()
    await host.says("still in")


async def test_the_host_page_without_a_link_says_how_to_get_one(visitors: Visitors) -> None:
    page = await visitors.stranger(f"{visitors.origin}/host/demo")
    await expect(page.get_by_role("alert")).to_contain_text("This page needs a host link")


async def test_who_signs_out_is_out(visitors: Visitors) -> None:
    host = await visitors.host()
    await host.presses("Sign out")
    await expect(host.page.get_by_role("alert")).to_contain_text("This page needs a host link")
    await host.page.reload()
    await expect(host.page.get_by_role("alert")).to_contain_text("This page needs a host link")


async def test_a_viewer_on_the_host_page_is_told_that_they_are_not_a_host(visitors: Visitors) -> None:
    link = visitors.link("viewer", "Ann").replace("/r/", "/host/")
    page = await visitors.stranger(link)
    await expect(page.get_by_role("alert")).to_contain_text("not as staff")
