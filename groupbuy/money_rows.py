"""Money rows: orders, payments, the outbox and returns, as a batch leaves them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from livestream.storage import deadlines
from livestream.storage.deadlines import Deadline
from livestream.storage.pool import Connection

from .book import Book
from .money import Payment
from .order import Order, Return
from .rows import columns, different
from .store import REPAY, Loaded

_encode = msgspec.json.Encoder().encode


async def write(tx: Connection, book: Book, before: Loaded) -> None:
    """Orders before payments, both in the order of their keys."""
    orders = different(book.orders, before.orders)
    if orders:
        await _write_orders(tx, book, orders)
        await _write_repays(tx, book, before, orders)
    payments = different(book.payments, before.payments)
    if payments:
        await _write_payments(tx, book, payments)
    await _write_ops(tx, book)
    for each in different(book.returns, before.returns):
        await _write_return(tx, book, each)


async def _write_orders(tx: Connection, book: Book, orders: Sequence[Order]) -> None:
    await tx.execute(
        """
        INSERT INTO team_order (seat_id, team_id, deal_id, viewer, quantity, state, price, given_back, reference)
        SELECT seat_id, team_id, $1, viewer, quantity, state, price, given_back, reference
          FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[],
                      $9::text[]) AS c (seat_id, team_id, viewer, quantity, state, price, given_back, reference)
            ON CONFLICT (seat_id) DO UPDATE
           SET state = excluded.state, price = excluded.price, given_back = excluded.given_back""",
        book.deal.deal_id,
        *columns(
            orders,
            lambda each: each.seat_id,
            lambda each: book.places[each.seat_id],
            lambda each: each.viewer,
            lambda each: each.quantity,
            lambda each: each.state,
            lambda each: each.price,
            lambda each: each.given_back,
            lambda each: each.reference,
        ),
    )


async def _write_repays(tx: Connection, book: Book, before: Loaded, orders: Sequence[Order]) -> None:
    """Until when unpaid orders may be paid again: deadlines like others, so that a freeze stops them."""
    room_id = book.deal.room_id
    unpaid = [
        Deadline(room_id, REPAY, each.seat_id, each.repay_until) for each in orders if each.repay_until is not None
    ]
    settled = [
        each.seat_id
        for each in orders
        if each.repay_until is None and each.seat_id in before.orders and before.orders[each.seat_id].repay_until
    ]
    if unpaid:
        await deadlines.put(tx, unpaid)
    if settled:
        await deadlines.drop(tx, room_id, REPAY, settled)


async def _write_payments(tx: Connection, book: Book, payments: Sequence[Payment]) -> None:
    # Those that are wanted no more first: a seat has one wanted payment at any moment.
    for some in ([each for each in payments if not each.wanted], [each for each in payments if each.wanted]):
        await tx.executemany(
            """
            INSERT INTO payment (payment_id, seat_id, deal_id, amount, currency, exponent, way, wanted, state,
                                 reference, url, url_until, expires_in_s, description, order_reference, authorised,
                                 captured, refunded, moves)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, to_timestamp($12::double precision / 1000), $13,
                    $14, $15, $16, $17, $18, $19)
                ON CONFLICT (payment_id) DO UPDATE
               SET wanted = excluded.wanted, state = excluded.state, reference = excluded.reference,
                   url = excluded.url, url_until = excluded.url_until, order_reference = excluded.order_reference,
                   authorised = excluded.authorised,
                   captured = excluded.captured, refunded = excluded.refunded, moves = excluded.moves""",
            [
                (
                    each.payment_id, each.seat_id, book.deal.deal_id, each.amount, each.currency, each.exponent,
                    each.way, each.wanted, each.state, each.reference, each.url, each.url_until, each.expires_in_s,
                    each.description, each.order_reference, each.authorised, each.captured, each.refunded, each.moves,
                )
                for each in some
            ],
        )  # fmt: skip
    if book.caused.moves:
        await tx.executemany(
            "INSERT INTO ledger (payment_id, number, buyer, held, cash) VALUES ($1, $2, $3, $4, $5)",
            [(each.payment_id, each.number, each.buyer, each.held, each.cash) for each in book.caused.moves],
        )


async def _write_ops(tx: Connection, book: Book) -> None:
    caused = book.caused
    if caused.dropped:
        await tx.execute(
            "UPDATE payment_op SET state = 'dropped', done_at = clock_timestamp()"
            " WHERE payment_id = ANY($1) AND kind <> 'undo' AND state = 'pending'",
            sorted(caused.dropped),
        )
    if caused.ops:
        # An undo that was done comes back to life when money turns up late; its key stays, so no effect is doubled.
        await tx.executemany(
            """
            INSERT INTO payment_op (op_id, payment_id, deal_id, kind, amount) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (op_id) DO UPDATE
               SET state = 'pending', next_at = clock_timestamp(), amount = excluded.amount, done_at = NULL
             WHERE payment_op.state <> 'pending' AND payment_op.kind = 'undo'""",
            [
                (op.op_id, op.payment_id, book.deal.deal_id, op.kind, op.amount)
                for _, op in sorted(caused.ops.items())
                if op.kind == "undo" or op.payment_id not in caused.dropped
            ],
        )
    if caused.done_ops:
        ids = sorted(caused.done_ops)
        await tx.execute(
            """
            UPDATE payment_op SET state = c.state, done_at = clock_timestamp()
              FROM unnest($1::text[], $2::text[]) AS c (op_id, state)
             WHERE payment_op.op_id = c.op_id AND payment_op.state = 'pending'""",
            ids,
            [caused.done_ops[each] for each in ids],
        )


async def _write_return(tx: Connection, book: Book, each: Return) -> None:
    await tx.execute(
        """
        INSERT INTO order_refund (refund_id, deal_id, seat_id, amount, state, asker, body)
        VALUES ($1, $2, $3, $4, $5, $6, $7::text::json)
            ON CONFLICT (refund_id) DO UPDATE SET state = excluded.state, body = excluded.body""",
        each.request.id,
        book.deal.deal_id,
        each.request.purchase,
        each.request.amount,
        each.request.state,
        each.asker,
        _encode(each.request).decode(),
    )
