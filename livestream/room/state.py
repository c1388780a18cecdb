"""RoomState: what a viewer knows of a room at one seq. Pure.

A snapshot plus the log events after it equals a fresh snapshot: `evolve` is
total, takes the events in seq order, and is the one place where it is said
what an event means for the state.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from livestream.protocol import limits
from livestream.protocol.events import HostMessage, LogEvent, Pinned, Said, Show, ShowChanged


@dataclass(slots=True)
class RoomState:
    """State of the log lane at `seq`. Changed only by `evolve`."""

    room_id: str
    title: str
    seq: int = 0
    show: Show | None = None
    pinned: HostMessage | None = None
    messages: deque[HostMessage] = field(default_factory=lambda: deque(maxlen=limits.SNAPSHOT_MESSAGES))

    def evolve(self, seq: int, event: LogEvent) -> None:
        """Apply the next event. An event of a newer version, unknown here, changes nothing but `seq`."""
        assert seq == self.seq + 1, f"event {seq} after {self.seq}"
        self.seq = seq
        match event:
            case Said(message=message):
                self.messages.append(message)
            case Pinned(message=message):
                self.pinned = message
            case ShowChanged(show=show):
                self.show = show
