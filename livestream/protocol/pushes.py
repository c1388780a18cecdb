"""Pushes: what the server sends without being asked. Each belongs to a lane."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from . import types
from .draws import Draw, OwnDraw
from .events import (
    Break,
    Chat,
    Clock,
    Commented,
    Freezing,
    HeldComment,
    HostMessage,
    LiveEvent,
    LogEvent,
    NoticeEvent,
    Policy,
    Product,
    RefundRequest,
    Reported,
    Sanction,
    Show,
    StaffEvent,
)
from .groupbuy import Deal, OwnSeat
from .lanes import Lane


class Push(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", omit_defaults=True):
    """What every push has: a lane."""

    lane: ClassVar[Lane]


class Log(Push, frozen=True, tag="log"):
    """One event of the room log. `seq` rises by exactly 1."""

    lane = Lane.LOG
    seq: types.Seq
    at: types.Millis
    event: LogEvent


class Staff(Push, frozen=True, tag="staff"):
    """One event of the staff log. Staff only; own `seq`, rises by exactly 1."""

    lane = Lane.STAFF
    seq: types.Seq
    at: types.Millis
    event: StaffEvent


class Live(Push, frozen=True, tag="live"):
    """What happened in the last tick, and how many comments a flood kept off the screen."""

    lane = Lane.LIVE
    events: list[LiveEvent] = []
    left_out: types.Count = 0


class Gauge(Push, frozen=True, tag="gauge"):
    """Latest values: `viewers`, `likes`, `draw_entries`."""

    lane = Lane.GAUGE
    values: dict[str, int]


class Notice(Push, frozen=True, tag="notice"):
    """To you alone. Numbered a room; the same number twice is the same notice."""

    lane = Lane.DIRECT
    notice: types.Seq
    at: types.Millis
    event: NoticeEvent


class StaffView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What staff know of the room beside what everyone sees, at `staff_seq`."""

    policy: Policy
    held: list[HeldComment] = []  #: comments that wait for staff, oldest first
    reports: list[Reported] = []  #: reports that wait for staff, oldest first
    sanctions: list[Sanction] = []  #: oldest first
    refunds: list[RefundRequest] = []  #: that wait for a second operator


class Snapshot(Push, frozen=True, tag="snapshot"):
    """The whole state at `seq`: forget what you knew. Sent after a join and as a reset."""

    lane = Lane.LOG
    epoch: types.Epoch
    seq: types.Seq
    room: types.RoomId
    title: str
    show: Show | None = None
    presenter: str | None = None  #: name of the host who presents
    presenter_who: types.Pseudonym = ""
    video_delay_ms: int = 0  #: of the video behind the room; every deadline that the server sets has it in it
    rehearsal: bool = False  #: nothing here is for real: say so on the page
    chat: Chat = Chat()
    freezing: Freezing | None = None  #: a technical break is on
    breaks: list[Break] = []  #: the last ones that are over, newest last
    countdown: Clock | None = None
    featured: Product | None = None
    messages: list[HostMessage] = []  #: newest last
    pinned: HostMessage | None = None
    deals: list[Deal] = []  #: group buys, newest last
    draws: list[Draw] = []  #: the one that was opened last, then those in the queue
    comments: list[Commented] = []  #: newest last
    deleted: list[types.Id] = []  #: comments deleted last, which may still be under way to you
    values: dict[str, int] = {}
    staff_seq: types.Seq = 0
    staff: list[Staff] = []  #: newest last; staff only
    desk: StaffView | None = None  #: staff only


class Heartbeat(Push, frozen=True, tag="heartbeat"):
    """Every few seconds: the database's clock, by which countdowns run, and the log's top."""

    lane = Lane.GAUGE
    now: types.Millis
    seq: types.Seq


class ComeBack(Push, frozen=True, tag="come_back"):
    """The server is about to close this connection: wait so long, then come back and resume."""

    lane = Lane.DIRECT
    after_ms: types.Count


class Renewed(Push, frozen=True, tag="renewed"):
    """With each ping: a newer resume token, in place of the one you have. It proves until when you were here."""

    lane = Lane.DIRECT
    resume: types.Token


class OwnSeats(Push, frozen=True, tag="own_seats"):
    """Your seats in group buys and what became of them, newest last; told when you come in."""

    lane = Lane.DIRECT
    seats: list[OwnSeat]


class YourSeat(Push, frozen=True, tag="your_seat"):
    """You took a seat on another screen. Best effort, for the answer went there: `your_team` tells what follows."""

    lane = Lane.DIRECT
    own: OwnSeat


class OwnDraws(Push, frozen=True, tag="own_draws"):
    """The draws you entered last, and all in which you have a prize, in order of id; told when you come in."""

    lane = Lane.DIRECT
    entries: types.Count = 0  #: of everybody, in the draw that was opened last
    draws: list[OwnDraw] = []


AnyPush = (
    Log | Staff | Live | Gauge | Notice | Snapshot | Heartbeat | ComeBack | Renewed | OwnSeats | YourSeat | OwnDraws
)
PUSHES: tuple[type[Push], ...] = (
    Log,
    Staff,
    Live,
    Gauge,
    Notice,
    Snapshot,
    Heartbeat,
    ComeBack,
    Renewed,
    OwnSeats,
    YourSeat,
    OwnDraws,
)
