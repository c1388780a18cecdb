"""The codec under arbitrary input: it refuses, and never breaks; splicing equals straight encoding."""

from __future__ import annotations

import json
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livestream.protocol import codec as wire
from livestream.protocol.codec import Codec, decode_commands
from livestream.protocol.commands import Command
from livestream.protocol.errors import ProtocolViolation
from livestream.protocol.events import Commented
from livestream.protocol.examples import MESSAGES
from livestream.protocol.pushes import Live, Log
from livestream.protocol.replies import Error

codecs = st.sampled_from(list(Codec))
messages = st.lists(st.sampled_from(MESSAGES), max_size=40)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
almost = st.lists(
    st.fixed_dictionaries(
        {"t": st.sampled_from(["join", "comment", "like", "say", "seen", "x"]), "ref": st.integers(-1, 2**33)},
        optional={"text": plain, "room": plain, "count": plain, "notice": plain},
    ),
    max_size=5,
)


def unpacked(payload: bytes, codec: Codec) -> Any:
    return json.loads(payload) if codec is Codec.JSON else msgpack.unpackb(payload, strict_map_key=False)


@given(st.binary(max_size=200), codecs)
def test_arbitrary_bytes_are_a_violation_or_commands(data: bytes, codec: Codec) -> None:
    try:
        found = decode_commands(data, codec)
    except ProtocolViolation:
        return
    assert all(isinstance(item, Command | Error) for item in found)


@given(almost)
def test_what_looks_like_commands_is_answered_message_by_message(document: list[dict[str, Any]]) -> None:
    data = json.dumps(document).encode()
    try:
        found = decode_commands(data, Codec.JSON)
    except ProtocolViolation:
        return
    assert [item.ref for item in found] == [item["ref"] for item in document]


@given(messages, codecs)
def test_a_frame_is_the_list_of_its_messages(several: list[msgspec.Struct], codec: Codec) -> None:
    payload = wire.encode_all(several, codec)
    assert unpacked(payload, codec) == [wire.plain(message) for message in several]


@pytest.mark.parametrize("count", [0, 1, 15, 16, 65_535, 65_536])
@pytest.mark.parametrize("codec", list(Codec))
def test_frames_of_any_length_have_the_right_head(count: int, codec: Codec) -> None:
    item = wire.encode(Error(ref=1, code="busy", text=""), codec)  # type: ignore[arg-type]
    assert len(unpacked(wire.frame([item] * count, codec), codec)) == count


@given(st.integers(0, 20), st.integers(0, 20), codecs)
def test_a_message_spliced_in_between_stands_in_between(before: int, after: int, codec: Codec) -> None:
    first, middle, last = (wire.encode(Error(ref=ref, code="busy", text=""), codec) for ref in (1, 2, 3))  # type: ignore[arg-type]
    head, tail = wire.frame_around([first] * before, [last] * after, codec)
    refs = [message["ref"] for message in unpacked(head + middle + tail, codec)]
    assert refs == [1] * before + [2] + [3] * after


@given(st.integers(1, 2**53), st.integers(0, 2**50), codecs)
def test_spliced_events_equal_straight_encoding(seq: int, at: int, codec: Codec) -> None:
    for event in (message.event for message in MESSAGES if isinstance(message, Log)):
        spliced = wire.encode_logged(Log, seq, at, msgspec.json.encode(event), codec)
        assert unpacked(spliced, codec) == wire.plain(Log(seq=seq, at=at, event=event))


@given(st.lists(st.text(min_size=1, max_size=50), max_size=5), st.integers(0, 1000), codecs)
def test_a_spliced_live_push_equals_straight_encoding(texts: list[str], left_out: int, codec: Codec) -> None:
    events = [Commented(id="0" * 13, by="1" * 13, name="Ann", text=text) for text in texts]
    spliced = wire.encode_live([msgspec.json.encode(event) for event in events], left_out, codec)
    assert unpacked(spliced, codec) == wire.plain(Live(events=list(events), left_out=left_out))
