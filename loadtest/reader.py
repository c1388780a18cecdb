"""Reader: what frames mean to a viewer, worked out once a process. Pure.

A server writes the same bytes to thousands of viewers. Whoever gets them first
decodes them; the others find the digest: which seqs, which times, how many
comments. Without that a Python process could not stand in for a crowd.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from livestream.client_wire import Message, decode
from livestream.protocol.codec import Codec
from livestream.protocol.events import Commented, Event
from livestream.protocol.pushes import (
    ComeBack,
    Heartbeat,
    Live,
    Log,
    Notice,
    OwnDraws,
    OwnSeats,
    Renewed,
    Snapshot,
    Staff,
)
from livestream.protocol.replies import Reply

from .behaviours.base import Behaviour
from .websocket import TEXT, Frame, inflated

_CACHED = 256
_CACHED_BYTES = 16 * 1024  #: what is larger is a join, which nobody shares


@dataclass(frozen=True, slots=True)
class Digest:
    """Some messages in a row."""

    seqs: Sequence[int] = ()  #: of the room log
    straight: bool = True  #: they rise by one
    staff: Sequence[int] = ()
    probes: tuple[tuple[str, int], ...] = ()  #: metric and due time
    shown: tuple[str, ...] = ()  #: ids of comments
    left_out: int = 0
    top: int = 0  #: seq that a heartbeat told
    mine: tuple[Message, ...] = ()  #: what is this viewer's alone, and snapshots


class Reader:
    """Reads for all viewers of a process."""

    def __init__(self, behaviours: Sequence[Behaviour]) -> None:
        self._behaviours = behaviours
        self._known: dict[Frame, tuple[Digest, ...]] = {}
        self.chunks: dict[bytes, tuple[Digest, ...]] = {}  #: whole reads that were one shared frame
        self.log: dict[int, str] = {}
        self.conflicts = 0
        self.conflict = ""  #: the first one

    def read(self, frame: Frame, chunk: bytes) -> tuple[Digest, ...]:
        """What a data frame says.

        Args:
            chunk: what was read from the socket, if it was this frame and nothing else; else empty.

        Raises:
            WireError, msgspec.MsgspecError
        """
        known = self._known.get(frame)
        if known is not None:
            return known
        opcode, compressed, payload = frame
        data = inflated(payload) if compressed else payload
        digests = self._digests(decode(data, Codec.JSON if opcode == TEXT else Codec.MSGPACK))
        if len(payload) <= _CACHED_BYTES and not any(digest.mine for digest in digests):
            if len(self._known) >= _CACHED:
                self._known.clear()
                self.chunks.clear()
            self._known[frame] = digests
            if chunk:
                self.chunks[chunk] = digests
        return digests

    def _digests(self, messages: list[Message]) -> tuple[Digest, ...]:
        for message in messages:
            if not isinstance(message, Reply):
                self._learn(message)
        if any(isinstance(message, Snapshot) for message in messages):
            return tuple(self._digest([message]) for message in messages)  # their order counts
        return (self._digest(messages),)

    def _learn(self, message: Message) -> None:
        if isinstance(message, Reply):
            return
        for behaviour in self._behaviours:
            behaviour.learn(message)

    def _digest(self, messages: list[Message]) -> Digest:
        seqs: list[int] = []
        staff: list[int] = []
        probes: list[tuple[str, int]] = []
        shown: list[str] = []
        left_out = top = 0
        mine: list[Message] = []
        for message in messages:
            match message:
                case Log(seq=seq, event=event):
                    seqs.append(seq)
                    self._write_down(message)
                    self._probe(event, probes)
                case Live(events=events, left_out=more):
                    left_out += more
                    for live in events:
                        self._probe(live, probes)
                        if isinstance(live, Commented):
                            shown.append(live.id)
                case Staff(seq=seq):
                    staff.append(seq)
                case Heartbeat(seq=seq):
                    top = seq
                case Reply() | Snapshot() | Notice() | OwnSeats() | OwnDraws() | ComeBack() | Renewed():
                    mine.append(message)
        straight = all(after == before + 1 for before, after in pairwise(seqs))
        return Digest(tuple(seqs), straight, tuple(staff), tuple(probes), tuple(shown), left_out, top, tuple(mine))

    def _probe(self, event: Event, probes: list[tuple[str, int]]) -> None:
        for behaviour in self._behaviours:
            due_us = behaviour.seen(event)
            if due_us is not None:
                probes.append((behaviour.name + ".seen", due_us))

    def _write_down(self, log: Log) -> None:
        told = digest_of(log)
        if self.log.setdefault(log.seq, told) != told:
            self.conflicts += 1
            self.conflict = self.conflict or f"seq {log.seq} is two different events"


def digest_of(log: Log) -> str:
    """Says whether two log events are the same."""
    return hashlib.blake2b(msgspec.json.encode(log), digest_size=8).hexdigest()
