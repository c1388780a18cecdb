"""The load test's own websocket: every frame that the library understands, byte for byte, however it is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.streams import StreamReader
from websockets.typing import Subprotocol

from loadtest import websocket
from loadtest.websocket import (
    BINARY,
    CLOSE,
    PING,
    TEXT,
    Frames,
    HandshakeRefused,
    WireError,
    deflated,
    inflated,
    masked,
)

PAYLOADS = st.one_of(st.binary(max_size=300), st.integers(65_000, 66_000).map(bytes), st.just(b"x" * 126))


def served(payload: bytes, opcode: Opcode = Opcode.BINARY, *, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin=fin).serialize(mask=False)


@given(payload=PAYLOADS, mask=st.integers(0, 2**32 - 1))
def test_the_library_reads_what_we_send(payload: bytes, mask: int) -> None:
    reader = StreamReader()
    reader.feed_data(masked(BINARY, payload, mask))
    with pytest.raises(StopIteration) as done:
        next(Frame.parse(reader.read_exact, mask=True))
    frame = done.value.value
    assert (frame.opcode, bytes(frame.data), frame.fin) == (Opcode.BINARY, payload, True)


@given(payloads=st.lists(PAYLOADS, max_size=5), cuts=st.lists(st.integers(0, 70_000), max_size=6))
def test_frames_are_found_however_the_bytes_are_cut(payloads: list[bytes], cuts: list[int]) -> None:
    data = b"".join(map(served, payloads))
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    frames = Frames()
    found = [frame for a, b in pairwise(places) for frame in frames.feed(data[a:b])]
    assert found == [(BINARY, False, payload) for payload in payloads]
    assert frames.at_boundary


def test_a_message_in_fragments_is_one_and_a_ping_may_stand_between() -> None:
    frames = Frames()
    data = served(b"ab", Opcode.TEXT, fin=False) + served(b"!", Opcode.PING) + served(b"cd", Opcode.CONT)
    assert frames.feed(data) == [(PING, False, b"!"), (TEXT, False, b"abcd")]


def test_what_breaks_the_grammar_is_told() -> None:
    with pytest.raises(WireError, match="masked"):
        Frames().feed(masked(TEXT, b"x", 1))
    with pytest.raises(WireError, match="out of place"):
        Frames().feed(served(b"x", Opcode.CONT))
    with pytest.raises(WireError, match="inflate"):
        inflated(b"\xff\xff\xff")


@given(st.binary(max_size=2000))
def test_the_library_inflates_what_we_deflate_and_the_other_way_round(payload: bytes) -> None:
    library = PerMessageDeflate(True, True, 15, 15)
    assert bytes(library.decode(Frame(Opcode.TEXT, deflated(payload), rsv1=True)).data) == payload
    assert inflated(bytes(library.encode(Frame(Opcode.TEXT, payload)).data)) == payload


def test_the_library_accepts_our_opening() -> None:
    server = ServerProtocol(subprotocols=[Subprotocol("livestream.v1.json")])
    server.receive_data(websocket.opening("localhost:1", "/v1/ws", "livestream.v1.json", True, bytes(16), "test"))
    request = server.events_received()[0]
    assert isinstance(request, Request)
    response = server.accept(request)
    assert response.status_code == 101
    head = response.serialize()
    assert websocket.opened(head[:20], "livestream.v1.json") is None
    found = websocket.opened(head + b"rest", "livestream.v1.json")
    assert found is not None
    assert (found.deflate, found.rest) == (False, b"rest")


def test_an_answer_that_is_no_yes_is_told() -> None:
    with pytest.raises(HandshakeRefused) as refused:
        websocket.opened(b"HTTP/1.1 503 Service Unavailable\r\nX: y\r\n\r\n", "p")
    assert refused.value.status == 503
    with pytest.raises(WireError, match="does not speak"):
        websocket.opened(b"HTTP/1.1 101 Switching\r\nX: y\r\n\r\n", "p")
    with pytest.raises(WireError, match="context"):
        websocket.opened(
            b"HTTP/1.1 101 S\r\nSec-WebSocket-Protocol: p\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "p"
        )


def test_a_close_is_a_frame_of_its_own() -> None:
    assert Frames().feed(served((4000).to_bytes(2, "big"), Opcode.CLOSE)) == [(CLOSE, False, b"\x0f\xa0")]
