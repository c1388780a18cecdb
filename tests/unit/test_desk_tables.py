"""The desk, for every command: what it refuses and why, what it leaves in the audit trail, and how it is undone."""

from __future__ import annotations

import copy

import pytest

from livestream.protocol import commands as c
from livestream.protocol import events as e
from livestream.protocol.commands import Command
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.roles import Role
from livestream.protocol.show import ShowState
from livestream.room import deskwork
from livestream.room.desk import Desk
from tests.support.desks import BOB, COMMENT, GHOST, GONE, HELD, MESSAGE, NOW, RETRACTED, a_desk, run, undo_of


def _frozen(desk: Desk) -> None:
    run(desk, c.Freeze(ref=1))


REFUSED: list[tuple[ShowState | None, Command, ErrorCode]] = [
    (ShowState.LIVE, c.Say(ref=1, text="x", answers=GHOST), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Say(ref=1, text="x", answers=GHOST, pin=True), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Pin(ref=1, message=GHOST), ErrorCode.MESSAGE_NOT_FOUND),
    (ShowState.LIVE, c.Pin(ref=1, message=RETRACTED), ErrorCode.MESSAGE_NOT_FOUND),
    (ShowState.LIVE, c.Retract(ref=1, message=RETRACTED), ErrorCode.MESSAGE_NOT_FOUND),
    (ShowState.LIVE, c.Unretract(ref=1, message=MESSAGE), ErrorCode.MESSAGE_NOT_FOUND),
    (ShowState.LIVE, c.Feature(ref=1, product="mug"), ErrorCode.PRODUCT_NOT_FOUND),
    (ShowState.LIVE, c.Schedule(ref=1, title="Hats", starts_at=NOW), ErrorCode.SHOW_OPEN),
    (ShowState.ENDED, c.SetShow(ref=1, state=ShowState.LIVE), ErrorCode.ILLEGAL_TRANSITION),
    (None, c.SetShow(ref=1, state=ShowState.LIVE), ErrorCode.NO_SHOW),
    (None, c.Countdown(ref=1, title="Sale", seconds=60), ErrorCode.NO_SHOW),
    (ShowState.LIVE, c.CancelCountdown(ref=1), ErrorCode.NO_COUNTDOWN),
    (ShowState.LIVE, c.Unfreeze(ref=1), ErrorCode.NOT_FROZEN),
    (ShowState.LIVE, c.HandOver(ref=1, to=BOB), ErrorCode.PERSON_NOT_FOUND),
    (ShowState.LIVE, c.HandOver(ref=1, to="p-mod"), ErrorCode.PERSON_NOT_FOUND),
    (ShowState.LIVE, c.Delete(ref=1, comments=[COMMENT, GHOST]), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Restore(ref=1, comments=[GHOST]), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Rule(ref=1, comments=[GHOST], show=True), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Report(ref=1, comment=GHOST), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Mute(ref=1, who=GHOST, seconds=60), ErrorCode.PERSON_NOT_FOUND),
    (ShowState.LIVE, c.Mute(ref=1, who="p-bo", seconds=60), ErrorCode.NOT_STAFF),
    (ShowState.LIVE, c.Ban(ref=1, who=GHOST, seconds=None), ErrorCode.PERSON_NOT_FOUND),
    (ShowState.LIVE, c.Ban(ref=1, who="p-bo", seconds=None), ErrorCode.NOT_STAFF),
    (ShowState.LIVE, c.Unmute(ref=1, who=BOB), ErrorCode.NOT_SANCTIONED),
    (ShowState.LIVE, c.Unban(ref=1, who="p-mut"), ErrorCode.NOT_SANCTIONED),
    (ShowState.LIVE, c.Unmute(ref=1, who="p-mut", restore=[GHOST]), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Unban(ref=1, who="p-ban", restore=[GHOST]), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Mute(ref=1, who=BOB, seconds=600, restore=[GHOST]), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Ban(ref=1, who=BOB, seconds=None, restore=[GHOST]), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, c.Refund(ref=1, key="k", purchase="A9", why="x"), ErrorCode.PURCHASE_NOT_FOUND),
    (ShowState.LIVE, c.Refund(ref=1, key="k", purchase="A1", amount=50_001, why="x"), ErrorCode.AMOUNT_REFUSED),
    (ShowState.LIVE, c.Refund(ref=1, key="k", purchase="A1", amount=0, why="x"), ErrorCode.AMOUNT_REFUSED),
    (ShowState.LIVE, c.Refund(ref=1, key="k", purchase="A2", why="x"), ErrorCode.AMOUNT_REFUSED),
    (ShowState.LIVE, c.DecideRefund(ref=1, refund=GHOST, confirm=True), ErrorCode.REFUND_NOT_FOUND),
    (ShowState.LIVE, c.DecideRefund(ref=1, refund="0000000000r01", confirm=True), ErrorCode.SECOND_PERSON),
]
FROZEN: list[Command] = [c.Freeze(ref=1), c.Countdown(ref=1, title="Sale", seconds=60)]


@pytest.mark.parametrize(("state", "command", "code"), REFUSED)
def test_a_refused_command_changes_nothing(state: ShowState | None, command: Command, code: ErrorCode) -> None:
    desk = a_desk(state)
    before = copy.deepcopy(desk)
    with pytest.raises(Refused) as refused:
        run(desk, command)
    assert refused.value.code is code
    assert desk == before


@pytest.mark.parametrize("command", FROZEN)
def test_in_a_frozen_room_no_clock_is_started(command: Command) -> None:
    desk = a_desk()
    run(desk, c.Freeze(ref=1))
    with pytest.raises(Refused) as refused:
        run(desk, command)
    assert refused.value.code is ErrorCode.FROZEN


def test_the_tables_of_refusals_cover_what_the_protocol_declares() -> None:
    declared = {(command, code) for command in deskwork.COMMANDS for code in command.errors}
    tried = {(type(command), code) for _, command, code in REFUSED} | {
        (type(each), ErrorCode.FROZEN) for each in FROZEN
    }
    assert {pair for pair in declared if pair[1] is not ErrorCode.KEY_REUSED} == tried


ACTS: list[tuple[ShowState, Command, str]] = [
    (ShowState.LIVE, c.Say(ref=1, text="x"), "said a message"),
    (ShowState.LIVE, c.Say(ref=1, text="x", pin=True), "said a message and pinned it"),
    (ShowState.LIVE, c.Say(ref=1, text="x", answers=COMMENT), f"answered comment {COMMENT}"),
    (ShowState.LIVE, c.Retract(ref=1, message=MESSAGE), f"took message {MESSAGE} back"),
    (ShowState.LIVE, c.Unretract(ref=1, message=RETRACTED), f"showed message {RETRACTED} again"),
    (ShowState.LIVE, c.Pin(ref=1, message=None), "took the pin away"),
    (ShowState.LIVE, c.Pin(ref=1, message=MESSAGE), f"pinned message {MESSAGE}"),
    (ShowState.LIVE, c.Feature(ref=1, product="cup"), "showed product cup"),
    (ShowState.LIVE, c.Feature(ref=1, product=None), "took the product away"),
    (ShowState.ENDED, c.Schedule(ref=1, title="Hats", starts_at=NOW), "scheduled the show 'Hats'"),
    (ShowState.LIVE, c.SetShow(ref=1, state=ShowState.PAUSED), "set the show to paused"),
    (ShowState.LIVE, c.Countdown(ref=1, title="Sale", seconds=60), "started a countdown of 60 s: 'Sale'"),
    (ShowState.LIVE, c.Freeze(ref=1), "froze the room"),
    (ShowState.LIVE, c.HandOver(ref=1, to="p-bo"), "handed over to Bo"),
    (ShowState.LIVE, c.Delete(ref=1, comments=[COMMENT]), "deleted 1 comment of Bob"),
    (ShowState.LIVE, c.Restore(ref=1, comments=[GONE]), "brought back 1 comment of Bob"),
    (ShowState.LIVE, c.Rule(ref=1, comments=[HELD], show=True), "let through 1 comment of Bob"),
    (ShowState.LIVE, c.Rule(ref=1, comments=[HELD, COMMENT], show=False), "turned down 2 comments of Bob"),
    (ShowState.LIVE, c.Mute(ref=1, who=BOB, seconds=600), "muted Bob for 600 s"),
    (ShowState.LIVE, c.Ban(ref=1, who=BOB, seconds=None), "banned Bob for ever"),
    (ShowState.LIVE, c.Unmute(ref=1, who="p-mut"), "unmuted Mut"),
    (ShowState.LIVE, c.SetChat(ref=1, slow_mode_s=30), "set slow_mode_s to 30"),
    (ShowState.LIVE, c.SetChat(ref=1, slow_mode_s=0), "changed no setting"),
    (ShowState.LIVE, c.SetRoom(ref=1, title="T", video_delay_s=3), "set title to t, video_delay_s to 3.0"),
    (
        ShowState.LIVE,
        c.Refund(ref=1, key="k", purchase="A1", amount=1, why="x"),
        "asked for 0.01 PLN back for purchase A1",
    ),
]


@pytest.mark.parametrize(("state", "command", "what"), ACTS)
def test_what_staff_do_stands_in_the_audit_trail_once(state: ShowState, command: Command, what: str) -> None:
    entries = [event for event in run(a_desk(state), command).staff if isinstance(event, e.Acted)]
    (entry,) = entries
    assert (entry.who, entry.name, entry.role, entry.what) == ("h1", "Ada", Role.HOST, what)
    assert entry.command == command.__struct_config__.tag


UNDONE: list[Command] = [
    c.Say(ref=1, text="x"),
    c.Retract(ref=1, message=MESSAGE),
    c.Pin(ref=1, message=MESSAGE),
    c.Feature(ref=1, product="cup"),
    c.Countdown(ref=1, title="Sale", seconds=60),
    c.Freeze(ref=1),
    c.Delete(ref=1, comments=[COMMENT]),
    c.Rule(ref=1, comments=[HELD], show=False),
    c.Mute(ref=1, who=BOB, seconds=600),
    c.Ban(ref=1, who=BOB, seconds=None),
    c.Unmute(ref=1, who="p-mut"),
    c.SetChat(ref=1, buyers_only=True),
    c.SetRoom(ref=1, title="Other", video_delay_s=2.5, reports_to_hold=1),
]


@pytest.mark.parametrize("command", UNDONE)
def test_the_undo_that_the_audit_trail_offers_can_be_sent_as_it_is(command: Command) -> None:
    desk = a_desk()
    undo = undo_of(run(desk, command))
    run(desk, undo)


def test_what_is_no_desk_command_is_a_bug_of_the_caller() -> None:
    with pytest.raises(KeyError):
        run(a_desk(), c.Like(ref=1))
