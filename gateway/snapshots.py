"""SnapshotCache: one room's snapshot, encoded and compressed once for all who join at the same moment."""

from __future__ import annotations

from collections.abc import Callable

from livestream.protocol import codec as wire
from livestream.protocol.codec import Codec
from livestream.protocol.pushes import Snapshot

from .frames import deflate_block

#: epoch, tops of both logs in it, and how many times comments were shown. A restored database may have the same tops
#: with other events. Gauges may be older: each join ends with the present ones.
Version = tuple[str, int, int, int]


class SnapshotCache:
    """Keeps the encoded snapshot of one room until its logs or comments move on.

    Args:
        make: builds the snapshot, for staff or not, as of now.
    """

    def __init__(self, make: Callable[[bool], Snapshot]) -> None:
        self._make = make
        self._version: Version | None = None
        self._plain: dict[tuple[Codec, bool], bytes] = {}
        self._blocks: dict[tuple[Codec, bool], bytes] = {}

    def message(self, codec: Codec, staff: bool, version: Version) -> bytes:
        """The snapshot message.

        Args:
            version: another one is never served.
        """
        if version != self._version:
            self._plain.clear()
            self._blocks.clear()
            self._version = version
        key = (codec, staff)
        if key not in self._plain:
            self._plain[key] = wire.encode(self._make(staff), codec)
        return self._plain[key]

    def block(self, codec: Codec, staff: bool, version: Version) -> bytes:
        """The same, as a compressed part of a message."""
        message = self.message(codec, staff, version)
        key = (codec, staff)
        if key not in self._blocks:
            self._blocks[key] = deflate_block(message)
        return self._blocks[key]
