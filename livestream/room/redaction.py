"""Redaction: takes words out of events that were written already. Pure.

A deleted comment or a retracted message must be gone from replay as well: the
events that quote it are rewritten, in Postgres and in every process's tail,
by this one function. Their seq stays.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from livestream.protocol.events import (
    Answered,
    Held,
    HeldComment,
    LogEvent,
    NoticeEvent,
    Pinned,
    Reported,
    Restored,
    Said,
    StaffEvent,
    Unretracted,
)
from livestream.protocol.state import blank, unquote

_decode = msgspec.json.Decoder(LogEvent | NoticeEvent).decode
_staff = msgspec.json.Decoder(StaffEvent).decode
_encode = msgspec.json.Encoder().encode
_Quoting = Said | Pinned | Unretracted | Answered


def redact(event: bytes, ids: Collection[str]) -> bytes:
    """An event (JSON) without the words of these comments and host messages. Cost: 1 µs an id where it names none."""
    if not any(each.encode() in event for each in ids):
        return event
    try:
        parsed = _decode(event)
    except msgspec.ValidationError:  # of a newer version, which redacts it itself
        return event
    match parsed:
        case Said() | Pinned() | Unretracted() | Answered():
            return _encode(_unquoted(parsed, ids))
        case Restored(comments=comments):
            return _encode(Restored(comments=[each for each in comments if each.id not in ids]))
    return event


def redact_told(event: bytes, ids: Collection[str]) -> bytes:
    """An event of the staff log without the words of these comments, nor whose they were: they are no more."""
    try:
        parsed = _staff(event)
    except msgspec.ValidationError:
        return event
    match parsed:
        case Held(comments=comments):
            return _encode(Held(comments=[_emptied(each) if each.id in ids else each for each in comments]))
        case Reported(comment=comment) if comment.id in ids:
            return _encode(msgspec.structs.replace(parsed, comment=_emptied(comment)))
    return event


def _emptied(comment: HeldComment) -> HeldComment:
    return HeldComment(id=comment.id, by="", name="", text="", at=comment.at, role=comment.role)


def _unquoted(event: _Quoting, ids: Collection[str]) -> _Quoting:
    message = event.message
    if message is None:
        return event
    if message.id in ids:
        message = blank(message)
    elif message.answers in ids:
        message = unquote(message)
    return msgspec.structs.replace(event, message=message)
