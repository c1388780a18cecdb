"""Commands that wait for their reply, across a reconnect."""

from __future__ import annotations

import pytest

from livestream.client_requests import CommandError, Request, Requests
from livestream.protocol.commands import Command, Comment, Like, Seen
from livestream.protocol.errors import ErrorCode
from livestream.protocol.replies import Error, Ok


def asked(requests: Requests, command: Command, *, sent: bool = True) -> Request:
    request = requests.add(command)
    if sent:
        requests.sending(request)
    return request


def outcome(request: Request) -> str:
    error = request.reply.exception()
    assert isinstance(error, CommandError)
    return error.code


async def test_a_ref_is_answered_once() -> None:
    requests = Requests()
    request = asked(requests, Like(ref=1))
    requests.answered(Ok(ref=1))
    requests.answered(Error(ref=1, code=ErrorCode.BUSY, text="too late"))
    assert await request.reply == Ok(ref=1)
    assert not len(requests)


async def test_a_refusal_carries_code_text_and_when_to_try_again() -> None:
    requests = Requests()
    request = asked(requests, Like(ref=1))
    requests.answered(Error(ref=1, code=ErrorCode.RATE_LIMITED, text="slowly", temporary=True, retry_after_ms=700))
    with pytest.raises(CommandError, match="rate_limited: slowly") as caught:
        await request.reply
    assert (caught.value.retry_after_ms, caught.value.temporary) == (700, True)


async def test_after_a_break_keyed_commands_are_sent_again_in_order_and_others_fail() -> None:
    requests = Requests()
    keyed = asked(requests, Comment(ref=1, text="a", key="k1"))
    bare = asked(requests, Comment(ref=2, text="b"))
    seen = asked(requests, Seen(ref=3, notice=4))
    waiting = asked(requests, Like(ref=4), sent=False)
    requests.line_broke()
    assert requests.unsent() == [keyed, seen, waiting]
    assert outcome(bare) == ErrorCode.OUTCOME_UNKNOWN


async def test_as_somebody_else_a_key_that_was_sent_is_not_sent_again() -> None:
    requests = Requests()
    tried = asked(requests, Comment(ref=1, text="a", key="k1"))
    untried = asked(requests, Comment(ref=2, text="b", key="k2"), sent=False)
    requests.line_broke()
    requests.someone_else()
    assert outcome(tried) == ErrorCode.OUTCOME_UNKNOWN
    assert requests.unsent() == [untried]


async def test_an_answer_to_a_command_nobody_waits_for_is_ignored() -> None:
    requests = Requests()
    request = asked(requests, Like(ref=1))
    requests.forget(request)
    requests.answered(Ok(ref=1))
    assert not request.reply.done()
