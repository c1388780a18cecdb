"""Whatever is written into any text of the protocol is text on every page, and one line of a log at most.

Which fields there are is read from the protocol: a new one that no step here fills fails the test.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page, expect

from livestream import seed
from tests.e2e.test_shop import TOO_WIDE
from tests.e2e.visitors import Visitors
from tests.support import live_draws, texts

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]
#: what a worker, or another process, is still about
_NOT_YET = {"reveal_refused", "draw_state", "not_a_winner", "rate_limited", "order_not_found", "team_closed"}

MARKUP = "<img src=x onerror=alert(1)>'--\u202eX <script>alert(2)</script><b>{{7*7}}</b> '; DROP TABLE comment; --"
LINES = 'one\nlevel=error event=forged\r\n{"event": "forged"}'
PILED = "z" + "\u0300\u036f" * 50
_TOOLS = 20  #: more than a panel has
_REFUNDS = "Refunds that wait for a second operator"
#: what no text may become
_ELEMENTS = ("script:not([src])", "iframe", "img[onerror]", "img[src=x]", "a[href^=javascript]", "b b")


class Pen:
    """Writes one text into every field of what it asks."""

    def __init__(self, visitors: Visitors, text: str) -> None:
        self.text = text
        self.origin = visitors.show.url.replace("127.0.0.1", "localhost")
        self.written: set[tuple[str, texts.Path]] = set()
        self._visitors = visitors

    async def ask(self, role: str, name: str, who: str = "api", /, **given: Any) -> dict[str, Any]:
        """Ask an operation; every text of it that is not given is the text. It may be possible a moment later."""
        operation = texts.BY_NAME[name]
        body = texts.filled(operation, self.text, given)
        path = operation.path.removeprefix("/v1/").format(room=seed.ROOM, shop=seed.SHOP, webhook=given.get("hook"))
        for _ in range(100):
            answer: dict[str, Any] = await self._visitors.asks(role, path, who, operation.method, **body)
            if "error" not in answer:
                break
            if answer["error"]["code"] not in _NOT_YET:
                break
            await asyncio.sleep(0.2)
        assert "error" not in answer, (name, body, answer)
        self.written |= texts.texts_in(operation, body, self.text)
        return answer

    async def reads(self, role: str, path: str) -> list[dict[str, Any]]:
        """Items of a list."""
        items: list[dict[str, Any]] = (await self._visitors.asks(role, path, "api", "GET"))["items"]  # type: ignore[assignment]
        return items


async def _shop(pen: Pen) -> None:
    await pen.ask("service", "set_shop", refund_limit=100)
    await pen.ask("service", "create_room", room="another")
    await pen.ask("service", "put_staff", role="moderator")
    await pen.ask("service", "report_purchase", amount=500, currency="EUR", room=seed.ROOM)
    await pen.ask("service", "export_viewer")
    await pen.ask("operator", "put_words", action="hold")
    await pen.ask("operator", "remove_words")
    await pen.ask("service", "put_product", product="p", price=1000, currency="EUR", id="v",
                  url=f"{pen.origin}/p")  # fmt: skip
    await pen.ask("operator", "add_webhook", url="http://127.0.0.1:9999/")
    (hook,) = await pen.reads("operator", f"shops/{seed.SHOP}/webhooks")
    await pen.ask("operator", "change_webhook", hook=hook["id"], url="http://127.0.0.1:9999/")


async def _stage(pen: Pen) -> None:
    await pen.ask("host", "set_show", state="ended")
    await pen.ask("host", "schedule", starts_at=1)
    await pen.ask("host", "set_show", state="live")
    await pen.ask("host", "feature", product="p")
    said = await pen.ask("host", "say", pin=True)
    await pen.ask("host", "retract", message=(await pen.ask("host", "say"))["id"])
    await pen.ask("host", "countdown", seconds=3600)
    await pen.ask("host", "invite", role="host")
    await pen.ask("operator", "set_room")
    assert said["id"]


async def _moderation(pen: Pen) -> None:
    first, second = [(await pen.ask("viewer", "comment", who))["id"] for who in ("api", "bad")]
    await pen.ask("viewer", "report", "bad", comment=first)
    bad = next(each["by"] for each in await pen.reads("host", f"rooms/{seed.ROOM}/comments") if each["id"] == second)
    for name, lifted in (("mute", "unmute"), ("ban", "unban")):
        await pen.ask("moderator", name, who=bad, seconds=600)
        await pen.ask("moderator", lifted, who=bad)
    await pen.ask("moderator", "delete", comments=[second])
    await pen.ask("moderator", "mute", who=bad, seconds=None)
    await pen.ask("moderator", "set_chat", approve_first=True)
    waits = [(await pen.ask("viewer", "comment"))["id"] for _ in range(2)]
    await pen.ask("moderator", "rule", comments=waits[:1], show=True)


async def _refunds(pen: Pen) -> None:
    purchase = texts.filled(texts.BY_NAME["report_purchase"], pen.text, {})["purchase"]
    asked = [await pen.ask("operator", "refund", purchase=purchase, amount=amount) for amount in (110, 120)]
    await pen.ask("operator", "decide_refund", "second", refund=asked[0]["id"], confirm=False)


async def _deals(pen: Pen) -> None:
    steps = [{"people": 2, "price": 900}]
    deals = [
        (await pen.ask("operator", "open_deal", product="p", variant=None, steps=steps, stock=10))["id"]
        for _ in range(3)
    ]
    await pen.ask("operator", "change_deal", deal=deals[0], share=90)
    await pen.ask("operator", "close_deal", deal=deals[1])
    await pen.ask("operator", "void_deal", deal=deals[2])
    own = (await pen.ask("viewer", "open_team", deal=deals[0], show_name=True))["own"]
    paid = await pen.ask("viewer", "pay_seat", deal=deals[0], seat=own["seat"])
    async with aiohttp.ClientSession() as session, session.post(paid["url"], data={"do": "pay"}) as page:
        assert page.status == 200
    await pen.ask("operator", "waive_team", deal=deals[0], team=own["team"]["id"])
    path = f"rooms/{seed.ROOM}/deals/{deals[0]}/orders"
    for _ in range(100):
        orders = await pen.reads("operator", path)
        if orders and orders[0]["state"] == "confirmed":
            break
        await asyncio.sleep(0.2)
    order = orders[0]["order"]
    asked = [
        await pen.ask("operator", "refund_order", deal=deals[0], order=order, amount=amount) for amount in (110, 120)
    ]
    await pen.ask("operator", "decide_order_refund", "second", deal=deals[0], refund=asked[0]["id"], confirm=False)


async def _draws(pen: Pen) -> None:
    plan: dict[str, Any] = {"value": 5, "currency": "EUR", "beacon": "cohosts", "seconds": 60, "entry": "password"}
    await pen.ask("host", "save_template", **plan)
    gone = (await pen.ask("host", "create_draw", **plan))["draw"]
    await pen.ask("host", "cancel_draw", draw=gone)
    plan |= {"entry": "click", "password": None, "quantity": 2}
    draw: str = (await pen.ask("host", "create_draw", **plan))["draw"]
    await pen.ask("host", "open_draw", draw=draw, commitments=[live_draws.commitment(draw)])
    for who in ("api", "second"):
        await pen.ask("viewer", "enter_draw", who, draw=draw)
    await pen.ask("host", "close_draw", draw=draw)
    await pen.ask("host", "reveal_draw", draw=draw, party=2, secret=live_draws.COHOST_SECRET.hex())
    await pen.ask("viewer", "claim_prize", draw=draw, receipt=None)
    prizes = await pen.reads("host", f"rooms/{seed.ROOM}/draws/{draw}/prizes")
    (unclaimed,) = [each["prize"] for each in prizes if each["state"] == "waits"]
    await pen.ask("operator", "disqualify_winner", draw=draw, prize=unclaimed)


async def _away(pen: Pen) -> None:
    for name in ("remove_staff", "revoke", "erase_viewer"):
        await pen.ask("service", name)


async def _opened(page: Page) -> None:
    """Whatever a page keeps folded is opened."""
    tools = page.locator(".card-tool button")
    for _ in range(_TOOLS):
        if await tools.count():
            await tools.first.click()


async def _is_text(page: Page, seen: str, places: tuple[str, ...]) -> None:
    for place in places:
        await expect(page.get_by_label(place, exact=True).first).to_contain_text(seen, use_inner_text=False)
    for element in _ELEMENTS:
        assert await page.locator(f"body {element}").count() == 0, element
    wide = await page.evaluate(TOO_WIDE)
    assert wide == [], wide


@pytest.mark.parametrize(
    ("text", "seen"),
    [(MARKUP, MARKUP[:31]), (LINES, "level=error event=forged"), (PILED, PILED[:7])],
    ids=["markup", "lines", "piled"],
)
async def test_what_is_written_into_any_field_is_text_everywhere(visitors: Visitors, text: str, seen: str) -> None:
    pen = Pen(visitors, text)
    for part in (_shop, _stage, _moderation, _refunds, _deals, _draws):
        await part(pen)
    await pen.ask("host", "freeze")
    viewer = await visitors.viewer(visitors.link("viewer", "Vi", "viewer-api"))
    operator = await visitors.host(visitors.link("operator", "Ola", "operator-api"))
    await _opened(operator.page)
    await _is_text(viewer.page, seen, ("Shown now", "Pinned", "Group buy", "Lucky draw", "Your prizes"))
    await _is_text(operator.page, seen, ("Staff log", "Waiting for you", "Shown now", "Lucky draw", _REFUNDS))
    for page in (viewer.page, operator.page):
        await expect(page.locator(".card.freeze .card-text")).to_contain_text(seen, use_inner_text=False)
    async with viewer.page.context.expect_page() as opened:
        await viewer.page.get_by_role("link", name="Check this draw").first.click()
    check = await opened.value
    await expect(check.locator("body")).to_contain_text("Your receipt is genuine", timeout=30_000)
    await _is_text(check, seen, ())
    await expect(check.locator("body")).to_contain_text(seen, use_inner_text=False)
    await _away(pen)
    assert texts.fields() == pen.written
    lines = visitors.show.output().splitlines()
    assert not [line for line in lines if line.startswith(("level=", '{"event": "forged"'))]
