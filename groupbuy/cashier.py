"""Cashier: talks to the payment provider, and carries what it says into the book.

What the provider is to do stands in an outbox, written by the transaction that
decided it. Workers claim it with a lease that outlasts the attempt; the key of
an operation never changes, so an attempt whose answer was lost is repeated
without a second effect. Where no notification comes the provider is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from livestream.protocol.errors import ErrorCode, Refused, Unavailable
from livestream.protocol.replies import PayAt
from livestream.storage.pool import Database

from . import course, engine, funds, money, returns, store
from .book import Book
from .engine import Told
from .money import News, Payment
from .payments.port import Busy, Checkout, Declined, Doubtful, PaymentState, Provider, Standing
from .store import Named
from .turn import one

_LEASE_S = 30.0  #: longer than any attempt takes
_BACKOFF_MOST_S = 300
_ASK_S = 15  #: between two questions about a payment that is open
_ASK_SETTLING_S = 2
_FORGOTTEN_S = 120  #: a payment that the provider has not heard of by then will not come
_AT_ONCE = 16  #: in one lane; the worker has several, so that a provider's silence about one holds up few
_TURNS = 64  #: at most, while there is more
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Claimed:
    """An operation that this worker has in hand."""

    op_id: str
    kind: str
    amount: int
    deal_id: str
    payment: Payment
    age_s: float


def news_of(standing: Standing) -> News:
    """What the book needs of a provider's standing."""
    return News(
        standing.state.value,
        standing.amount,
        standing.currency,
        standing.held,
        standing.captured,
        standing.refunded,
        standing.reference or None,
    )


class Cashier:
    """One process's way to a provider.

    Args:
        return_url: where a buyer comes back to, with `{room}` in it.
        told: hands on what was committed, deal by deal.
    """

    def __init__(
        self,
        database: Database,
        provider: Provider,
        return_url: str = "",
        origin: int = 0,
        told: Callable[[str, Told], None] = lambda deal_id, told: None,
    ) -> None:
        self._told = told
        self._database = database
        self._provider = provider
        self._return_url = return_url
        self._origin = origin

    async def open(self, payment_id: str, room_id: str) -> PayAt | None:
        """The page to pay a payment on; asked again, the same one. None: that page is over, and so is the payment.

        Raises:
            Unavailable: the provider does not answer.
            Refused: PAYMENT_REFUSED; SEAT_LOST: nobody waits for this payment any more.
        """
        async with self._database.read() as connection:
            found = await store.find_payment(connection, payment_id)
            over = await connection.fetchval(
                "SELECT url_until <= clock_timestamp() FROM payment WHERE payment_id = $1", payment_id
            )
        assert found is not None
        deal_id, payment = found
        if not payment.wanted:
            raise Refused(ErrorCode.SEAT_LOST)
        if over:
            await self._end_page(deal_id, payment)
            return None
        if payment.url is not None and payment.url_until is not None:
            return PayAt(ref=0, url=payment.url, expires_at=payment.url_until, amount=payment.amount)
        try:
            checkout = await self._provider.open(
                key=payment.key,
                amount=payment.amount,
                currency=payment.currency,
                exponent=payment.exponent,
                description=payment.description,
                return_url=self._return_url.format(room=room_id),
                expires_in_s=payment.expires_in_s,
            )
        except (Busy, Doubtful) as error:
            raise Unavailable("payments") from error
        except Declined as declined:
            raise Refused(ErrorCode.PAYMENT_REFUSED, declined.code) from declined
        if not await self._opened(payment_id, checkout):
            raise Refused(ErrorCode.SEAT_LOST)
        return PayAt(ref=0, url=checkout.url, expires_at=checkout.expires_at_ms, amount=payment.amount)

    async def _end_page(self, deal_id: str, payment: Payment) -> None:
        """Nobody can pay on a page that is over: unless somebody did before, another payment may begin."""
        news = news_of(await self._look(payment))

        def act(book: Book) -> None:
            course.learn(book, payment.payment_id, news)
            funds.forsake(book, payment.payment_id)

        named = Named(payments={payment.payment_id}, money=True)
        done = await engine.change(self._database, deal_id, named, act, self._origin)
        self._tell(None if done is None else (deal_id, done[1]))

    async def _opened(self, payment_id: str, checkout: Checkout) -> bool:
        """Note the page; False: the seat was given up meanwhile, and the page is closed again."""
        async with self._database.transaction() as tx:
            wanted: bool = await tx.fetchval(
                """
                UPDATE payment SET reference = $2, url = $3, url_until = to_timestamp($4::double precision / 1000),
                       state = CASE state WHEN 'opening' THEN 'opened' ELSE state END
                 WHERE payment_id = $1 RETURNING wanted""",
                payment_id,
                checkout.reference,
                checkout.url,
                checkout.expires_at_ms,
            )
            if not wanted:
                # Its undo may have ended before the provider had heard of it.
                await tx.execute(
                    "UPDATE payment_op SET state = 'pending', next_at = clock_timestamp(), done_at = NULL"
                    " WHERE payment_id = $1 AND kind = 'undo'",
                    payment_id,
                )
        return wanted

    async def notified(self, headers: Mapping[str, str], body: bytes, now_s: float) -> tuple[str, Told] | None:
        """Take a notification; None: it told nothing new.

        Raises:
            Forged
            Unavailable, OutcomeUnknown: the provider will tell again.
        """
        told = self._provider.read(headers, body, now_s)
        payment_id = told.standing.key.removeprefix("pay_")
        async with self._database.read() as connection:
            if await connection.fetchval("SELECT true FROM payment_event WHERE event_id = $1", told.event_id):
                return None
            found = await store.find_payment(connection, payment_id)
        if found is None:
            return None
        deal_id, payment = found
        news = news_of(told.standing)
        if not money.fits(payment, news):
            # Whoever wrote this knows another payment: the provider is asked, and its answer counts.
            _log.warning("payment.mismatch", payment=payment_id)
            news = news_of(await self._look(payment))
        result = await self.learn(deal_id, payment_id, news)
        async with self._database.transaction() as tx:
            await tx.execute(
                "INSERT INTO payment_event (event_id, payment_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                told.event_id,
                payment_id,
            )
        return result

    async def learn(self, deal_id: str, payment_id: str, news: News) -> tuple[str, Told] | None:
        """Carry news of a payment into the book."""
        done = await engine.change(
            self._database,
            deal_id,
            Named(payments={payment_id}, money=True),
            lambda book: course.learn(book, payment_id, news),
            self._origin,
        )
        return None if done is None else (deal_id, done[1])

    async def _look(self, payment: Payment) -> Standing:
        try:
            return await self._provider.look(key=payment.key)
        except (Busy, Doubtful, Declined) as error:
            raise Unavailable("payments") from error

    # -- the worker's part

    async def ask(self) -> int:
        """Ask about payments that are open and nobody told us of, those of settling teams first; returns how many."""
        asked = 0
        for _ in range(_TURNS):
            payments = await self._due_questions()
            await asyncio.gather(*(one("ask_payments", each, self._ask_about(each)) for each in payments))
            asked += len(payments)
            if len(payments) < _AT_ONCE:
                break
        return asked

    async def _due_questions(self) -> list[str]:
        async with self._database.transaction() as tx:
            rows = await tx.fetch(
                """
                UPDATE payment SET ask_at = clock_timestamp() + make_interval(secs =>
                       CASE WHEN settling THEN $2::float ELSE $3::float END)
                  FROM (SELECT payment_id, team.state = 'settling' AS settling
                          FROM payment p JOIN seat USING (seat_id) JOIN team USING (team_id)
                         WHERE p.wanted AND p.state IN ('opening', 'opened')
                           AND ask_at <= clock_timestamp()
                         ORDER BY (team.state = 'settling') DESC, ask_at LIMIT $1 FOR UPDATE OF p SKIP LOCKED) c
                 WHERE payment.payment_id = c.payment_id
             RETURNING payment.payment_id""",
                _AT_ONCE,
                float(_ASK_SETTLING_S),
                float(_ASK_S),
            )
        return [row["payment_id"] for row in rows]

    async def _ask_about(self, payment_id: str) -> int:
        async with self._database.read() as connection:
            found = await store.find_payment(connection, payment_id)
        if found is None:
            return 0
        deal_id, payment = found
        try:
            standing = await self._provider.look(key=payment.key)
        except (Busy, Doubtful, Declined) as error:
            _log.warning("payment.silent", payment=payment_id, error=repr(error))
            return 0
        news = news_of(standing)
        if money.learn(payment, news)[0] != payment:
            self._tell(await self.learn(deal_id, payment_id, news))
        return 1

    def _tell(self, done: tuple[str, Told] | None) -> None:
        if done is not None:
            self._told(*done)

    async def work(self) -> int:
        """Do what stands in the outbox and is due; returns how many were tried."""
        tried = 0
        for _ in range(_TURNS):
            claimed = await self._claim()
            await asyncio.gather(*(one("move_payments", each.op_id, self._do(each)) for each in claimed))
            tried += len(claimed)
            if len(claimed) < _AT_ONCE:
                break
        return tried

    async def _claim(self) -> list[Claimed]:
        async with self._database.transaction() as tx:
            rows = await tx.fetch(
                """
                UPDATE payment_op SET attempts = attempts + 1,
                       next_at = clock_timestamp() + make_interval(
                           secs => $2 + least($3, power(2, least(attempts, 20))::float - 1))
                  FROM (SELECT op_id FROM payment_op WHERE state = 'pending' AND next_at <= statement_timestamp()
                         ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED) c
                 WHERE payment_op.op_id = c.op_id
             RETURNING payment_op.op_id, payment_id, kind, amount,
                       extract(epoch FROM clock_timestamp() - made_at)::float AS age_s""",
                _AT_ONCE,
                _LEASE_S,
                float(_BACKOFF_MOST_S),
            )
        claimed = []
        async with self._database.read() as connection:
            for row in rows:
                found = await store.find_payment(connection, row["payment_id"])
                if found is not None:
                    claimed.append(Claimed(row["op_id"], row["kind"], row["amount"], *found, row["age_s"]))
        return claimed

    async def _do(self, op: Claimed) -> int:
        try:
            news = await self._effect(op)
        except (Busy, Doubtful) as error:
            await self._again(op, repr(error))
        except Declined as declined:
            await self._declined(op, declined)
        else:
            if news is not None:
                await self._carry(op, news)
            await self._again(op, "the provider has not heard of it yet" if news is None else None)
        return 1

    async def _carry(self, op: Claimed, news: News, *, declined: bool = False) -> None:
        """Carry what came of an operation into the book."""
        payment_id = op.payment.payment_id

        def act(book: Book) -> None:
            course.learn(book, payment_id, news)
            if declined and op.kind == "capture" and not book.payments[payment_id].captured:
                course.capture_declined(book, payment_id)
            elif declined and op.kind == "refund":
                returns.declined(book, payment_id, op.op_id.removeprefix("refund_"))
            elif op.kind == "refund":
                book.caused.done_ops[op.op_id] = "done"

        named = Named(payments={payment_id}, money=True, returns=op.kind == "refund")
        done = await engine.change(self._database, op.deal_id, named, act, self._origin)
        if done is not None:
            self._told(op.deal_id, done[1])

    async def _effect(self, op: Claimed) -> News | None:
        """Have the provider do it, or see that it did; what it says then. None: too early to tell."""
        payment, provider = op.payment, self._provider
        if op.kind != "undo":
            assert payment.reference is not None
            if op.kind == "capture":
                return news_of(await provider.capture(key=op.op_id, reference=payment.reference, amount=op.amount))
            return news_of(await provider.refund(key=op.op_id, reference=payment.reference, amount=op.amount))
        standing = await provider.look(key=payment.key)
        match standing.state:
            case PaymentState.UNKNOWN_KEY:
                gone = News("expired", payment.amount, payment.currency)
                return gone if op.age_s > _FORGOTTEN_S else None
            case PaymentState.OPENED | PaymentState.AUTHORISED:
                return news_of(await provider.void(key=f"{op.op_id}_v", reference=standing.reference))
            case PaymentState.CAPTURED if standing.captured > standing.refunded:
                return news_of(
                    await provider.refund(
                        # What was given back before is in the key: it tells one refund from the next.
                        key=f"{op.op_id}_r{standing.refunded}",
                        reference=standing.reference,
                        amount=standing.captured - standing.refunded,
                    )
                )
        return news_of(standing)

    async def _declined(self, op: Claimed, declined: Declined) -> None:
        """A refusal is final for this attempt: the provider is asked how it stands before anything follows."""
        try:
            standing = await self._provider.look(key=op.payment.key)
        except (Busy, Doubtful, Declined):
            await self._again(op, repr(declined))
            return
        await self._carry(op, news_of(standing), declined=True)
        _log.warning("payment.declined", op=op.op_id, code=declined.code)
        await self._again(op, repr(declined))

    async def _again(self, op: Claimed, error: str | None) -> None:
        """Give the lease back: what is still to be done comes again, later each time."""
        async with self._database.transaction() as tx:
            await tx.execute(
                """
                UPDATE payment_op SET error = $2, next_at = least(next_at,
                       clock_timestamp() + make_interval(secs => least($3, power(2, least(attempts, 20))::float / 4)))
                 WHERE op_id = $1 AND state = 'pending'""",
                op.op_id,
                error,
                float(_BACKOFF_MOST_S),
            )
