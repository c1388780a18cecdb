"""The page that checks draws: from a file, from text, from the server; and what it says of a broken one."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Page, Route, expect

from lottery.steps import STEPS
from tests.e2e.visitors import DESK, PHONE, Visitors
from tests.support import draws, tampering
from tests.support.draws import UNEVEN, Plan
from tests.support.tampering import Case

pytestmark = pytest.mark.asyncio(loop_scope="session")
PLAN = Plan("on the page", 60, prizes=(("A bag", 1), ("A scarf", 3)), reserves=5, tier="drand", weights=UNEVEN)


async def check_page(visitors: Visitors, address: str = "/check", size: dict[str, int] = PHONE) -> Page:
    context = await visitors.profile(size)
    page = await context.new_page()
    visitors.trouble.watch(page, visitors.origin)
    await page.goto(visitors.origin + address)
    return page


def files(folder: Path, case: Case) -> list[Path]:
    made = []
    held = {"receipt": case.receipt, "inclusion": case.inclusion}
    for name, value in (("proof", case.proof), ("held", held), ("witness", case.witness)):
        if value is not None:
            made.append(folder / f"{name}.json")
            made[-1].write_text(json.dumps(value), "utf-8")
    return made


async def hand_over(page: Page, paths: list[Path]) -> None:
    await page.locator("input[type=file]").set_input_files(paths)
    await expect(page.get_by_test_id("verdict")).to_be_visible()


async def results(page: Page) -> dict[str, str]:
    rows = page.locator("[data-step]")
    return {
        await row.get_attribute("data-step") or "": await row.get_attribute("data-result") or ""
        for row in await rows.all()
    }


async def test_a_proof_with_receipt_and_witness_holds_at_every_step(visitors: Visitors, tmp_path: Path) -> None:
    page = await check_page(visitors)
    await hand_over(page, files(tmp_path, tampering.case(PLAN)))
    await expect(page.get_by_test_id("verdict")).to_contain_text("The draw holds")
    assert await results(page) == dict.fromkeys(STEPS, "ok")
    await expect(page.get_by_text("Publication time witnessed", exact=True)).to_be_visible()
    mine = draws.receipt_of(PLAN).entry_id
    await expect(page.get_by_text(f"Entry {mine}")).to_be_visible()
    await expect(page.get_by_text("holds: entry")).to_be_visible()
    await expect(page.locator(".winners li")).to_have_count(4)
    await expect(page.get_by_text("That the entrants are different people")).to_be_visible()


async def test_without_a_witness_it_says_that_publication_is_not_witnessed(visitors: Visitors, tmp_path: Path) -> None:
    page = await check_page(visitors)
    case = tampering.case(PLAN)
    case.witness = None
    await hand_over(page, files(tmp_path, case))
    await expect(page.get_by_text("Publication time not witnessed", exact=True)).to_be_visible()
    assert (await results(page))["publication"] == "not_covered"


async def test_a_changed_entry_is_named_and_nothing_after_it_is_checked(visitors: Visitors, tmp_path: Path) -> None:
    page = await check_page(visitors)
    await hand_over(page, files(tmp_path, tampering.tampered("entry")))
    verdict = page.get_by_test_id("verdict")
    await expect(verdict).to_contain_text("The draw does not hold")
    await expect(verdict).to_contain_text(STEPS["root"])
    found = await results(page)
    assert found["root"] == "failed"
    assert found["weights"] == "ok"
    assert {found[name] for name in list(STEPS)[list(STEPS).index("root") + 1 :]} == {"skipped"}


async def test_pasted_text_is_checked_and_what_is_neither_is_refused(visitors: Visitors) -> None:
    page = await check_page(visitors)
    await page.get_by_label("Proof as text").fill('{"hello": 1}')
    await page.get_by_role("button", name="Check it").click()
    await expect(page.get_by_role("alert")).to_have_text("This text is neither a proof nor a receipt.")
    await page.get_by_label("Proof as text").fill(json.dumps(tampering.case(PLAN).proof))
    await page.get_by_role("button", name="Check it").click()
    await expect(page.get_by_test_id("verdict")).to_contain_text("The draw holds")


async def test_the_servers_proof_is_checked_with_what_the_browser_kept(visitors: Visitors) -> None:
    case = tampering.case(PLAN)
    page = await check_page(visitors)
    kept = {"receipt": case.receipt, "inclusion": case.inclusion, "witness": case.witness}
    name = f"livestream.draw.{case.proof['draw_id']}"
    await page.evaluate("([name, value]) => localStorage.setItem(name, value)", [name, json.dumps(kept)])
    proof = {"document": case.proof}

    async def answer(route: Route) -> None:
        await route.fulfill(json=proof["document"])

    await page.route("**/v1/draws/some-draw/proof", answer)
    await page.goto(f"{visitors.origin}/check?draw=some-draw")
    await expect(page.get_by_test_id("verdict")).to_contain_text("The draw holds")
    assert set((await results(page)).values()) == {"ok"}
    forged = copy.deepcopy(case)
    tampering.TAMPERINGS["all drawn anew without one"][1](forged)
    proof["document"] = forged.proof
    await page.reload()
    await expect(page.get_by_test_id("verdict")).to_contain_text(STEPS["publication"])


async def test_a_draw_that_there_is_not_is_said_so_and_can_be_tried_again(visitors: Visitors) -> None:
    page = await check_page(visitors, "/check?draw=00000000000000000000000000000000")
    await expect(page.get_by_role("alert")).to_contain_text("There is no such draw")
    case = tampering.case(PLAN)
    await page.route("**/v1/draws/*/proof", lambda route: route.fulfill(json=case.proof))
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_test_id("verdict")).to_contain_text("The draw holds")


async def test_titles_are_shown_as_text(visitors: Visitors, tmp_path: Path) -> None:
    given = draws.replaced(draws.rules_of(PLAN), title="<img src=x onerror=alert(1)>")
    case = tampering.case(PLAN)
    case.proof["rules"] = msgspec.to_builtins(given)
    page = await check_page(visitors, size=DESK)
    await hand_over(page, files(tmp_path, case))
    await expect(page.get_by_role("heading", level=1)).to_have_text("<img src=x onerror=alert(1)>")
    assert (await results(page))["rules"] == "failed"
