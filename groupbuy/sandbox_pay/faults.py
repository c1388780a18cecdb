"""Faults: what goes wrong to order, so that everything that can happen with a provider can be tried."""

from __future__ import annotations

import enum
import random
from collections.abc import Collection
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from groupbuy.payments.port import Way


class What(enum.StrEnum):
    SLOW = "slow"  #: works, after `ms`
    DOWN = "down"  #: answers 503, nothing done
    RESET = "reset"  #: cuts the connection, nothing done
    SILENT = "silent"  #: does it, says nothing for `ms`, then cuts the connection
    REFUSED = "refused"  #: declines
    LOST = "lost"  #: the webhook never comes
    LATE = "late"  #: it comes after `ms`
    REORDERED = "reordered"  #: it comes after the one behind it, which `ms` gives time for
    REPEATED = "repeated"  #: it comes `copies` times, all at once
    WRONG_AMOUNT = "wrong_amount"  #: a good signature over an amount that is one more; the right one never comes
    CONVERTED = "converted"  #: the buyer pays one more than was asked for, and the payment itself says so
    FORGED = "forged"  #: a bad signature; the good one never comes
    AWAY = "away"  #: once, for `ms`: nobody listens at the port, and open connections are cut


IN_ANSWERS = (What.SLOW, What.DOWN, What.RESET, What.SILENT, What.REFUSED)
IN_PAYING = (What.CONVERTED,)
IN_WEBHOOKS = (What.LOST, What.LATE, What.REORDERED, What.REPEATED, What.WRONG_AMOUNT, What.FORGED)


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One to order."""

    what: What
    on: Literal["any", "open", "pay", "capture", "void", "refund", "look"] = "any"  #: which operation, or its webhook
    ms: Annotated[int, Meta(ge=0, le=3_600_000)] = 1000
    copies: Annotated[int, Meta(ge=2, le=1000)] = 10
    times: Annotated[int, Meta(ge=1)] | None = None  #: so often; null: until it is taken away
    share: Annotated[float, Meta(gt=0, le=1)] = 1.0  #: of the cases, by chance


class Faults:
    """The orders that stand, each account's own. They do not outlive the process."""

    def __init__(self) -> None:
        self._standing: dict[Way, list[Fault]] = {way: [] for way in Way}

    def of(self, way: Way) -> list[Fault]:
        """An account's; the list itself."""
        return self._standing[way]

    def take(self, way: Way, kinds: Collection[What], on: str) -> Fault | None:
        """The first order that fits this case, counted."""
        standing = self._standing[way]
        for index, fault in enumerate(standing):
            if fault.what in kinds and fault.on in ("any", on) and random.random() < fault.share:
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        del standing[index]
                return fault
        return None
