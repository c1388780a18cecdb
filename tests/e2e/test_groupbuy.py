"""A group buy as people see it: set up in the panel, filled by an invite, paid at the checkout; and other ends."""

from __future__ import annotations

import os
import re
from pathlib import Path

import asyncpg
import msgspec
import pytest
from playwright.async_api import Locator, Page, expect

from livestream import bus, seed
from livestream.bus import BusMessage
from livestream.protocol.groupbuy import TeamsLeftOut
from tests.e2e.visitors import DESK, PHONE, Host, Viewer, Visitors

pytestmark = pytest.mark.asyncio(loop_scope="session")
#: set it to a folder to look at what the test sees
_PICTURES = os.environ.get("LIVESTREAM_TEST_PICTURES")
_NOBODY = 999  #: a process number that no process of the show has


async def _picture(page: Page, name: str) -> None:
    """On a phone and at a desk."""
    if not _PICTURES:
        return
    before = page.viewport_size
    for kind, size in (("phone", PHONE), ("desk", DESK)):
        await page.set_viewport_size({"width": size["width"], "height": size["height"]})
        await page.screenshot(path=str(Path(_PICTURES) / f"{name}-{kind}.png"))
    if before is not None:
        await page.set_viewport_size(before)


def _card(viewer: Viewer) -> Locator:
    return viewer.page.get_by_label("Group buy", exact=True)


async def _operator(visitors: Visitors) -> Host:
    await visitors.asks(
        "service", f"shops/{seed.SHOP}/put_product", product="cup", title="Stoneware cup", price=1600, currency="EUR"
    )
    return await visitors.host(visitors.link("operator", "Ola"))


async def _set_up(operator: Host, price: str) -> Locator:
    """A deal for teams of two, by the form; gives its place in the panel."""
    await operator.presses("New group buy…")
    form = operator.page.get_by_label("New group buy")
    await form.get_by_label("People").fill("2")
    await form.get_by_label("Price, or").fill(price)
    await form.get_by_label("Units to sell").fill("50")
    await operator.presses("Start it now")
    return operator.page.get_by_label("Group buy: Stoneware cup")


async def _pay(viewer: Viewer) -> None:
    """Through the checkout and back."""
    page = viewer.page
    await _card(viewer).get_by_role("button", name="Pay €12.00").click()
    await page.get_by_role("button", name="Pay 12.00 EUR").click()
    await page.get_by_role("link", name="Back to the show").click()
    await expect(_card(viewer)).to_be_visible()


async def test_a_team_fills_by_an_invite_and_both_pay_at_the_checkout(visitors: Visitors, tmp_path: Path) -> None:
    operator = await _operator(visitors)
    panel = await _set_up(operator, "4")
    form = operator.page.get_by_label("New group buy")
    await expect(form.get_by_label("Yes, €4.00 is meant")).to_be_visible()
    await expect(panel).to_have_count(0)  # less than half: it wants a yes first
    await form.get_by_label("Price, or").fill("−25 %")
    await _picture(operator.page, "host-form")
    await operator.presses("Start it now")
    await expect(panel).to_contain_text("2 people €12.00")

    ann = await visitors.viewer(visitors.link("viewer", "Ann"))
    onlooker = await visitors.viewer()
    await expect(_card(onlooker)).to_contain_text("Sign in at the shop")
    await _picture(onlooker.page, "viewer-anonymous")
    await _picture(ann.page, "viewer-offer")
    await _card(ann).get_by_role("button", name="Open a team").click()
    await _card(ann).get_by_label("Only people I send the invite to").check()
    await _card(ann).get_by_label("Show my name, Ann").check()
    await _picture(ann.page, "viewer-opening")
    await _card(ann).get_by_role("button", name="Open it and pay").click()
    await expect(_card(ann)).to_contain_text("1 of 2 seats are taken")
    await _picture(ann.page, "viewer-held")
    invite = await _card(ann).get_by_label("Invite link").input_value()

    bo = await visitors.viewer(visitors.link("viewer", "Bo"))
    await expect(_card(bo).get_by_role("button", name="Join")).to_have_count(0)  # the team is not listed
    await bo.page.goto(invite)
    await expect(_card(bo)).to_contain_text("You are invited to a team")
    await expect(_card(bo)).to_contain_text("Ann")
    await _picture(bo.page, "viewer-invited")
    await bo.page.reload()  # an invite outlives the page
    await _card(bo).get_by_role("button", name="Join the team").click()
    await _pay(bo)
    await expect(_card(bo)).to_contain_text("You are in")
    await _picture(bo.page, "viewer-paid")
    await _pay(ann)
    for buyer in (ann, bo):
        await expect(_card(buyer)).to_contain_text("Your team is complete")
        await expect(_card(buyer)).to_contain_text("Bought for €12.00.")
    news = _card(onlooker).locator(".deal-news")
    await expect(news).to_have_text("Ann and 1 more: team complete")  # Bo did not choose to be seen
    await _picture(onlooker.page, "viewer-news")
    await onlooker.page.goto(invite)
    await expect(_card(onlooker)).to_contain_text("This team takes no more members.")
    await onlooker.page.goto(f"{visitors.origin}/r/{seed.ROOM}#team={'0' * 13}.{'A' * 22}")
    nowhere = onlooker.page.get_by_label("You are invited to a team")
    await expect(nowhere).to_contain_text("This invite is for no team here.")
    await nowhere.get_by_role("button").click()
    await expect(nowhere).to_have_count(0)
    await bo.page.reload()
    await expect(_card(bo)).to_contain_text("Bought for €12.00.")
    await _picture(bo.page, "viewer-complete")

    await panel.get_by_text("Orders and refunds").click()
    await expect(panel.locator("tbody tr")).to_have_count(2)
    for text in ("sold", "ann", "bo"):
        await expect(panel.locator("tbody")).to_contain_text(text)
    await panel.get_by_text("Teams", exact=True).click()
    await expect(panel).to_contain_text("2 of 2 seats are taken · 2 paid")
    await _picture(operator.page, "host-sold")
    async with operator.page.expect_download() as kept:
        await panel.get_by_role("button", name="Settlement (CSV)").click()
    await (await kept.value).save_as(tmp_path / "settlement.csv")
    settlement = (tmp_path / "settlement.csv").read_text("utf-8").splitlines()
    assert re.match(r"total,.*,2400,0,2400,2400,", settlement[-1]), settlement
    await panel.get_by_role("button", name="Give money back to bo").click()
    await panel.get_by_label("How much").fill("2.50")
    await panel.get_by_label("Why? For the staff log").fill("a scratch")
    await _picture(operator.page, "host-back")
    await operator.presses("Give it back")
    await expect(_card(bo)).to_contain_text("€2.50 of it went back to you.")
    await expect(panel.locator("tbody tr").filter(has_text="bo")).to_contain_text("€2.50")


async def test_a_team_expires_another_is_filled_by_the_shop_and_the_deal_is_taken_back(visitors: Visitors) -> None:
    operator = await _operator(visitors)
    panel = await _set_up(operator, "12")
    ann, bo = [await visitors.viewer(visitors.link("viewer", name)) for name in ("Ann", "Bo")]

    async def opens_and_pays() -> None:
        await _card(ann).get_by_role("button", name="Open a team").click()
        await _card(ann).get_by_role("button", name="Open it and pay").click()
        await _pay(ann)
        await expect(_card(ann)).to_contain_text("You are in")

    await opens_and_pays()
    await expect(_card(bo)).to_contain_text("Teams that need one more")
    await _picture(bo.page, "viewer-teams")
    onlooker = await visitors.viewer()
    await expect(_card(onlooker)).to_contain_text("Teams that need one more")
    await expect(_card(onlooker)).to_contain_text("Sign in at the shop to take part.")
    await expect(_card(onlooker).get_by_role("button", name="Join")).to_have_count(0)
    connection = await asyncpg.connect(visitors.show.environ["DATABASE_URL"])
    await connection.execute("UPDATE deadline SET due_at = clock_timestamp() WHERE kind = 'team'")
    await connection.close()
    await expect(_card(ann)).to_contain_text("The team did not fill in time")
    await expect(_card(ann)).to_contain_text("€12.00 went back to you.")
    await _picture(ann.page, "viewer-expired")

    await opens_and_pays()
    await panel.get_by_text("Teams", exact=True).click()
    await panel.get_by_role("button", name="Fill the 1 missing seat as the shop").click()
    await panel.get_by_label("Why? Everybody in the room reads it").fill("thank you")
    await _picture(operator.page, "host-waive")
    await panel.get_by_role("button", name="Fill it as the shop").click()
    await expect(_card(ann)).to_contain_text("Your team is complete")
    await expect(_card(bo)).to_contain_text("The shop filled 1 seat of a team itself: thank you")
    await operator.presses("Close…", "Close it")
    await operator.page.get_by_text("Group buys that are over").click()
    await operator.presses("Take back…")
    await panel.get_by_label("Why? Everybody in the room reads it").fill("wrong <b>price")
    await _picture(operator.page, "host-void")
    await operator.presses("Refund everyone")
    for viewer in (ann, bo):
        await expect(_card(viewer)).to_contain_text("wrong <b>price")
    await expect(_card(ann)).to_contain_text("€12.00 went back to you.")
    await _card(ann).get_by_text("Earlier here (1)").click()
    await _picture(ann.page, "viewer-voided")
    await _picture(operator.page, "host-over")


async def test_a_deal_is_paused_edited_and_extended_and_who_leads_leaves(visitors: Visitors) -> None:
    operator = await _operator(visitors)
    panel = await _set_up(operator, "12")
    ann, other_screen, bo, cy = [
        await visitors.viewer(visitors.link("viewer", name)) for name in ("Ann", "Ann", "Bo", "Cy")
    ]
    await _card(ann).get_by_role("button", name="Open a team").click()
    await _card(ann).get_by_role("button", name="Open it and pay").click()
    await expect(_card(other_screen)).to_contain_text("1 of 2 seats are taken")
    await _card(bo).get_by_role("button", name=re.compile("Join the team with 1 seat left")).click()
    await expect(_card(ann)).to_contain_text("2 of 2 seats are taken")

    await panel.get_by_role("button", name="Pause").click()
    await expect(_card(cy)).to_contain_text("No new teams just now. Teams that form go on.")
    await expect(_card(cy).get_by_role("button", name="Open a team")).to_have_count(0)
    for name in ("Go on", "Edit…"):
        await panel.get_by_role("button", name=name).click()
    form = operator.page.get_by_label("Edit", exact=True)
    await form.get_by_label("Price, or").fill("11")
    await operator.presses("Save for new teams")
    await expect(panel).to_contain_text("2 people €11.00")
    await expect(_card(cy)).to_contain_text("€11.00")
    await expect(_card(bo).get_by_role("button", name="Pay €12.00")).to_be_visible()  # this team keeps its price
    closes = panel.locator("dd.deal-clock")
    await expect(closes).to_contain_text(re.compile("^1[0-9]:"))
    await operator.presses("Extend…", "Extend")
    await expect(closes).to_contain_text(re.compile("^2[0-9]:"))

    for _ in ("asked", "sure"):
        await _card(ann).get_by_role("button", name="Leave the team").click()
    await expect(_card(bo)).to_contain_text("you lead this team")
    await expect(_card(bo)).to_contain_text("1 of 2 seats are taken")
    await expect(_card(ann).get_by_role("button", name="Open a team")).to_be_visible()

    await operator.presses("Close…", "Close it")
    await expect(_card(cy)).to_contain_text("No new teams any more. Teams that form go on.")
    await expect(_card(cy).get_by_role("button", name="Open a team")).to_have_count(0)
    join = _card(cy).get_by_role("button", name=re.compile("Join the team with 1 seat left"))
    await expect(join).to_be_visible()
    await _picture(cy.page, "viewer-closing")
    await join.click()
    await expect(_card(cy)).to_contain_text("2 of 2 seats are taken")


async def test_how_many_notices_of_teams_a_rush_left_out_stands_in_a_line_of_its_own(visitors: Visitors) -> None:
    await _set_up(await _operator(visitors), "12")
    viewer = await visitors.viewer()
    await expect(_card(viewer)).to_be_visible()
    line = viewer.page.locator(".teams-left-out")
    await expect(line).to_have_count(0)
    redis = bus.connect(visitors.show.environ["REDIS_URL"])
    for count in (40, 2):
        notes = [msgspec.json.encode(TeamsLeftOut(count=count))]
        await bus.publish(redis, {seed.ROOM: BusMessage(origin=_NOBODY, notes=notes)})
    await redis.aclose()
    await expect(line).to_have_text("and 42 more notices of teams just now")
    await _picture(viewer.page, "viewer-rush")
    await expect(line).to_have_count(0, timeout=15_000)  # it is quiet again
