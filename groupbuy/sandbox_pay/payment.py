"""Payment: what may be done with one, and what it becomes. Pure.

opened ─┬─> authorised ─┬─> captured ─> refunded
        │               └─> voided
        ├─> captured          (accounts that take money at once)
        └─> voided, refused, expired
"""

from __future__ import annotations

import msgspec

from groupbuy.payments.port import Checkout, Declined, PaymentState, Standing, Way

S = PaymentState


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """One payment of one account."""

    way: Way  #: names the account: there is one for each
    key: str
    reference: str
    amount: int
    currency: str
    exponent: int
    description: str
    return_url: str
    notify_url: str
    expires_in_s: int
    opened_at_ms: int
    state: PaymentState = S.OPENED
    held: int = 0
    captured: int = 0
    refunded: int = 0
    version: int = 1

    @property
    def expires_at_ms(self) -> int:
        return self.opened_at_ms + self.expires_in_s * 1000

    def standing(self) -> Standing:
        """As the account is told."""
        return Standing(
            key=self.key,
            reference=self.reference,
            state=self.state,
            amount=self.amount,
            currency=self.currency,
            held=self.held,
            captured=self.captured,
            refunded=self.refunded,
            version=self.version,
        )

    def checkout(self, base_url: str) -> Checkout:
        """Where it is paid."""
        return Checkout(
            reference=self.reference, url=f"{base_url}/checkout/{self.reference}", expires_at_ms=self.expires_at_ms
        )


def pay(payment: Payment) -> Payment:
    """The buyer pays."""
    _must_be(payment, S.OPENED)
    if payment.way is Way.AUTHORISE:
        return _become(payment, S.AUTHORISED, held=payment.amount)
    return _become(payment, S.CAPTURED, captured=payment.amount)


def convert(payment: Payment, amount: int) -> Payment:
    """What was paid turns out to be another amount than was asked for, as where currencies are converted."""
    held, captured = (amount if each else 0 for each in (payment.held, payment.captured))
    return msgspec.structs.replace(payment, amount=amount, held=held, captured=captured, version=payment.version + 1)


def refuse(payment: Payment) -> Payment:
    """The buyer's bank says no, or the buyer does."""
    _must_be(payment, S.OPENED)
    return _become(payment, S.REFUSED)


def expire(payment: Payment, now_ms: int) -> Payment:
    """The payment as it is at this time: what nobody paid lapses at exactly `expires_at_ms`."""
    if payment.state is S.OPENED and now_ms >= payment.expires_at_ms:
        return _become(payment, S.EXPIRED)
    return payment


def capture(payment: Payment, amount: int) -> Payment:
    """Take what is held, or a part of it; the rest is let go."""
    _must_be(payment, S.AUTHORISED)
    if amount > payment.held:
        raise Declined("amount", f"{amount} is more than the {payment.held} that are held")
    return _become(payment, S.CAPTURED, held=0, captured=amount)


def void(payment: Payment) -> Payment:
    """Let go what is held, or close the page."""
    _must_be(payment, S.OPENED, S.AUTHORISED)
    return _become(payment, S.VOIDED, held=0)


def refund(payment: Payment, amount: int) -> Payment:
    """Give back what was taken, or a part of it."""
    _must_be(payment, S.CAPTURED)
    refunded = payment.refunded + amount
    if refunded > payment.captured:
        raise Declined("amount", f"{amount} is more than the {payment.captured - payment.refunded} that are left")
    return _become(payment, S.REFUNDED if refunded == payment.captured else S.CAPTURED, refunded=refunded)


def _must_be(payment: Payment, *states: PaymentState) -> None:
    if payment.state not in states:
        raise Declined("state", f"the payment is {payment.state}, not {' or '.join(states)}")


def _become(payment: Payment, state: PaymentState, **changes: int) -> Payment:
    return msgspec.structs.replace(payment, state=state, version=payment.version + 1, **changes)
