"""ClientState: what one viewer knows of the room. Pure.

A snapshot and the pushes after it, applied in order, give what a fresh
snapshot would give; a test holds it against the server.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from livestream.protocol import limits
from livestream.protocol.events import (
    Commented,
    HostMessage,
    LogEvent,
    Pinned,
    Said,
    Show,
    ShowChanged,
)
from livestream.protocol.pushes import AnyPush, Gauge, Live, Log, Notice, Snapshot, Staff

_T = TypeVar("_T")
_STAFF_EVENTS = 200


class RoomView(msgspec.Struct, frozen=True, kw_only=True):
    """The room at `seq`. Every change makes a new one."""

    epoch: str = ""
    seq: int = 0
    room: str = ""
    title: str = ""
    show: Show | None = None
    messages: tuple[HostMessage, ...] = ()  #: newest last
    pinned: HostMessage | None = None
    comments: tuple[Commented, ...] = ()  #: newest last
    left_out: int = 0  #: comments that floods kept off the screen, since the snapshot
    values: dict[str, int] = {}
    notices: tuple[Notice, ...] = ()  #: to this viewer, newest last; a snapshot does not take them away
    staff_seq: int = 0
    staff: tuple[Staff, ...] = ()  #: newest last


def apply(view: RoomView, push: AnyPush) -> RoomView:
    """The room after one push. Total: what means nothing for the room changes nothing."""
    match push:
        case Snapshot():
            return _from_snapshot(view, push)
        case Log(seq=seq, event=event):
            return _evolve(msgspec.structs.replace(view, seq=seq), event)
        case Staff(seq=seq):
            return msgspec.structs.replace(view, staff_seq=seq, staff=_newest(view.staff, (push,), _STAFF_EVENTS))
        case Live(events=events, left_out=left_out):
            comments = tuple(event for event in events if isinstance(event, Commented))
            kept = _newest(view.comments, comments, limits.SNAPSHOT_COMMENTS)
            return msgspec.structs.replace(view, comments=kept, left_out=view.left_out + left_out)
        case Gauge(values=values):
            return msgspec.structs.replace(view, values={**view.values, **values})
        case Notice():
            return msgspec.structs.replace(view, notices=_newest(view.notices, (push,), limits.SNAPSHOT_NOTICES))
    return view


def _from_snapshot(view: RoomView, snapshot: Snapshot) -> RoomView:
    return RoomView(
        epoch=snapshot.epoch,
        seq=snapshot.seq,
        room=snapshot.room,
        title=snapshot.title,
        show=snapshot.show,
        messages=tuple(snapshot.messages),
        pinned=snapshot.pinned,
        comments=tuple(snapshot.comments),
        values=dict(snapshot.values),
        notices=view.notices,
        staff_seq=snapshot.staff_seq,
        staff=tuple(snapshot.staff),
    )


def _evolve(view: RoomView, event: LogEvent) -> RoomView:
    match event:
        case Said(message=message):
            kept = _newest(view.messages, (message,), limits.SNAPSHOT_MESSAGES)
            return msgspec.structs.replace(view, messages=kept)
        case Pinned(message=message):
            return msgspec.structs.replace(view, pinned=message)
        case ShowChanged(show=show):
            return msgspec.structs.replace(view, show=show)
    return view  # of a newer version


def _newest(known: tuple[_T, ...], more: tuple[_T, ...], most: int) -> tuple[_T, ...]:
    return (known + more)[-most:]
