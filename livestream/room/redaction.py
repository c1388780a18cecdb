"""Redaction: takes words out of events that were written already. Pure.

A deleted comment or a retracted message must be gone from replay as well: the
events that quote it are rewritten, in Postgres and in every process's tail,
by this one function. Their seq stays.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from livestream.protocol.events import Answered, LogEvent, NoticeEvent, Pinned, Restored, Said, Unretracted
from livestream.protocol.state import blank, unquote

_decode = msgspec.json.Decoder(LogEvent | NoticeEvent).decode
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


def _unquoted(event: _Quoting, ids: Collection[str]) -> _Quoting:
    message = event.message
    if message is None:
        return event
    if message.id in ids:
        message = blank(message)
    elif message.answers in ids:
        message = unquote(message)
    return msgspec.structs.replace(event, message=message)
