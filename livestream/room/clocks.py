"""Clocks: freezing a room and counting down in it. Pure.

Every deadline of a room stands in one table (`storage.deadlines`). A freeze
stops them all; the unfreeze moves all that are open by the same time, in the
transaction that tells it.
"""

from __future__ import annotations

from livestream.protocol.commands import CancelCountdown, Countdown, Freeze, Unfreeze
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import Clock, CountdownEnded, CountdownStarted, Freezing, Frozen, Unfrozen
from livestream.protocol.show import ShowState

from .audit import acted
from .desk import Actor, Decision, Desk


def closes_at(now_ms: int, seconds: float, video_delay_ms: int) -> int:
    """When something that runs for `seconds` ends: the last viewer's video is behind by the delay."""
    return now_ms + int(seconds * 1000) + video_delay_ms


def freeze(desk: Desk, actor: Actor, command: Freeze) -> Decision:
    """Raises:
    Refused: FROZEN.
    """
    _require_running(desk)
    freezing = Freezing(at=desk.now_ms, message=command.message, video_url=command.video_url)
    return Decision(
        [Frozen(freezing=freezing)], [acted(actor, command, "froze the room", command.why, {"t": "unfreeze"})]
    )


def unfreeze(desk: Desk, actor: Actor, command: Unfreeze) -> Decision:
    """Raises:
    Refused: NOT_FROZEN.
    """
    freezing = desk.room.freezing
    if freezing is None:
        raise Refused(ErrorCode.NOT_FROZEN)
    shifted = max(0, desk.now_ms - freezing.at)
    what = f"ended the break; deadlines are {shifted / 1000:.1f} s later"
    return Decision([Unfrozen(at=desk.now_ms, shifted_ms=shifted)], [acted(actor, command, what)])


def countdown(desk: Desk, actor: Actor, command: Countdown, new_id: str) -> Decision:
    """Raises:
    Refused: NO_SHOW, FROZEN.
    """
    if desk.room.show is None or desk.room.show.state is ShowState.ENDED:
        raise Refused(ErrorCode.NO_SHOW)
    _require_running(desk)
    ends_at = closes_at(desk.now_ms, command.seconds, desk.room.video_delay_ms)
    clock = Clock(id=new_id, title=command.title, ends_at=ends_at)
    what = f"started a countdown of {command.seconds} s: {command.title!r}"
    entry = acted(actor, command, what, undo={"t": "cancel_countdown"})
    return Decision([CountdownStarted(clock=clock)], [entry], made=new_id)


def cancel_countdown(desk: Desk, actor: Actor, command: CancelCountdown) -> Decision:
    """Raises:
    Refused: NO_COUNTDOWN.
    """
    running = desk.room.countdown
    if running is None:
        raise Refused(ErrorCode.NO_COUNTDOWN)
    return Decision([CountdownEnded(id=running.id, cancelled=True)], [acted(actor, command, "took the countdown away")])


def _require_running(desk: Desk) -> None:
    if desk.room.freezing is not None:
        raise Refused(ErrorCode.FROZEN)
