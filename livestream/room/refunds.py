"""Refunds: asking the shop's backend to pay a purchase back, by two people where it is much. Pure."""

from __future__ import annotations

import msgspec

from livestream.protocol.commands import DecideRefund, Refund
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import RefundChanged, RefundRequest, RefundState

from .audit import acted
from .desk import Actor, Decision, Desk, Purchase


def refund(desk: Desk, actor: Actor, command: Refund, new_id: str) -> Decision:
    """As long as all that was given back of the purchase is within the shop's limit, it is confirmed at once.

    Raises:
        Refused: PURCHASE_NOT_FOUND, AMOUNT_REFUSED.
    """
    purchase = desk.purchases.get(command.purchase)
    if purchase is None:
        raise Refused(ErrorCode.PURCHASE_NOT_FOUND, command.purchase)
    amount = purchase.left if command.amount is None else command.amount
    if not 0 < amount <= purchase.left:
        raise Refused(ErrorCode.AMOUNT_REFUSED, f"{purchase.left} of it are left")
    request = RefundRequest(
        id=new_id,
        purchase=purchase.id,
        amount=amount,
        currency=purchase.currency,
        exponent=purchase.exponent,
        why=command.why,
        state=RefundState.ASKED if _much(desk, purchase, amount) else RefundState.CONFIRMED,
        asked_by=actor.name,
    )
    return _changed(request, actor, command, f"asked for {money(request)} back", made=new_id)


def decide_refund(desk: Desk, actor: Actor, command: DecideRefund) -> Decision:
    """Raises:
    Refused: REFUND_NOT_FOUND, SECOND_PERSON.
    """
    asked = next((each for each in desk.staff.refunds if each.id == command.refund), None)
    if asked is None:
        raise Refused(ErrorCode.REFUND_NOT_FOUND, command.refund)
    # Of an asker who was erased nobody can tell whether it is the same person.
    if command.confirm and desk.askers.get(asked.id) in (actor.pseudonym, ""):
        raise Refused(ErrorCode.SECOND_PERSON)
    state = RefundState.CONFIRMED if command.confirm else RefundState.REFUSED
    decided = msgspec.structs.replace(asked, state=state, decided_by=actor.name)
    return _changed(decided, actor, command, f"{state} the refund of {money(decided)}")


def _much(desk: Desk, purchase: Purchase, amount: int) -> bool:
    """The purchase's refunds together are above the limit: it cannot be passed in small steps."""
    given_back: int = purchase.amount - purchase.left + amount
    unit: int = 10**purchase.exponent
    return given_back * 100 > desk.refund_limit * unit


def _changed(
    request: RefundRequest, actor: Actor, command: Refund | DecideRefund, what: str, made: str | None = None
) -> Decision:
    entry = acted(actor, command, f"{what} for purchase {request.purchase}", command.why)
    decision = Decision(staff=[RefundChanged(refund=request), entry], asker=actor.pseudonym, made=made)
    if request.state is RefundState.CONFIRMED:
        decision.webhooks.append(("refund.confirmed", request))
    return decision


def money(request: RefundRequest) -> str:
    """Its amount, for people to read."""
    whole, rest = divmod(request.amount, 10**request.exponent)
    digits = f".{rest:0{request.exponent}d}" if request.exponent else ""
    return f"{whole}{digits} {request.currency}"
