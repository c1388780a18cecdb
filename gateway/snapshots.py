"""SnapshotCache: one room's snapshot, encoded and compressed once for all who join at the same moment."""

from __future__ import annotations

from collections.abc import Callable

from livestream.protocol import codec as wire
from livestream.protocol.codec import Codec
from livestream.protocol.pushes import Snapshot

from .frames import deflate_block

#: recent comments and gauges may be so old in a snapshot; the log never is
_STALE_S = 1.0
#: epoch, and the tops of both logs in it: a restored database may have the same tops with other events
Version = tuple[str, int, int]


class SnapshotCache:
    """Keeps the encoded snapshot of one room until its logs move on.

    Args:
        make: builds the snapshot, for staff or not, as of now.
    """

    def __init__(self, make: Callable[[bool], Snapshot]) -> None:
        self._make = make
        self._made_at = -_STALE_S
        self._version: Version | None = None
        self._plain: dict[tuple[Codec, bool], bytes] = {}
        self._blocks: dict[tuple[Codec, bool], bytes] = {}

    def message(self, codec: Codec, staff: bool, version: Version, now: float) -> bytes:
        """The snapshot message.

        Args:
            version: another one is never served.
            now: monotonic seconds.
        """
        if version != self._version or now - self._made_at >= _STALE_S:
            self._plain.clear()
            self._blocks.clear()
            self._version = version
            self._made_at = now
        key = (codec, staff)
        if key not in self._plain:
            self._plain[key] = wire.encode(self._make(staff), codec)
        return self._plain[key]

    def block(self, codec: Codec, staff: bool, version: Version, now: float) -> bytes:
        """The same, as a compressed part of a message."""
        message = self.message(codec, staff, version, now)
        key = (codec, staff)
        if key not in self._blocks:
            self._blocks[key] = deflate_block(message)
        return self._blocks[key]
