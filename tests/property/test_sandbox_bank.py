"""The sandbox's bank against a model that keeps only sums: any operations, keys used again, the file opened anew."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from groupbuy.payments.port import Declined, PaymentState, Standing, Way
from groupbuy.sandbox_pay.bank import Bank, new_reference
from groupbuy.sandbox_pay.cards import Card
from groupbuy.sandbox_pay.faults import Faults
from groupbuy.sandbox_pay.payment import Payment
from groupbuy.sandbox_pay.store import Store

WAYS = st.sampled_from(list(Way))
AMOUNTS = st.integers(1, 12)


@dataclass
class Purse:
    """What the model knows of a payment."""

    way: Way
    key: str
    reference: str
    amount: int
    open: bool = True
    held: int = 0
    captured: int = 0
    refunded: int = 0
    capturable: bool = False


class BankMachine(RuleBasedStateMachine):
    purses = Bundle("purses")
    done = Bundle("done")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store(Path(self.folder.name) / "bank.sqlite")
        self.bank = self._bank()
        self.all: list[Purse] = []
        self.keys = 0

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    def _bank(self) -> Bank:
        return Bank(self.store, Faults(), "http://sandbox", lambda: None)

    def _wanted(self, purse: Purse) -> Payment:
        return Payment(
            way=purse.way, key=purse.key, reference=new_reference(), amount=purse.amount, currency="EUR", exponent=2,
            description="", return_url="http://a", notify_url="http://b", expires_in_s=86_400,
            opened_at_ms=4_000_000_000_000,
        )  # fmt: skip

    @rule(target=purses, way=WAYS, amount=AMOUNTS)
    def opens(self, way: Way, amount: int) -> Purse:
        purse = Purse(way, f"p{len(self.all)}", "", amount)
        purse.reference = self.bank.open(self._wanted(purse)).reference
        self.all.append(purse)
        return purse

    @rule(purse=purses, other=st.booleans())
    def opens_again(self, purse: Purse, other: bool) -> None:
        wanted = Purse(purse.way, purse.key, "", purse.amount + other)
        if other:
            with pytest.raises(Declined, match="key_reused"):
                self.bank.open(self._wanted(wanted))
        else:
            assert self.bank.open(self._wanted(wanted)).reference == purse.reference

    @rule(purse=purses, card=st.none() | st.sampled_from(list(Card)))
    def presses(self, purse: Purse, card: Card | None) -> None:
        payment = self.bank.page(purse.reference)
        assert payment is not None
        self.bank.buyer(payment, card)
        if purse.open:
            purse.open = False
            if card not in (None, Card.REFUSED):
                purse.capturable = purse.way is Way.AUTHORISE
                purse.held = purse.amount if purse.capturable else 0
                purse.captured = purse.amount - purse.held

    @rule(target=done, purse=purses, name=st.sampled_from(["capture", "void", "refund"]), amount=AMOUNTS)
    def operates(self, purse: Purse, name: str, amount: int) -> tuple[Purse, str, str, int, Standing | None]:
        self.keys += 1
        key = f"o{self.keys}"
        fits = {
            "capture": purse.capturable and amount <= purse.held,
            "void": purse.open or purse.capturable,
            "refund": amount <= purse.captured - purse.refunded,
        }[name]
        try:
            answer = self._operate(purse, name, key, amount)
        except Declined:
            assert not fits
            return purse, name, key, amount, None
        assert fits
        if name == "refund":
            purse.refunded += amount
        else:
            purse.captured += amount if name == "capture" else 0
            purse.open = purse.capturable = False
            purse.held = 0
        return purse, name, key, amount, answer

    @rule(operation=done)
    def asks_again(self, operation: tuple[Purse, str, str, int, Standing | None]) -> None:
        purse, name, key, amount, answer = operation
        if answer is not None:
            assert self._operate(purse, name, key, amount) == answer

    @rule(operation=consumes(done), more=st.integers(1, 3))
    def uses_a_key_for_another_amount(self, operation: tuple[Purse, str, str, int, Standing | None], more: int) -> None:
        purse, name, key, amount, answer = operation
        if answer is not None and name != "void":
            with pytest.raises(Declined, match="key_reused"):
                self._operate(purse, name, key, amount + more)

    @rule(purse=purses, other=purses)
    def uses_the_key_of_a_payment(self, purse: Purse, other: Purse) -> None:
        if purse.way is other.way:
            with pytest.raises(Declined, match="key_reused"):
                self.bank.refund(purse.way, purse.reference, other.key, 1)

    @rule()
    def starts_anew(self) -> None:
        self.store.close()
        self.store = Store(Path(self.folder.name) / "bank.sqlite")
        self.bank = self._bank()

    @invariant()
    def every_payment_is_as_the_model_says(self) -> None:
        for purse in getattr(self, "all", ()):
            stands = self.bank.look(purse.way, purse.key)
            assert (stands.held, stands.captured, stands.refunded) == (purse.held, purse.captured, purse.refunded)
            assert (stands.state is PaymentState.OPENED) is purse.open

    @invariant()
    def the_ledger_closes(self) -> None:
        if hasattr(self, "store"):
            for way in Way:
                of = [each for each in self.all if each.way is way]
                sums = self.store.sums(way).get("EUR")
                assert (sums is None) is (not of)
                if sums is not None:
                    assert sums.closes
                    assert sums.opened == sum(each.amount for each in of)
                    assert sums.held == sum(each.held for each in of)
                    assert sums.net == sum(each.captured - each.refunded for each in of)

    def _operate(self, purse: Purse, name: str, key: str, amount: int) -> Standing:
        match name:
            case "capture":
                return self.bank.capture(purse.way, purse.reference, key, amount)
            case "refund":
                return self.bank.refund(purse.way, purse.reference, key, amount)
        return self.bank.void(purse.way, purse.reference, key)


BankMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestBank = BankMachine.TestCase
