"""A draw as people see it: a host who sets it up, viewers who take part, win, claim and check."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from playwright.async_api import Locator, Page, WebSocketRoute, expect

from livestream import seed
from tests.e2e.visitors import DESK, PHONE, Host, Viewer, Visitors

pytestmark = pytest.mark.asyncio(loop_scope="session")
#: set it to a folder to look at what the test sees
_PICTURES = os.environ.get("LIVESTREAM_TEST_PICTURES")


async def _picture(page: Page, name: str) -> None:
    if _PICTURES:
        await page.screenshot(path=str(Path(_PICTURES) / f"{name}.png"), full_page=True)


async def _set_up(host: Host, title: str, *, prize: str = "Bike 🚲", password: str | None = None) -> Locator:
    """The form, filled in but not sent."""
    page = host.page
    await page.get_by_role("button", name="draw…").click()
    form = page.get_by_role("form", name="New draw")
    await form.get_by_label("What it is called").fill(title)
    await form.get_by_label("What is won").fill(prize)
    await form.get_by_label("Value of one").fill("1999")
    await form.get_by_label("What decides").select_option("cohosts")
    if password is not None:
        await form.get_by_label("How people enter").select_option("password")
        await form.get_by_label("Password", exact=True).fill(password)
    return form


def _card(visitor: Viewer | Host) -> Locator:
    return visitor.page.get_by_role("region", name="Lucky draw", exact=True)


def _prizes(viewer: Viewer) -> Locator:
    return viewer.page.get_by_role("region", name="Your prizes")


async def _enter(viewer: Viewer) -> None:
    await _card(viewer).get_by_role("button", name="Take part").click()
    await expect(_card(viewer)).to_contain_text("You are in.")


async def _wins(viewer: Viewer, host: Host, title: str, prize: str) -> None:
    """A draw with this viewer alone, from the form to the winner."""
    await _set_up(host, title, prize=prize)
    await host.presses("Start now")
    await _enter(viewer)
    await host.presses("Close entries now")
    await expect(_prizes(viewer)).to_contain_text(f"You won: {prize}!")


async def _history(visitor: Viewer | Host) -> Locator:
    await visitor.page.get_by_role("button", name="All draws of this room").click()
    return visitor.page.get_by_role("dialog", name="Draws of this room")


async def test_a_draw_from_the_form_to_a_check_in_the_browser(visitors: Visitors, tmp_path: Path) -> None:
    host = await visitors.host()
    viewer = await visitors.viewer(visitors.link("viewer", "Zoë"))
    nobody = await visitors.viewer()
    form = await _set_up(host, "Friday draw")
    await _picture(host.page, "host-form")
    await expect(form.get_by_label("What viewers will read")).to_contain_text("Bike 🚲")
    await host.presses("Start now")
    card = _card(viewer)
    await expect(_card(nobody)).to_contain_text("Sign in at the shop")
    await _picture(viewer.page, "viewer-open")
    await _enter(viewer)
    await expect(nobody.page.get_by_test_id("draw-count")).to_have_text("1 person is in")
    await viewer.page.reload()
    await expect(card).to_contain_text("You are in.")
    await host.presses("Close entries now")
    await expect(_prizes(viewer)).to_contain_text("You won: Bike 🚲!")
    await expect(_card(nobody)).to_contain_text("Z•••")
    await _picture(viewer.page, "viewer-won")
    await _picture(host.page, "host-drawn")
    async with viewer.page.context.expect_page() as opened:
        await card.get_by_role("link", name="Check this draw").click()
    check = await opened.value
    await expect(check.locator("body")).to_contain_text("Your receipt is genuine", timeout=30_000)
    await expect(check.locator(".failed")).to_have_count(0)
    await expect(check.locator("body")).to_contain_text("publication time witnessed")
    await expect(check.locator("body")).to_contain_text("Inclusion proof: entry 1 of 1")
    await _picture(check, "viewer-check")
    await card.get_by_text("Your receipt").click()
    async with viewer.page.expect_download() as saving:
        await card.get_by_role("button", name="Save the receipt").click()
    saved = tmp_path / "receipt.json"
    await (await saving.value).save_as(saved)
    assert set(json.loads(saved.read_text("utf-8"))) == {"receipt", "inclusion"}
    elsewhere = await visitors.stranger(check.url)
    await expect(elsewhere.locator("body")).to_contain_text("No receipt of this draw")
    await elsewhere.locator("input[type=file]").set_input_files(saved)
    await expect(elsewhere.locator("body")).to_contain_text("holds: entry 1 of 1")


async def test_a_prize_stays_to_be_claimed_while_other_draws_run(visitors: Visitors) -> None:
    host = await visitors.host()
    viewer = await visitors.viewer(visitors.link("viewer", "Zoë"))
    await _wins(viewer, host, "First draw", "Bike")
    await _wins(viewer, host, "Second draw", "Bell")
    await _set_up(host, "Third draw")
    await host.presses("Start now")
    await expect(_card(viewer)).to_contain_text("Third draw")
    await viewer.page.reload()
    await expect(_prizes(viewer).get_by_text("You won:")).to_have_text(["You won: Bike!", "You won: Bell!"])
    await _picture(viewer.page, "viewer-two-prizes")
    bike = _prizes(viewer).get_by_role("article").filter(has_text="Bike")
    await bike.get_by_role("button", name="Claim the prize").click()
    await bike.get_by_label("Your name").fill("Zoë Example")
    await _picture(viewer.page, "viewer-claim")
    await bike.get_by_role("button", name="Send it to the shop").click()
    await expect(bike).to_contain_text("Claimed. The shop has what it needs.")
    await expect(bike).to_contain_text("What you wrote is deleted on")
    await bike.get_by_role("button", name="Put away").click()
    await viewer.page.reload()
    await expect(_prizes(viewer).get_by_text("You won:")).to_have_text(["You won: Bell!"])
    bell = _prizes(viewer).get_by_role("article").filter(has_text="Bell")
    await bell.get_by_role("button", name="I do not want it").click()
    await bell.get_by_role("button", name="Give it away").click()
    await expect(bell).to_have_count(0)
    await _enter(viewer)
    for visitor in (viewer, host):
        past = await _history(visitor)
        await expect(past.get_by_role("listitem").filter(has_text="draw")).to_have_count(3)
        await expect(past.get_by_role("link", name="Check this draw")).to_have_count(2)
        await _picture(visitor.page, f"history-{type(visitor).__name__}")
        await visitor.keyboard.press("Escape")
        await expect(past).to_have_count(0)


async def test_a_password_is_written_and_a_draw_called_off_says_why(visitors: Visitors) -> None:
    host = await visitors.host()
    viewer = await visitors.viewer(visitors.link("viewer", "Bo"))
    await _set_up(host, "Password draw <b>", password="红包 now")
    await host.presses("Start now")
    card = _card(viewer)
    await expect(card).to_contain_text("Write “红包 now” in the chat")
    await viewer.says("红包 now")
    await expect(card).to_contain_text("You are in.")
    await expect(viewer.comment_of("红包 now")).to_have_count(1)
    await host.presses("Call it off…")
    await host.page.get_by_label("Why? Everybody reads it.").fill("wrong prize")
    await _picture(host.page, "host-cancel")
    await host.presses("Call it off")
    await expect(card).to_contain_text("Called off: wrong prize")
    past = await _history(viewer)
    await expect(past).to_contain_text("Called off: wrong prize")
    await viewer.keyboard.press("Escape")
    await card.get_by_role("button", name="Put away").click()
    await expect(card).to_have_count(0)
    await viewer.page.get_by_role("button", name="Lucky draw: Password draw <b>").click()
    await expect(card).to_contain_text("Called off")


async def test_a_password_that_is_no_entry_says_why(visitors: Visitors) -> None:
    host = await visitors.host()
    viewer = await visitors.viewer(visitors.link("viewer", "Bo"))
    form = await _set_up(host, "For who stays", password="stay")
    await form.get_by_label("Watched for so many seconds").fill("3600")
    await host.presses("Start now")
    card = _card(viewer)
    await expect(card).to_contain_text("Write “stay” in the chat")
    await viewer.says("stay")
    await expect(card.get_by_role("alert")).to_contain_text("That was no entry.")
    await expect(card.get_by_role("alert")).to_contain_text("watch for")
    await _picture(viewer.page, "viewer-not-entered")
    await expect(card).not_to_contain_text("You are in.")


async def _lied_to(visitors: Visitors, lie: Callable[[str], str]) -> Viewer:
    """A viewer to whom all that the server says comes changed, in front of a draw that was just opened."""
    context = await visitors.profile(PHONE)

    def between(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        server.on_message(lambda said: route.send(lie(str(said))))

    await context.route_web_socket("**/v1/ws", between)
    host = await visitors.host()
    viewer = await visitors.viewer(visitors.link("viewer", "Zoë"), context)
    await _set_up(host, "For some")
    await host.presses("Start now")
    return viewer


async def test_rules_that_are_not_everybodys_are_warned_of_and_their_receipt_is_not_kept(visitors: Visitors) -> None:
    """A server tells one viewer other rules than those it signed."""
    viewer = await _lied_to(visitors, lambda said: said.replace(r"\"region\":\"\"", r"\"region\":\"Mars\""))
    card = _card(viewer)
    await expect(card.get_by_role("alert")).to_contain_text("These rules do not fit the hash")
    await card.get_by_role("button", name="Take part").click()
    await expect(card.get_by_role("alert").first).to_contain_text("did not sign the receipt")
    await expect(card).not_to_contain_text("Your receipt")
    await card.get_by_text("Rules", exact=True).click()
    await expect(card).to_contain_text("Mars")
    await _picture(viewer.page, "viewer-lied-to")
    kept = await viewer.page.evaluate("Object.keys(localStorage)")
    assert [name for name in kept if name.startswith("livestream.draw.")] == []


async def test_a_draw_that_is_shown_without_its_rules_is_warned_of(visitors: Visitors) -> None:
    """A server keeps the rules from one viewer, so as to tell them of other prizes."""
    rules = re.compile(r'"rules":"(\\.|[^"\\])*",')
    card = _card(await _lied_to(visitors, lambda said: rules.sub("", said).replace("Bike", "Boat")))
    await expect(card).to_contain_text("Boat")
    await expect(card.get_by_role("alert")).to_contain_text("These rules do not fit the hash")


async def test_an_invited_cohost_promises_and_reveals_by_a_link(visitors: Visitors) -> None:
    host = await visitors.host()
    viewer = await visitors.viewer(visitors.link("viewer", "Zoë"))
    await _set_up(host, "With a notary")
    await host.presses("Put it into the queue")
    waiting = host.page.get_by_role("region", name="With a notary")
    await waiting.get_by_role("button", name="Invite a co-host…").click()
    await waiting.get_by_label("Name of the co-host").fill("Notary")
    await waiting.get_by_label("Name of the co-host").press("Enter")
    notary = await visitors.viewer(await waiting.get_by_label("Send this link").input_value())
    part = notary.page.get_by_role("region", name="You are a co-host")
    promise = part.get_by_label("Send this promise to the host")
    first = await promise.input_value()
    await notary.page.reload()
    await expect(promise).to_have_value(first)  # a page that is opened again promises nothing else
    await expect(waiting.get_by_role("button", name="Start")).to_be_disabled()
    await waiting.get_by_label("Promise of Notary").fill(first[1:])
    await expect(waiting.get_by_role("alert")).to_contain_text("That is no promise")
    await waiting.get_by_label("Promise of Notary").fill(first)
    await _picture(host.page, "host-cohosts")
    await waiting.get_by_role("button", name="Start").click()
    await expect(part).to_contain_text("Your promise stands in the rules.")
    await _enter(viewer)
    await host.presses("Close entries now")
    await expect(part).to_contain_text("Your secret is revealed.")
    await _picture(notary.page, "notary")
    await expect(_prizes(viewer)).to_contain_text("You won: Bike 🚲!")


async def test_a_cohost_that_never_reveals_makes_a_draw_void_and_the_check_says_who(visitors: Visitors) -> None:
    host = await visitors.host()
    viewer = await visitors.viewer(visitors.link("viewer", "Zoë"))
    await _set_up(host, "Without an end")
    await host.presses("Start now")
    card = _card(viewer)
    await _enter(viewer)
    await host.page.close()  # and with it the secret
    draw = await _draw_id(visitors)
    await visitors.asks("host", f"rooms/{seed.ROOM}/close_draw", draw=draw)
    await expect(card).to_contain_text("1 entry published.")
    await expect(card).to_contain_text("Co-hosts reveal their secrets: 1 of 2")
    await _picture(viewer.page, "viewer-waits-for-reveal")
    connection = await asyncpg.connect(visitors.show.environ["DATABASE_URL"])
    try:
        await connection.execute(  # the minute is nearly over
            "UPDATE draw SET body = jsonb_set(body::jsonb, '{rooted_at}',"
            " to_jsonb((body->>'rooted_at')::bigint - 56000))::json WHERE draw_id = $1",
            draw,
        )
    finally:
        await connection.close()
    await expect(card).to_contain_text("Void: a co-host did not reveal its secret in time, so nobody wins.")
    await _picture(viewer.page, "viewer-void")
    async with viewer.page.context.expect_page() as opened:
        await card.get_by_role("link", name="Check this draw").click()
    check = await opened.value
    await expect(check.get_by_test_id("verdict")).to_contain_text("Void, and rightly so")
    await expect(check.locator("[data-step=outcome]")).to_contain_text("no reveal in time from")
    await expect(check.locator("[data-step=outcome]")).to_contain_text("Ada")
    await expect(check.locator("[data-result=failed]")).to_have_count(0)
    await expect(check.get_by_text("That the co-hosts are who their names say")).to_be_visible()
    await _picture(check, "check-void")


async def test_the_panel_shows_claims_refusals_and_who_is_next(visitors: Visitors, tmp_path: Path) -> None:
    operator = await visitors.host(visitors.link("operator", "Olga"))
    viewers = [await visitors.viewer(visitors.link("viewer", name)) for name in ("Ann", "Ben")]
    form = await _set_up(operator, "Two of three", prize="Bag")
    await form.get_by_role("button", name="Keep as a template").click()
    await form.get_by_role("button", name="Keep it").click()
    await expect(form.get_by_role("status").filter(has_text="Kept as “Two of three”.")).to_be_visible()
    await operator.presses("Cancel")
    await operator.page.get_by_role("button", name="draw…").click()
    await form.get_by_label("From a template").select_option("Two of three")
    await expect(form.get_by_label("What is won")).to_have_value("Bag")
    await operator.presses("Start now")
    for viewer in viewers:
        await _enter(viewer)
    refused = await visitors.asks("host", f"rooms/{seed.ROOM}/enter_draw", draw=await _draw_id(visitors))
    assert refused["error"]["code"] == "draw_staff"  # type: ignore[index]
    await operator.presses("Close entries now")
    await expect(_card(operator)).to_contain_text("Winners")
    await operator.presses("Prizes and claims")
    desk = operator.page.get_by_role("dialog")
    await expect(desk).to_contain_text("not claimed yet")
    await expect(desk).to_contain_text("then reserve 1")
    await expect(desk.get_by_role("row").filter(has_text="staff")).to_have_count(1)
    await _picture(operator.page, "desk")
    async with operator.page.expect_download() as saving:
        await desk.get_by_role("button", name="Download claims (CSV)").click()
    await (await saving.value).save_as(tmp_path / "claims.csv")
    assert "Bag" in (tmp_path / "claims.csv").read_text("utf-8-sig")
    await desk.get_by_role("button", name="Not allowed by the rules…").click()
    await desk.get_by_label("Why?").fill("too young")
    await desk.get_by_role("button", name="Give it to the next reserve").click()
    await expect(desk).to_contain_text("(reserve 1)")
    await expect(desk).to_contain_text("then nobody: no reserve is left")
    await desk.get_by_role("button", name="It is handed over").click()
    await expect(desk.get_by_text("handed over", exact=True)).to_be_visible()
    await operator.keyboard.press("Escape")
    await operator.page.get_by_role("button", name="draw…").click()
    await form.get_by_label("From a template").select_option("Two of three")
    await form.get_by_role("button", name="Take this template away").click()
    await form.get_by_role("button", name="Take this template away").last.click()
    await expect(form.get_by_label("From a template")).to_have_count(0)


async def _draw_id(visitors: Visitors) -> str:
    page = await visitors.profile(DESK)
    answer = await page.request.get(f"{visitors.origin}/v1/rooms/{seed.ROOM}/draws")
    found: str = (await answer.json())["items"][0]["id"]
    return found
