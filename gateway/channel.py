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
from typing import cast

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
from livestream.protocol.pushes import Heartbeat, Log, Notice, Snapshot, Staff, StaffView
from livestream.protocol.state import RoomState, newest
from livestream.room.attendance import APPOINTED
from livestream.room.local import LocalRoom
from livestream.room.redaction import redact
from livestream.room.store import RoomLoad
from livestream.storage.roomlog import Head, Logged, LoggedNotice

from .connection import Connection
from .fanout import Fanout
from .sequencer import Sequencer
from .snapshots import SnapshotCache, Version

_event = msgspec.json.Decoder(LogEvent).decode
_staff_event = msgspec.json.Decoder(StaffEvent).decode
_notice_event = msgspec.json.Decoder(NoticeEvent).decode
_live_event = msgspec.json.Decoder(LiveEvent).decode
_plain = msgspec.json.Decoder().decode
#: more than a room causes while one join reads from Postgres
_RECENT_NOTICES = 1000
#: the snapshot's staff events
STAFF_TAIL = 50


class Channel:
    """A room's state, its recent past and its connections here."""

    def __init__(
        self, load: RoomLoad, words: Wordlist, staff_tail: list[Logged], epoch: str, settings: Settings
    ) -> None:
        self.room_id = load.state.room
        self.epoch = epoch
        self.fanout = Fanout(settings)
        self.stale = False  #: something was taken out of the past: it must be loaded anew
        self.gauges: dict[str, int] = {}
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self.idle_since: float | None = self._loop.time()  #: nobody has been in since then
        self._viewers: dict[str, list[Connection]] = {}
        self._shown = 0  # batches of comments that came
        self.snapshots = SnapshotCache(self.snapshot)
        self._load(load, words, staff_tail)

    @property
    def state(self) -> RoomState:
        return self.local.state

    def _load(self, load: RoomLoad, words: Wordlist, staff_tail: list[Logged]) -> None:
        self.local = LocalRoom(load, words)
        self.log: Sequencer[Logged] = Sequencer(load.state.seq)
        self.staff: Sequencer[Logged] = Sequencer(load.staff_seq)
        self.notices: Sequencer[LoggedNotice] = Sequencer(load.notice_seq)
        self._recent_notices: deque[LoggedNotice] = deque(maxlen=_RECENT_NOTICES)
        self.tail: deque[Logged] = deque(maxlen=self._settings.log_tail)
        self._staff_tail = deque(staff_tail, maxlen=STAFF_TAIL)
        self._comments = deque(load.comments, maxlen=limits.SNAPSHOT_COMMENTS)
        self.gauges["likes"] = load.likes
        self._missed: dict[tuple[int, Codec], list[bytes]] = {}

    def reload(self, load: RoomLoad, words: Wordlist, staff_tail: list[Logged], epoch: str) -> None:
        """The past has changed (restored, or somebody was erased): start over, and tell everybody."""
        self.stale = False
        self.epoch = epoch
        self._load(load, words, staff_tail)
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
        for key, value in message.gauges.items():
            self.set_gauge(key, value)

    def receive_log(self, events: list[Logged]) -> None:
        ready = self.log.push(events)
        if not ready:
            return
        self.tail.extend(ready)
        for logged in ready:
            with contextlib.suppress(msgspec.ValidationError):  # written by a newer version: passed on unread
                self._evolve(_event(logged.event))
        self.local.state = msgspec.structs.replace(self.local.state, seq=ready[-1].seq)
        self._missed.clear()
        self.fanout.log(ready)

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
        self.tail = deque(
            (msgspec.structs.replace(item, event=redact(item.event, gone)) for item in self.tail), self.tail.maxlen
        )
        self._recent_notices = deque(
            (msgspec.structs.replace(item, event=redact(item.event, gone)) for item in self._recent_notices),
            self._recent_notices.maxlen,
        )

    def receive_staff(self, events: list[Logged]) -> None:
        ready = self.staff.push(events)
        if not ready:
            return
        for logged in ready:
            with contextlib.suppress(msgspec.ValidationError):
                self._evolve_staff(_staff_event(logged.event))
        self._staff_tail.extend(ready)
        self.fanout.staff(ready)

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
            bought = isinstance(_notice_of(notice), YouBought)
            for connection in self._viewers.get(notice.pseudonym, ()):
                connection.send([notice_message(notice, connection.variant.codec)])
                if bought:
                    connection.session.became_buyer()

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
        viewer = connection.viewer
        if viewer is None:
            return
        sockets = self._viewers.setdefault(viewer, [])
        sockets.append(connection)
        if len(sockets) > self._settings.sockets_per_viewer:
            sockets[0].replace()

    def remove(self, connection: Connection) -> None:
        self.fanout.remove(connection)
        viewer = connection.viewer
        sockets = self._viewers.get(viewer) if viewer is not None else None
        if viewer is not None and sockets is not None and connection in sockets:
            sockets.remove(connection)
            if not sockets:
                del self._viewers[viewer]
        if not len(self.fanout):
            self.idle_since = self._loop.time()

    @property
    def attended(self) -> bool:
        """Somebody of the staff is here; the shop's backend is no person."""
        actors = (socket.session.actor for sockets in self._viewers.values() for socket in sockets)
        return any(actor is not None and actor.role in APPOINTED for actor in actors)

    def count_viewers(self) -> int:
        """Viewers here: a signed-in one counts once, however many sockets."""
        signed_in_sockets = sum(map(len, self._viewers.values()))
        return len(self.fanout) - signed_in_sockets + len(self._viewers)

    # -- what a newcomer gets

    def _version(self) -> Version:
        return (self.epoch, self.log.top, self.staff.top, self._shown)

    def snapshot_message(self, codec: Codec, staff: bool) -> bytes:
        return self.snapshots.message(codec, staff, self._version())

    def snapshot_block(self, codec: Codec, staff: bool) -> bytes:
        return self.snapshots.block(codec, staff, self._version())

    def reaches(self, after: int) -> bool:
        """The tail holds every event after this seq."""
        oldest = self.tail[0].seq if self.tail else self.log.top + 1
        return oldest - 1 <= after <= self.log.top

    def behind_viewer(self, seq: int, staff_seq: int) -> bool:
        """A viewer comes from a process that was faster than this one."""
        return seq > self.log.top or staff_seq > self.staff.top

    def may_reach_back_to(self, after: int) -> bool:
        """Not now, but with what Postgres has of the tail."""
        return self.log.top - self._settings.log_tail <= after < self.log.top and not self.reaches(after)

    def missed(self, after: int, codec: Codec) -> list[bytes] | None:
        """Encoded log pushes after a seq; None: too long ago, or in a future that was undone."""
        if not self.reaches(after):
            return None
        key = (after, codec)
        if key not in self._missed:
            self._missed[key] = [
                wire.encode_logged(Log, item.seq, item.at, item.event, codec) for item in self.tail if item.seq > after
            ]
        return self._missed[key]

    def missed_staff(self, after: int, codec: Codec) -> list[bytes] | None:
        """The same for the staff log."""
        oldest = self._staff_tail[0].seq if self._staff_tail else self.staff.top + 1
        if after > self.staff.top or after < oldest - 1:
            return None
        return [
            wire.encode_logged(Staff, item.seq, item.at, item.event, codec)
            for item in self._staff_tail
            if item.seq > after
        ]

    def notices_since(self, after: int, viewer: str | None) -> list[LoggedNotice]:
        """What one viewer was told after a number, as far as it was a moment ago, in order."""
        later = itertools.takewhile(lambda notice: notice.seq > after, reversed(self._recent_notices))
        return [notice for notice in later if notice.pseudonym == viewer][::-1]

    def extend_tail(self, events: list[Logged]) -> None:
        """Put older events, read from Postgres, before those in the tail."""
        oldest = self.tail[0].seq if self.tail else self.log.top + 1
        older = [event for event in events if event.seq < oldest]
        room = self._settings.log_tail - len(self.tail)
        self.tail.extendleft(reversed(older[-room:] if room else []))

    def snapshot(self, staff: bool) -> Snapshot:
        """The room as it is now, for viewers or for staff."""
        state, desk = self.state, self.local.staff
        shown = Snapshot(
            epoch=self.epoch,
            seq=state.seq,
            room=self.room_id,
            title=state.title,
            show=state.show,
            presenter=state.presenter,
            presenter_who=state.presenter_who,
            video_delay_ms=state.video_delay_ms,
            rehearsal=state.rehearsal,
            chat=state.chat,
            freezing=state.freezing,
            countdown=state.countdown,
            featured=state.featured,
            messages=list(state.messages),
            pinned=state.pinned,
            deals=list(state.deals),
            draws=list(state.draws),
            comments=list(self._comments),
            deleted=list(state.deleted),
            values=self.gauges,
        )
        if not staff:
            return shown
        return msgspec.structs.replace(
            shown,
            staff_seq=self.staff.top,
            staff=[told for item in self._staff_tail if (told := _staff_of(item)) is not None],
            desk=StaffView(
                policy=desk.policy,
                held=list(desk.held),
                reports=list(desk.reports),
                sanctions=list(newest(desk.sanctions, limits.SNAPSHOT_SANCTIONS)),
                refunds=list(desk.refunds),
            ),
        )


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
    return wire.encode(
        msgspec.convert({"t": "notice", "notice": notice.seq, "at": notice.at, "event": _plain(notice.event)}, Notice),
        codec,
    )
