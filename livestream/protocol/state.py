"""RoomState and StaffState: what the two logs say of a room at one seq. Pure; the server's and the client's alike.

A snapshot and the events after it, applied in seq order, equal a fresh
snapshot. Here, and nowhere else, is said what an event means for the state;
`evolve` and `evolve_staff` are total.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

import msgspec

from . import limits
from .draw_state import evolve_draws, later
from .draws import DRAW_EVENTS, Draw
from .events import (
    Break,
    Chat,
    ChatChanged,
    Clock,
    CountdownEnded,
    CountdownStarted,
    Deleted,
    Featured,
    Freezing,
    Frozen,
    Held,
    HeldComment,
    HostMessage,
    Lifted,
    LogEvent,
    Pinned,
    Policy,
    PolicyChanged,
    Presented,
    Product,
    RefundChanged,
    RefundRequest,
    RefundState,
    Reported,
    Restored,
    Retracted,
    RoomChanged,
    Ruled,
    Said,
    Sanction,
    Sanctioned,
    Show,
    ShowChanged,
    StaffEvent,
    Unfrozen,
    Unretracted,
    WordsChanged,
)
from .groupbuy import GROUPBUY_LOG_EVENTS, Deal, deal_later, evolve_deals
from .personal import Mark, Tells

_Item = TypeVar("_Item")
_Room = TypeVar("_Room", bound="RoomState")


class RoomState(msgspec.Struct, frozen=True, kw_only=True):
    """The room log's state at `seq`. Every change makes a new one."""

    personal = (Tells("presenter_who", Mark.PSEUDONYM, ("presenter",)),)

    room: str = ""
    seq: int = 0
    title: str = ""
    show: Show | None = None
    presenter: str | None = None
    presenter_who: str = ""
    video_delay_ms: int = 0
    rehearsal: bool = False
    chat: Chat = Chat()
    freezing: Freezing | None = None
    breaks: tuple[Break, ...] = ()  #: the last ones that are over, newest last
    countdown: Clock | None = None
    featured: Product | None = None
    messages: tuple[HostMessage, ...] = ()  #: newest last; retracted ones keep their place
    pinned: HostMessage | None = None
    deals: tuple[Deal, ...] = ()  #: group buys, newest last
    draws: tuple[Draw, ...] = ()  #: the one that was opened last, then those in the queue
    deleted: tuple[str, ...] = ()  #: tombstones of the newest deleted comments, in the order of ids


class StaffState(msgspec.Struct, frozen=True, kw_only=True):
    """The staff log's state. Lists are in the order of ids, which is that of time, whatever the order of events."""

    policy: Policy = Policy(chat=Chat())
    held: tuple[HeldComment, ...] = ()
    reports: tuple[Reported, ...] = ()
    sanctions: tuple[Sanction, ...] = ()
    refunds: tuple[RefundRequest, ...] = ()  #: that wait for a second operator
    words_version: int = 0


def evolve(state: _Room, event: LogEvent) -> _Room:
    """The room after one event of the room log. An event of a newer version, unknown here, changes nothing."""
    match event:
        case Said(message=message):
            return _with(state, messages=newest((*state.messages, message), limits.SNAPSHOT_MESSAGES))
        case Retracted(message=gone):
            return _without_message(state, gone)
        case Unretracted(message=message):
            return _with(state, messages=tuple(message if each.id == message.id else each for each in state.messages))
        case Pinned(message=message):
            return _with(state, pinned=message)
        case ShowChanged(show=show):
            return _with(state, show=show)
        case Deleted(comments=comments):
            return _without_comments(state, comments)
        case Restored(comments=comments):
            shown = {comment.id for comment in comments}
            return _with(state, deleted=tuple(each for each in state.deleted if each not in shown))
        case ChatChanged(chat=chat):
            return _with(state, chat=chat)
        case RoomChanged(title=title, video_delay_ms=delay):
            return _with(state, title=title, video_delay_ms=delay)
        case Frozen(freezing=freezing):
            return _with(state, freezing=freezing)
        case Unfrozen(at=at, shifted_ms=shifted):
            return _with(
                state,
                freezing=None,
                breaks=newest((*state.breaks, Break(at=at, shifted_ms=shifted)), limits.SNAPSHOT_BREAKS),
                countdown=_later(state.countdown, shifted),
                deals=tuple(deal_later(each, shifted) for each in state.deals),
                draws=tuple(later(each, shifted) for each in state.draws),
            )
        case CountdownStarted(clock=clock):
            return _with(state, countdown=clock)
        case CountdownEnded(id=ended):
            return _with(state, countdown=None) if state.countdown and state.countdown.id == ended else state
        case Featured(product=product):
            return _with(state, featured=product)
        case Presented(name=name, who=who):
            return _with(state, presenter=name, presenter_who=who)
        case _ if isinstance(event, GROUPBUY_LOG_EVENTS):
            return _with(state, deals=evolve_deals(state.deals, event))
        case _ if isinstance(event, DRAW_EVENTS):
            return _with(state, draws=evolve_draws(state.draws, event))
    return state


def evolve_staff(state: StaffState, event: StaffEvent) -> StaffState:
    """The staff's view after one event of the staff log."""
    match event:
        case Held(comments=comments):
            return _with(state, held=_by_id((*state.held, *comments), limits.SNAPSHOT_HELD))
        case Ruled(comments=comments):
            return _with(
                state,
                held=tuple(each for each in state.held if each.id not in comments),
                reports=tuple(each for each in state.reports if each.comment.id not in comments),
            )
        case Reported(comment=comment):
            others = tuple(each for each in state.reports if each.comment.id != comment.id)
            return _with(
                state,
                reports=tuple(sorted((*others, event), key=lambda each: each.comment.id)[-limits.SNAPSHOT_REPORTS :]),
            )
        case Sanctioned(sanction=sanction):
            return _with(state, sanctions=_in_order((*_unlike(state.sanctions, sanction.who, sanction.kind), sanction)))
        case Lifted(who=who, kind=kind):
            return _with(state, sanctions=_unlike(state.sanctions, who, kind))
        case PolicyChanged(policy=policy):
            return _with(state, policy=policy)
        case WordsChanged(version=version):
            return _with(state, words_version=version)
        case RefundChanged(refund=refund):
            waiting = tuple(each for each in state.refunds if each.id != refund.id)
            return _with(state, refunds=(*waiting, refund) if refund.state is RefundState.ASKED else waiting)
    return state


def blank(message: HostMessage) -> HostMessage:
    """What is left of a retracted message: its place."""
    return HostMessage(id=message.id, by=message.by, name=message.name, text="", at=message.at, retracted=True)


def unquote(message: HostMessage) -> HostMessage:
    """An answer to a comment that was deleted."""
    return msgspec.structs.replace(message, answered_name=None, answered_text=None)


def _by_id(items: tuple[HeldComment, ...], most: int) -> tuple[HeldComment, ...]:
    return tuple(sorted({each.id: each for each in items}.values(), key=lambda each: each.id)[-most:])


def newest(items: tuple[_Item, ...], most: int) -> tuple[_Item, ...]:
    return items[-most:]


def _without_message(state: _Room, gone: str) -> _Room:
    return _with(
        state,
        messages=tuple(blank(each) if each.id == gone else each for each in state.messages),
        pinned=None if state.pinned and state.pinned.id == gone else state.pinned,
    )


def _without_comments(state: _Room, comments: Collection[str]) -> _Room:
    return _with(
        state,
        deleted=tuple(sorted({*state.deleted, *comments})[-limits.SNAPSHOT_TOMBSTONES :]),
        messages=tuple(unquote(each) if each.answers in comments else each for each in state.messages),
        pinned=unquote(state.pinned) if state.pinned and state.pinned.answers in comments else state.pinned,
    )


def _later(clock: Clock | None, shifted_ms: int) -> Clock | None:
    return None if clock is None else msgspec.structs.replace(clock, ends_at=clock.ends_at + shifted_ms)


def _in_order(sanctions: tuple[Sanction, ...]) -> tuple[Sanction, ...]:
    return tuple(sorted(sanctions, key=lambda each: (each.at, each.who, each.kind)))


def _unlike(sanctions: tuple[Sanction, ...], who: str, kind: str) -> tuple[Sanction, ...]:
    return tuple(each for each in sanctions if (each.who, each.kind) != (who, kind))


_with = msgspec.structs.replace
