"""Run: one batch on its way to a fixed set of connections, encoded once a variant. Pure.

A variant is codec × deflate × staff × (all lanes | log only): its connections
receive the same bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from livestream.protocol import codec as wire
from livestream.protocol.codec import Codec
from livestream.protocol.pushes import Gauge, Heartbeat, Log, Staff
from livestream.storage.roomlog import Logged

from .frames import deflate, frame


class Variant(NamedTuple):
    """Connections of one variant receive the same bytes."""

    codec: Codec
    deflate: bool
    staff: bool
    slow: bool = False  #: its kernel buffer is full: each write is weighed


#: encoded snapshot messages, by codec and whether for staff
Snapshots = dict[tuple[Codec, bool], bytes]


class Receiver(Protocol):
    """A connection, as fan-out sees it."""

    write: Callable[[bytes], None]  #: straight to the transport, or nowhere once it is closing
    descriptor: int  #: of the socket while `write` would send at once; else -1
    variant: Variant

    def unsent_bytes(self) -> int: ...
    def cut_slow(self) -> None: ...


class Pending:
    """What waits for the next run."""

    __slots__ = ("gauges", "heartbeat", "left_out", "live", "log", "notes", "since", "snapshot", "staff")

    def __init__(self) -> None:
        self.snapshot: Snapshots | None = None  #: a reset
        self.log: list[Logged] = []
        self.staff: list[Logged] = []
        self.live: list[bytes] = []  #: events, JSON
        self.notes: list[bytes] = []  #: those of the live lane that wait for the gauges, or for whatever goes before
        self.left_out = 0
        self.gauges: dict[str, int] = {}
        self.heartbeat: Heartbeat | None = None
        self.since = 0.0

    @property
    def urgent(self) -> bool:
        return bool(self.log or self.staff or self.snapshot)

    @property
    def calm(self) -> bool:
        """Something waits for the gauges' tick."""
        return bool(self.gauges or self.heartbeat or self.notes)


class Run:
    """One batch on its way to a fixed set of connections."""

    __slots__ = ("_encoded", "batch", "groups", "offset")

    def __init__(self, batch: Pending, groups: deque[tuple[Variant, tuple[Receiver, ...]]]) -> None:
        self.batch = batch
        self.groups = groups
        self.offset = 0
        self._encoded: dict[tuple[Codec, bool, bool, bool], bytes | None] = {}

    def frame_for(self, variant: Variant, all_lanes: bool, compress_min: int) -> bytes | None:
        """The frame of a variant, made when first asked for; None: nothing to send."""
        key = (variant.codec, variant.deflate, variant.staff, all_lanes)
        if key not in self._encoded:
            messages = _messages(self.batch, variant, all_lanes)
            self._encoded[key] = _frame(messages, variant, compress_min) if messages else None
        return self._encoded[key]


def _messages(batch: Pending, variant: Variant, all_lanes: bool) -> list[bytes]:
    codec = variant.codec
    messages = []
    if batch.snapshot is not None:
        messages.append(batch.snapshot[codec, variant.staff])
    messages += [wire.encode_logged(Log, item.seq, item.at, item.event, codec) for item in batch.log]
    if variant.staff:
        messages += [wire.encode_logged(Staff, item.seq, item.at, item.event, codec) for item in batch.staff]
    if all_lanes:
        if batch.live or batch.left_out:
            messages.append(wire.encode_live(batch.live, batch.left_out, codec))
        if batch.gauges:
            messages.append(wire.encode(Gauge(values=batch.gauges), codec))
        if batch.heartbeat is not None:
            messages.append(wire.encode(batch.heartbeat, codec))
    return messages


def _frame(messages: list[bytes], variant: Variant, compress_min: int) -> bytes:
    payload = wire.frame(messages, variant.codec)
    if variant.deflate and len(payload) >= compress_min:
        return frame(deflate(payload), variant.codec, compressed=True)
    return frame(payload, variant.codec)
