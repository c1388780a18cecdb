"""Requests: commands that wait for their one reply, also across a reconnect.

A command that carries an idempotency key may be sent again with the same key:
it has one effect and one answer. One without a key that was under way when
the line broke is told so: its outcome is unknown.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass

from livestream.protocol.commands import Command, Seen
from livestream.protocol.errors import ErrorCode, LivestreamError
from livestream.protocol.replies import AnyReply, Error


class CommandError(LivestreamError):
    """The server refused a command, or nobody knows whether it took effect (`outcome_unknown`)."""

    def __init__(
        self, code: ErrorCode, text: str, *, temporary: bool = False, retry_after_ms: int | None = None
    ) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text
        self.temporary = temporary  #: the same command may succeed later, unchanged
        self.retry_after_ms = retry_after_ms

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


@dataclass(slots=True, eq=False)
class Request:
    """A command under way."""

    command: Command
    reply: asyncio.Future[AnyReply]
    sent: bool = False  #: on the present connection
    tried: bool = False  #: on any
    resent: bool = False  #: on more than one: what the first of them did is not known

    @property
    def repeatable(self) -> bool:
        """Sent twice, it takes effect once."""
        return getattr(self.command, "key", None) is not None or isinstance(self.command, Seen)


class Requests:
    """All commands of one client that wait."""

    def __init__(self) -> None:
        self._refs = itertools.count(1)
        self._open: dict[int, Request] = {}

    def __len__(self) -> int:
        return len(self._open)

    def new_ref(self) -> int:
        return next(self._refs) % 2**32

    def add(self, command: Command) -> Request:
        request = Request(command, asyncio.get_running_loop().create_future())
        self._open[command.ref] = request
        return request

    def forget(self, request: Request) -> None:
        """Nobody waits for it any more."""
        self._open.pop(request.command.ref, None)

    def sending(self, request: Request) -> None:
        request.resent = request.tried
        request.sent = request.tried = True

    def unsent(self) -> list[Request]:
        """What must be sent, in the order in which it was asked."""
        return [request for request in self._open.values() if not request.sent]

    def answered(self, reply: AnyReply) -> None:
        """Settle the request of a reply."""
        request = self._open.pop(reply.ref, None)
        if request is None or request.reply.done():
            return
        if isinstance(reply, Error):
            error = CommandError(reply.code, reply.text, temporary=reply.temporary, retry_after_ms=reply.retry_after_ms)
            request.reply.set_exception(error)
        else:
            request.reply.set_result(reply)

    def line_broke(self) -> None:
        """Keep what may be sent again; the rest will never know."""
        self._lose([request for request in self._open.values() if request.sent and not request.repeatable])
        for request in self._open.values():
            request.sent = False

    def someone_else(self) -> None:
        """The server takes us for another viewer now: under that name the old keys mean nothing."""
        self._lose([request for request in self._open.values() if request.tried])

    def _lose(self, requests: list[Request]) -> None:
        for request in requests:
            self.forget(request)
            _fail(request, CommandError(ErrorCode.OUTCOME_UNKNOWN, "the connection broke before the reply came"))

    def end(self, error: LivestreamError) -> None:
        """No reply will come."""
        for request in self._open.values():
            _fail(request, error)
        self._open.clear()


def _fail(request: Request, error: LivestreamError) -> None:
    if not request.reply.done():
        request.reply.set_exception(error)
