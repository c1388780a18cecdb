"""Erasure: takes one person out of an event that was written already. Pure.

What is a person's in it says `protocol.personal`. The result is read as the
kind of event it is before anybody writes it: an event that cannot be read
would keep everybody out of the room.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from livestream.protocol.events import Deleted, Erased, Event, LogEvent, NoticeEvent, StaffEvent, YouMayTalk
from livestream.protocol.personal import Person, without

Table = Literal["room_log", "staff_log", "notice"]
_encode = msgspec.json.Encoder().encode
#: how events of each table are read, and what says nothing there
_KINDS: dict[Table, tuple[msgspec.json.Decoder[Event], Event]] = {
    "room_log": (msgspec.json.Decoder(LogEvent), Deleted(comments=[])),
    "staff_log": (msgspec.json.Decoder(StaffEvent), Erased()),
    "notice": (msgspec.json.Decoder(NoticeEvent), YouMayTalk()),
}


def erase(event: str, table: Table, person: Person) -> str:
    """An event (JSON) without a person; the same text where they are not in it.

    One that cannot be read, written by another version, is emptied if their pseudonym stands in it.
    """
    decoder, nothing = _KINDS[table]
    try:
        parsed = decoder.decode(event)
        changed = without(parsed, person)
        if changed is parsed:
            return event
        written = _encode(changed)
        decoder.decode(written)
    except msgspec.ValidationError:
        return _encode(nothing).decode() if person.pseudonym in event else event
    return written.decode()


def nothing_of(table: Table) -> str:
    """An event (JSON) that says nothing."""
    return _encode(_KINDS[table][1]).decode()
