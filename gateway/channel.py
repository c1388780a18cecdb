"""Channel: one room in one gateway process. Applies the logs in order and hands them to fan-out.

bus ───────┐                        ┌─> state (for snapshots)
own commit ┼─> sequencers ─> apply ─┼─> tail (for resumes)
repair ────┘    │ gap               └─> fan-out
                └─> `needs_repair`: the hub reads what is missing from Postgres, once
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import msgspec

from livestream.bus import BusMessage
from livestream.config import Settings
from livestream.moderation.wordlist import Wordlist
from livestream.protocol import codec as wire
from livestream.protocol import limits
from livestream.protocol.codec import Codec
from livestream.protocol.errors import CloseCode
from livestream.protocol.events import (
    Commented,
    Deleted,
    Erased,
    LiveEvent,
    LogEvent,
    NoticeEvent,
    Restored,
    Retracted,
    Sanctioned,
    SanctionKind,
    StaffEvent,
    YouBought,
)
from livestream.protocol.groupbuy import OwnSeat
from livestream.protocol.pushes import Heartbeat, Log, Notice, Snapshot, Staff, StaffView, YourSeat
from livestream.protocol.state import RoomState, newest
from livestream.room.local import LocalRoom
from livestream.room.redaction import redact
from livestream.room.store import RoomLoad
from livestream.storage.roomlog import Head, Logged, LoggedNotice

from .connection import Connection
from .fanout import Fanout
from .sequencer import Sequencer
from .signed_in import SignedIn
from .snapshots import SnapshotCache, Version
from .tail import Tail

_event = msgspec.json.Decoder(LogEvent).decode
_staff_event = msgspec.json.Decoder(StaffEvent).decode
_notice_event = msgspec.json.Decoder(NoticeEvent).decode
_live_event = msgspec.json.Decoder(LiveEvent).decode
_own_seat = msgspec.json.Decoder(OwnSeat).decode
_plain = msgspec.json.Decoder().decode
_BOUGHT = str(YouBought.__struct_config__.tag).encode()
#: more than a room causes while one join reads from Postgres
RECENT_NOTICES = 1000
#: the snapshot's staff events
STAFF_TAIL = 50


class Loaded(NamedTuple):
    """A room as it was read from Postgres at one moment."""

    room: RoomLoad
    words: Wordlist
    staff_tail: list[Logged]
    epoch: str
    gauges: Mapping[str, int]  #: of the parts


class Channel:
    """A room's state, its recent past and its connections here."""

    def __init__(self, loaded: Loaded, settings: Settings) -> None:
        load = loaded.room
        self.room_id = load.state.room
        self.epoch = loaded.epoch
        self.fanout = Fanout(settings)
        self.stale = False  #: something was taken out of the past: it must be loaded anew
        self.gauges = dict(loaded.gauges)
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self.idle_since: float | None = self._loop.time()  #: nobody has been in since then
        self._signed_in = SignedIn(settings.sockets_per_viewer)
        self._shown = 0  # batches of comments that came
        self.log: Sequencer[Logged] = Sequencer(load.state.seq)
        self.staff: Sequencer[Logged] = Sequencer(load.staff_seq)
        self.notices: Sequencer[LoggedNotice] = Sequencer(load.notice_seq)
        self._recent_notices: deque[LoggedNotice] = deque(maxlen=RECENT_NOTICES)
        self._load(loaded)

    @property
    def state(self) -> RoomState:
        return self.local.state

    def _load(self, loaded: Loaded) -> None:
        load = loaded.room
        self.local = LocalRoom(load, loaded.words)
        self.tail = Tail(Log, load.state.seq, self._settings.log_tail)
        self.staff_tail = Tail(Staff, load.staff_seq, STAFF_TAIL, loaded.staff_tail)
        self._comments = deque(load.comments, maxlen=limits.SNAPSHOT_COMMENTS)
        self.gauges["likes"] = load.likes
        self.snapshots = SnapshotCache(self.snapshot)  # an older one may be of the same version

    def restart(self, loaded: Loaded) -> None:
        """The database was restored to an earlier point: start over, and tell everybody."""
        self.stale = False
        self.epoch = loaded.epoch
        self.log, self.staff = Sequencer(loaded.room.state.seq), Sequencer(loaded.room.staff_seq)
        self.notices = Sequencer(loaded.room.notice_seq)
        self._recent_notices.clear()
        self.gauges |= loaded.gauges
        self._load(loaded)
        self._reset()

    def reload(self, loaded: Loaded, notices: list[LoggedNotice]) -> bool:
        """Something was taken out of the past: tell everybody anew, and nobody goes back in time.

        What came while the room was read comes after what was read.

        Args:
            notices: the newest of the room, as they read now.

        Returns: False: too much came meanwhile, read it again.
        """
        load = loaded.room
        if not (_covers(self.tail, load.state.seq) and _covers(self.staff_tail, load.staff_seq)):
            return False
        newer = self.tail.since(load.state.seq) + self.log.skip_to(load.state.seq)
        newer_staff = self.staff_tail.since(load.staff_seq) + self.staff.skip_to(load.staff_seq)
        self.stale = False
        self._load(loaded)
        self._apply(newer)
        self._apply_staff(newer_staff)
        self._recent_notices = deque((each for each in notices if each.seq <= self.notices.top), RECENT_NOTICES)
        self._reset()
        self.receive_notices(notices)
        return True

    def _reset(self) -> None:
        self.fanout.reset(
            {(codec, staff): self.snapshot_message(codec, staff) for codec in Codec for staff in (False, True)}
        )

    # -- what happens

    def receive(self, message: BusMessage) -> None:
        """Take what a process published: this one after COMMIT, or another one over the bus."""
        self.receive_log(message.appended.log)
        self.receive_staff(message.appended.staff)
        self.receive_notices(message.appended.notices)
        if message.live or message.left_out:
            self._receive_live(message.live, message.left_out)
        if message.notes:
            self.fanout.notes(message.notes)
        for viewer, own in message.seats:
            self.seat_taken(viewer, own)
        for key, value in message.gauges.items():
            self.set_gauge(key, value)

    def receive_log(self, events: list[Logged]) -> None:
        ready = self.log.push(events)
        if ready:
            self._apply(ready)
            self.fanout.log(ready)

    def _apply(self, events: list[Logged]) -> None:
        if not events:
            return
        self.tail.push(events)
        for logged in events:
            with contextlib.suppress(msgspec.ValidationError):  # written by a newer version: passed on unread
                self._evolve(_event(logged.event))
        self.local.state = msgspec.structs.replace(self.local.state, seq=events[-1].seq)

    def _evolve(self, event: LogEvent) -> None:
        self.local.evolve(event)
        match event:
            case Deleted(comments=gone):
                self._forget_words(gone)
                self._comments = deque((each for each in self._comments if each.id not in gone), self._comments.maxlen)
            case Retracted(message=gone_message):
                self._forget_words([gone_message])
            case Restored(comments=back):
                known = {each.id: each for each in (*self._comments, *back)}
                kept = newest(tuple(known[each] for each in sorted(known)), limits.SNAPSHOT_COMMENTS)
                self._comments = deque(kept, self._comments.maxlen)

    def _forget_words(self, gone: list[str]) -> None:
        """Whoever resumes from here on must not read them in older events."""
        self.tail.redact(gone)
        self._recent_notices = deque(
            (msgspec.structs.replace(item, event=redact(item.event, gone)) for item in self._recent_notices),
            self._recent_notices.maxlen,
        )

    def receive_staff(self, events: list[Logged]) -> None:
        ready = self.staff.push(events)
        if ready:
            self._apply_staff(ready)
            self.fanout.staff(ready)

    def _apply_staff(self, events: list[Logged]) -> None:
        if not events:
            return
        self.staff_tail.push(events)
        for logged in events:
            with contextlib.suppress(msgspec.ValidationError):
                self._evolve_staff(_staff_event(logged.event))

    def _evolve_staff(self, event: StaffEvent) -> None:
        self.local.evolve_staff(event)
        if isinstance(event, Erased):
            self.stale = True
        if isinstance(event, Sanctioned) and event.sanction.kind is SanctionKind.BAN:
            for connection in self._sockets_of(event.sanction.who):
                connection.close(CloseCode.BANNED, event.sanction.why or "")

    def _sockets_of(self, pseudonym: str) -> list[Connection]:
        return [each for each in cast("list[Connection]", self.fanout.members()) if each.pseudonym == pseudonym]

    def receive_notices(self, notices: list[LoggedNotice]) -> None:
        for notice in self.notices.push(notices):
            self._recent_notices.append(notice)
            sockets = self._signed_in.sockets_of(notice.pseudonym)
            if not sockets:
                continue
            # A rush brings a notice a command, and hardly one of them is of this kind: it is read only if it may be.
            bought = _BOUGHT in notice.event and isinstance(_notice_of(notice), YouBought)
            for connection in sockets:
                connection.send([notice_message(notice, connection.variant.codec)])
                if bought:
                    connection.session.became_buyer()

    def seat_taken(self, viewer: str, own: bytes, asker: Connection | None = None) -> None:
        """A viewer took a seat on one screen, `asker`, which has the answer: their others are told."""
        others = [each for each in self._signed_in.sockets_of(viewer) if each is not asker]
        if others:
            with contextlib.suppress(msgspec.ValidationError):  # of a newer version
                seat = YourSeat(own=_own_seat(own))
                for connection in others:
                    connection.send([wire.encode(seat, connection.variant.codec)])

    def _receive_live(self, events: list[bytes], left_out: int) -> None:
        self._shown += 1
        for raw in events:
            with contextlib.suppress(msgspec.ValidationError):  # of a newer version: passed on unread
                event = _live_event(raw)
                if isinstance(event, Commented) and event.id not in self.state.deleted:
                    self._comments.append(event)
        self.fanout.live(events, left_out)

    def set_gauge(self, key: str, value: int) -> None:
        if self.gauges.get(key) != value:
            self.gauges[key] = value
            self.fanout.gauge(key, value)

    def heartbeat(self, now_ms: int) -> None:
        self.fanout.heartbeat(Heartbeat(now=now_ms, seq=self.state.seq))

    # -- what is missing

    @property
    def gap(self) -> bool:
        return self.log.gap or self.staff.gap or self.notices.gap

    def behind(self, head: Head) -> bool:
        """Postgres has more than we applied."""
        return head.seq > self.log.top or head.staff_seq > self.staff.top or head.notice_seq > self.notices.top

    # -- who is in

    def expect(self) -> None:
        """Somebody is about to come in: the room is not dropped meanwhile."""
        if self.idle_since is not None:
            self.idle_since = self._loop.time()

    def add(self, connection: Connection) -> None:
        """Let a connection receive from now on; its snapshot or missed events must be on their way already."""
        self.idle_since = None
        self.fanout.add(connection)
        self._signed_in.add(connection)

    def remove(self, connection: Connection) -> None:
        self.fanout.remove(connection)
        self._signed_in.remove(connection)
        if not len(self.fanout):
            self.idle_since = self._loop.time()

    @property
    def attended(self) -> bool:
        """Somebody of the staff is here."""
        return self._signed_in.attended

    def count_viewers(self) -> int:
        """Viewers here: a signed-in one counts once, however many sockets."""
        return len(self.fanout) - self._signed_in.second_sockets

    # -- what a newcomer gets

    def _version(self) -> Version:
        return (self.epoch, self.log.top, self.staff.top, self._shown)

    def snapshot_message(self, codec: Codec, staff: bool) -> bytes:
        return self.snapshots.message(codec, staff, self._version())

    def snapshot_block(self, codec: Codec, staff: bool) -> bytes:
        return self.snapshots.block(codec, staff, self._version())

    def behind_viewer(self, seq: int, staff_seq: int) -> bool:
        """A viewer comes from a process that was faster than this one."""
        return seq > self.log.top or staff_seq > self.staff.top

    def notices_since(self, after: int, viewer: str | None) -> list[LoggedNotice]:
        """What one viewer was told after a number, as far as it was a moment ago, in order."""
        later = itertools.takewhile(lambda notice: notice.seq > after, reversed(self._recent_notices))
        return [notice for notice in later if notice.pseudonym == viewer][::-1]

    def snapshot(self, staff: bool) -> Snapshot:
        """The room as it is now, for viewers or for staff."""
        state, desk = self.state, self.local.staff
        fields = msgspec.structs.asdict(state).items()
        known: dict[str, Any] = {name: list(value) if isinstance(value, tuple) else value for name, value in fields}
        shown = Snapshot(
            **known,
            epoch=self.epoch,
            comments=list(self._comments),
            values=self.gauges,
        )
        if not staff:
            return shown
        return msgspec.structs.replace(
            shown,
            staff_seq=self.staff.top,
            staff=[told for item in self.staff_tail.events if (told := _staff_of(item)) is not None],
            desk=StaffView(
                policy=desk.policy,
                held=list(desk.held),
                reports=list(desk.reports),
                sanctions=list(newest(desk.sanctions, limits.SNAPSHOT_SANCTIONS)),
                refunds=list(desk.refunds),
            ),
        )


def _covers(tail: Tail, read: int) -> bool:
    """The tail has all that came after what was read."""
    return read >= tail.top or tail.reaches(read)


def _staff_of(logged: Logged) -> Staff | None:
    """None: written by a newer version, which would keep staff out if it had to be read."""
    try:
        return Staff(seq=logged.seq, at=logged.at, event=_staff_event(logged.event))
    except msgspec.ValidationError:
        return None


def _notice_of(notice: LoggedNotice) -> NoticeEvent | None:
    try:
        event: NoticeEvent = _notice_event(notice.event)
        return event
    except msgspec.ValidationError:
        return None  # of a newer version


def notice_message(notice: LoggedNotice, codec: Codec) -> bytes:
    return wire.encode_logged(Notice, notice.seq, notice.at, notice.event, codec)
