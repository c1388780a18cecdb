"""Fanout: from what happened in a room to bytes on every socket. The hottest code there is.

    log, staff ──┐ at once
    live ────────┼─────────> pending ──> ring ──> slice ─ slice ─ slice ──> sockets
    gauge ───────┘ at a floor             (the loop breathes between two slices, and rests where only gauges go round)

Merging by work: what arrives while a frame is under way joins it for those who
have not got it yet, and goes on alone to those who have. So nothing waits for
what was sent before, and a socket is written to at most once a round. Only when
somebody came in meanwhile, who is on no ring yet, it waits for the next, merged. Gauges
alone go round at leisure: told to everybody at once each second, they would be
in the way of all that people wait for. A frame
is encoded once a variant (codec × deflate × staff × all lanes or log only) and
the same bytes are sent to each socket by a loop in C (`send`). There is no task
and no queue a viewer: what a socket does not take at once waits in its
transport's buffer.

Cost: one send(2) a receiver and round, nearly all of it the kernel's; ten
messages in one frame cost little more than one. `make bench` measures both
against a bare loop of send(2).
"""

from __future__ import annotations

import asyncio
from collections import deque

from livestream.config import Settings
from livestream.metrics import (
    BYTES_SENT,
    DELIVERIES,
    FANOUT_SECONDS,
    FRAMES,
    SKIPPED_FRAMES,
)
from livestream.protocol.lanes import Lane
from livestream.protocol.pushes import Heartbeat
from livestream.storage.roomlog import Logged

from .ring import Pending, Receiver, Ring, Snapshots, Stretch, Variant
from .send import send_each

_LEISURE = 0.5  #: of the gauges' tick: in so much of it a frame with nothing but gauges goes round
_LOG, _LIVE, _GAUGE = (DELIVERIES.labels(lane) for lane in (Lane.LOG, Lane.LIVE, Lane.GAUGE))


class Fanout:
    """Sends one room's pushes to all its connections in this process."""

    def __init__(self, settings: Settings) -> None:
        self._loop = asyncio.get_running_loop()
        self._slice = settings.slice_size
        self._soft = settings.soft_buffer_bytes
        self._hard = settings.hard_buffer_bytes
        self._compress_min = settings.compress_min_bytes
        self._live_floor = settings.live_floor_ms / 1000
        self._gauge_tick = settings.gauge_tick_ms / 1000
        self._members: dict[Variant, dict[Receiver, None]] = {}
        self._tuples: dict[Variant, tuple[Receiver, ...]] = {}
        self._busy: deque[Ring] = deque()
        self._ring: Ring | None = None  #: the last of them, while nobody is missing in it: it may be joined
        self._pending = Pending()
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._live_at = 0.0
        self._gauge_at = 0.0

    # -- who receives

    def add(self, receiver: Receiver) -> None:
        """From the next event on. What is pending has been in the receiver's snapshot, so it is sealed first."""
        if self._pending.urgent:
            self._seal()
        self._members.setdefault(receiver.variant, {})[receiver] = None
        self._changed(receiver.variant)

    def remove(self, receiver: Receiver) -> None:
        group = self._members.get(receiver.variant)
        if group is not None and receiver in group:
            del group[receiver]
            self._tuples.pop(receiver.variant, None)  # in a ring it keeps its place: it is closing, and takes nothing
            if not group:
                del self._members[receiver.variant]

    def regroup(self, receiver: Receiver, variant: Variant) -> None:
        """Move a member to another variant; it misses nothing and gets nothing twice."""
        group = self._members.get(receiver.variant)
        if group is None or receiver not in group:
            return
        self.remove(receiver)
        receiver.variant = variant
        self._members.setdefault(variant, {})[receiver] = None
        self._changed(variant)

    def _changed(self, variant: Variant) -> None:
        """A ring goes on for those who were members when it began: for what comes now there must be another."""
        self._tuples.pop(variant, None)
        self._ring = None

    def members(self) -> list[Receiver]:
        return [receiver for group in self._members.values() for receiver in group]

    def __len__(self) -> int:
        return sum(map(len, self._members.values()))

    # -- what they receive

    def log(self, events: list[Logged]) -> None:
        self._touch()
        self._pending.log += events
        self._hurry()

    def staff(self, events: list[Logged]) -> None:
        self._touch()
        self._pending.staff += events
        self._hurry()

    def reset(self, snapshot: Snapshots) -> None:
        """Send everybody a snapshot, which takes the place of all that is pending."""
        self._pending = Pending()
        self._touch()
        self._pending.snapshot = snapshot
        self._hurry()

    def live(self, events: list[bytes], left_out: int) -> None:
        self._touch()
        self._pending.live += events
        self._pending.left_out += left_out
        self._wake_at(self._live_at)

    def notes(self, events: list[bytes]) -> None:
        """Events of the live lane that are not worth a frame to everybody: they go with the next."""
        self._pending.notes += events
        self._wake_at(self._gauge_at)

    def gauge(self, key: str, value: int) -> None:
        self._pending.gauges[key] = value
        self._wake_at(self._gauge_at)

    def heartbeat(self, beat: Heartbeat) -> None:
        self._pending.heartbeat = beat
        self._wake_at(self._gauge_at)

    def _touch(self) -> None:
        """Somebody waits for what comes now."""
        if not self._pending.since:
            self._pending.since = self._loop.time()

    # -- when

    def _hurry(self) -> None:
        """Begin at the end of this turn of the loop, so that what arrives in the same turn goes along."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._step)

    def _wake_at(self, due: float) -> None:
        if self._scheduled:
            return
        if due <= self._loop.time():
            self._hurry()
        elif self._timer is None or self._timer_at > due:
            if self._timer is not None:
                self._timer.cancel()
            # Its own `when` is not to be asked: for what is due within a millisecond uvloop's handle has none.
            self._timer = self._loop.call_at(due, self._on_timer)
            self._timer_at = due

    def _on_timer(self) -> None:
        self._timer = None
        self._hurry()

    def _due(self, now: float) -> bool:
        pending = self._pending
        return bool(
            pending.urgent
            or ((pending.live or pending.left_out) and now >= self._live_at)
            or (pending.calm and now >= self._gauge_at)
        )

    def _seal(self) -> None:
        """Send what is pending on its way round those who are members now."""
        now = self._loop.time()
        batch, self._pending = self._pending, Pending()
        leisurely = batch.leisurely
        batch.live += batch.notes
        self._live_at = now + self._live_floor
        if now >= self._gauge_at:
            self._gauge_at = now + self._gauge_tick
        elif batch.gauges or batch.heartbeat:
            # not due yet: they wait for their tick
            self._pending.gauges, batch.gauges = batch.gauges, {}
            self._pending.heartbeat, batch.heartbeat = batch.heartbeat, None
        if self._ring is not None and batch.snapshot is None:
            self._ring.join(batch)
            self._ring.leisurely &= leisurely
        elif self._members:
            self._ring = Ring(self._groups(), batch, leisurely=leisurely)
            self._busy.append(self._ring)

    def _groups(self) -> tuple[tuple[Variant, tuple[Receiver, ...]], ...]:
        for variant, group in self._members.items():
            if variant not in self._tuples:
                self._tuples[variant] = tuple(group)
        return tuple(self._tuples.items())

    # -- how

    def _step(self) -> None:
        """One slice; comes back until nothing is due."""
        if (self._ring is not None or not self._busy) and self._due(self._loop.time()):
            self._seal()
        if not self._busy:
            self._sleep()
            return
        ring = self._busy[0]
        self._write_slice(ring)
        if not ring.busy:
            self._busy.popleft()
            if ring is self._ring:
                self._ring = None
        now = self._loop.time()
        if ring.busy and ring.leisurely and not self._due(now):
            self._sleep()
            self._wake_at(now + _LEISURE * self._gauge_tick * self._slice / ring.size)
        else:
            self._loop.call_soon(self._step)

    def _sleep(self) -> None:
        self._scheduled = False
        pending = self._pending
        if pending.live or pending.left_out:
            self._wake_at(self._live_at)
        if pending.calm:
            self._wake_at(self._gauge_at)

    def _write_slice(self, ring: Ring) -> None:
        stretch, variant, part = ring.here(self._slice)
        full = stretch.frame_for(variant, True, self._compress_min)
        if full is not None:
            if variant.slow:
                self._write_weighed(part, full, stretch.frame_for(variant, False, self._compress_min))
            else:
                for position, sent in send_each([receiver.descriptor for receiver in part], full):
                    part[position].write(full[sent:])
            _count(stretch, len(part), len(full))
        done = ring.advance(len(part))
        if done is not None and done.batch.since:
            FANOUT_SECONDS.observe(self._loop.time() - done.batch.since)

    def _write_weighed(self, part: tuple[Receiver, ...], full: bytes, log_only: bytes | None) -> None:
        """Behind: spare it all but the log; too far behind: cut it, to resume when it can read again."""
        for receiver in part:
            unsent = receiver.unsent_bytes()
            if unsent <= self._soft:
                receiver.write(full)
            elif unsent > self._hard:
                receiver.cut_slow()
            else:
                if log_only != full:
                    SKIPPED_FRAMES.inc()
                    receiver.spared()
                if log_only is not None:
                    receiver.write(log_only)


def _count(stretch: Stretch, receivers: int, size: int) -> None:
    FRAMES.inc(receivers)
    BYTES_SENT.inc(receivers * size)
    batch = stretch.batch
    _LOG.inc(len(batch.log) * receivers)
    _LIVE.inc(len(batch.live) * receivers)
    _GAUGE.inc(len(batch.gauges) * receivers)
