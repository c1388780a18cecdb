"""Messages: what the conductor and its workers tell one another, as MessagePack behind a length. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from .scenario import Scenario

HEAD_BYTES = 4


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="t"):
    """Root of both directions."""


class Signing(msgspec.Struct, frozen=True, kw_only=True):
    """The shop's key, with which its backend signs tokens."""

    shop: str
    kid: str
    key: str
    algorithm: str = "HS256"


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where to connect."""

    host: str
    port: int
    tls: bool
    name: str  #: for the Host header and the certificate
    path: str = "/v1/ws"
    loopback: bool = False  #: then there are source addresses enough


class Plan(Message, frozen=True, kw_only=True):
    """What a worker has to do."""

    worker: int
    workers: int
    scenario: Scenario
    room: str
    address: Address
    line: Address | None  #: the way through the spoiled line
    signing: Signing
    sentences: list[str]
    run: str  #: makes keys and viewer ids differ from run to run
    operator: bool = False  #: some cues are no host's to give
    pay_hosts: list[str] = []  #: on whose pages, beside this machine's, viewers may press `pay`


class Go(Message, frozen=True, kw_only=True):
    """Begin at this time of the machine's monotonic clock."""

    start_us: int


class Stop(Message, frozen=True, kw_only=True):
    """Begin nothing more, and wait for what is under way."""

    within_s: float = 15.0


class Finish(Message, frozen=True, kw_only=True):
    """Wait until everyone knows the log up to here, then tell what you saw and end."""

    top: int
    within_s: float


class Ready(Message, frozen=True, kw_only=True):
    """Witnesses and host are in."""

    worker: int
    trouble: str = ""  #: they are not, and why


class Tick(Message, frozen=True, kw_only=True):
    """What happened in about a second."""

    worker: int
    second: int  #: since the start
    present: int
    counts: dict[str, int]  #: what rose, by so much
    times: dict[str, dict[int, int]]  #: by metric: tenths of a millisecond, and how often
    cpu_s: float
    late_ms: float  #: the most that this process was behind its own schedule


class Played(Message, frozen=True, kw_only=True):
    """All phases are over."""

    worker: int


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """A viewer who stays to the end and keeps what is shown."""

    away: list[tuple[int, int]]  #: from, to: without a line, Unix ms of the server
    shown: list[str]  #: ids of comments
    left_out: int


class Quiet(Message, frozen=True, kw_only=True):
    """Nothing is under way any more, or the time for it is over."""

    worker: int


class Account(Message, frozen=True, kw_only=True):
    """What a worker saw, for the oracles."""

    worker: int
    viewers: int  #: who were in at least once
    checked: int  #: log events that were checked, over all viewers
    gaps: int
    repeats: int
    behind: int  #: viewers who at the end did not know all of the log
    absent: int  #: viewers who should be there at the end and are not
    sent_away: int  #: viewers who were told not to come back
    unanswered: int
    astray: int  #: replies to what nobody asked
    unknown: int  #: actions that broke off with the line and cannot be sent again
    codes: dict[str, int]  #: refusals: `command code`
    undeclared: dict[str, int]  #: codes and kinds of answers that the protocol does not list for the command
    endings: dict[
        str, int
    ]  #: how lines ended that we did not end ourselves: `code` or `broken`, with `slow.` before it
    log: dict[int, str]  #: seq to a digest of the event
    conflicts: int  #: two viewers saw different events under one seq
    notes: dict[str, list[list[Any]]]  #: by kind
    cues_failed: list[str] = []
    away: list[int] = []  #: viewers who are not there at the end: what they were told last, nobody heard
    witnesses: list[Witness]
    examples: list[str]
    peak_mib: float = 0.0  #: of memory, the process itself


ToWorker = Plan | Go | Stop | Finish
FromWorker = Ready | Tick | Played | Quiet | Account

_encode = msgspec.msgpack.Encoder().encode
_to_worker: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)
_from_worker: msgspec.msgpack.Decoder[FromWorker] = msgspec.msgpack.Decoder(FromWorker)


def packed(message: Message) -> bytes:
    body = _encode(message)
    return len(body).to_bytes(HEAD_BYTES, "big") + body


def for_worker(body: bytes) -> ToWorker:
    return _to_worker.decode(body)


def of_worker(body: bytes) -> FromWorker:
    return _from_worker.decode(body)
