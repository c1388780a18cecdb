"""Tail: the newest events of one log, for who comes back. Each is encoded once a codec, whoever asks. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from livestream.protocol import codec as wire
from livestream.protocol.codec import Codec
from livestream.protocol.pushes import Log, Staff
from livestream.room.redaction import redact
from livestream.storage.roomlog import Logged


class Tail:
    """Events without a gap up to `top`. Memory: an event holds one encoding a codec at most.

    Args:
        kind: the push that carries an event of this log.
        top: seq of the newest event there is, in the tail or not.
        most: so many events are kept.
    """

    def __init__(self, kind: type[Log] | type[Staff], top: int, most: int, events: Sequence[Logged] = ()) -> None:
        self._kind = kind
        self._most = most
        self.top = top
        self.events: list[Logged] = list(events)
        self._encoded: dict[Codec, list[bytes | None]] = {}
        self._forget_encoded()

    def _forget_encoded(self) -> None:
        self._encoded = {codec: [None] * len(self.events) for codec in Codec}

    @property
    def _oldest(self) -> int:
        return self.top - len(self.events) + 1

    def push(self, events: Sequence[Logged]) -> None:
        """The next events."""
        self.events += events
        for held in self._encoded.values():
            held += [None] * len(events)
        self.top = events[-1].seq
        surplus = len(self.events) - self._most
        if surplus > 0:
            del self.events[:surplus]
            for held in self._encoded.values():
                del held[:surplus]

    def extend_back(self, events: Sequence[Logged]) -> None:
        """Put older events, in order, before those that are here; whatever is not next to them is left out."""
        older = [event for event in events if event.seq < self._oldest]
        if not older or older[-1].seq != self._oldest - 1:
            return
        room = self._most - len(self.events)
        older = older[-room:] if room else []
        self.events[:0] = older
        for held in self._encoded.values():
            held[:0] = [None] * len(older)

    def reaches(self, after: int) -> bool:
        """Every event after this seq is here."""
        return self._oldest - 1 <= after <= self.top

    def may_reach_back_to(self, after: int) -> bool:
        """Not now, but with what Postgres has of the tail."""
        return self.top - self._most <= after < self.top and not self.reaches(after)

    def since(self, after: int) -> list[Logged]:
        """The events after a seq, as far as they are here."""
        return self.events[max(0, after - self._oldest + 1) :]

    def pushes_since(self, after: int, codec: Codec) -> list[bytes] | None:
        """The same, encoded; None: too long ago, or in a future that was undone."""
        if not self.reaches(after):
            return None
        held = self._encoded[codec]
        return [held[index] or self._encode(index, codec) for index in range(after - self._oldest + 1, len(held))]

    def _encode(self, index: int, codec: Codec) -> bytes:
        item = self.events[index]
        encoded = self._encoded[codec][index] = wire.encode_logged(self._kind, item.seq, item.at, item.event, codec)
        return encoded

    def redact(self, gone: Sequence[str]) -> None:
        """Whoever resumes from here on must not read the words of these comments and messages."""
        self.events = [msgspec.structs.replace(item, event=redact(item.event, gone)) for item in self.events]
        self._forget_encoded()
