"""Fanout: from what happened in a room to bytes on every socket. The hottest code there is.

    log, staff ──┐ at once                          ┌─ slice ─ slice ─ slice ─> sockets
    live ────────┼─────────> pending ──> run ───────┤     (the loop breathes between)
    gauge ───────┘ at a floor                       └─ what arrives meanwhile: the next run

Merging by work: while a run is under way, what arrives waits and leaves as one
frame a viewer with the next. A frame is encoded once a variant (codec ×
deflate × staff × all lanes or log only) and the same bytes are sent to each
socket by a loop in C (`send`). There is no task and no queue a viewer: what a
socket does not take at once waits in its transport's buffer.

Cost: one send(2) a receiver and run, nearly all of it the kernel's; ten
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

from .run import Pending, Receiver, Run, Snapshots, Variant
from .send import send_each


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
        self._pending = Pending()
        self._runs: deque[Run] = deque()
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
        self._tuples.pop(receiver.variant, None)

    def remove(self, receiver: Receiver) -> None:
        group = self._members.get(receiver.variant)
        if group is not None and receiver in group:
            del group[receiver]
            self._tuples.pop(receiver.variant, None)
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
        self._tuples.pop(variant, None)

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
        self._touch()
        self._pending.notes += events
        self._wake_at(self._gauge_at)

    def gauge(self, key: str, value: int) -> None:
        self._touch()
        self._pending.gauges[key] = value
        self._wake_at(self._gauge_at)

    def heartbeat(self, beat: Heartbeat) -> None:
        self._touch()
        self._pending.heartbeat = beat
        self._wake_at(self._gauge_at)

    def _touch(self) -> None:
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
        """Turn what is pending into a run for those who are members now."""
        now = self._loop.time()
        batch, self._pending = self._pending, Pending()
        batch.live += batch.notes
        self._live_at = now + self._live_floor
        if now >= self._gauge_at:
            self._gauge_at = now + self._gauge_tick
        elif batch.gauges or batch.heartbeat:
            # not due yet: they wait for their tick
            self._pending.gauges, batch.gauges = batch.gauges, {}
            self._pending.heartbeat, batch.heartbeat = batch.heartbeat, None
            self._pending.since = batch.since
        for variant, group in self._members.items():
            if variant not in self._tuples:
                self._tuples[variant] = tuple(group)
        self._runs.append(Run(batch, deque(self._tuples.items())))

    # -- how

    def _step(self) -> None:
        """One slice; comes back until nothing is due."""
        if not self._runs:
            if self._due(self._loop.time()):
                self._seal()
            else:
                self._sleep()
                return
        run = self._runs[0]
        self._write_slice(run)
        if not run.groups:
            self._runs.popleft()
            self._finish(run)
        self._loop.call_soon(self._step)

    def _sleep(self) -> None:
        self._scheduled = False
        pending = self._pending
        if pending.live or pending.left_out:
            self._wake_at(self._live_at)
        if pending.calm:
            self._wake_at(self._gauge_at)

    def _write_slice(self, run: Run) -> None:
        if not run.groups:
            return
        variant, members = run.groups[0]
        stop = run.offset + self._slice
        part = members[run.offset : stop]
        full = run.frame_for(variant, True, self._compress_min)
        if full is not None:
            if variant.slow:
                self._write_weighed(part, full, run.frame_for(variant, False, self._compress_min))
            else:
                for position, sent in send_each([receiver.descriptor for receiver in part], full):
                    part[position].write(full[sent:])
            FRAMES.inc(len(part))
            BYTES_SENT.inc(len(part) * len(full))
        if stop < len(members) and full is not None:
            run.offset = stop
        else:
            run.groups.popleft()
            run.offset = 0

    def _write_weighed(self, part: tuple[Receiver, ...], full: bytes, log_only: bytes | None) -> None:
        """Behind: spare it the live lane; too far behind: cut it, to resume when it can read again."""
        for receiver in part:
            unsent = receiver.unsent_bytes()
            if unsent <= self._soft:
                receiver.write(full)
            elif unsent > self._hard:
                receiver.cut_slow()
            else:
                SKIPPED_FRAMES.inc()
                if log_only is not None:
                    receiver.write(log_only)

    def _finish(self, run: Run) -> None:
        batch = run.batch
        count = len(self)
        DELIVERIES.labels(Lane.LOG).inc(len(batch.log) * count)
        DELIVERIES.labels(Lane.LIVE).inc(len(batch.live) * count)
        DELIVERIES.labels(Lane.GAUGE).inc(len(batch.gauges) * count)
        FANOUT_SECONDS.observe(self._loop.time() - batch.since)
