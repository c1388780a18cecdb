"""Codec: bytes ⇄ messages, for both subprotocols. Pure.

A frame is always a list of messages. The server encodes a message once per
codec and splices the bytes into as many frames as it likes: `frame()` only
joins. An event that lies in the room log as JSON is spliced into JSON frames
as it is, and transcoded once for MessagePack.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence

import msgspec

from . import limits
from .commands import AnyCommand, Command
from .errors import CloseCode, ErrorCode, ProtocolViolation
from .pushes import Log, Notice, Push, Staff
from .replies import Error, Reply

_json_encode = msgspec.json.Encoder().encode
_msgpack_encode = msgspec.msgpack.Encoder().encode
_json_plain = msgspec.json.Decoder().decode


class Codec(enum.Enum):
    """Subprotocol of a connection."""

    JSON = "livestream.v1.json"
    MSGPACK = "livestream.v1.msgpack"


class _Refonly(msgspec.Struct):
    ref: int
    t: str = ""


class _LogSpliced(msgspec.Struct, tag="log", tag_field="t"):
    seq: int
    at: int
    event: msgspec.Raw


class _StaffSpliced(msgspec.Struct, tag="staff", tag_field="t"):
    seq: int
    at: int
    event: msgspec.Raw


class _NoticeSpliced(msgspec.Struct, tag="notice", tag_field="t"):
    notice: int
    at: int
    event: msgspec.Raw


class _LiveSpliced(msgspec.Struct, tag="live", tag_field="t", omit_defaults=True):
    events: list[msgspec.Raw] = []
    left_out: int = 0


_SPLICED = {Log: _LogSpliced, Staff: _StaffSpliced, Notice: _NoticeSpliced}
_json_commands = msgspec.json.Decoder(list[AnyCommand])
_msgpack_commands = msgspec.msgpack.Decoder(list[AnyCommand])


def encode(message: Push | Reply | Command | msgspec.Struct, codec: Codec) -> bytes:
    """Encode one message. Cost: about 1 µs."""
    return _json_encode(message) if codec is Codec.JSON else _msgpack_encode(message)


def encode_logged(
    kind: type[Log] | type[Staff] | type[Notice], seq: int, at: int, event_json: bytes, codec: Codec
) -> bytes:
    """Encode a log push or a notice around an event that is JSON already; a codec that is JSON takes it unread."""
    raw = event_json if codec is Codec.JSON else _msgpack_encode(_json_plain(event_json))
    return encode(_SPLICED[kind](seq, at, msgspec.Raw(raw)), codec)


def encode_live(events_json: Sequence[bytes], left_out: int, codec: Codec) -> bytes:
    """Encode a live push around events that are JSON already."""
    raw = events_json if codec is Codec.JSON else [_msgpack_encode(_json_plain(event)) for event in events_json]
    return encode(_LiveSpliced([msgspec.Raw(event) for event in raw], left_out), codec)


def frame(messages: Sequence[bytes], codec: Codec) -> bytes:
    """Make one frame's payload of encoded messages, in order. Cost: one copy."""
    if codec is Codec.JSON:
        return b"[" + b",".join(messages) + b"]"
    count = len(messages)
    if count < 16:
        head = bytes((0x90 | count,))
    elif count < 1 << 16:
        head = b"\xdc" + count.to_bytes(2, "big")
    else:
        head = b"\xdd" + count.to_bytes(4, "big")
    return head + b"".join(messages)


def frame_around(before: Sequence[bytes], after: Sequence[bytes], codec: Codec) -> tuple[bytes, bytes]:
    """What stands before and after one message that is spliced in between: head + message + tail is a frame."""
    if codec is Codec.JSON:
        return b"[" + b"".join(item + b"," for item in before), b"".join(b"," + item for item in after) + b"]"
    head = frame([b""] * (len(before) + 1 + len(after)), codec)
    return head + b"".join(before), b"".join(after)


def decode_commands(payload: bytes, codec: Codec) -> list[AnyCommand | Error]:
    """Decode and validate one frame from a client.

    Returns: per message either the command, or the `error` reply that it earns.

    Raises:
        ProtocolViolation: BAD_FRAME; not a list in this codec, too many
            messages, or a message that has no readable `ref` to answer.
    """
    decoder = _json_commands if codec is Codec.JSON else _msgpack_commands
    try:
        commands: list[AnyCommand | Error] = decoder.decode(payload)  # type: ignore[assignment]
    except msgspec.ValidationError:
        commands = _decode_one_by_one(payload, codec)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolViolation(CloseCode.BAD_FRAME, f"not {codec.value}: {error}") from None
    if len(commands) > limits.MESSAGES_PER_FRAME:
        raise ProtocolViolation(CloseCode.BAD_FRAME, f"more than {limits.MESSAGES_PER_FRAME} messages in a frame")
    return commands


def _decode_one_by_one(payload: bytes, codec: Codec) -> list[AnyCommand | Error]:
    """A message of the frame does not validate: find which, so that its neighbours pass."""
    module = msgspec.json if codec is Codec.JSON else msgspec.msgpack
    try:
        return [_decode_one(raw, module) for raw in module.decode(payload, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolViolation(CloseCode.BAD_FRAME, f"not a list of commands: {error}") from None


def _decode_one(raw: msgspec.Raw, module: object) -> AnyCommand | Error:
    try:
        command: AnyCommand = module.decode(raw, type=AnyCommand)  # type: ignore[attr-defined]
        return command
    except msgspec.ValidationError as error:
        head: _Refonly = module.decode(raw, type=_Refonly)  # type: ignore[attr-defined]
        if not 0 <= head.ref < 2**32:
            raise msgspec.ValidationError("`ref` is out of range") from None
        unknown = str(error).endswith("`$.t`")
        return Error(ref=head.ref, code=ErrorCode.UNKNOWN_COMMAND if unknown else ErrorCode.INVALID, text=str(error))


def plain(message: msgspec.Struct) -> object:
    """A message as plain maps and lists, for vectors and documents."""
    return _json_plain(_json_encode(message))


def encode_all(messages: Iterable[msgspec.Struct], codec: Codec) -> bytes:
    """Encode messages into one frame's payload."""
    return frame([encode(message, codec) for message in messages], codec)
