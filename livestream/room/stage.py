"""Stage: what hosts' commands decide: words, pins, products, shows, who presents. Pure."""

from __future__ import annotations

from livestream.protocol.commands import Feature, HandOver, Pin, Retract, Say, Schedule, SetShow, Unretract
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import (
    Answered,
    CountdownEnded,
    Featured,
    HostMessage,
    Pinned,
    Presented,
    Retracted,
    Said,
    Unfrozen,
    Unretracted,
)
from livestream.protocol.roles import HOSTS
from livestream.protocol.show import ShowState

from . import show
from .audit import acted
from .desk import Actor, Decision, Desk


def say(desk: Desk, actor: Actor, command: Say, new_id: str) -> Decision:
    """Raises:
    Refused: COMMENT_NOT_FOUND.
    """
    answered = None
    if command.answers is not None:
        answered = desk.comments.get(command.answers)
        if answered is None:
            raise Refused(ErrorCode.COMMENT_NOT_FOUND, command.answers)
    unseen = desk.hidden | desk.held.keys()
    quoted = answered if answered and answered.id not in unseen else None
    message = HostMessage(
        id=new_id,
        by=actor.pseudonym,
        name=actor.name,
        text=command.text,
        at=desk.now_ms,
        answers=command.answers,
        answered_name=quoted.name if quoted else None,
        answered_text=quoted.text if quoted else None,
    )
    what = f"answered comment {command.answers}" if answered else "said a message"
    if command.pin:
        what += " and pinned it"
    about = [answered.by] if answered else []
    entry = acted(actor, command, what, undo={"t": "retract", "message": new_id}, about=about)
    decision = Decision([Said(message=message)], [entry], made=new_id)
    if command.pin:
        decision.log.append(Pinned(message=message))
    if answered and not answered.anonymous:
        decision.notices.append((answered.by, Answered(comment=answered.id, message=message)))
    return decision


def retract(desk: Desk, actor: Actor, command: Retract) -> Decision:
    """Raises:
    Refused: MESSAGE_NOT_FOUND.
    """
    _require_message(desk, command.message)
    undo = {"t": "unretract", "message": command.message}
    return Decision(
        [Retracted(message=command.message)],
        [acted(actor, command, f"took message {command.message} back", command.why, undo)],
    )


def unretract(desk: Desk, actor: Actor, command: Unretract) -> Decision:
    """Raises:
    Refused: MESSAGE_NOT_FOUND, none that is retracted.
    """
    message = desk.messages.get(command.message)
    if message is None or message.id not in desk.retracted:
        raise Refused(ErrorCode.MESSAGE_NOT_FOUND, command.message)
    undo = {"t": "retract", "message": message.id}
    return Decision(
        [Unretracted(message=message)], [acted(actor, command, f"showed message {message.id} again", undo=undo)]
    )


def pin(desk: Desk, actor: Actor, command: Pin) -> Decision:
    """Raises:
    Refused: MESSAGE_NOT_FOUND.
    """
    before = desk.room.pinned
    undo = {"t": "pin", "message": before.id if before else None}
    if command.message is None:
        return Decision([Pinned()], [acted(actor, command, "took the pin away", undo=undo)])
    message = _require_message(desk, command.message)
    return Decision([Pinned(message=message)], [acted(actor, command, f"pinned message {message.id}", undo=undo)])


def feature(desk: Desk, actor: Actor, command: Feature) -> Decision:
    """Raises:
    Refused: PRODUCT_NOT_FOUND.
    """
    before = desk.room.featured
    undo = {"t": "feature", "product": before.id if before else None}
    if command.product is None:
        return Decision([Featured()], [acted(actor, command, "took the product away", undo=undo)])
    product = desk.products.get(command.product)
    if product is None:
        raise Refused(ErrorCode.PRODUCT_NOT_FOUND, command.product)
    return Decision([Featured(product=product)], [acted(actor, command, f"showed product {product.id}", undo=undo)])


def schedule(desk: Desk, actor: Actor, command: Schedule, new_id: str) -> Decision:
    """Raises:
    Refused: SHOW_OPEN.
    """
    made = show.schedule(desk.room.show, new_id, command.title, command.starts_at, command.time_zone or desk.time_zone)
    return Decision([made], [acted(actor, command, f"scheduled the show {command.title!r}")], made=new_id)


def set_show(desk: Desk, actor: Actor, command: SetShow) -> Decision:
    """Raises:
    Refused: NO_SHOW, ILLEGAL_TRANSITION.
    """
    moved = show.move(desk.room.show, command.state, desk.now_ms)
    decision = Decision([moved], [acted(actor, command, f"set the show to {command.state}")])
    if command.state is ShowState.ENDED:
        if desk.room.freezing is not None:
            shifted = max(0, desk.now_ms - desk.room.freezing.at)
            decision.log.append(Unfrozen(at=desk.now_ms, shifted_ms=shifted))
        if desk.room.countdown is not None:
            decision.log.append(CountdownEnded(id=desk.room.countdown.id, cancelled=True))
    decision.webhooks.append(("show.changed", moved.show))
    return decision


def hand_over(desk: Desk, actor: Actor, command: HandOver) -> Decision:
    """Raises:
    Refused: PERSON_NOT_FOUND, nobody of this room's hosts.
    """
    person = desk.people.get(command.to)
    if person is None or person.staff_role not in HOSTS:
        raise Refused(ErrorCode.PERSON_NOT_FOUND, command.to)
    entry = acted(actor, command, f"handed over to {person.name}", about=[person.pseudonym])
    return Decision([Presented(name=person.name, who=person.pseudonym)], [entry])


def _require_message(desk: Desk, message_id: str) -> HostMessage:
    message = desk.messages.get(message_id)
    if message is None or message_id in desk.retracted:
        raise Refused(ErrorCode.MESSAGE_NOT_FOUND, message_id)
    return message
