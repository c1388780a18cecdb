"""The codec's rules one by one: heads, splices, and what a bad message does to its frame."""

from __future__ import annotations

import json
from typing import Any

import msgpack
import msgspec
import pytest

from livestream.protocol import codec as wire
from livestream.protocol import limits
from livestream.protocol.codec import Codec, decode_commands
from livestream.protocol.commands import Comment, Join, Like
from livestream.protocol.errors import CloseCode, ErrorCode, ProtocolViolation
from livestream.protocol.events import Acted, Arrived, Said
from livestream.protocol.examples import MESSAGES
from livestream.protocol.pushes import Live, Log, Notice, Staff
from livestream.protocol.replies import Error, Ok

pytestmark = pytest.mark.parametrize("codec", list(Codec), ids=lambda codec: codec.name.lower())

COUNTS = [0, 1, 15, 16, 65_535, 65_536, 70_000]
LOGGED = [message for message in MESSAGES if isinstance(message, Log | Staff)]
NOTICES = [message for message in MESSAGES if isinstance(message, Notice)]
LIVE = [message for message in MESSAGES if isinstance(message, Live)]


def packed(document: object, codec: Codec) -> bytes:
    """Encoded by somebody else."""
    return json.dumps(document).encode() if codec is Codec.JSON else bytes(msgpack.packb(document))


def unpacked(payload: bytes, codec: Codec) -> Any:
    return json.loads(payload) if codec is Codec.JSON else msgpack.unpackb(payload)


def straight(messages: object, codec: Codec) -> bytes:
    """A frame encoded in one go."""
    return msgspec.json.encode(messages) if codec is Codec.JSON else msgspec.msgpack.encode(messages)


@pytest.mark.parametrize("count", COUNTS)
def test_a_frame_of_any_length_is_the_list_encoded_in_one_go(count: int, codec: Codec) -> None:
    message = Ok(ref=7, seq=2**53 - 1)
    assert wire.frame([wire.encode(message, codec)] * count, codec) == straight([message] * count, codec)


@pytest.mark.parametrize("count", [count for count in COUNTS if count])
def test_what_stands_around_a_message_makes_the_same_frame(count: int, codec: Codec) -> None:
    first, middle, last = (wire.encode(Ok(ref=ref), codec) for ref in (1, 2, 3))
    for before in {0, count // 2, count - 1}:
        head, tail = wire.frame_around([first] * before, [last] * (count - 1 - before), codec)
        expected = wire.frame([first] * before + [middle] + [last] * (count - 1 - before), codec)
        assert head + middle + tail == expected


@pytest.mark.parametrize("push", LOGGED, ids=lambda push: type(push.event).__name__)
def test_a_logged_event_is_spliced_as_it_would_be_encoded(push: Any, codec: Codec) -> None:
    spliced = wire.encode_logged(type(push), push.seq, push.at, msgspec.json.encode(push.event), codec)
    encoded = wire.encode(push, codec)
    if codec is Codec.MSGPACK:  # a struct of more than 15 fields has a wider head than its map needs
        assert msgspec.msgpack.decode(spliced) == msgspec.msgpack.decode(encoded)
    else:
        assert spliced == encoded


@pytest.mark.parametrize("push", NOTICES, ids=lambda push: type(push.event).__name__)
def test_a_notice_is_spliced_as_it_would_be_encoded(push: Notice, codec: Codec) -> None:
    spliced = wire.encode_logged(Notice, push.notice, push.at, msgspec.json.encode(push.event), codec)
    assert unpacked(spliced, codec) == unpacked(wire.encode(push, codec), codec)


@pytest.mark.parametrize("push", LIVE, ids=lambda push: f"{len(push.events)}-events")
def test_a_live_push_is_spliced_as_it_would_be_encoded(push: Any, codec: Codec) -> None:
    spliced = wire.encode_live([msgspec.json.encode(event) for event in push.events], push.left_out, codec)
    encoded = wire.encode(push, codec)
    if codec is Codec.MSGPACK:  # a struct of more than 15 fields has a wider head than its map needs
        assert msgspec.msgpack.decode(spliced) == msgspec.msgpack.decode(encoded)
    else:
        assert spliced == encoded


@pytest.mark.parametrize("count", COUNTS)
def test_a_live_push_holds_any_number_of_events(count: int, codec: Codec) -> None:
    event = msgspec.json.encode(Arrived(name="Łukasz 😀"))
    found = unpacked(wire.encode_live([event] * count, 0, codec), codec)
    assert found == ({"t": "live", "events": [json.loads(event)] * count} if count else {"t": "live"})


def test_both_logs_keep_their_own_name(codec: Codec) -> None:
    said = next(push.event for push in LOGGED if isinstance(push.event, Said))
    acted = next(push.event for push in LOGGED if isinstance(push.event, Acted))
    for kind, event, name in ((Log, said, "log"), (Staff, acted, "staff")):
        spliced = wire.encode_logged(kind, 1, 2, msgspec.json.encode(event), codec)
        assert unpacked(spliced, codec) == {"t": name, "seq": 1, "at": 2, "event": wire.plain(event)}


def test_defaults_are_left_out_of_what_the_server_sends(codec: Codec) -> None:
    assert unpacked(wire.encode(Ok(ref=0), codec), codec) == {"t": "ok", "ref": 0}
    assert unpacked(wire.encode(Live(), codec), codec) == {"t": "live"}


def test_one_bad_message_does_not_fail_its_neighbours(codec: Codec) -> None:
    document = [
        {"t": "like", "ref": 1},
        {"t": "like", "ref": 2, "count": 0},
        {"t": "x", "ref": 3},
        {"t": "like", "ref": 4},
    ]
    first, second, third, last = decode_commands(packed(document, codec), codec)
    assert (first, last) == (Like(ref=1), Like(ref=4))
    assert isinstance(second, Error)
    assert (second.ref, second.code) == (2, ErrorCode.INVALID)
    assert isinstance(third, Error)
    assert (third.ref, third.code) == (3, ErrorCode.UNKNOWN_COMMAND)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("count", {"t": "like", "ref": 1, "count": "many"}),
        ("text", {"t": "comment", "ref": 1, "text": "a\0b"}),
        ("room", {"t": "join", "ref": 1, "room": "Demo Room"}),
        ("starts_at", {"t": "schedule", "ref": 1, "title": "x", "starts_at": 2**53}),
        ("state", {"t": "set_show", "ref": 1, "state": "asleep"}),
    ],
)
def test_an_invalid_field_is_named(field: str, message: dict[str, object], codec: Codec) -> None:
    (found,) = decode_commands(packed([message], codec), codec)
    assert isinstance(found, Error)
    assert f"$.{field}" in found.text


def test_a_refusal_does_not_repeat_what_was_said_or_a_secret(codec: Codec) -> None:
    document = [
        {"t": "comment", "ref": 1, "text": "between\0us"},
        {"t": "join", "ref": 2, "room": "demo", "token": "hush" * limits.TOKEN_CHARS},
    ]
    for found in decode_commands(packed(document, codec), codec):
        assert isinstance(found, Error)
        assert "between" not in found.text
        assert "hush" not in found.text


def test_unknown_fields_are_ignored(codec: Codec) -> None:
    document = [{"t": "join", "ref": 1, "room": "demo", "coupon": {"deep": [[[1]]]}}]
    assert decode_commands(packed(document, codec), codec) == [Join(ref=1, room="demo")]


def test_a_text_is_kept_to_the_code_point(codec: Codec) -> None:
    text = "e\u0301 é 👩‍👩‍👧‍👦 𠮷 \u202e\u2066"
    assert decode_commands(packed([{"t": "comment", "ref": 1, "text": text}], codec), codec) == [
        Comment(ref=1, text=text)
    ]


@pytest.mark.parametrize(
    "document", [[{"t": "like"}], [{"t": "like", "ref": -1}], [{"t": "x", "ref": 2**32}], [5], {}, "like", None]
)
def test_a_message_that_cannot_be_answered_closes_the_connection(document: object, codec: Codec) -> None:
    with pytest.raises(ProtocolViolation) as raised:
        decode_commands(packed(document, codec), codec)
    assert raised.value.close is CloseCode.BAD_FRAME


@pytest.mark.parametrize("bad", [False, True], ids=["all good", "one bad"])
def test_a_frame_holds_so_many_messages_and_no_more(bad: bool, codec: Codec) -> None:
    document = [{"t": "like", "ref": ref} for ref in range(limits.MESSAGES_PER_FRAME)]
    document[0]["count"] = 0 if bad else 1
    assert len(decode_commands(packed(document, codec), codec)) == limits.MESSAGES_PER_FRAME
    with pytest.raises(ProtocolViolation, match="more than 64 messages"):
        decode_commands(packed([*document, {"t": "like", "ref": 99}], codec), codec)


@pytest.mark.parametrize("deep", [1_000, 100_000], ids=str)
def test_depth_is_refused_and_not_suffered(deep: int, codec: Codec) -> None:
    if codec is Codec.JSON:
        bodies = [b"[" * deep, b'[{"t":"like","ref":1,"x":' + b"[" * deep + b"]" * deep + b"}]"]
    else:
        bodies = [b"\x91" * deep, b"\x91\x83\xa1t\xa4like\xa3ref\x01\xa1x" + b"\x91" * deep + b"\x01"]
    for body in bodies:
        try:
            commands = decode_commands(body, codec)
        except ProtocolViolation:
            continue
        # What no command has is skipped, as deep as this Python goes; a frame has not room for more.
        assert deep == 1_000
        assert commands == [Like(ref=1)]
