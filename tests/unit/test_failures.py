"""Failures: every error that is raised on purpose has an answer, and only a bug has none."""

from __future__ import annotations

import pytest

from gateway.failures import refusal
from livestream.protocol.errors import (
    ERRORS,
    ErrorCode,
    Internal,
    LivestreamError,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from livestream.storage.pool import Contention, Poison


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused(ErrorCode.BANNED, "spam"), ErrorCode.BANNED),
        (Unavailable("postgres"), ErrorCode.UNAVAILABLE),
        (OutcomeUnknown(), ErrorCode.OUTCOME_UNKNOWN),
        (Contention("55P03"), ErrorCode.BUSY),
        (Poison("22021"), ErrorCode.INVALID),
        (Internal("comments"), ErrorCode.INTERNAL),
    ],
)
def test_what_may_pass_later_says_when(error: LivestreamError, code: ErrorCode) -> None:
    refused = refusal(error)
    assert refused is not None
    assert refused.code is code
    if ERRORS[code].temporary and code is not ErrorCode.INTERNAL:
        assert refused.retry_after_ms


def test_a_bug_has_no_answer_of_its_own() -> None:
    assert refusal(ZeroDivisionError()) is None
