"""Market: group buys on a real database without gateways: engines as in several processes, a worker, a provider."""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections.abc import Awaitable
from typing import Any

import pytest

from groupbuy import audit, chores
from groupbuy.cashier import Cashier, news_of
from groupbuy.engine import Engine, Told
from groupbuy.operation import Operation
from groupbuy.payments.port import Way
from livestream import seed
from livestream.config import Settings
from livestream.ids import IdMaker
from livestream.protocol import commands as c
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.groupbuy import DealStep, OwnSeat
from livestream.protocol.replies import AnyReply, PayAt, Posted, Seated
from livestream.protocol.roles import Role
from livestream.room.desk import Actor
from livestream.room.work import Work
from livestream.storage import deadlines
from livestream.storage.pool import Database

from .nodes import actor
from .purse import Purse

PRODUCT = "cup"
OPERATOR = actor("olga", Role.OPERATOR)
STEPS = [DealStep(people=2, price=900), DealStep(people=3, price=800)]


class Market:
    """Of the seeded room. `engines` stand for processes; `now` is advanced by moving everything else back.

    Args:
        number: of this process, if others have markets on the same database.
    """

    def __init__(
        self, database: Database, settings: Settings, purse: Purse, processes: int = 2, number: int = 1
    ) -> None:
        self.database = database
        self.purse = purse
        self._numbers = itertools.count(1)
        maker = IdMaker(number)  # one for all, so that rows made later have higher ids
        self.told: list[Told] = []
        self.cashier = Cashier(database, purse, "http://shop/{room}", told=self._tell)
        self.engines = [
            Engine(
                database,
                settings,
                lambda: maker.next(time.time_ns() // 1_000_000),
                lambda: secrets.token_urlsafe(16),
                purse.way.value,
                self._tell,
                number,
            )
            for number in range(1, processes + 1)
        ]
        self.operation = Operation(database, lambda: maker.next(time.time_ns() // 1_000_000), 9)

    def _tell(self, deal: str, told: Told) -> None:
        self.told.append(told)

    async def stock_up(self) -> None:
        """A product to sell."""
        body = {"id": PRODUCT, "title": "Cup", "price": 1000, "currency": "PLN"}
        async with self.database.transaction() as tx:
            await tx.execute(
                "INSERT INTO product (shop_id, product_id, body) VALUES ($1, $2, $3::text::json)",
                seed.SHOP,
                PRODUCT,
                json.dumps(body),
            )

    async def open_deal(self, **changes: Any) -> str:
        fields: dict[str, Any] = {"product": PRODUCT, "steps": STEPS, "stock": 300, "life_s": 600, **changes}
        reply = await self.operate(c.OpenDeal(ref=1, key=secrets.token_hex(8), **fields))
        assert isinstance(reply, Posted)
        return reply.id

    async def operate(self, command: c.Command, who: Actor = OPERATOR) -> AnyReply:
        reply, _ = await self.operation.run(Work.of(who, command, None))  # type: ignore[arg-type]
        return reply

    def engine(self) -> Engine:
        """The next process in turn."""
        return self.engines[next(self._numbers) % len(self.engines)]

    async def run(self, who: str | Actor, command: Any, engine: Engine | None = None) -> AnyReply:
        someone = actor(who) if isinstance(who, str) else who
        return await (engine or self.engine()).run(someone, command, None)  # type: ignore[arg-type]

    async def open_team(self, who: str | Actor, deal: str, **fields: Any) -> OwnSeat:
        reply = await self.run(who, c.OpenTeam(ref=1, deal=deal, **fields))
        assert isinstance(reply, Seated)
        return reply.own

    async def join(self, who: str | Actor, deal: str, **fields: Any) -> OwnSeat:
        reply = await self.run(who, c.JoinTeam(ref=1, deal=deal, **fields))
        assert isinstance(reply, Seated)
        return reply.own

    async def begin(self, who: str | Actor, deal: str, seat: str) -> str:
        """Begin to pay; the payment's id."""
        reply = await self.run(who, c.PaySeat(ref=1, deal=deal, seat=seat))
        assert isinstance(reply, Posted)
        paid_at = await self.cashier.open(reply.id, seed.ROOM)
        assert isinstance(paid_at, PayAt)
        return reply.id

    async def hear(self, deal: str, payment: str, *, pays: bool = True) -> None:
        """The buyer pays, and the provider tells us."""
        standing = self.purse.buyer(f"pay_{payment}", pays=pays)
        await self.cashier.learn(deal, payment, news_of(standing))

    async def pay(self, who: str | Actor, deal: str, seat: str) -> None:
        await self.hear(deal, await self.begin(who, deal, seat))

    async def advance(self, seconds: float) -> None:
        """Let time pass: all that is due comes nearer."""
        async with self.database.transaction() as tx:
            for table, column in (
                ("deadline", "due_at"), ("seat", "hold_at"), ("payment_op", "next_at"),
                ("payment_op", "made_at"), ("payment", "ask_at"), ("team", "deadline_was"), ("room", "frozen_at"),
            ):  # fmt: skip
                await tx.execute(f"UPDATE {table} SET {column} = {column} - make_interval(secs => $1)", seconds)

    async def freeze(self) -> None:
        """The stream breaks down: as the room's desk writes it."""
        async with self.database.transaction() as tx:
            await tx.execute("UPDATE room SET frozen_at = clock_timestamp() WHERE frozen_at IS NULL")

    async def unfreeze(self) -> None:
        """It goes on: every deadline is later by as long as the break was."""
        async with self.database.transaction() as tx:
            lasted = await tx.fetchval(
                """
                WITH was AS MATERIALIZED (SELECT room_id, frozen_at FROM room WHERE room_id = $1 FOR NO KEY UPDATE)
                UPDATE room SET frozen_at = NULL FROM was WHERE room.room_id = was.room_id
             RETURNING floor(extract(epoch FROM clock_timestamp() - was.frozen_at) * 1000)::bigint""",
                seed.ROOM,
            )
            if lasted:
                await deadlines.shift(tx, seed.ROOM, lasted)

    async def chores(self) -> None:
        """One turn of a worker."""
        for chore in (
            chores.end_teams, chores.void_teams, chores.lapse_orders, chores.close_deals, chores.tell_sold_out,
        ):  # fmt: skip
            await chore(self.database, tell=self._tell)
        await self.cashier.work()
        await self.cashier.ask()

    async def settle(self) -> None:
        """Let time pass until nothing is under way."""
        for _ in range(60):
            await self.chores()
            async with self.database.read() as connection:
                left = await connection.fetchval(
                    "SELECT (SELECT count(*) FROM payment_op WHERE state = 'pending')"
                    " + (SELECT count(*) FROM team WHERE state IN ('forming', 'settling'))"
                    " + (SELECT count(*) FROM deal JOIN team USING (deal_id)"
                    "     WHERE deal.state = 'voided' AND team.state = 'complete')"
                )
            if not left:
                return
            await self.advance(120)
        raise AssertionError("it does not settle")

    async def audit(self, *, settled: bool = False) -> None:
        """Nothing is wrong, here and at the provider."""
        found = await audit.audit(self.database, settled=settled)
        assert not found, found
        if settled:
            async with self.database.read() as connection:
                ours = await connection.fetchval("SELECT coalesce(sum(cash), 0) FROM ledger")
                sold = await connection.fetchval(
                    "SELECT coalesce(sum(price - given_back), 0) FROM team_order WHERE state = 'confirmed'"
                )
            assert (ours, self.purse.held) == (self.purse.cash, 0)
            assert sold == self.purse.cash

    async def states(self, table: str, column: str = "state") -> list[str]:
        """States of a table's rows, in the order they were made."""
        key = {"team": "team_id", "seat": "seat_id", "team_order": "seat_id", "payment": "payment_id"}[table]
        async with self.database.read() as connection:
            rows = await connection.fetch(f"SELECT {column} AS value FROM {table} ORDER BY {key}")
        return [row["value"] for row in rows]


async def market_of(database: Database, settings: Settings, way: Way = Way.AUTHORISE) -> Market:
    """A market with something to sell, at a provider of this way."""
    made = Market(database, settings, Purse(way))
    await made.stock_up()
    return made


def own_of(reply: AnyReply) -> OwnSeat:
    assert isinstance(reply, Seated)
    return reply.own


async def refused(code: ErrorCode, doing: Awaitable[object]) -> None:
    """It is refused with this code."""
    with pytest.raises(Refused) as caught:
        await doing
    assert caught.value.code is code


async def logged(market: Market) -> list[str]:
    async with market.database.read() as connection:
        rows = await connection.fetch(
            "SELECT event->>'t' AS t FROM room_log WHERE event->>'t' LIKE 'deal%' ORDER BY seq"
        )
    return [row["t"] for row in rows]
