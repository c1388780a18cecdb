"""Viewer: one virtual viewer on one socket after the other, as a page in a browser is. What it must see, it checks.

    AWAY ──connect──> OPENING ──101──> JOINING ──joined──> PRESENT
      ^                  │                │                   │
      └──── the line ended: wait as clients do, come back, resume

Cost: a shared frame is one look-up and a comparison of seqs, some 2 µs.
"""

from __future__ import annotations

import asyncio
import enum
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import msgspec

from livestream.client_rules import Backoff, Next, after_refusal, after_status
from livestream.client_wire import Message
from livestream.protocol import codec as wire
from livestream.protocol.codec import Codec
from livestream.protocol.commands import Command, Join, Resume
from livestream.protocol.errors import ErrorCode
from livestream.protocol.pushes import ComeBack, Notice, OwnDraws, OwnSeats, Renewed, Snapshot
from livestream.protocol.replies import AnyReply, Error, Joined, Reply

from . import websocket
from .behaviours.base import Behaviour, Task, Who
from .reader import Digest
from .websocket import BINARY, CLOSE, PING, PONG, TEXT, Frames, HandshakeRefused, WireError

if TYPE_CHECKING:
    from .driver import Driver

_JOIN_REF = 0
_LEAST_DEFLATED = 64
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) livestream-loadtest"
_TRIES = 6  #: of a command whose outcome the server does not know


class State(enum.IntEnum):
    AWAY = 0
    OPENING = 1
    JOINING = 2
    PRESENT = 3


@dataclass(slots=True)
class Pending:
    """A command under way."""

    command: Command
    due_us: int
    behaviour: Behaviour | None = None  #: None: a cue
    task: Task | None = None
    makes: str | None = None  #: under this name later cues find what it made
    tries: int = 1

    @property
    def repeatable(self) -> bool:
        """It has one effect, however often it is sent."""
        return getattr(self.command, "key", None) is not None or (self.behaviour is not None and self.behaviour.repeats)


class Viewer(asyncio.Protocol):
    """One person at one page.

    Args:
        person: what behaviours know; who is not signed in comes without a token, under a name.
    """

    __slots__ = (
        "_head",
        "_joined",
        "accounts",
        "away",
        "backoff",
        "codec",
        "coming",
        "compression",
        "cut_us",
        "deflate",
        "driver",
        "due_us",
        "excused",
        "frames",
        "hint_ms", "label",
        "left_out",
        "once",
        "pending",
        "person",
        "reads_per_s",
        "ready_us",
        "role",
        "seen",
        "seq",
        "staff_seq",
        "state",
        "think_us",
        "through_line",
        "transport",
        "wanted",
    )  # fmt: skip

    def __init__(self, driver: Driver, person: Who, role: str, codec: Codec, *, compression: bool) -> None:
        self.driver = driver
        self.person = person
        self.role = role
        self.codec = codec
        self.compression = compression
        self.reads_per_s = 0
        self.label = ""  #: before the names of its times: those of slow readers are not the server's
        self.through_line = False
        self.think_us = (2_000_000, 6_000_000)
        self.state = State.AWAY
        self.wanted = False  #: should be here now
        self.once = False  #: was in at least once
        self.coming = 0  #: when the attempt under way was due; 0: none
        self.due_us = 0  #: when the first attempt since it was last in was due; 0: it is in, or was never to come
        self.cut_us = 0  #: when the line ended; 0: it has not
        self.excused = False  #: we ended the line: what it missed is not the server's to answer for
        self.ready_us = 0  #: when it may act again
        self.transport: asyncio.Transport | None = None
        self.deflate = False
        self.frames = Frames()
        self.backoff = Backoff()
        self.hint_ms: int | None = None
        self.pending: dict[int, Pending] = {}
        self.seq = self.staff_seq = 0
        self.accounts = False  #: a witness: keeps what was shown, and when it could see nothing
        self.away: list[tuple[int, int]] = []  #: of a witness: from, to, Unix ms of the server
        self.seen: set[str] = set()
        self.left_out = 0
        self._head = b""
        self._joined: Joined | None = None

    # -- coming and going

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.frames, self._head, self.deflate = Frames(), b"", False
        address = self.driver.address_of(self)
        self.transport.write(
            websocket.opening(
                f"{address.name}:{address.port}",
                address.path,
                self.codec.value,
                self.compression,
                os.urandom(16),
                _AGENT,
            )
        )

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self.transport = None
            self.driver.lost(self, None)

    def leave(self) -> None:
        """Go for good, as one who closes the page."""
        self.wanted, self.due_us, self.excused = False, 0, True
        if self.transport is not None:
            self._send_frame(CLOSE, (1001).to_bytes(2, "big"))
            self.transport.close()
        self._drop()

    def cut(self) -> None:
        """The network breaks."""
        if self.transport is not None:
            self.transport.abort()
        self.excused = True
        self._drop()
        self.driver.lost(self, None, by_us=True)

    def _drop(self) -> None:
        self.transport = None
        self.state = State.AWAY

    def end(self, code: int | None) -> None:
        """The line is over; come back as the code says."""
        if self.transport is not None:
            self.transport.abort()  # at once, so that its end is not taken for the end of the next line
        self._drop()
        self.driver.lost(self, code)

    # -- inward

    def data_received(self, data: bytes) -> None:
        driver = self.driver
        driver.bytes_in += len(data)
        try:
            if self.state is State.PRESENT and self.frames.at_boundary:
                known = driver.reader.chunks.get(data)
                if known is not None:
                    driver.frames_in += 1
                    self._see(known)
                    if self.reads_per_s:
                        self._read_slowly(len(data))
                    return
            if self.state is State.OPENING:
                self._head += data
                opened = websocket.opened(self._head, self.codec.value)
                if opened is None:
                    return
                self.deflate, self._head, data = opened.deflate, b"", opened.rest
                self._join()
            whole = self.frames.at_boundary
            found = self.frames.feed(data)
            whole = whole and len(found) == 1 and self.frames.at_boundary
            for frame in found:
                if self.transport is None:
                    return
                self._frame(frame, data if whole else b"")
        except HandshakeRefused as refused:
            driver.count(f"handshake.{refused.status}")
            self._refused(after_status(refused.status), None)
        except (WireError, msgspec.MsgspecError) as error:
            driver.broken(self, f"{type(error).__name__}: {error}")
            self.end(None)
        if self.reads_per_s:
            self._read_slowly(len(data))

    def _read_slowly(self, size: int) -> None:
        """A phone on a weak network: after so many bytes it reads no more for a while."""
        transport = self.transport
        if transport is None or not transport.is_reading():
            return
        transport.pause_reading()

        def go_on() -> None:
            if self.transport is transport:
                transport.resume_reading()

        self.driver.loop.call_later(size / self.reads_per_s, go_on)

    def _frame(self, frame: websocket.Frame, chunk: bytes) -> None:
        opcode, _, payload = frame
        if opcode in (TEXT, BINARY):
            self.driver.frames_in += 1
            self._see(self.driver.reader.read(frame, chunk))
        elif opcode == PING:
            self._send_frame(PONG, payload)
        elif opcode == CLOSE:
            self.end(int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005)

    def _see(self, digests: Iterable[Digest]) -> None:
        driver = self.driver
        for digest in digests:
            fresh = True
            for message in digest.mine:
                fresh = self._take(message) and fresh
            if self.transport is None:
                return
            seqs = digest.seqs
            if seqs:
                driver.checked += len(seqs)
                if digest.straight and seqs[0] == self.seq + 1:
                    self.seq = seqs[-1]
                else:
                    self._odd(seqs)
            if digest.probes and fresh:
                now_us = driver.now_us()
                for metric, due_us in digest.probes:
                    driver.times[self.label + metric].append((now_us - due_us) // 100)
            if digest.staff:
                self._staff(digest.staff)
            if digest.top > self.seq:
                driver.gap(self, f"a heartbeat told of {digest.top}, and {self.seq} was the last that came")
                self.seq = digest.top
            if self.accounts:
                self.seen.update(digest.shown)
                self.left_out += digest.left_out

    def _odd(self, seqs: Iterable[int]) -> None:
        """Not simply the next: what is missing, what is there twice?"""
        for seq in seqs:
            if seq == self.seq + 1:
                self.seq = seq
            elif seq <= self.seq:
                self.driver.repeat(self, f"{seq} came after {self.seq}")
            else:
                self.driver.gap(self, f"{seq} came after {self.seq}")
                self.seq = seq

    def _staff(self, seqs: Iterable[int]) -> None:
        for seq in seqs:
            if seq != self.staff_seq + 1:
                self.driver.gap(self, f"staff log: {seq} came after {self.staff_seq}")
            self.staff_seq = seq

    def _take(self, message: Message) -> bool:
        """What is this viewer's own; False: what comes with it was missed through us, and is no news."""
        match message:
            case Joined():
                missed_through_us = self.excused
                self._enter(message)
                return not missed_through_us
            case Snapshot(seq=seq, staff_seq=staff_seq):
                self.seq, self.staff_seq = seq, staff_seq
            case Error(ref=ref) if ref == _JOIN_REF and self.state is State.JOINING:
                self.driver.count(f"refused.join.{message.code}")
                self.driver.acting.refusal(Join, message)
                self._refused(after_refusal(message.code, resuming=self._joined is not None), message.retry_after_ms)
            case Reply():
                self._answered(cast(AnyReply, message))
            case ComeBack(after_ms=after_ms):
                self.hint_ms = after_ms
            case Renewed(resume=resume) if self._joined is not None:
                self._joined = msgspec.structs.replace(self._joined, resume=resume)
            case Notice() | OwnSeats() | OwnDraws():
                self.driver.acting.heard(self, message)
        return True

    def _refused(self, step: Next, retry_after_ms: int | None) -> None:
        self.hint_ms = retry_after_ms
        if step is Next.AFRESH:
            self._joined = None
        if self.transport is not None:
            self.transport.abort()
        self._drop()
        self.driver.failed(self, give_up=step is Next.GIVE_UP)

    # -- joining

    def _join(self) -> None:
        self.state = State.JOINING
        resume = None
        if self._joined is not None:
            resume = Resume(token=self._joined.resume, epoch=self._joined.epoch, seq=self.seq, staff_seq=self.staff_seq)
        token = self.driver.token(self) if self.person.signed_in and resume is None else None
        name = None if self.person.signed_in else self.person.name
        self._write(Join(ref=_JOIN_REF, room=self.driver.plan.room, token=token, resume=resume, name=name))

    def _enter(self, joined: Joined) -> None:
        driver, now_us = self.driver, self.driver.now_us()
        driver.clock(joined.now)
        driver.times[self.label + ("resume" if self.once else "join")].append((now_us - self.due_us) // 100)
        if self.once:  # it was in before, so one whose resume was refused begins anew, too
            driver.count("resumes" if joined.resumed else "resets")
            if self.cut_us:
                driver.times[self.label + "back"].append((now_us - self.cut_us) // 100)
        self.away = self.absences()
        driver.count("joins")
        self._joined, self.state, self.once, self.excused = joined, State.PRESENT, True, False
        self.coming = self.due_us = self.cut_us = 0
        self.hint_ms = None
        driver.entered(self)
        for pending in self.pending.values():
            pending.tries += 1
            self._write(pending.command)

    def absences(self) -> list[tuple[int, int]]:
        """When it was to be there and had no line, up to now. For a witness."""
        if not (self.accounts and self.cut_us):
            return self.away
        now_ms, gone_us = self.driver.server_ms(), self.driver.now_us() - self.cut_us
        return [*self.away, (now_ms - gone_us // 1000, now_ms)]

    # -- outward

    def send(self, pending: Pending) -> None:
        """Send a command; its reply is awaited."""
        self.pending[pending.command.ref] = pending
        self._write(pending.command)

    def _write(self, command: Command) -> None:
        if self.transport is None:
            return
        payload = wire.encode_all([command], self.codec)
        compressed = self.deflate and len(payload) >= _LEAST_DEFLATED
        if compressed:
            payload = websocket.deflated(payload)
        self._send_frame(TEXT if self.codec is Codec.JSON else BINARY, payload, compressed=compressed)

    def _send_frame(self, opcode: int, payload: bytes, *, compressed: bool = False) -> None:
        assert self.transport is not None
        mask = self.driver.random.getrandbits(32)
        self.transport.write(websocket.masked(opcode, payload, mask, compressed=compressed))

    def _answered(self, reply: AnyReply) -> None:
        pending = self.pending.get(reply.ref)
        if pending is None:
            self.driver.strange(self, reply)
            return
        if isinstance(reply, Error) and reply.code == ErrorCode.OUTCOME_UNKNOWN:
            if pending.repeatable and pending.tries < _TRIES:
                self._ask_again(pending, (reply.retry_after_ms or 1000) / 1000)
                return
            self.driver.never_known()
        del self.pending[reply.ref]
        self.driver.acting.answered(self, pending, reply)

    def _ask_again(self, pending: Pending, after_s: float) -> None:
        """The same key settles what became of it. On another line it was sent again by the entry."""
        pending.tries += 1
        transport = self.transport

        def again() -> None:
            if self.transport is transport and self.pending.get(pending.command.ref) is pending:
                self._write(pending.command)

        self.driver.loop.call_later(after_s, again)

    def forget_unrepeatable(self) -> int:
        """The line ended: what has no key cannot be sent again. Returns how many those were."""
        lost = [ref for ref, each in self.pending.items() if not each.repeatable]
        for ref in lost:
            del self.pending[ref]
        return len(lost)

    def facts(self) -> dict[str, Any]:
        """For an example in the report."""
        return {"viewer": self.person.number, "seq": self.seq, "state": self.state.name.lower()}
