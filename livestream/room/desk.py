"""Desk: what the commands of host and operators decide. Pure: no I/O, no clock, no randomness.

A desk holds what a batch of commands needs to know and evolves command by
command, so that the second of two commands in one transaction sees the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from livestream.protocol.commands import Command, Pin, Say, Schedule, SetShow
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import (
    Acted,
    Answered,
    HostMessage,
    LogEvent,
    NoticeEvent,
    Pinned,
    Said,
    Show,
    ShowChanged,
    StaffEvent,
)
from livestream.protocol.roles import Role

from . import show


class Actor(msgspec.Struct, frozen=True):
    """Who acts, and where."""

    shop_id: str
    room_id: str
    key: str  #: tells one person of the shop from another; for anonymous viewers, one visit
    viewer_id: str | None  #: the shop's id; None: anonymous
    role: Role
    name: str
    pseudonym: str


@dataclass(frozen=True, slots=True)
class ArchivedComment:
    """What an answer needs to know of the comment it answers."""

    viewer_id: str | None
    name: str
    text: str


@dataclass(slots=True)
class Decision:
    """What one command causes."""

    log: list[LogEvent] = field(default_factory=list)
    staff: list[StaffEvent] = field(default_factory=list)
    notices: list[tuple[str, NoticeEvent]] = field(default_factory=list)
    made: str | None = None  #: id of the host message or show that it made


@dataclass(slots=True)
class Desk:
    """State that staff commands decide on."""

    now_ms: int
    show: Show | None
    messages: dict[str, HostMessage]  #: those the batch names, and those it made
    comments: dict[str, ArchivedComment]  #: those the batch names

    def run(self, actor: Actor, command: Command, new_id: str) -> Decision:
        """Decide, and evolve the desk.

        Raises:
            Refused: as the command's `errors` tell; the desk is unchanged.
        """
        match command:
            case Say():
                decision = self._say(actor, command, new_id)
            case Pin():
                decision = self._pin(command)
            case Schedule():
                decision = Decision([show.schedule(self.show, new_id, command.title, command.starts_at)], made=new_id)
            case SetShow():
                decision = Decision([show.move(self.show, command.state, self.now_ms)])
            case _:
                raise TypeError(f"not a staff command: {command!r}")
        for event in decision.log:
            self._evolve(event)
        decision.staff.append(_acted(actor, command))
        return decision

    def _say(self, actor: Actor, command: Say, new_id: str) -> Decision:
        answered = None
        if command.answers is not None:
            answered = self.comments.get(command.answers)
            if answered is None:
                raise Refused(ErrorCode.COMMENT_NOT_FOUND, command.answers)
        message = HostMessage(
            id=new_id,
            name=actor.name,
            text=command.text,
            at=self.now_ms,
            answers=command.answers,
            answered_name=answered.name if answered else None,
            answered_text=answered.text if answered else None,
        )
        decision = Decision([Said(message=message)], made=new_id)
        if command.pin:
            decision.log.append(Pinned(message=message))
        if answered and answered.viewer_id is not None:
            assert command.answers is not None
            decision.notices.append((answered.viewer_id, Answered(comment=command.answers, message=message)))
        return decision

    def _pin(self, command: Pin) -> Decision:
        if command.message is None:
            return Decision([Pinned(message=None)])
        message = self.messages.get(command.message)
        if message is None:
            raise Refused(ErrorCode.MESSAGE_NOT_FOUND, command.message)
        return Decision([Pinned(message=message)])

    def _evolve(self, event: LogEvent) -> None:
        match event:
            case Said(message=message):
                self.messages[message.id] = message
            case ShowChanged(show=changed):
                self.show = changed
            case Pinned():
                pass


def _acted(actor: Actor, command: Command) -> Acted:
    match command:
        case Say(answers=None, pin=pin):
            what = "said and pinned a message" if pin else "said a message"
        case Say(answers=comment):
            what = f"answered comment {comment}"
        case Pin(message=None):
            what = "took the pin away"
        case Pin(message=message):
            what = f"pinned message {message}"
        case Schedule(title=title):
            what = f"scheduled the show {title!r}"
        case SetShow(state=state):
            what = f"set the show to {state}"
        case _:
            what = ""
    return Acted(
        who=actor.viewer_id or actor.key,
        name=actor.name,
        role=actor.role,
        command=str(command.__struct_config__.tag),
        what=what,
    )
