"""Failures: what a caller is told of an error, on the websocket as over HTTP. Pure."""

from __future__ import annotations

from livestream.protocol.errors import ErrorCode, Internal, OutcomeUnknown, Refused, Unavailable
from livestream.storage.pool import Contention, Poison

_RETRY_MS = 1000


def refusal(error: Exception) -> Refused | None:
    """The refusal that stands for an error; None: a bug of ours, which nobody has logged yet."""
    match error:
        case Refused():
            return error
        case Unavailable(dependency=dependency, retry_after_ms=retry_after_ms):
            return Refused(ErrorCode.UNAVAILABLE, dependency, retry_after_ms=retry_after_ms)
        case OutcomeUnknown():
            return Refused(ErrorCode.OUTCOME_UNKNOWN, retry_after_ms=_RETRY_MS)
        case Contention():
            return Refused(ErrorCode.BUSY, "the rows stay locked", retry_after_ms=_RETRY_MS)
        case Poison():
            return Refused(ErrorCode.INVALID, "a value in it cannot be stored")
        case Internal():
            return Refused(ErrorCode.INTERNAL)
    return None
