"""Bank: operations on payments, each once a key, with the webhooks that they cause. One transaction each."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import msgspec

from groupbuy.payments.port import Checkout, Declined, Notification, PaymentState, Standing, Way

from . import payment as machine
from .cards import Card
from .faults import IN_PAYING, IN_WEBHOOKS, Fault, Faults, What
from .payment import Payment
from .store import Event, Store

_encode = msgspec.json.Encoder().encode
_CARD_MS = 10_000  #: how late the webhook of the late card is

_FAULTS = {
    Card.LATE: Fault(what=What.LATE, ms=_CARD_MS),
    Card.LOST: Fault(what=What.LOST),
    Card.REPEATED: Fault(what=What.REPEATED),
}


class Bank:
    """All accounts.

    Args:
        woken: called when there is a webhook to send.
    """

    def __init__(self, store: Store, faults: Faults, base_url: str, woken: Callable[[], None]) -> None:
        self._store = store
        self._faults = faults
        self._base_url = base_url
        self._woken = woken

    def open(self, wanted: Payment) -> Checkout:
        """Begin a payment; the key again gives the same page.

        Args:
            wanted: its reference and time are not looked at where the key is known.
        """
        known = self._store.payment_of(wanted.way, wanted.key)
        if known is not None:
            if _asked_of(known) != _asked_of(wanted):
                raise Declined("key_reused", "the key opened another payment")
            return known.checkout(self._base_url)
        if self._store.answered(wanted.way, wanted.key) is not None:
            raise Declined("key_reused", "the key was used for another operation")
        with self._store.transaction():
            self._store.save(wanted)
            self._store.move(None, wanted)
        return wanted.checkout(self._base_url)

    def capture(self, way: Way, reference: str, key: str, amount: int) -> Standing:
        return self._once(way, "capture", reference, key, amount, lambda payment: machine.capture(payment, amount))

    def void(self, way: Way, reference: str, key: str) -> Standing:
        return self._once(way, "void", reference, key, 0, machine.void)

    def refund(self, way: Way, reference: str, key: str, amount: int) -> Standing:
        return self._once(way, "refund", reference, key, amount, lambda payment: machine.refund(payment, amount))

    def look(self, way: Way, key: str) -> Standing:
        payment = self._store.payment_of(way, key)
        if payment is None:
            raise Declined("not_found", "no payment of this key")
        return self._present(payment).standing()

    def page(self, reference: str) -> Payment | None:
        """A payment as its page shows it."""
        payment = self._store.payment(reference)
        return None if payment is None else self._present(payment)

    def owned(self, way: Way, reference: str) -> Payment:
        """A payment of this account.

        Raises:
            Declined: `not_found`.
        """
        payment = self._store.payment(reference)
        if payment is None or payment.way is not way:
            raise Declined("not_found", "no payment of this reference")
        return self._present(payment)

    def buyer(self, payment: Payment, card: Card | None) -> Payment:
        """What the buyer does on the page: pays with a card, or cancels. A press that comes too late does nothing."""
        payment = self._present(payment)
        if payment.state is not PaymentState.OPENED:
            return payment
        after = machine.refuse(payment) if card in (None, Card.REFUSED) else machine.pay(payment)
        if self._faults.take(payment.way, IN_PAYING, "pay") is not None:
            after = machine.convert(after, after.amount + 1)
        with self._store.transaction():
            self._change(payment, after, "pay", None if card is None else _FAULTS.get(card))
        return after

    def lapse(self) -> None:
        """Expire what nobody paid in time."""
        for payment in self._store.lapsing(_now_ms()):
            self._present(payment)

    def _once(
        self, way: Way, name: str, reference: str, key: str, amount: int, change: Callable[[Payment], Payment]
    ) -> Standing:
        asked = _encode([name, reference, amount])
        known = self._store.answered(way, key)
        if known is not None:
            if known[0] != asked:
                raise Declined("key_reused", "the key was used for another operation")
            return msgspec.json.decode(known[1], type=Standing)
        if self._store.payment_of(way, key) is not None:
            raise Declined("key_reused", "the key opened a payment")
        before = self.owned(way, reference)
        after = change(before)
        with self._store.transaction():
            self._change(before, after, name)
            self._store.keep(way, key, asked, _encode(after.standing()))
        return after.standing()

    def _present(self, payment: Payment) -> Payment:
        after = machine.expire(payment, _now_ms())
        if after is not payment:
            with self._store.transaction():
                self._change(payment, after, "open")
        return after

    def _change(self, before: Payment, after: Payment, on: str, fault: Fault | None = None) -> None:
        self._store.save(after)
        self._store.move(before, after)
        now_ms = _now_ms()
        fault = fault or self._faults.take(after.way, IN_WEBHOOKS, on)
        what = None if fault is None else fault.what
        if what is What.LOST:
            return
        standing = after.standing()
        if what is What.WRONG_AMOUNT:
            more = {each: getattr(standing, each) + 1 for each in ("held", "captured") if getattr(standing, each)}
            standing = msgspec.structs.replace(standing, amount=standing.amount + 1, **more)
        event_id = f"evt_{secrets.token_hex(12)}"
        late = fault.ms if fault is not None and what in (What.LATE, What.REORDERED) else 0
        body = _encode(Notification(event_id=event_id, standing=standing, at_ms=now_ms))
        self._store.put_event(
            Event(
                event_id,
                after.way,
                after.notify_url,
                body,
                now_ms + late,
                forged=what is What.FORGED,
                copies=fault.copies if fault is not None and what is What.REPEATED else 1,
            )
        )
        self._woken()


def new_reference() -> str:
    """Opaque: whoever knows it may pay."""
    return f"pay_{secrets.token_urlsafe(16)}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _asked_of(payment: Payment) -> tuple[object, ...]:
    return (
        payment.amount,
        payment.currency,
        payment.exponent,
        payment.description,
        payment.return_url,
        payment.notify_url,
        payment.expires_in_s,
    )
