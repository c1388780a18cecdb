"""The tail: who resumes gets exactly what is missing, and however many ask from wherever, an event is encoded once."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tail import Tail
from livestream.protocol import codec as wire
from livestream.protocol.codec import Codec
from livestream.protocol.events import Answered, HostMessage
from livestream.protocol.pushes import Log
from tests.support.receivers import logged


def test_resumes_from_every_seq_encode_each_event_once_a_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    encode = wire.encode_logged

    def counted(kind: type[Log], seq: int, at: int, event: bytes, codec: Codec) -> bytes:
        made.append(seq)
        return encode(kind, seq, at, event, codec)

    monkeypatch.setattr(wire, "encode_logged", counted)
    tail = Tail(Log, 0, 100)
    tail.push(logged(*range(1, 101)))
    for codec in Codec:
        for after in range(101):
            assert len(tail.pushes_since(after, codec) or []) == 100 - after
    assert sorted(made) == sorted([*range(1, 101)] * len(Codec))


@given(st.lists(st.integers(1, 7), max_size=20), st.integers(0, 9), st.integers(0, 12))
def test_a_tail_holds_the_newest_without_a_gap(pushes: list[int], most: int, back: int) -> None:
    most += 1
    tail = Tail(Log, 10, most)
    top = 10
    for count in pushes:
        tail.pushes_since(top, Codec.JSON)
        tail.push(logged(*range(top + 1, top + count + 1)))
        top += count
    tail.extend_back(logged(*range(max(1, top - back), top + 1)))
    for after in range(top + 2):
        found = tail.pushes_since(after, Codec.JSON)
        assert (found is not None) == tail.reaches(after)
        if found is not None:
            assert found == [
                wire.encode_logged(Log, e.seq, e.at, e.event, Codec.JSON) for e in logged(*range(after + 1, top + 1))
            ]
    assert len(tail.events) <= most
    assert tail.reaches(top)
    assert not tail.reaches(top + 1)


def test_what_is_not_next_to_the_tail_is_left_out() -> None:
    tail = Tail(Log, 10, 100)
    tail.push(logged(11, 12))
    tail.extend_back(logged(7, 8))
    assert not tail.reaches(7)
    tail.extend_back(logged(9, 10, 11))
    assert [event.seq for event in tail.since(8)] == [9, 10, 11, 12]


def test_redacted_words_are_gone_from_what_was_encoded_before() -> None:
    tail = Tail(Log, 0, 10)
    (event,) = logged(1)
    message = HostMessage(id="0000000000001", name="Ada", text="secret", at=1)
    answered = Answered(comment="0000000000002", message=message)
    tail.push([msgspec.structs.replace(event, event=msgspec.json.encode(answered))])
    assert b"secret" in (tail.pushes_since(0, Codec.JSON) or [b""])[0]
    tail.redact(["0000000000001"])
    assert b"secret" not in (tail.pushes_since(0, Codec.JSON) or [b"secret"])[0]
