"""docs/webhooks.md lists every webhook of group buys, each with the fields it has: no more, no fewer."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from groupbuy.payments.port import Way
from livestream import seed
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.groupbuy import DealStep
from livestream.storage.pool import Database
from tests.support.market import Market, market_of

_ROOT = Path(__file__).parents[2]
_SOURCES = _ROOT / "groupbuy"
_PAGE = (_ROOT / "docs/webhooks.md").read_text("utf-8")


def documented() -> dict[str, set[str]]:
    """Names of the fields of `data`, by type, as the page has them."""
    (part,) = re.findall(r"^### Group buys\n(.*?)^##", _PAGE, re.MULTILINE | re.DOTALL)
    (order,) = re.findall(r"^Those of an order: (.*?)\.$", part, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| `([a-z]+\.[a-z]+)` \| .* \| (.*) \|$", part, re.MULTILINE)
    return {
        kind: set(re.findall(r"`([a-z_]+)`", order if fields == "those of an order" else fields))
        for kind, fields in rows
    }


def test_no_webhook_in_the_sources_is_missing_on_the_page() -> None:
    sources = "".join(path.read_text("utf-8") for path in _SOURCES.glob("*.py"))
    assert set(re.findall(r'"((?:deal|team|order)\.[a-z_]+)"', sources)) == set(documented())


async def _everything_happens(market: Market) -> None:
    """A team completes and another is taken back with its deal; one expires, and its deal closes."""
    voided = await market.open_deal(steps=[DealStep(people=2, price=900)])
    for first, second in (("ann", "bob"), ("cid", "dan")):
        own = await market.open_team(first, voided)
        await market.pay(first, voided, own.seat)
        if first == "ann":
            await market.pay(second, voided, (await market.join(second, voided, invite=own.invite)).seat)
    await market.chores()
    await market.operate(c.VoidDeal(ref=1, deal=voided, why="wrong price", key="void"))
    await market.settle()
    closed = await market.open_deal()
    await market.pay("eve", closed, (await market.open_team("eve", closed)).seat)
    await market.operate(c.CloseDeal(ref=1, deal=closed, key="close"))
    await market.advance(601)
    await market.settle()


@pytest.mark.parametrize("way", list(Way))
async def test_each_webhook_is_documented_with_the_fields_it_has(
    database: Database, settings: Settings, seeded: str, way: Way
) -> None:
    market = await market_of(database, settings, way)
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO webhook_endpoint (endpoint_id, shop_id, url, secret) VALUES ('end_1', $1, 'http://shop', 's')",
            seed.SHOP,
        )
    await _everything_happens(market)
    async with database.read() as connection:
        rows = await connection.fetch("SELECT type, body FROM webhook_message ORDER BY message_id")
    sent: dict[str, set[str]] = {}
    for row in rows:
        data = json.loads(row["body"])["data"]
        assert sent.setdefault(row["type"], set(data)) == set(data), row["type"]
        if "viewer" in data:
            assert data["viewer"] in {"ann", "bob", "cid", "dan", "eve"}, data
    assert sent == documented()
