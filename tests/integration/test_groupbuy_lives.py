"""Group buys on Postgres under Hypothesis: random lives of a deal, with the audit as judge after every step."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from groupbuy.cashier import news_of
from groupbuy.payments.port import Busy, Declined, Doubtful, Way
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.errors import Refused, Unavailable
from livestream.protocol.groupbuy import DealStep
from livestream.storage.pool import Contention, Database
from tests.support.market import Market, market_of
from tests.support.purse import Purse

_PLACE = st.integers(0, 11)
_STEP = st.one_of(
    st.tuples(st.just("open"), _PLACE, _PLACE),
    st.tuples(st.just("join"), _PLACE, _PLACE),
    st.tuples(st.just("join"), _PLACE, _PLACE),
    st.tuples(st.just("begin"), _PLACE, _PLACE),
    st.tuples(st.just("hear"), _PLACE, _PLACE),
    st.tuples(st.just("pay"), _PLACE, _PLACE),
    st.tuples(st.just("pay"), _PLACE, _PLACE),
    st.tuples(st.just("refuse"), _PLACE, _PLACE),
    st.tuples(st.just("leave"), _PLACE, _PLACE),
    st.tuples(st.just("time"), st.sampled_from([5, 40, 95, 605, 90_000]), _PLACE),
    st.tuples(st.just("worker"), _PLACE, _PLACE),
    st.tuples(st.just("waive"), _PLACE, _PLACE),
    st.tuples(st.just("pause"), _PLACE, _PLACE),
    st.tuples(st.just("void"), st.integers(0, 2), _PLACE),
    st.tuples(st.just("freeze"), _PLACE, _PLACE),
    st.tuples(st.just("go_on"), _PLACE, _PLACE),
    st.tuples(st.just("edit"), st.integers(2, 4), _PLACE),
    st.tuples(st.just("extend"), _PLACE, _PLACE),
    st.tuples(st.just("again"), _PLACE, _PLACE),
    st.tuples(st.just("by_hand"), st.sampled_from(["lost", "part", "other", "taken"]), _PLACE),
    st.tuples(st.just("refund"), st.sampled_from([60, 5000]), _PLACE),
    st.tuples(st.just("trouble"), st.sampled_from(["busy", "lost", "declined", ""]), _PLACE),
    st.tuples(st.just("crowd"), _PLACE, _PLACE),
)


class Life:
    """One deal, from its opening until nothing is under way."""

    def __init__(self, market: Market, deal: str) -> None:
        self.market = market
        self.deal = deal
        self.payments: list[str] = []

    async def do(self, what: str, one: int | str, other: int) -> None:
        with contextlib.suppress(Refused, Unavailable):
            await getattr(self, what)(one, other)

    async def rows(self, query: str) -> list[tuple[str, ...]]:
        async with self.market.database.read() as connection:
            return [tuple(row) for row in await connection.fetch(query)]

    async def open(self, who: int, _: int) -> None:
        await self.market.open_team(f"v{who}", self.deal)

    async def join(self, who: int, which: int) -> None:
        teams = await self.rows("SELECT invite FROM team ORDER BY team_id")
        if teams:
            await self.market.join(f"v{who}", self.deal, invite=teams[which % len(teams)][0])

    async def seat(self, which: int) -> tuple[str, str] | None:
        seats = await self.rows("SELECT seat_id, viewer FROM seat ORDER BY seat_id")
        if not seats:
            return None
        seat, viewer = seats[which % len(seats)]
        return seat, viewer.removeprefix("p-")

    async def begin(self, which: int, _: int) -> None:
        found = await self.seat(which)
        if found:
            self.payments.append(await self.market.begin(found[1], self.deal, found[0]))

    async def hear(self, which: int, _: int) -> None:
        if self.payments:
            await self.market.hear(self.deal, self.payments[which % len(self.payments)])

    async def refuse(self, which: int, _: int) -> None:
        if self.payments:
            await self.market.hear(self.deal, self.payments[which % len(self.payments)], pays=False)

    async def pay(self, which: int, _: int) -> None:
        await self.begin(which, 0)
        if self.payments:
            await self.hear(len(self.payments) - 1, 0)

    async def leave(self, which: int, _: int) -> None:
        found = await self.seat(which)
        if found:
            await self.market.run(found[1], c.LeaveTeam(ref=1, deal=self.deal, seat=found[0]))

    async def time(self, seconds: int, _: int) -> None:
        await self.market.advance(seconds)

    async def worker(self, _: int, __: int) -> None:
        await self.market.chores()

    async def waive(self, which: int, _: int) -> None:
        teams = await self.rows("SELECT team_id FROM team ORDER BY team_id")
        if teams:
            team = teams[which % len(teams)][0]
            await self.market.operate(c.WaiveTeam(ref=1, deal=self.deal, team=team, why="a gift"))

    async def pause(self, which: int, _: int) -> None:
        state = "paused" if which % 2 else "open"
        await self.market.operate(c.ChangeDeal(ref=1, deal=self.deal, state=state))

    async def void(self, chance: int, _: int) -> None:
        if chance == 0:
            await self.market.operate(c.VoidDeal(ref=1, deal=self.deal, why="wrong price"))

    async def freeze(self, _: int, __: int) -> None:
        await self.market.freeze()

    async def go_on(self, _: int, __: int) -> None:
        await self.market.unfreeze()

    async def edit(self, size: int, _: int) -> None:
        steps = [DealStep(people=size, price=850)]
        await self.market.operate(c.ChangeDeal(ref=1, deal=self.deal, steps=steps, leader_discount=0))

    async def extend(self, _: int, __: int) -> None:
        await self.market.operate(c.ExtendDeal(ref=1, deal=self.deal, by_s=300))

    async def again(self, who: int, key: int) -> None:
        """The same command twice, under a key that may have been used before."""
        command = c.OpenTeam(ref=1, deal=self.deal, key=f"k{key % 3}")
        first, second = await asyncio.gather(
            *(self.market.run(f"v{who}", command, engine) for engine in self.market.engines), return_exceptions=True
        )
        assert first == second or isinstance(first, Refused | Contention) or isinstance(second, Refused | Contention)

    async def by_hand(self, what: str, which: int) -> None:
        """Somebody acts at the provider's dashboard, or it converts; and tells us."""
        paid = sorted(self.market.purse.payments.values(), key=lambda each: each.key)
        if not paid:
            return
        payment, purse, key = paid[which % len(paid)], self.market.purse, secrets.token_hex(4)
        with contextlib.suppress(Declined, Busy, Doubtful):
            if what == "other":
                purse.convert(payment.key, payment.amount + 1)
            elif what == "taken":
                await purse.capture(key=key, reference=payment.reference, amount=payment.held)
            elif payment.held:
                await purse.void(key=key, reference=payment.reference)
            else:
                left = payment.captured - payment.refunded
                await purse.refund(key=key, reference=payment.reference, amount=left if what == "lost" else left // 2)
        news = news_of(purse.payments[payment.reference].standing())
        await self.market.cashier.learn(self.deal, payment.key.removeprefix("pay_"), news)

    async def refund(self, amount: int, which: int) -> None:
        orders = await self.rows("SELECT seat_id FROM team_order ORDER BY seat_id")
        if orders:
            order, left = orders[which % len(orders)][0], amount if amount < 1000 else None
            asked = c.RefundOrder(
                ref=1, deal=self.deal, order=order, amount=left, why="a scratch", key=secrets.token_hex(4)
            )
            await self.market.operate(asked)

    async def trouble(self, kind: str, which: int) -> None:
        left = [1 + which % 3]

        def once(operation: str) -> str | None:
            left[0] -= 1
            return kind if kind and left[0] >= 0 and (kind != "declined" or operation == "capture") else None

        self.market.purse.trouble = once

    async def crowd(self, who: int, which: int) -> None:
        """At once, in two processes, beside the worker."""
        await asyncio.gather(
            *(self.do("join", who + more, which) for more in range(4)),
            self.do("pay", which, 0),
            self.do("leave", who, 0),
            self.do("worker", 0, 0),
        )


@pytest.mark.parametrize("way", list(Way))
async def test_whatever_happens_it_adds_up(database: Database, settings: Settings, seeded: str, way: Way) -> None:
    market = await market_of(database, settings, way)

    @hypothesis.settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(_STEP, min_size=5, max_size=35), st.integers(0, 2**16))
    async def lives(steps: list[tuple[str, int | str, int]], chance: int) -> None:
        random.seed(chance)
        async with database.transaction() as tx:
            await tx.execute("UPDATE room SET frozen_at = NULL")
            for table in ("deadline", "deal", "idempotency"):
                await tx.execute(f"DELETE FROM {table}")
        market.purse = market.cashier._provider = Purse(way)  # type: ignore[assignment]
        deal = await market.open_deal(stock=30, per_viewer=2, leader_discount=70, closes_in_s=3600)
        life = Life(market, deal)
        for step in steps:
            await life.do(*step)
            await market.audit()
        market.purse.trouble = lambda operation: None
        await market.unfreeze()
        with contextlib.suppress(Refused):
            await market.operate(c.CloseDeal(ref=1, deal=deal))
        await market.settle()
        await market.audit(settled=True)

    await _every(lives)


async def _every(lives: object) -> None:
    """Hypothesis drives from a thread of its own; each example runs here, on the test's loop."""
    loop = asyncio.get_running_loop()
    inner = lives.hypothesis.inner_test  # type: ignore[attr-defined]

    def example(*args: object, **kwargs: object) -> None:
        asyncio.run_coroutine_threadsafe(inner(*args, **kwargs), loop).result()

    lives.hypothesis.inner_test = example  # type: ignore[attr-defined]
    await asyncio.to_thread(lives)  # type: ignore[arg-type]
