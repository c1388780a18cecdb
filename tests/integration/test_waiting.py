"""Comments that wait for staff, and comments of the same words: none falls out of the queue, none hides unseen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from livestream import seed
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol import limits
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import Posted
from livestream.protocol.roles import Role
from livestream.protocol.shop import PutProduct
from livestream.room.sampling import Fate
from livestream.shop.actions import ShopActor
from livestream.shop.service import ShopService
from livestream.storage.pool import Database
from livestream.webhooks.resolver import Targets
from tests.support.nodes import HOST_ID, Node, actor, node

MOD = actor("mo", Role.MODERATOR)
HOST = actor(HOST_ID, Role.HOST)
OPERATOR = actor("olga", Role.OPERATOR)


@pytest.fixture
async def two(database: Database, settings: Settings, seeded: str) -> AsyncIterator[list[Node]]:
    settings = msgspec.structs.replace(settings, comment_rate_burst=10_000, comment_rate_per_s=10_000.0)
    async with node(database, settings, 1, beat=True) as first, node(database, settings, 2, beat=True) as second:
        yield [first, second]


async def wait_for_staff(process: Node, count: int) -> list[str]:
    """So many comments that are held."""
    await process.run(MOD, c.SetChat(ref=1, approve_first=True))
    posted = await asyncio.gather(
        *(process.run(actor(f"v{n}"), c.Comment(ref=n, text=f"what about {_word(n)}")) for n in range(count))
    )
    ids = [reply.id for reply in posted if isinstance(reply, Posted) and reply.held]
    assert len(ids) == count
    return sorted(ids)


def _word(number: int) -> str:
    return "".join("bcdfghjklm"[int(digit)] + "aeiou"[int(digit) % 5] for digit in f"{number:04}")


async def in_view(process: Node) -> list[str]:
    return [each.id for each in (await process.hub.channel(seed.ROOM)).local.staff.held]


async def test_what_is_ruled_on_in_one_batch_is_all_shown_though_the_view_holds_less(
    two: list[Node], database: Database
) -> None:
    ids = await wait_for_staff(two[0], 2 * limits.SNAPSHOT_HELD)
    size = limits.COMMENTS_PER_DELETE
    rules = [two[0].run(MOD, c.Rule(ref=n, comments=ids[n : n + size], show=True)) for n in range(0, len(ids), size)]
    await asyncio.gather(*rules)
    async with database.read() as connection:
        rows = await connection.fetch("SELECT fate, ruled, count(*) FROM comment GROUP BY fate, ruled")
    assert [tuple(row) for row in rows] == [("shown", True, len(ids))]


async def test_the_view_is_filled_up_with_what_has_waited_longer(
    two: list[Node], database: Database, settings: Settings
) -> None:
    ids = await wait_for_staff(two[0], limits.SNAPSHOT_HELD + 60)
    assert await in_view(two[0]) == ids[60:]
    size = limits.COMMENTS_PER_DELETE
    for start in range(60, len(ids), size):
        await two[0].run(MOD, c.Rule(ref=start, comments=ids[start : start + size], show=False))
    assert await in_view(two[0]) == ids[:60]
    async with node(database, settings, 3) as fresh:
        assert await in_view(fresh) == ids[:60]


async def test_words_that_nobody_saw_collapse_nothing(two: list[Node], database: Database) -> None:
    process = two[0]
    await process.run(OPERATOR, c.SetRoom(ref=1, display_per_s=1.0))
    texts = ["same old words", *(f"noise {_word(n)}" for n in range(60)), *["same old words"] * 3]
    await asyncio.gather(
        *(process.run(actor(f"v{n}"), c.Comment(ref=n, text=text)) for n, text in enumerate(texts[1:]))
    )
    async with database.read() as connection:
        fates = {
            row["fate"] for row in await connection.fetch("SELECT fate FROM comment WHERE text = 'same old words'")
        }
    assert fates == {Fate.SAMPLED_OUT}
    await asyncio.sleep(2.5)  # the room is quiet again
    reply = await process.run(actor("late"), c.Comment(ref=1, text="same old words"))
    assert isinstance(reply, Posted)
    assert reply.shown


async def test_a_repeated_comment_is_answered_as_before_whatever_holds_by_now(two: list[Node]) -> None:
    process, ann = two[0], actor("ann")
    comment = c.Comment(ref=1, text="is it warm", key="k1")
    first = await process.run(ann, comment)
    await process.run(MOD, c.SetChat(ref=1, slow_mode_s=60))
    assert await process.run(ann, comment) == first
    with pytest.raises(Refused) as refused:
        await process.run(ann, c.Comment(ref=2, text="is it warm", key="k2"))
    assert refused.value.code is ErrorCode.SLOW_MODE
    with pytest.raises(Refused) as refused:
        await process.run(ann, c.Comment(ref=3, text="other words", key="k1"))
    assert refused.value.code is ErrorCode.KEY_REUSED


async def test_what_is_sent_again_under_its_key_is_no_other_voice(two: list[Node], database: Database) -> None:
    """Neither here nor at another process, nor twice in one batch; nor does it use up what the room may show."""
    comment = c.Comment(ref=1, text="lovely thing", key="k1")
    first = await two[0].run(actor("ann"), comment)
    keys = [key async for key in two[0].bus.redis.scan_iter("*:comments:*")]
    counted = [await two[0].bus.redis.get(key) for key in keys]
    for process in (*two, *two):
        assert await asyncio.gather(*(process.run(actor("ann"), comment) for _ in range(2))) == [first] * 2
    assert [await two[0].bus.redis.get(key) for key in keys] == counted
    for process in two:
        reply = await process.run(actor(f"eve-{id(process)}"), c.Comment(ref=2, text="Lovely thing!"))
        assert isinstance(reply, Posted)
        assert reply.shown
    async with database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM comment") == 3


async def test_a_product_on_screen_has_the_price_of_its_last_change(
    two: list[Node], database: Database, settings: Settings
) -> None:
    process = two[0]
    shops = ShopService(database, process.bus.redis, b"s", process.hub.publish, 9, Targets.of(settings).rules)
    backend = ShopActor(seed.SHOP, seed.SHOP, "olga", "p-olga", Role.OPERATOR, "Olga")

    async def put(price: int) -> None:
        command = PutProduct(product="cup", title="Cup", price=price, currency="PLN")
        await shops.run(backend, command, None)

    await put(1)
    for price in range(2, 22):
        await process.run(HOST, c.Feature(ref=1, product=None))
        await asyncio.gather(put(price), process.run(HOST, c.Feature(ref=1, product="cup")))
        featured = (await process.hub.channel(seed.ROOM)).local.state.featured
        assert featured is not None
        assert featured.price == price
