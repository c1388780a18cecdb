"""Funds: what orders want done about money, and when money makes an order step. Pure.

One seat has one wanted payment; of any other, whatever comes goes back.
"""

from __future__ import annotations

from dataclasses import replace

from livestream.protocol.groupbuy import OrderState
from livestream.protocol.limits import REPAY_S

from .book import Book, Op
from .money import Payment
from .order import OrderEvent
from .views import tell_shop

#: the provider may know more of such a payment than we do
_UNCERTAIN = frozenset({"opening", "opened"})


def abandon(book: Book, payment: Payment) -> None:
    """Nobody waits for this payment any more: whatever came, or comes, of it goes back.

    What was to be done about it beside that falls away; if it was done meanwhile, the undo finds it so.
    """
    book.payments[payment.payment_id] = payment = replace(payment, wanted=False)
    book.caused.dropped.add(payment.payment_id)
    give_back(book, payment)


def forsake(book: Book, payment_id: str) -> None:
    """A payment's page is over: if nobody is known to have paid there, nobody waits for it any more."""
    payment = book.payments[payment_id]
    if payment.wanted and payment.state in _UNCERTAIN:
        abandon(book, payment)


def give_back(book: Book, payment: Payment) -> None:
    """Undo a payment that nobody waits for, if there is anything of it, or may be."""
    if payment.held or payment.cash or payment.state in _UNCERTAIN:
        book.do(Op(payment.payment_id, "undo", payment.held + payment.cash))


def release(book: Book, seat_id: str) -> None:
    """A seat was given up: so are its payment and its order."""
    payment = book.wanted(seat_id)
    if payment is not None:
        abandon(book, payment)
    book.step(seat_id, OrderEvent.GIVEN_BACK)
    reconcile(book, seat_id)


def take_price(book: Book, seat_id: str) -> None:
    """Take the price of a confirmed seat, or give back what was taken above it."""
    payment, price = book.wanted(seat_id), book.orders[seat_id].price
    assert payment is not None
    assert price is not None
    if payment.held:
        book.do(Op(payment.payment_id, "capture", price))
    elif payment.cash > price:
        book.do(Op(payment.payment_id, "difference", payment.cash - price))
    elif payment.captured < price:
        unpaid(book, seat_id)  # a provider takes once: the rest will not come
        abandon(book, payment)
    reconcile(book, seat_id)


def unpaid(book: Book, seat_id: str) -> None:
    """The price could not be taken: the order waits for another payment."""
    if book.step(seat_id, OrderEvent.DECLINED):
        until = book.now_ms + REPAY_S * 1000
        book.orders[seat_id] = replace(book.orders[seat_id], repay_until=until)


def reconcile(book: Book, seat_id: str) -> None:
    """Order and operations are done when the money says so."""
    for payment in book.payments_of(seat_id):
        if not payment.wanted and not payment.held and not payment.cash and payment.state not in _UNCERTAIN:
            book.caused.done_ops[Op(payment.payment_id, "undo", 0).op_id] = "done"
    wanted = book.wanted(seat_id)
    if wanted is not None:
        if wanted.captured and wanted.way == "authorise":
            book.caused.done_ops[Op(wanted.payment_id, "capture", 0).op_id] = "done"
        _confirmed(book, wanted)
    placed = book.orders.get(seat_id)
    if placed is not None and placed.state is OrderState.RETURNING and not book.money_of(seat_id):
        book.step(seat_id, OrderEvent.MONEY_BACK)
        tell_shop(book, "order.refunded", seat_id)


def _confirmed(book: Book, payment: Payment) -> None:
    """The price was taken; what left the purse below it since then is a return, and breaks nothing."""
    placed = book.orders.get(payment.seat_id)
    if placed is None or placed.price is None or payment.held or not payment.captured >= placed.price >= payment.cash:
        return
    if placed.state is OrderState.CONFIRMING:
        book.caused.done_ops[Op(payment.payment_id, "difference", 0).op_id] = "done"
        book.step(payment.seat_id, OrderEvent.TAKEN)
        tell_shop(book, "order.confirmed", payment.seat_id)
    back = placed.price - payment.cash
    if book.orders[payment.seat_id].state is OrderState.CONFIRMED and back > placed.given_back:
        book.orders[payment.seat_id] = replace(book.orders[payment.seat_id], given_back=back)
        book.concern_seat(payment.seat_id)
        tell_shop(book, "order.refunded", payment.seat_id)
