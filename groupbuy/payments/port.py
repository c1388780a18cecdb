"""Port: what group buys ask of a payment provider. docs/payments.md tells how to write an adapter.

Amounts are integers in the currency's minor unit. A `key` is ours, at most 64
characters, made from what it is for: the same key always means the same
operation, so whoever asks again after a lost answer moves no money twice.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Protocol

import msgspec

KEY_CHARS = 64


class Way(enum.StrEnum):
    """How a provider takes money."""

    AUTHORISE = "authorise"  #: holds it first; `capture` takes it, `void` lets it go
    CAPTURE = "capture"  #: takes it at once; only `refund` gives it back


class PaymentState(enum.StrEnum):
    OPENED = "opened"  #: the buyer has a page to pay on
    AUTHORISED = "authorised"  #: the money is held
    CAPTURED = "captured"  #: the money is taken, or some of it; perhaps a part was refunded
    VOIDED = "voided"  #: cancelled before any money was taken
    REFUNDED = "refunded"  #: all that was taken is given back
    REFUSED = "refused"  #: the buyer's bank, or the buyer, said no
    EXPIRED = "expired"  #: nobody paid in time
    UNKNOWN_KEY = "unknown_key"  #: the provider never heard of it: nothing was opened


class Checkout(msgspec.Struct, frozen=True, kw_only=True):
    """Where the buyer pays."""

    reference: str  #: the provider's own id of the payment
    url: str
    expires_at_ms: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider knows of one payment."""

    key: str
    reference: str
    state: PaymentState
    amount: int  #: that was asked for
    currency: str
    held: int = 0  #: authorised and neither taken nor let go
    captured: int = 0
    refunded: int = 0  #: of what was captured
    version: int = 0  #: rises with every change: of two, the higher is the later


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider tells of its own accord. It may come twice, late, out of order or never."""

    event_id: str  #: the same for every repetition
    standing: Standing
    at_ms: int


class PaymentError(Exception):
    """Root of what a provider's adapter raises."""


class Declined(PaymentError):
    """The provider says no; nothing was moved, and the key is free for the same again."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(code, text)
        self.code = code  #: `key_reused`, `not_found`, `amount`, `state`, or the provider's own
        self.text = text


class Busy(PaymentError):
    """Nothing happened: ask again later."""


class Doubtful(PaymentError):
    """No answer came: it may have happened or not. Ask again with the same key, or `look`."""


class Forged(PaymentError):
    """A notification that the provider did not sign, or an old one sent again."""


class Provider(Protocol):
    """A payment provider. Every operation may raise Declined, Busy or Doubtful."""

    way: Way

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
        """Begin a payment: the buyer pays on the page that it answers."""

    async def capture(self, *, key: str, reference: str, amount: int) -> Standing:
        """Take at most what is held; the rest is let go. Once a payment."""

    async def void(self, *, key: str, reference: str) -> Standing:
        """Let go what is held, or close a page on which nobody has paid."""

    async def refund(self, *, key: str, reference: str, amount: int) -> Standing:
        """Give back some or all of what was captured."""

    async def look(self, *, key: str) -> Standing:
        """How a payment stands, by the key given to `open`; the judge where an answer was lost."""

    def read(self, headers: Mapping[str, str], body: bytes, now_s: float) -> Notification:
        """Read what came to the address for notifications.

        Args:
            headers: names in lower case.
            now_s: Unix s.

        Raises:
            Forged
        """

    async def close(self) -> None:
        """Let go of connections."""
