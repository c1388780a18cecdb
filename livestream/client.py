"""Client: a viewer, host or backend in one room, over one websocket that comes back by itself.

    async with connect("ws://localhost:8080/v1/ws", room="demo", name="Ann") as client:
        await client.comment("Does it come in blue?")
        async for push in client:
            ...

What it promises: every log event once and in order, however often the line
breaks; one reply a command, or a `CommandError`; a keyed command sent again
after a break has one effect.

    LivestreamError
     ├─ CommandError   one command was refused, or its outcome is unknown
     └─ Closed         the client is over: the server said so, or could not be reached in time
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import msgspec

from livestream.client_commands import Commands
from livestream.client_inbox import Inbox
from livestream.client_line import Dropped, Line, dial
from livestream.client_position import Position
from livestream.client_requests import CommandError, Request, Requests
from livestream.client_rules import Backoff, Next, ServerClock, Step, after_refusal
from livestream.client_state import RoomView, apply
from livestream.client_wire import Message
from livestream.protocol.codec import Codec
from livestream.protocol.commands import Command, Join, Resume
from livestream.protocol.errors import ErrorCode, LivestreamError
from livestream.protocol.pushes import AnyPush, ComeBack, Heartbeat, Renewed
from livestream.protocol.replies import AnyReply, Error, Joined, Me, Reply

__all__ = ["Client", "Closed", "Codec", "CommandError", "RoomView", "Stats", "connect"]

_JOIN_REF = 0


class Closed(LivestreamError):
    """The client is over and will not come back."""

    def __init__(self, text: str, *, close_code: int | None = None, code: str | None = None) -> None:
        super().__init__(text)
        self.close_code = close_code  #: of the websocket, when that ended it
        self.code = code  #: why the join was refused, when that ended it


@dataclass(slots=True)
class Stats:
    """What happened to one client."""

    reconnects: int = 0  #: joined again after a drop; resumes + resets
    resumes: int = 0  #: of these, continued without a gap
    resets: int = 0  #: of these, started over from a snapshot
    gaps: int = 0  #: log events found missing; answered with a reconnect
    duplicates: int = 0  #: log events and notices that came again, and were skipped
    dropped: int = 0  #: live and gauge pushes that the consumer was too slow for
    closes: int = 0  #: lines that ended, whoever ended them
    last_trouble: str = ""  #: why the last line ended or could not be had


@dataclass(frozen=True, slots=True)
class Options:
    """How to get in. The arguments of `connect`."""

    url: str
    room: str
    token: str | None = None
    ticket: str | None = None
    name: str | None = None
    get_token: Callable[[], Awaitable[str]] | None = None
    codec: Codec = Codec.MSGPACK
    compression: bool = True
    local_addr: tuple[str, int] | None = None
    on_push: Callable[[AnyPush], None] | None = None
    queue_size: int = 1000
    open_timeout_s: float = 10.0
    reply_timeout_s: float = 15.0


def connect(url: str, *, room: str, **options: Any) -> Client:
    """A client, for `async with`.

    Args:
        url: of the websocket, `ws://host:port/v1/ws`.
        options: `token`, or `get_token` (asked at first and whenever the old
            one ends), or a one-use `ticket`, or only a `name`: an anonymous
            viewer. `codec`, `compression`, `local_addr` (where to connect
            from). `on_push` (called with each push, instead of iteration;
            cheap, keeps no `state`), `queue_size` (pushes that wait for a
            consumer before live ones are dropped). `open_timeout_s` (for the
            first join, tries included), `reply_timeout_s` (a command's,
            reconnects included).
    """
    return Client(Options(url, room, **options))


class Client(Commands):
    """One viewer. Made by `connect`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._token = options.token
        self._line: Line | None = None
        self._task: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[None] | None = None
        self._closed: Closed | None = None
        self._requests = Requests()
        self._inbox = Inbox(options.queue_size)
        self._clock = ServerClock()
        self._backoff = Backoff()
        self._come_back_ms: int | None = None
        self._joined: Joined | None = None  # the latest
        self._position = Position()
        self._view = RoomView()
        self.stats = Stats()

    # -- its life

    async def __aenter__(self) -> Client:
        """Join the room.

        Raises:
            Closed: refused, or not in within `open_timeout_s`.
        """
        self._opened = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(), name="livestream client")
        try:
            async with asyncio.timeout(self._options.open_timeout_s):
                await self._opened
        except TimeoutError:
            await self.close()
            raise Closed(f"not in within {self._options.open_timeout_s} s: {self.stats.last_trouble}") from None
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def wait_closed(self) -> None:
        """Wait until the client is over.

        Raises:
            Closed: it was not us who closed.
        """
        if self._task is not None:
            await asyncio.wait([self._task])
        self._raise_unless_ours()

    def _raise_unless_ours(self) -> None:
        if self._closed is not None and (self._closed.close_code or self._closed.code):
            raise self._closed

    async def _run(self) -> None:
        """Task: one line after the other."""
        closed = Closed("closed by us")
        try:
            while True:
                wait_s = await self._one_line()
                await asyncio.sleep(wait_s)
        except Closed as error:
            closed = error
        except Exception as error:  # of `on_push`, or our bug: whoever waits must learn of it
            closed = Closed(f"{type(error).__name__}: {error}", code="client")
            closed.__cause__ = error
        finally:
            self._end(closed)

    def _end(self, closed: Closed) -> None:
        self._closed = closed
        self._requests.end(closed)
        self._inbox.end()
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(closed)

    async def _one_line(self) -> float:
        """Connect, join, read until the line ends; returns how long to wait before the next.

        Raises:
            Closed: there will be none.
        """
        options, since = self._options, time.monotonic()
        try:
            await self._fetch_token()
            async with dial(options.url, options.codec, options.compression, options.local_addr) as line:
                await line.send(self._join())
                since = time.monotonic()
                await self._read(line)
        except Dropped as dropped:
            return self._after(dropped, time.monotonic() - since)
        finally:
            self._line = None
            self._requests.line_broke()
        raise AssertionError("a line ends by being dropped")

    async def _fetch_token(self) -> None:
        if self._token is not None or self._options.get_token is None:
            return
        try:
            self._token = await self._options.get_token()
        except Exception as error:  # the shop's own code and network
            raise Dropped(f"no token: {type(error).__name__}: {error}", Next.AGAIN) from error

    def _after(self, dropped: Dropped, lasted_s: float) -> float:
        """What follows on the end of a line."""
        self.stats.closes += 1
        self.stats.last_trouble = str(dropped)
        if dropped.next is Next.AFRESH:
            self._joined = None
        elif dropped.next is Next.FRESH_TOKEN and self._options.get_token is not None:
            self._token = None
        elif dropped.next is not Next.AGAIN:
            raise Closed(str(dropped), close_code=dropped.close_code, code=dropped.code)
        self._backoff.connected_for(lasted_s)
        hint, self._come_back_ms = self._come_back_ms or dropped.retry_after_ms, None
        return self._backoff.wait_s(random.random(), at_least_ms=hint)

    def _join(self) -> Join:
        options, place, resume = self._options, self._position, None
        if self._joined is not None:
            resume = Resume(token=self._joined.resume, epoch=place.epoch, seq=place.log.seq, staff_seq=place.staff.seq)
        return Join(
            ref=_JOIN_REF,
            room=options.room,
            token=self._token,
            ticket=options.ticket if resume is None else None,
            resume=resume,
            name=options.name,
        )

    # -- inward

    async def _read(self, line: Line) -> None:
        """Raises:
        Dropped: always, at the end.
        """
        while True:
            for message in await line.receive():
                self._take(line, message)
            for request in self._requests.unsent() if self._line is line else ():
                await self._send(line, request)

    def _take(self, line: Line, message: Message) -> None:
        match message:
            case Joined():
                self._enter(line, message)
            case Error(ref=ref) if ref == _JOIN_REF and self._line is None:
                raise Dropped.refused(message, after_refusal(message.code, resuming=self._joined is not None))
            case Reply():
                self._requests.answered(message)
            case Heartbeat(now=now, seq=seq):
                self._clock.observe(now, _local_ms())
                if seq > self._position.log.seq:
                    self._gap(f"the log is at {seq}, we are at {self._position.log.seq}")
            case ComeBack(after_ms=after_ms):
                self._come_back_ms = after_ms
            case Renewed(resume=resume):
                if self._joined is not None:
                    self._joined = msgspec.structs.replace(self._joined, resume=resume)
            case _:
                self._follow(message)

    def _enter(self, line: Line, joined: Joined) -> None:
        first, before = self._opened is not None and not self._opened.done(), self._joined
        if not first:
            self.stats.reconnects += 1
            self.stats.resumes += joined.resumed
            self.stats.resets += not joined.resumed
        if before is not None and before.me.id != joined.me.id:
            self._requests.someone_else()
        self._joined, self._line = joined, line
        self._position.enter(joined.epoch)
        self._clock.observe(joined.now, _local_ms())
        if first and self._opened is not None:
            self._opened.set_result(None)

    def _follow(self, push: AnyPush) -> None:
        step = self._position.step(push)
        if step is Step.GAP:
            self._gap(f"{push.lane} event {getattr(push, 'seq', '')} came, which is not the next")
        elif step is Step.REPEATED:
            self.stats.duplicates += 1
        else:
            self._deliver(push)

    def _gap(self, text: str) -> None:
        self.stats.gaps += 1
        raise Dropped(text, Next.AGAIN)

    def _deliver(self, push: AnyPush) -> None:
        if self._options.on_push is not None:
            self._options.on_push(push)
            return
        self._view = apply(self._view, push)
        self._inbox.put(push)
        self.stats.dropped = self._inbox.dropped

    # -- outward

    async def ask(self, kind: type[Command], /, **fields: Any) -> AnyReply:
        """Send any command and await its reply: `ask(Comment, text="hi", key="k1")`.

        Raises:
            CommandError: refused, or no reply in time.
            Closed
        """
        tried = doubtful = False
        try:
            async with asyncio.timeout(self._options.reply_timeout_s):
                while True:
                    request = self._requests.add(kind(ref=self._requests.new_ref(), **fields))
                    try:
                        return await self._ask(request)
                    except CommandError as error:
                        # The server does not know, or an earlier try may have taken effect and this one was only
                        # turned away: the same key again settles it.
                        doubtful = doubtful or request.resent or error.code == ErrorCode.OUTCOME_UNKNOWN
                        if not (doubtful and request.repeatable and error.temporary):
                            raise
                        await asyncio.sleep((error.retry_after_ms or 1000) / 1000)
                    finally:
                        tried = tried or request.tried
                        self._requests.forget(request)
        except TimeoutError:
            code = ErrorCode.OUTCOME_UNKNOWN if tried else ErrorCode.UNAVAILABLE
            raise CommandError(code, f"no reply within {self._options.reply_timeout_s} s") from None

    async def _ask(self, request: Request) -> AnyReply:
        if self._closed is not None:
            raise self._closed
        if self._line is not None:
            await self._send(self._line, request)
        return await request.reply

    async def _send(self, line: Line, request: Request) -> None:
        self._requests.sending(request)
        with contextlib.suppress(Dropped):  # the reader learns of it, too, and decides
            await line.send(request.command)

    # -- what it knows

    def __aiter__(self) -> AsyncIterator[AnyPush]:
        """Pushes, in order, until the client is closed.

        Raises:
            Closed: at the end, when it was not us who closed.
        """
        return self._pushes()

    async def _pushes(self) -> AsyncIterator[AnyPush]:
        while (push := await self._inbox.get()) is not None:
            yield push
        self._raise_unless_ours()

    @property
    def state(self) -> RoomView:
        """The room as of the newest push. Not kept when `on_push` is given."""
        return self._view

    @property
    def me(self) -> Me:
        """Who the server takes us for."""
        assert self._joined is not None, "not in a room yet"
        return self._joined.me

    @property
    def connected(self) -> bool:
        """In the room now; False while it comes back."""
        return self._line is not None

    @property
    def position(self) -> tuple[str, int]:
        """Epoch and seq of the last log event."""
        return self._position.epoch, self._position.log.seq

    @property
    def clock_offset_ms(self) -> int:
        """The server's clock minus ours."""
        return self._clock.offset_ms

    def server_now_ms(self) -> int:
        """What the server's clock shows now: countdowns run by it."""
        return _local_ms() + self._clock.offset_ms


def _local_ms() -> int:
    return time.time_ns() // 1_000_000
