"""ClientWire: frames from the server, decoded by a reader that outlives its version. Pure.

Servers learn new events before their clients do. What is unknown here is
skipped where that loses nothing, and stands as `Unknown` where its place
counts: a log event that cannot be read still has its `seq`.
"""

from __future__ import annotations

import contextlib
import functools
from typing import Any

import msgspec

from livestream.protocol.codec import Codec
from livestream.protocol.events import Event, LiveEvent
from livestream.protocol.pushes import AnyPush, Live, Log, Notice, Staff
from livestream.protocol.replies import AnyReply, Error

#: larger frames are joins, which no two clients share
_SHARED_BYTES = 8192

Message = AnyPush | AnyReply


class Unknown(Event, frozen=True, tag="unknown"):
    """An event of a newer version."""

    fields: dict[str, Any]


_json = msgspec.json.Decoder(list[Message])
_msgpack = msgspec.msgpack.Decoder(list[Message])


def decode(payload: bytes, codec: Codec) -> list[Message]:
    """Decode one frame; messages of an unknown kind are left out.

    Clients of one process get the same frames: what one has decoded, the
    others share. Messages are frozen; treat their lists so, too.

    Raises:
        msgspec.MsgspecError: not a frame of this protocol.
    """
    return _decode_shared(payload, codec) if len(payload) <= _SHARED_BYTES else _decode(payload, codec)


def _decode(payload: bytes, codec: Codec) -> list[Message]:
    try:
        return (_json if codec is Codec.JSON else _msgpack).decode(payload)
    except msgspec.ValidationError:
        module = msgspec.json if codec is Codec.JSON else msgspec.msgpack
        found = (_decode_one(raw, module) for raw in module.decode(payload, type=list[msgspec.Raw]))
        return [message for message in found if message is not None]


_decode_shared = functools.lru_cache(maxsize=256)(_decode)


def _decode_one(raw: msgspec.Raw, module: Any) -> Message | None:
    try:
        message: Message = module.decode(raw, type=Message)
        return message
    except msgspec.ValidationError:
        return _newer(module.decode(raw, type=dict[str, Any]))


def _newer(fields: dict[str, Any]) -> Message | None:
    """What can be kept of a message that a newer server sent."""
    unknown: Any = Unknown(fields=fields.get("event", {}))
    match fields.get("t"):
        case "log":
            return Log(seq=fields["seq"], at=fields["at"], event=unknown)
        case "staff":
            return Staff(seq=fields["seq"], at=fields["at"], event=unknown)
        case "notice":
            return Notice(notice=fields["notice"], at=fields["at"], event=unknown)
        case "live":
            return Live(events=_known(fields.get("events", [])), left_out=fields.get("left_out", 0))
        case "error":
            return Error(ref=fields["ref"], code=fields["code"], text=fields["text"])
        case "snapshot" | "joined" | "ok" | "posted":
            raise msgspec.ValidationError(f"cannot read what the server sent as `{fields['t']}`: it is too new")
    return None


def _known(events: list[dict[str, Any]]) -> list[LiveEvent]:
    found: list[LiveEvent] = []
    for event in events:
        with contextlib.suppress(msgspec.ValidationError):
            found.append(msgspec.convert(event, LiveEvent))
    return found
