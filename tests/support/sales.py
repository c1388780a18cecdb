"""Sale: what happens to the group buys of one room, act by act, as in a gateway and a worker with a provider."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import strategies as st

from groupbuy import chores
from groupbuy.cashier import Cashier, news_of
from groupbuy.payments.port import Busy, Declined, Doubtful
from livestream.protocol import commands as c
from livestream.protocol.errors import Refused, Unavailable
from livestream.protocol.groupbuy import DealStep
from livestream.protocol.roles import Role
from livestream.storage.pool import Database

from .purse import Purse

#: sends a command as somebody (id, role); whatever is refused is part of life
Ask = Callable[[str, Role, c.Command], Awaitable[object]]
_PLACE = st.integers(0, 5)
ACTS = st.tuples(
    st.just("sale"),
    st.sampled_from(
        [
            "open_deal", "open_team", "open_team", "join", "join", "join", "pay", "pay", "pay", "decline", "leave",
            "waive", "edit", "pause", "resume", "extend", "close", "void", "late", "work", "refund", "decide",
        ]
    ),
    _PLACE,
    _PLACE,
)  # fmt: skip


class Sale:
    """Of one room. Deals are of two or three people, and of little stock, so that they are sold out too."""

    def __init__(self, database: Database, room_id: str, ask: Ask) -> None:
        self._database = database
        self._room_id = room_id
        self._ask = ask
        self._purse = Purse()
        self._cashier = Cashier(database, self._purse, "http://shop/{room}")

    async def act(self, what: str, one: int, other: int) -> None:
        with contextlib.suppress(Refused, Unavailable, Declined, Busy, Doubtful):
            await getattr(self, f"_{what}")(one, other)

    async def _operator(self, kind: type[c.Command], **fields: Any) -> None:
        await self._ask("olga", Role.OPERATOR, kind(ref=1, key=secrets.token_hex(8), **fields))  # type: ignore[call-arg]

    async def _rows(self, query: str) -> list[tuple[Any, ...]]:
        """Of this room: `$1`."""
        async with self._database.read() as connection:
            return [tuple(row) for row in await connection.fetch(query, self._room_id)]

    async def _pick(self, query: str, place: int) -> tuple[Any, ...] | None:
        rows = await self._rows(query)
        return rows[place % len(rows)] if rows else None

    async def _deal(self, place: int) -> str | None:
        found = await self._pick("SELECT deal_id FROM deal WHERE room_id = $1 ORDER BY deal_id DESC LIMIT 2", place)
        return found[0] if found else None

    async def _open_deal(self, one: int, other: int) -> None:
        steps = [DealStep(people=2, price=900), DealStep(people=3, price=800)]
        await self._operator(
            c.OpenDeal, product="cup", steps=steps[: 1 + one % 2], stock=6 + other, low_price=True,
            closes_in_s=3600 if other % 2 else None, reference="autumn" if one % 2 else None, share=100,
        )  # fmt: skip

    async def _open_team(self, who: int, which: int) -> None:
        if deal := await self._deal(which % 2):
            await self._ask(f"v{who}", Role.VIEWER, c.OpenTeam(ref=1, deal=deal, show_name=bool(which % 3)))

    async def _join(self, who: int, which: int) -> None:
        team = await self._pick(
            "SELECT deal_id, invite FROM team JOIN deal USING (deal_id) WHERE room_id = $1 ORDER BY team_id DESC", which
        )
        if team:
            await self._ask(f"v{who}", Role.VIEWER, c.JoinTeam(ref=1, deal=team[0], invite=team[1], show_name=True))

    async def _seat(self, which: int) -> tuple[str, str, str] | None:
        seat = await self._pick(
            "SELECT deal_id, seat_id, viewer FROM seat JOIN deal USING (deal_id) WHERE room_id = $1"
            " AND seat.state <> 'released' ORDER BY seat_id DESC",
            which,
        )
        return None if seat is None else (seat[0], seat[1], seat[2].removeprefix("p-"))

    async def _pay(self, which: int, _: int, *, pays: bool = True) -> None:
        seat = await self._seat(which)
        if seat is None:
            return
        deal, seat_id, who = seat
        await self._ask(who, Role.VIEWER, c.PaySeat(ref=1, deal=deal, seat=seat_id))
        async with self._database.read() as connection:
            payment = await connection.fetchval(
                "SELECT payment_id FROM payment WHERE seat_id = $1 AND wanted ORDER BY payment_id DESC LIMIT 1", seat_id
            )
        if payment is not None:
            await self._cashier.open(payment, self._room_id)
            standing = self._purse.buyer(f"pay_{payment}", pays=pays)
            await self._cashier.learn(deal, payment, news_of(standing))

    async def _decline(self, which: int, _: int) -> None:
        await self._pay(which, 0, pays=False)

    async def _leave(self, which: int, _: int) -> None:
        if seat := await self._seat(which):
            await self._ask(seat[2], Role.VIEWER, c.LeaveTeam(ref=1, deal=seat[0], seat=seat[1]))

    async def _waive(self, which: int, _: int) -> None:
        team = await self._pick(
            "SELECT deal_id, team_id FROM team JOIN deal USING (deal_id) WHERE room_id = $1 ORDER BY team_id", which
        )
        if team:
            await self._operator(c.WaiveTeam, deal=team[0], team=team[1], why="a gift")

    async def _edit(self, which: int, size: int) -> None:
        if deal := await self._deal(which):
            await self._operator(c.ChangeDeal, deal=deal, steps=[DealStep(people=2 + size % 3, price=850)])

    async def _pause(self, which: int, _: int) -> None:
        if deal := await self._deal(which):
            await self._operator(c.ChangeDeal, deal=deal, state="paused", why="a moment")

    async def _resume(self, which: int, _: int) -> None:
        if deal := await self._deal(which):
            await self._operator(c.ChangeDeal, deal=deal, state="open")

    async def _extend(self, which: int, _: int) -> None:
        if deal := await self._deal(which):
            await self._operator(c.ExtendDeal, deal=deal, by_s=300)

    async def _close(self, which: int, _: int) -> None:
        if deal := await self._deal(which):
            await self._operator(c.CloseDeal, deal=deal, why="enough")

    async def _void(self, which: int, _: int) -> None:
        if deal := await self._deal(which):
            await self._operator(c.VoidDeal, deal=deal, why="a wrong price")

    async def _late(self, which: int, _: int) -> None:
        """A team's time is over, also that in which it settles; a worker sees it. In a break no time passes."""
        team = await self._pick(
            "SELECT team_id FROM team JOIN deal USING (deal_id) JOIN room USING (room_id) WHERE room_id = $1"
            " AND team.state IN ('forming', 'settling') AND frozen_at IS NULL ORDER BY team_id DESC",
            which,
        )
        if team:
            async with self._database.transaction() as tx:
                await tx.execute(
                    "UPDATE deadline SET due_at = clock_timestamp() - interval '31 s' WHERE kind = 'team' AND id = $1",
                    team[0],
                )
        await chores.end_teams(self._database)

    async def _work(self, _: int, __: int) -> None:
        """One turn of a worker."""
        for chore in (
            chores.end_teams, chores.void_teams, chores.lapse_orders, chores.close_deals, chores.tell_sold_out,
        ):  # fmt: skip
            await chore(self._database)
        await self._cashier.work()
        await self._cashier.ask()

    async def _refund(self, which: int, amount: int) -> None:
        order = await self._pick(
            "SELECT deal_id, seat_id FROM team_order JOIN deal USING (deal_id) WHERE room_id = $1 ORDER BY seat_id",
            which,
        )
        if order:
            await self._operator(
                c.RefundOrder, deal=order[0], order=order[1], why="a scratch", amount=60 if amount % 2 else None
            )

    async def _decide(self, which: int, confirm: int) -> None:
        refund = await self._pick(
            "SELECT deal_id, refund_id FROM order_refund JOIN deal USING (deal_id) WHERE room_id = $1"
            " AND order_refund.state = 'asked' ORDER BY refund_id",
            which,
        )
        if refund:
            await self._ask(
                "second",
                Role.OPERATOR,
                c.DecideOrderRefund(ref=1, deal=refund[0], refund=refund[1], confirm=bool(confirm % 2)),
            )
