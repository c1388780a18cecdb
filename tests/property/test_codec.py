"""The codec under arbitrary input: it refuses, and never breaks; round trips lose nothing; splicing equals encoding."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgpack
import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livestream.protocol import codec as wire
from livestream.protocol import commands as c
from livestream.protocol import limits
from livestream.protocol.codec import Codec, decode_commands
from livestream.protocol.errors import CloseCode, ErrorCode, ProtocolViolation
from livestream.protocol.events import Arrived, Commented, HostMessage, Pinned, Said
from livestream.protocol.examples import MESSAGES
from livestream.protocol.pushes import Live, Log
from livestream.protocol.replies import Error, Ok
from livestream.protocol.show import ShowState

# The rules are about bytes, not time: on a busy machine a deadline fails what is right.
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

codecs = st.sampled_from(list(Codec))
messages = st.lists(st.sampled_from(MESSAGES), max_size=40)


def text(most: int) -> st.SearchStrategy[str]:
    """What a text field takes: no NUL, and something to see."""
    some = st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=min(most, 60)
    )
    return some.filter(lambda value: bool(value.strip()))


refs = st.integers(0, 2**32 - 1)
ids = st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=13, max_size=13)
rooms = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True)
keys = st.none() | text(limits.KEY_CHARS)
tokens = text(limits.TOKEN_CHARS)
moments = st.integers(0, 2**53 - 1)
resumes = st.builds(c.Resume, token=tokens, epoch=text(64), seq=moments, staff_seq=moments)
commands: st.SearchStrategy[c.AnyCommand] = st.one_of(
    st.builds(
        c.Join,
        ref=refs, room=rooms, token=st.none() | tokens, ticket=st.none() | tokens, resume=st.none() | resumes,
        name=st.none() | text(limits.NAME_CHARS),
    ),
    st.builds(c.Comment, ref=refs, text=text(limits.COMMENT_CHARS), key=keys),
    st.builds(c.Like, ref=refs, count=st.integers(1, limits.LIKES_PER_COMMAND)),
    st.builds(
        c.Say, ref=refs, text=text(limits.HOST_MESSAGE_CHARS), pin=st.booleans(), answers=st.none() | ids, key=keys
    ),
    st.builds(c.Pin, ref=refs, message=st.none() | ids, key=keys),
    st.builds(c.Schedule, ref=refs, title=text(limits.TITLE_CHARS), starts_at=moments, key=keys),
    st.builds(c.SetShow, ref=refs, state=st.sampled_from(ShowState), key=keys),
    st.builds(c.Seen, ref=refs, notice=moments),
)  # fmt: skip
said = st.builds(
    HostMessage, id=ids, name=st.text(), text=st.text(), at=moments, answers=st.none() | ids,
    answered_name=st.none() | st.text(), answered_text=st.none() | st.text(),
)  # fmt: skip
log_events = st.builds(Said, message=said) | st.builds(Pinned, message=st.none() | said)
live_events = st.builds(Commented, id=ids, by=ids, name=st.text(), text=st.text()) | st.builds(Arrived, name=st.text())

#: a message that has a ref and does not validate, with the code it earns
spoiled: list[tuple[Callable[[int], dict[str, Any]], ErrorCode]] = [
    (lambda ref: {"t": "like", "ref": ref, "count": 0}, ErrorCode.INVALID),
    (lambda ref: {"t": "comment", "ref": ref}, ErrorCode.INVALID),
    (lambda ref: {"t": "comment", "ref": ref, "text": "\0"}, ErrorCode.INVALID),
    (lambda ref: {"ref": ref}, ErrorCode.INVALID),
    (lambda ref: {"t": "nothing of ours", "ref": ref}, ErrorCode.UNKNOWN_COMMAND),
]
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


def packed(document: object, codec: Codec) -> bytes:
    return json.dumps(document).encode() if codec is Codec.JSON else bytes(msgpack.packb(document))


def outcome(payload: bytes, codec: Codec) -> list[c.AnyCommand | Error] | CloseCode:
    """What a frame earns; anything else that is raised fails the test."""
    try:
        return decode_commands(payload, codec)
    except ProtocolViolation as violation:
        return violation.close


def is_answered(found: list[c.AnyCommand | Error] | CloseCode) -> bool:
    if isinstance(found, CloseCode):
        return found is CloseCode.BAD_FRAME
    return all(isinstance(item, c.Command | Error) for item in found)


def unpacked(payload: bytes, codec: Codec) -> Any:
    return json.loads(payload) if codec is Codec.JSON else msgpack.unpackb(payload, strict_map_key=False)


@untimed
@given(st.binary(max_size=200), codecs)
def test_arbitrary_bytes_are_a_violation_or_commands(data: bytes, codec: Codec) -> None:
    assert is_answered(outcome(data, codec))


@untimed
@given(st.lists(commands, min_size=1, max_size=4), codecs, st.data())
def test_a_damaged_frame_is_a_violation_or_commands(
    several: list[c.AnyCommand], codec: Codec, data: st.DataObject
) -> None:
    payload = bytearray(wire.encode_all(several, codec))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    kept = data.draw(st.integers(0, len(payload)))
    assert is_answered(outcome(bytes(payload[:kept]), codec))


@untimed
@given(plain, codecs)
def test_an_arbitrary_document_is_a_violation_or_commands(document: object, codec: Codec) -> None:
    payload = msgspec.json.encode(document) if codec is Codec.JSON else msgspec.msgpack.encode(document)
    assert outcome(payload, codec) in (CloseCode.BAD_FRAME, [])


@untimed
@given(almost)
def test_what_looks_like_commands_is_answered_message_by_message(document: list[dict[str, Any]]) -> None:
    found = outcome(json.dumps(document).encode(), Codec.JSON)
    if isinstance(found, CloseCode):
        assert any(not 0 <= item["ref"] < 2**32 for item in document)
    else:
        assert [item.ref for item in found] == [item["ref"] for item in document]


@untimed
@given(st.lists(commands, max_size=limits.MESSAGES_PER_FRAME), codecs)
def test_commands_come_out_as_they_went_in(several: list[c.AnyCommand], codec: Codec) -> None:
    payload = wire.encode_all(several, codec)
    assert decode_commands(payload, codec) == several
    assert unpacked(payload, codec) == [wire.plain(command) for command in several]


@untimed
@given(st.lists(commands, max_size=8), st.lists(commands, max_size=8), st.sampled_from(spoiled), refs, codecs)
def test_a_bad_message_leaves_its_neighbours_alone(
    before: list[c.AnyCommand],
    after: list[c.AnyCommand],
    bad: tuple[Callable[[int], dict[str, Any]], ErrorCode],
    ref: int,
    codec: Codec,
) -> None:
    make, code = bad
    document = [*map(wire.plain, before), make(ref), *map(wire.plain, after)]
    found = decode_commands(packed(document, codec), codec)
    middle = found.pop(len(before))
    assert found == [*before, *after]
    assert isinstance(middle, Error)
    assert (middle.ref, middle.code) == (ref, code)


@untimed
@given(messages, codecs)
def test_a_frame_is_the_list_of_its_messages(several: list[msgspec.Struct], codec: Codec) -> None:
    payload = wire.encode_all(several, codec)
    assert unpacked(payload, codec) == [wire.plain(message) for message in several]


@untimed
@given(st.integers(0, 20), st.integers(0, 20), codecs)
def test_a_message_spliced_in_between_stands_in_between(before: int, after: int, codec: Codec) -> None:
    first, middle, last = (wire.encode(Ok(ref=ref), codec) for ref in (1, 2, 3))
    head, tail = wire.frame_around([first] * before, [last] * after, codec)
    assert head + middle + tail == wire.frame([first] * before + [middle] + [last] * after, codec)


@untimed
@given(moments, moments, log_events, codecs)
def test_spliced_events_equal_straight_encoding(seq: int, at: int, event: Said | Pinned, codec: Codec) -> None:
    spliced = wire.encode_logged(Log, seq, at, msgspec.json.encode(event), codec)
    assert spliced == wire.encode(Log(seq=seq, at=at, event=event), codec)


@untimed
@given(st.lists(live_events, max_size=20), st.integers(0, 1000), codecs)
def test_a_spliced_live_push_equals_straight_encoding(
    events: list[Commented | Arrived], left_out: int, codec: Codec
) -> None:
    spliced = wire.encode_live([msgspec.json.encode(event) for event in events], left_out, codec)
    assert spliced == wire.encode(Live(events=list(events), left_out=left_out), codec)
