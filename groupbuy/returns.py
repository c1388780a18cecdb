"""Returns: giving back a part or all of a confirmed order, by two people where it is much. Pure.

A return never breaks a team: the order stays confirmed while some of its price is left, and goes back whole once
none is. What was given back at the provider by other hands counts as well: `Order.given_back` is what is known of it.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from livestream.protocol.commands import DecideOrderRefund, RefundOrder
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import RefundChanged, RefundRequest, RefundState
from livestream.protocol.groupbuy import OrderState

from .book import Book, Op
from .order import Return


def ask(book: Book, command: RefundOrder, return_id: str, who: tuple[str, str], limit: int) -> RefundRequest:
    """As long as all that was given back of the order is within the shop's limit, it is confirmed at once.

    Args:
        who: pseudonym and name.
        limit: in hundredths of the currency's unit.

    Raises:
        Refused: ORDER_NOT_FOUND, AMOUNT_REFUSED.
    """
    placed = book.orders.get(command.order)
    if placed is None:
        raise Refused(ErrorCode.ORDER_NOT_FOUND, command.order)
    left = _left(book, command.order)
    amount = left if command.amount is None else command.amount
    if not 0 < amount <= left:
        raise Refused(ErrorCode.AMOUNT_REFUSED, f"{left} of it are left")
    given_back = (placed.price or 0) - left + amount
    much = given_back * 100 > limit * 10**book.deal.exponent
    request = RefundRequest(
        id=return_id,
        purchase=command.order,
        deal=book.deal.deal_id,
        amount=amount,
        currency=book.deal.currency,
        exponent=book.deal.exponent,
        why=command.why,
        state=RefundState.ASKED if much else RefundState.CONFIRMED,
        asked_by=who[1],
        asked_by_who=who[0],
    )
    _become(book, Return(request, who[0]))
    return request


def decide(book: Book, command: DecideOrderRefund, who: tuple[str, str]) -> RefundRequest:
    """Raises:
    Refused: REFUND_NOT_FOUND, SECOND_PERSON, AMOUNT_REFUSED.
    """
    asked = book.returns.get(command.refund)
    if asked is None or asked.request.state is not RefundState.ASKED:
        raise Refused(ErrorCode.REFUND_NOT_FOUND, command.refund)
    # Of an asker who was erased nobody can tell whether it is the same person.
    if command.confirm and asked.asker in (who[0], ""):
        raise Refused(ErrorCode.SECOND_PERSON)
    left = _left(book, asked.request.purchase, but=command.refund)
    if command.confirm and asked.request.amount > left:
        raise Refused(ErrorCode.AMOUNT_REFUSED, f"{left} of it are left")
    state = RefundState.CONFIRMED if command.confirm else RefundState.REFUSED
    request = msgspec.structs.replace(asked.request, state=state, decided_by=who[1], decided_by_who=who[0])
    _become(book, replace(asked, request=request))
    return request


def declined(book: Book, payment_id: str, return_id: str) -> None:
    """The provider will not give it back; staff are told.

    Nothing, if the refund's operation was dropped or done meanwhile: its money went back, or goes, by another way.
    """
    known = book.returns.get(return_id)
    if known is not None and known.moving and book.payments[payment_id].wanted:
        book.caused.done_ops[Op(payment_id, "refund", 0, return_id).op_id] = "declined"
        request = msgspec.structs.replace(known.request, state=RefundState.REFUSED)
        _become(book, replace(known, request=request, moving=False))


def _left(book: Book, seat_id: str, but: str = "") -> int:
    """Of the price, less what came back and what is to: nothing, unless the order is confirmed.

    Args:
        but: a refund that does not count.
    """
    placed = book.orders.get(seat_id)
    if placed is None or placed.state is not OrderState.CONFIRMED or placed.price is None:
        return 0
    under_way = sum(
        each.request.amount
        for each in book.returns.values()
        if each.request.purchase == seat_id
        and each.request.id != but
        and (each.moving or each.request.state is RefundState.ASKED)
    )
    return max(0, placed.price - placed.given_back - under_way)


def _become(book: Book, now: Return) -> None:
    request = now.request
    if request.state is RefundState.CONFIRMED:
        payment = book.wanted(request.purchase)
        assert payment is not None
        book.do(Op(payment.payment_id, "refund", request.amount, request.id))
        now = replace(now, moving=True)
    book.returns[request.id] = now
    book.caused.staff.append(RefundChanged(refund=request))
