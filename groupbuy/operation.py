"""Operation: what operators do to deals. One transaction a command; the room is told in the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import get_args

from livestream.bus import BusMessage
from livestream.protocol.commands import (
    ChangeDeal,
    CloseDeal,
    Command,
    DecideOrderRefund,
    ExtendDeal,
    OpenDeal,
    RefundOrder,
    VoidDeal,
    WaiveTeam,
)
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.groupbuy import DealChanged, DealClosed, DealOpened, DealState, TeamWaived
from livestream.protocol.limits import DEAL_MOST_S, SNAPSHOT_DEALS
from livestream.protocol.replies import AnyReply, Ok, Posted
from livestream.room import refunds, work
from livestream.room.audit import acted
from livestream.room.desk import Actor
from livestream.room.products import load_products
from livestream.room.telling import tell
from livestream.room.work import Work
from livestream.storage.pool import Connection, Contention, Database
from livestream.webhooks import outbox

from . import course, deal_rows, returns, store
from . import deal as deals
from .book import Book
from .deal import Deal, Terms
from .engine import Told, finish
from .store import Loaded, Named
from .views import deal_facts

_RETRIES = 5
Change = ChangeDeal | ExtendDeal | CloseDeal | VoidDeal | WaiveTeam
COMMANDS: frozenset[type[Command]] = frozenset({OpenDeal, RefundOrder, DecideOrderRefund, *get_args(Change)})


class Operation:
    """Operators' commands in one process."""

    def __init__(self, database: Database, new_id: Callable[[], str], origin: int) -> None:
        self._database = database
        self._new_id = new_id
        self._origin = origin

    async def run(self, each: Work) -> tuple[AnyReply, Told | None]:
        """Run one command; returns its reply and what was committed.

        Raises:
            Refused, Unavailable, OutcomeUnknown.
        """
        for _ in range(_RETRIES):
            try:
                async with self._database.transaction() as tx:
                    return await self._transact(tx, each)
            except Contention:
                continue
        raise Refused(ErrorCode.BUSY, "the deal's rows stay locked", retry_after_ms=1000)

    async def _transact(self, tx: Connection, each: Work) -> tuple[AnyReply, Told | None]:
        known = await work.claim(tx, [each])
        if each.claim is not None and each.claim.slot in known:
            (outcome,) = work.each([each], known, lambda *_: Ok(ref=0))
            if isinstance(outcome, Refused):
                raise outcome
            return outcome, None
        if isinstance(each.command, OpenDeal):
            reply, finished = await self._open(tx, each.actor, each.command, [each], known)
        elif isinstance(each.command, RefundOrder | DecideOrderRefund):
            reply, finished = await self._refund(tx, each, each.command, known)
        else:
            reply, finished = await self._change(tx, each, known)
        return reply, finished

    async def _open(
        self, tx: Connection, actor: Actor, command: OpenDeal, batch: Sequence[Work], known: work.Known
    ) -> tuple[AnyReply, Told]:
        clock = await tx.fetchrow(
            """
            WITH locked AS MATERIALIZED (SELECT * FROM room WHERE room_id = $1 FOR NO KEY UPDATE)
            SELECT floor(extract(epoch FROM least(clock_timestamp(), frozen_at)) * 1000)::bigint AS now_ms, shop_id,
                   coalesce((state->>'video_delay_ms')::int, 0) AS delay_ms
              FROM locked""",
            actor.room_id,
        )
        assert clock is not None
        going = await tx.fetchval(
            "SELECT count(*) FROM deal WHERE room_id = $1 AND state IN ('open', 'paused')", actor.room_id
        )
        if going >= SNAPSHOT_DEALS:
            raise Refused(ErrorCode.TOO_MANY, "close a deal of this room first")
        opened = await self._made(tx, actor, command, clock["shop_id"], clock["now_ms"] + clock["delay_ms"])
        await deal_rows.insert(tx, opened, opened.stock * opened.terms.share // 100)
        reply = Posted(ref=0, id=opened.deal_id)
        await work.settle(tx, batch, known, [reply])
        await outbox.emit(tx, opened.shop_id, [("deal.opened", {"room": actor.room_id, "deal": opened.view()})])
        entry = acted(
            actor, command, f"opened the group buy {opened.title!r}", undo={"t": "close_deal", "deal": opened.deal_id}
        )
        appended = await tell(tx, actor.room_id, [DealOpened(deal=opened.view())], [entry])
        return reply, Told(actor.room_id, BusMessage(origin=self._origin, appended=appended), True)

    async def _made(self, tx: Connection, actor: Actor, command: OpenDeal, shop_id: str, seen_ms: int) -> Deal:
        """The deal as asked for.

        Args:
            seen_ms: when the last viewer's video shows this moment.
        """
        product = (await load_products(tx, shop_id, [command.product])).get(command.product)
        if product is None:
            raise Refused(ErrorCode.PRODUCT_NOT_FOUND, command.product)
        price, title = product.price, product.title
        if command.variant is not None:
            variant = next((each for each in product.variants if each.id == command.variant), None)
            if variant is None:
                raise Refused(ErrorCode.PRODUCT_NOT_FOUND, command.variant)
            price, title = variant.price, f"{product.title}, {variant.title}"
        price = command.single_price or price * command.units
        terms = Terms(
            version=1,
            steps=tuple(command.steps),
            leader_discount=command.leader_discount,
            life_s=command.life_s,
            hold_s=command.hold_s,
            per_viewer=command.per_viewer,
            new_only=command.new_only,
            share=command.share,
        )
        deals.check(terms, price, command.units, command.stock, low_price=command.low_price)
        return Deal(
            deal_id=self._new_id(),
            room_id=actor.room_id,
            shop_id=shop_id,
            product_id=command.product,
            variant_id=command.variant,
            title=(command.title or title)[:200],
            state=DealState.OPEN,
            currency=product.currency,
            exponent=product.exponent,
            tax_included=product.tax_included,
            single_price=price,
            units=command.units,
            stock=command.stock,
            terms=terms,
            closes_at=None if command.closes_in_s is None else seen_ms + command.closes_in_s * 1000,
            reference=command.reference,
        )

    async def _change(self, tx: Connection, each: Work, known: work.Known) -> tuple[AnyReply, Told]:
        actor, command = each.actor, each.command
        assert isinstance(command, Change)
        named = Named(changes=True)
        if isinstance(command, WaiveTeam):
            named.teams.add(command.team)
            named.money = True
        book = await self._loaded(tx, actor, command.deal, named)
        before = Loaded.of(book)
        what = decide(book, command)
        book.caused.staff.append(acted(actor, command, what, getattr(command, "why", None)))
        await deal_rows.update(tx, book, before.deal)
        reply = Ok(ref=0)
        await work.settle(tx, [each], known, [reply])
        return reply, await finish(tx, book, before, self._origin)

    async def _refund(
        self, tx: Connection, each: Work, command: RefundOrder | DecideOrderRefund, known: work.Known
    ) -> tuple[AnyReply, Told]:
        actor, who = each.actor, (each.actor.pseudonym, each.actor.name)
        reply: AnyReply = Ok(ref=0)
        order = command.order if isinstance(command, RefundOrder) else await store.order_of(tx, command.refund)
        named = Named(changes=True, seats={order}, money=True, returns=True)
        book = await self._loaded(tx, actor, command.deal, named)
        before = Loaded.of(book)
        if isinstance(command, RefundOrder):
            limit: int = await tx.fetchval("SELECT refund_limit FROM shop WHERE shop_id = $1", book.deal.shop_id)
            request = returns.ask(book, command, self._new_id(), who, limit)
            what, reply = "asked for", Posted(ref=0, id=request.id)
        else:
            request = returns.decide(book, command, who)
            what = str(request.state)
        words = f"{what} {refunds.money(request)} of the order {request.purchase} back"
        buyer = book.orders[request.purchase].viewer
        book.caused.staff.append(acted(actor, command, words, command.why, about=[buyer]))
        await work.settle(tx, [each], known, [reply])
        return reply, await finish(tx, book, before, self._origin)

    @staticmethod
    async def _loaded(tx: Connection, actor: Actor, deal_id: str, named: Named) -> Book:
        book = await store.load(tx, deal_id, named)
        if book is None or book.deal.room_id != actor.room_id:
            raise Refused(ErrorCode.DEAL_NOT_FOUND)
        return book


def decide(book: Book, command: Change) -> str:
    """Change the book as an operator asks; returns what was done, in words.

    Raises:
        Refused: as the command's `errors` tell.
    """
    deal = book.deal
    match command:
        case ChangeDeal():
            book.deal = deals.changed(deal, command)
            book.caused.log.append(DealChanged(deal=book.deal.view()))
            return f"changed the group buy {deal.title!r}" + (f": {command.state}" if command.state else "")
        case ExtendDeal():
            deals.require_running(deal)
            if deal.closes_at is None:
                raise Refused(ErrorCode.TERMS_REFUSED, "it has no end to move")
            closes_at = deal.closes_at + command.by_s * 1000
            if book.now_ms >= deal.closes_at:
                raise Refused(ErrorCode.DEAL_CLOSED)
            if closes_at - book.now_ms > DEAL_MOST_S * 1000:
                raise Refused(ErrorCode.TERMS_REFUSED, "it may run for 30 days at most")
            book.deal = replace(deal, closes_at=closes_at)
            book.caused.log.append(DealChanged(deal=book.deal.view()))
            return f"let the group buy {deal.title!r} run {command.by_s} s longer"
        case CloseDeal():
            deals.require_running(deal)
            close(book, command.why)
            return f"closed the group buy {deal.title!r}"
        case VoidDeal(why=why):
            if deal.state is DealState.VOIDED:
                raise Refused(ErrorCode.DEAL_CLOSED)
            book.deal = replace(deal, state=DealState.VOIDED, closes_at=None, why=why)
            book.caused.log.append(DealClosed(id=deal.deal_id, voided=True, why=why))
            book.caused.webhooks.append(("deal.voided", {**deal_facts(book), "why": why}))
            return f"took the group buy {deal.title!r} back"
        case WaiveTeam(team=team_id, why=why):
            if deal.state is DealState.VOIDED:
                raise Refused(ErrorCode.TEAM_CLOSED)
            seats = course.waive(book, team_id)
            book.caused.log.append(TeamWaived(deal=deal.deal_id, team=team_id, seats=seats, why=why))
            return f"filled {seats} seats of the team {team_id}"


def close(book: Book, why: str | None = None) -> None:
    """No more teams."""
    deal = book.deal
    book.deal = replace(deal, state=DealState.CLOSED, closes_at=None, why=why)
    book.caused.log.append(DealClosed(id=deal.deal_id, why=why))
    book.caused.webhooks.append(("deal.closed", deal_facts(book)))
