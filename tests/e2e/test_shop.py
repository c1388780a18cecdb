"""What staff do for the shop from the panel, as they see it."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from livestream import seed
from tests.e2e.test_safety import INJECTIONS
from tests.e2e.visitors import Visitors
from tests.support.shopserver import shop_server

pytestmark = pytest.mark.asyncio(loop_scope="session")
SHOP, ROOM = f"shops/{seed.SHOP}", f"rooms/{seed.ROOM}"

PILED = "z" + "\u0300\u036f" * 50
#: what sticks out of the page at its side
TOO_WIDE = """document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => each.outerHTML.slice(0, 120))"""


async def test_a_product_is_chosen_and_every_viewer_sees_it(visitors: Visitors) -> None:
    for name, price in (("Cup", 1999), ("Bowl", 4999)):
        await visitors.asks(
            "service", f"{SHOP}/put_product", product=name.lower(), title=name, price=price, currency="PLN", stock=3
        )
    host, viewer = await visitors.host(), await visitors.viewer()
    await host.presses("Show a product…")
    await host.page.get_by_role("button", name="Bowl").click()
    await expect(viewer.page.get_by_label("Shown now")).to_contain_text("Bowl")
    await expect(viewer.page.get_by_label("Shown now")).to_contain_text("3 left")
    await host.presses("Another")
    await host.page.get_by_role("button", name="Cup").click()
    await expect(viewer.page.get_by_label("Shown now")).to_contain_text("Cup")
    await host.presses("Take away")
    await expect(viewer.page.get_by_label("Shown now")).to_have_count(0)


async def test_an_invited_moderator_comes_in_once_and_cannot_run_the_show(visitors: Visitors) -> None:
    host = await visitors.host()
    await host.presses("Invite, hand over…")
    await host.page.get_by_label("Name that everyone sees").fill("Maja")
    await host.presses("Make a link")
    link = await host.page.get_by_label("This link signs in one person").input_value()
    await expect(host.page.get_by_label("Staff log")).to_contain_text("invited 'Maja' as moderator")
    guest = await visitors.stranger(link)
    await expect(guest.get_by_test_id("connection")).to_contain_text("Maja")
    await expect(guest.get_by_role("button", name="Pause")).to_have_count(0)
    second = await visitors.stranger(link)
    await expect(second.get_by_role("alert")).to_contain_text("used already")


async def test_a_refund_above_the_limit_waits_for_another_operator(visitors: Visitors) -> None:
    await visitors.asks(
        "service", f"{SHOP}/report_purchase", purchase="A-1", viewer="ann", amount=50000, currency="PLN", exponent=2
    )
    answer = await visitors.asks("operator", f"{ROOM}/refund", purchase="A-1", amount=50000, why="broken")
    assert "id" in answer, answer
    operator = await visitors.host(visitors.link("operator", "Ola"))
    box = operator.page.get_by_label("Refunds that wait for a second operator")
    await expect(box).to_contain_text("A-1")
    await expect(box).to_contain_text("broken")
    await operator.presses("Pay back")
    await expect(box).to_have_count(0)


async def test_the_operator_sees_what_became_of_webhooks_and_sends_one_again(visitors: Visitors) -> None:
    async with shop_server() as server:
        operator = await visitors.host(visitors.link("operator", "Ola"))
        await operator.presses("Webhooks…")
        page = operator.page.get_by_role("region", name="Webhooks")
        await page.get_by_label("Send them to this address too").fill(server.url)
        await operator.presses("Add")
        assert (await page.get_by_label("Its secret").input_value()).startswith("whsec_")
        await operator.presses("Send a test")
        await expect(page.locator(".badge.delivered")).to_have_count(1)
        await operator.presses("Send again")
        await expect(page.locator(".badge.delivered")).to_have_count(1)
        await expect(page.locator("tbody tr")).to_have_count(1)
        assert len(server.received) >= 1


async def test_the_operator_sends_again_all_that_failed_turns_the_secret_and_removes_an_address(
    visitors: Visitors,
) -> None:
    async with shop_server() as server:
        operator = await visitors.host(visitors.link("operator", "Ola"))
        operator.page.on("dialog", lambda dialog: dialog.accept())
        await operator.presses("Webhooks…")
        page = operator.page.get_by_role("region", name="Webhooks")
        await page.get_by_label("Send them to this address too").fill(server.url)
        await operator.presses("Add")
        secret = page.get_by_label("Its secret")
        before = await secret.input_value()
        server.status = 410  # it wants no more: the address is paused
        await operator.presses("Send a test")
        await expect(page.locator(".badge.failed")).to_have_count(1)
        await expect(page.locator("li")).to_contain_text("paused")
        server.status = 204
        await operator.presses("Go on", "Send all that failed")
        await expect(page.get_by_role("status")).to_have_text("1 is on its way again.")
        await expect(page.locator(".badge.delivered")).to_have_count(1)
        for number, button in enumerate(("New secret", "Secret leaked"), start=2):
            await operator.presses(button)
            await expect(secret).not_to_have_value(before)
            before = await secret.input_value()
            await operator.presses("Send a test")
            await expect(page.locator(".badge.delivered")).to_have_count(number)
        # By two secrets for a day; by the new one alone where the other leaked.
        assert [len(each.headers["webhook-signature"].split()) for each in server.received] == [1, 1, 2, 1]
        await operator.presses("Remove")
        await expect(page.locator("li")).to_have_count(0)
    assert len(visitors.trouble.seen) == 2, visitors.trouble.seen
    visitors.trouble.seen.clear()  # the two questions are dialogs that were meant


async def test_what_the_shop_writes_is_text_in_every_place(visitors: Visitors) -> None:
    """Titles, reasons, names, breaks: markup, log and bidi marks, and a hundred combining marks on a letter."""
    host, viewer = await visitors.host(), await visitors.viewer()
    for text in (*INJECTIONS, PILED, "a\nlevel=error event=forged"):
        line = text.replace("\n", " ")
        await visitors.asks("service", f"{SHOP}/put_product", product="p", title=line, price=1, currency="EUR")
        steps = [
            ("operator", f"{ROOM}/set_room", {"title": line[:60]}),
            ("host", f"{ROOM}/feature", {"product": "p"}),
            ("host", f"{ROOM}/say", {"text": text, "pin": True}),
            ("host", f"{ROOM}/countdown", {"title": line[:60], "seconds": 100}),
            ("host", f"{ROOM}/freeze", {"message": line}),
        ]
        for role, path, body in steps:
            answer = await visitors.asks(role, path, **body)
            assert "error" not in answer, (path, answer)
        if text == PILED:
            text = line = PILED[:7]  # the letter, and as many marks as a language may need
        for visitor in (host, viewer):
            page = visitor.page
            await expect(page.get_by_label("Shown now").locator(".card-text")).to_have_text(line)
            await expect(page.locator(".card.freeze .card-text")).to_have_text(line, use_inner_text=False)
            await expect(page.get_by_label("Pinned").locator(".card-text")).to_have_text(text)
            for element in ("script:not([src])", "iframe", "img[onerror]", "svg[onload]", "a[href^=javascript]", "b b"):
                assert await page.locator(f"body {element}").count() == 0
            wide = await page.evaluate(TOO_WIDE)
            assert wide == [], (line, wide)
            await expect(page.locator(".clock").locator("xpath=..")).to_contain_text(line[:60].strip())
        await expect(host.page.locator("header h1")).to_have_text(line[:60])
        await visitors.asks("host", f"{ROOM}/unfreeze")
        await visitors.asks("host", f"{ROOM}/cancel_countdown")
    refused = await visitors.asks("service", f"{SHOP}/put_product", product="p", title="a\0b", price=1, currency="EUR")
    assert refused["error"]["code"] == "invalid"  # type: ignore[index]
    evil = await visitors.asks(
        "service", f"{SHOP}/put_product", product="p", title="x", price=1, currency="EUR", url="javascript:alert(1)"
    )
    assert evil["error"]["code"] == "invalid"  # type: ignore[index]
    assert "forged" not in visitors.show.output()
