"""A reader that outlives its version."""

from __future__ import annotations

import msgspec
import pytest

from livestream.client_wire import Unknown, decode
from livestream.protocol.codec import Codec, encode_all
from livestream.protocol.errors import ErrorCode
from livestream.protocol.events import Event, Pinned
from livestream.protocol.pushes import Gauge, Live, Log, Notice
from livestream.protocol.replies import Error, Ok

COMMENT = {"t": "comment", "id": "0000000000001", "by": "b", "name": "n", "text": "x"}


def encode(messages: list[object], codec: Codec) -> bytes:
    return msgspec.json.encode(messages) if codec is Codec.JSON else msgspec.msgpack.encode(messages)


@pytest.mark.parametrize("codec", Codec)
def test_a_frame_of_this_version_is_read_as_it_was_written(codec: Codec) -> None:
    messages = [Ok(ref=1), Log(seq=1, at=2, event=Pinned()), Live(left_out=3), Gauge(values={"likes": 4})]
    assert decode(encode_all(messages, codec), codec) == messages


@pytest.mark.parametrize("codec", Codec)
def test_what_a_newer_server_sends_costs_its_neighbours_nothing(codec: Codec) -> None:
    frame: list[object] = [
        {"t": "hologram", "depth": 3},
        {"t": "ok", "ref": 1, "new_field": True},
        {"t": "live", "events": [{"t": "waved"}, COMMENT], "left_out": 2},
        {"t": "error", "ref": 2, "code": "not_on_sundays", "text": "closed"},
    ]
    ok, live, error = decode(encode(frame, codec), codec)
    assert ok == Ok(ref=1)
    assert isinstance(live, Live)
    assert ([event.name for event in live.events], live.left_out) == (["n"], 2)
    assert isinstance(error, Error)
    assert (error.ref, error.code) == (2, "not_on_sundays")
    assert error.code not in ErrorCode.__members__.values()


@pytest.mark.parametrize("codec", Codec)
def test_an_unknown_log_event_keeps_its_place_in_the_log(codec: Codec) -> None:
    event = {"t": "draw_opened", "prize": "a pan"}
    frame: list[object] = [
        {"t": "log", "seq": 5, "at": 6, "event": event},
        {"t": "notice", "notice": 7, "at": 8, "event": event},
    ]
    log, notice = decode(encode(frame, codec), codec)
    assert isinstance(log, Log)
    expected: Event = Unknown(fields=event)
    assert (log.seq, log.event) == (5, expected)
    assert isinstance(notice, Notice)
    assert notice.notice == 7


@pytest.mark.parametrize("payload", [b"{}", b"[", b'[{"t":"snapshot","seq":"?"}]', b"\xff"])
def test_what_is_not_our_protocol_is_an_error(payload: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode(payload, Codec.JSON)
