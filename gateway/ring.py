"""Ring: the connections of a room in a fixed order, and what is on its way round them. Encoded once a variant. Pure.

A batch joins wherever the sending is and goes round once. Two that overlap
share their frames there, so neither waits for the other:

    A begins     |> A A A A A A A A A A |
    B joins      |  . . . . > AB AB AB AB AB AB |
                 |> B B B B |

A variant is codec × deflate × staff × (all lanes | log only): its connections
receive the same bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
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
    def spared(self) -> None: ...  #: something that is no log was not sent to it
    def cut_slow(self) -> None: ...


class Pending:
    """What waits to be sent."""

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
        self.since = 0.0  #: when the first of it came that anybody waits for; 0: there is none

    @property
    def urgent(self) -> bool:
        return bool(self.log or self.staff or self.snapshot)

    @property
    def calm(self) -> bool:
        """Something waits for the gauges' tick."""
        return bool(self.gauges or self.heartbeat or self.notes)

    @property
    def leisurely(self) -> bool:
        """Nobody waits for it. A heartbeat is the time of day, and may not come late."""
        return not (self.urgent or self.live or self.left_out or self.heartbeat)

    def append(self, later: Pending) -> None:
        """Take what came later, which is no reset; its notes are among its `live` by now."""
        self.log += later.log
        self.staff += later.staff
        self.live += later.live
        self.left_out += later.left_out
        self.gauges |= later.gauges
        self.heartbeat = later.heartbeat or self.heartbeat


class Stretch:
    """Neighbours on a ring who are to be told the same."""

    __slots__ = ("_encoded", "batch", "left")

    def __init__(self, batch: Pending, left: int) -> None:
        self.batch = batch
        self.left = left  #: connections still to be told
        self._encoded: dict[tuple[Codec, bool, bool, bool], bytes | None] = {}

    def append(self, later: Pending) -> None:
        self.batch.append(later)
        self._encoded.clear()

    def frame_for(self, variant: Variant, all_lanes: bool, compress_min: int) -> bytes | None:
        """The frame of a variant, made when first asked for; None: nothing to send."""
        key = (variant.codec, variant.deflate, variant.staff, all_lanes)
        if key not in self._encoded:
            messages = _messages(self.batch, variant, all_lanes)
            self._encoded[key] = _frame(messages, variant, compress_min) if messages else None
        return self._encoded[key]


class Ring:
    """A fixed set of connections, group by group, and the stretches that are ahead of the sending."""

    __slots__ = ("_group", "_groups", "_offset", "_stretches", "leisurely", "size")

    def __init__(
        self, groups: Sequence[tuple[Variant, tuple[Receiver, ...]]], first: Pending, *, leisurely: bool = False
    ) -> None:
        """`groups` has somebody in each."""
        self._groups = groups
        self.size = sum(len(members) for _, members in groups)
        self.leisurely = leisurely  #: nobody waits for what is on it
        self._group = self._offset = 0  # where the sending is
        self._stretches = deque([Stretch(first, self.size)])

    @property
    def busy(self) -> bool:
        return bool(self._stretches)

    def join(self, batch: Pending) -> None:
        """Send a batch, which is no reset, round once from here on, along with what is under way."""
        ahead = sum(stretch.left for stretch in self._stretches)
        for stretch in self._stretches:
            stretch.append(batch)
        if ahead < self.size:
            self._stretches.append(Stretch(batch, self.size - ahead))
        else:
            last = self._stretches[-1].batch  # with which this one has gone round, too
            last.since = last.since or batch.since

    def here(self, most: int) -> tuple[Stretch, Variant, tuple[Receiver, ...]]:
        """The next who are of one variant and to be told the same, while it is busy."""
        stretch = self._stretches[0]
        variant, members = self._groups[self._group]
        return stretch, variant, members[self._offset : self._offset + min(most, stretch.left)]

    def advance(self, count: int) -> Stretch | None:
        """So many of them were told; returns the stretch that ends with them."""
        stretch = self._stretches[0]
        stretch.left -= count
        self._offset += count
        if self._offset == len(self._groups[self._group][1]):
            self._group, self._offset = (self._group + 1) % len(self._groups), 0
        return None if stretch.left else self._stretches.popleft()


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
