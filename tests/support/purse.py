"""Purse: a payment provider in memory, with the rules of a real one and whatever trouble a test orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from groupbuy.payments.port import (
    Busy,
    Checkout,
    Declined,
    Doubtful,
    Notification,
    PaymentState,
    Standing,
    Way,
)
from groupbuy.sandbox_pay import payment as machine
from groupbuy.sandbox_pay.payment import Payment


class Purse:
    """Both ways of taking money; `trouble` may raise before or after the effect."""

    def __init__(self, way: Way = Way.AUTHORISE) -> None:
        self.way = way
        self.payments: dict[str, Payment] = {}  #: by reference
        self.answers: dict[str, tuple[object, Standing]] = {}
        self.effects: list[tuple[str, str, int]] = []  #: operation, reference, amount
        self.trouble: Callable[[str], str | None] = lambda operation: None  #: busy, lost, declined

    async def open(
        self,
        *,
        key: str,
        amount: int,
        currency: str,
        exponent: int,
        description: str,
        return_url: str,
        expires_in_s: int,
    ) -> Checkout:
        trouble = self._before("open")
        known = self.find(key)
        if known is None:
            known = Payment(
                way=self.way,
                key=key,
                reference=f"ref-{key}",
                amount=amount,
                currency=currency,
                exponent=exponent,
                description=description,
                return_url=return_url,
                notify_url="",
                expires_in_s=expires_in_s,
                opened_at_ms=2**50,
            )
            self.payments[known.reference] = known
        elif (known.amount, known.expires_in_s) != (amount, expires_in_s):
            raise Declined("key_reused")
        self._after(trouble)
        return known.checkout("http://purse")

    async def capture(self, *, key: str, reference: str, amount: int) -> Standing:
        return self._once("capture", key, reference, amount, lambda payment: machine.capture(payment, amount))

    async def void(self, *, key: str, reference: str) -> Standing:
        return self._once("void", key, reference, 0, machine.void)

    async def refund(self, *, key: str, reference: str, amount: int) -> Standing:
        return self._once("refund", key, reference, amount, lambda payment: machine.refund(payment, amount))

    async def look(self, *, key: str) -> Standing:
        trouble = self._before("look")
        self._after(trouble)
        known = self.find(key)
        if known is None:
            return Standing(key=key, reference="", state=PaymentState.UNKNOWN_KEY, amount=0, currency="")
        return known.standing()

    def read(self, headers: Mapping[str, str], body: bytes, now_s: float) -> Notification:
        return msgspec.json.decode(body, type=Notification)

    async def close(self) -> None:
        pass

    def find(self, key: str) -> Payment | None:
        return next((each for each in self.payments.values() if each.key == key), None)

    def buyer(self, key: str, *, pays: bool = True) -> Standing:
        """Somebody pays, or refuses, on the page; what the webhook would say."""
        known = self.find(key)
        assert known is not None
        if known.state is PaymentState.OPENED:
            known = machine.pay(known) if pays else machine.refuse(known)
            self.payments[known.reference] = known
        return known.standing()

    def convert(self, key: str, amount: int) -> None:
        """The payment turns out to be of another amount, as by a conversion of currencies."""
        known = self.find(key)
        assert known is not None
        self.payments[known.reference] = machine.convert(known, amount)

    @property
    def cash(self) -> int:
        return sum(each.captured - each.refunded for each in self.payments.values())

    @property
    def held(self) -> int:
        return sum(each.held for each in self.payments.values())

    def _once(self, name: str, key: str, reference: str, amount: int, change: Callable[[Payment], Payment]) -> Standing:
        trouble = self._before(name)
        asked = (name, reference, amount)
        if key in self.answers:
            if self.answers[key][0] != asked:
                raise Declined("key_reused")
        else:
            self.payments[reference] = after = change(self.payments[reference])
            self.answers[key] = (asked, after.standing())
            self.effects.append((name, reference, amount))
        self._after(trouble)
        return self.answers[key][1]

    def _before(self, name: str) -> str | None:
        trouble = self.trouble(name)
        if trouble == "busy":
            raise Busy(name)
        if trouble == "declined":
            raise Declined("card")
        return trouble

    def _after(self, trouble: str | None) -> None:
        if trouble == "lost":
            raise Doubtful("no answer")
