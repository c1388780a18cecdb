"""The desk: what staff commands decide, and that a refused one leaves the desk as it was."""

from __future__ import annotations

import copy

import pytest

from livestream.protocol.commands import Command, Like, Pin, Say, Schedule, SetShow
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import Acted, Answered, Pinned, Said, Show, ShowChanged
from livestream.protocol.roles import Role
from livestream.protocol.show import ShowState
from livestream.room.desk import Actor, ArchivedComment, Desk

NOW = 1_790_000_000_000
HOST = Actor("shop", "room", "viewer:h1", "h1", Role.HOST, "Ada", "p-ada")
COMMENT, GHOST, NEW = "0000000000c01", "0000000000c99", "0000000000n01"


def a_desk(state: ShowState | None = ShowState.LIVE) -> Desk:
    current = None if state is None else Show(id="0000000000001", title="Shoes", state=state, starts_at=NOW)
    return Desk(NOW, current, {}, {COMMENT: ArchivedComment("v1", "Bob", "which sizes?")})


def test_saying_makes_one_message_dated_by_the_desk() -> None:
    decision = a_desk().run(HOST, Say(ref=1, text="Hello"), NEW)
    (said,) = decision.log
    assert isinstance(said, Said)
    assert (said.message.id, said.message.name, said.message.text, said.message.at) == (NEW, "Ada", "Hello", NOW)
    assert decision.made == NEW
    assert decision.notices == []


def test_saying_and_pinning_is_two_events_of_one_message() -> None:
    decision = a_desk().run(HOST, Say(ref=1, text="Hello", pin=True), NEW)
    said, pinned = decision.log
    assert isinstance(said, Said)
    assert pinned == Pinned(message=said.message)


def test_an_answer_quotes_the_comment_and_tells_its_author() -> None:
    decision = a_desk().run(HOST, Say(ref=1, text="All of them", answers=COMMENT), NEW)
    (said,) = decision.log
    assert isinstance(said, Said)
    message = said.message
    assert (message.answers, message.answered_name, message.answered_text) == (COMMENT, "Bob", "which sizes?")
    assert decision.notices == [("v1", Answered(comment=COMMENT, message=message))]


def test_an_anonymous_author_is_answered_without_a_notice() -> None:
    desk = a_desk()
    desk.comments[COMMENT] = ArchivedComment(None, "Guest", "hi")
    decision = desk.run(HOST, Say(ref=1, text="Hi", answers=COMMENT), NEW)
    assert decision.notices == []
    assert isinstance(decision.log[0], Said)
    assert decision.log[0].message.answered_name == "Guest"


def test_the_second_command_of_a_batch_sees_the_first() -> None:
    desk = a_desk()
    desk.run(HOST, Say(ref=1, text="Hello"), NEW)
    (pinned,) = desk.run(HOST, Pin(ref=2, message=NEW), "x").log
    assert isinstance(pinned, Pinned)
    assert pinned.message is not None
    assert pinned.message.text == "Hello"
    desk.run(HOST, SetShow(ref=3, state=ShowState.ENDED), "x")
    (scheduled,) = desk.run(HOST, Schedule(ref=4, title="Hats", starts_at=NOW), "0000000000n02").log
    assert isinstance(scheduled, ShowChanged)
    assert scheduled.show.title == "Hats"
    with pytest.raises(Refused) as refused:
        desk.run(HOST, Schedule(ref=5, title="Bags", starts_at=NOW), "0000000000n03")
    assert refused.value.code is ErrorCode.SHOW_OPEN


def test_taking_the_pin_away_needs_no_message() -> None:
    assert a_desk(None).run(HOST, Pin(ref=1, message=None), NEW).log == [Pinned(message=None)]


REFUSED: list[tuple[ShowState | None, Command, ErrorCode]] = [
    (ShowState.LIVE, Say(ref=1, text="x", answers=GHOST), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, Say(ref=1, text="x", answers=GHOST, pin=True), ErrorCode.COMMENT_NOT_FOUND),
    (ShowState.LIVE, Pin(ref=1, message=GHOST), ErrorCode.MESSAGE_NOT_FOUND),
    (ShowState.LIVE, Schedule(ref=1, title="Hats", starts_at=NOW), ErrorCode.SHOW_OPEN),
    (ShowState.ENDED, SetShow(ref=1, state=ShowState.LIVE), ErrorCode.ILLEGAL_TRANSITION),
    (None, SetShow(ref=1, state=ShowState.LIVE), ErrorCode.NO_SHOW),
]


@pytest.mark.parametrize(("state", "command", "code"), REFUSED)
def test_a_refused_command_changes_nothing(state: ShowState | None, command: Command, code: ErrorCode) -> None:
    desk = a_desk(state)
    before = copy.deepcopy(desk)
    with pytest.raises(Refused) as refused:
        desk.run(HOST, command, NEW)
    assert refused.value.code is code
    assert desk == before


def test_the_table_of_refusals_covers_what_the_protocol_declares() -> None:
    declared = {code for command in (Say, Pin, Schedule, SetShow) for code in command.errors}
    assert declared - {ErrorCode.KEY_REUSED} == {code for _, _, code in REFUSED}


AUDIT: list[tuple[ShowState, Command, str]] = [
    (ShowState.LIVE, Say(ref=1, text="x"), "said a message"),
    (ShowState.LIVE, Say(ref=1, text="x", pin=True), "said and pinned a message"),
    (ShowState.LIVE, Say(ref=1, text="x", answers=COMMENT), f"answered comment {COMMENT}"),
    (ShowState.LIVE, Pin(ref=1, message=None), "took the pin away"),
    (ShowState.ENDED, Schedule(ref=1, title="Hats", starts_at=NOW), "scheduled the show 'Hats'"),
    (ShowState.LIVE, SetShow(ref=1, state=ShowState.PAUSED), "set the show to paused"),
]


@pytest.mark.parametrize(("state", "command", "what"), AUDIT)
def test_every_command_leaves_one_line_in_the_audit_trail(state: ShowState, command: Command, what: str) -> None:
    (acted,) = a_desk(state).run(HOST, command, NEW).staff
    tag = str(command.__struct_config__.tag)
    assert acted == Acted(who="h1", name="Ada", role=Role.HOST, command=tag, what=what)


def test_what_is_no_staff_command_is_a_bug_of_the_caller() -> None:
    with pytest.raises(TypeError):
        a_desk().run(HOST, Like(ref=1), NEW)
