"""Schedule: what becomes of a delivery after an attempt. Pure: time and chance are arguments.

    pending --2xx------------------------------> delivered
    pending --anything else, tries left--------> pending, later
    pending --anything else, no tries left-----> failed
    pending --410------------------------------> failed, and the endpoint is disabled

Source: the retry schedule of Standard Webhooks 1.0.0, ten attempts over 75 hours.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

#: between one attempt and the next, s
DELAYS_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
ATTEMPTS = len(DELAYS_S) + 1
#: a delay is longer by up to this share, so that what failed together does not come back together
JITTER = 0.2
#: a mistaken Retry-After must not silence an endpoint for days
RETRY_AFTER_MAX_S = 3600.0
#: an endpoint that fails for so long without one success is disabled
FAILING_MAX_S = 5 * 86_400

_GONE = 410
_ASK_FOR_QUIET = (429, 503)


class State(enum.StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from an attempt."""

    state: State
    delay_s: float | None = None  #: until the next attempt, where there is one
    quiet_s: float | None = None  #: the whole endpoint asked to be left alone for so long
    gone: bool = False  #: disable the endpoint


def decide(status: int | None, attempts: int, chance: float, retry_after_s: float | None = None) -> Verdict:
    """Judge an attempt.

    Args:
        status: of the response; None: there was none.
        attempts: made by now, this one included.
        chance: 0 to 1.
        retry_after_s: what the response asked for.
    """
    if status is not None and 200 <= status < 300:
        return Verdict(State.DELIVERED)
    if status == _GONE:
        return Verdict(State.FAILED, gone=True)
    quiet_s = min(retry_after_s, RETRY_AFTER_MAX_S) if retry_after_s and status in _ASK_FOR_QUIET else None
    if attempts >= ATTEMPTS:
        return Verdict(State.FAILED, quiet_s=quiet_s)
    delay_s = DELAYS_S[attempts - 1] * (1 + JITTER * chance)
    return Verdict(State.PENDING, max(delay_s, quiet_s or 0.0), quiet_s)


def retry_after_s(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for, 0 or more; None: there is none, or it makes no sense.

    Args:
        now: Unix s, for a header that gives a date.
    """
    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:12])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None
