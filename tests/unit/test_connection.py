"""A connection: whatever is to be said at the end, the peer gets a whole close frame and nobody is forgotten."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import cast

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.channel import Channel
from gateway.connection import Connection
from gateway.handshake import Accepted
from livestream.protocol.codec import Codec
from livestream.protocol.errors import CloseCode
from tests.support.receivers import read_frame


class Line:
    """A transport that takes everything."""

    def __init__(self) -> None:
        self.sent = b""
        self.ended = False

    def write(self, data: bytes) -> None:
        self.sent += data

    def set_write_buffer_limits(self, high: int) -> None: ...

    def get_extra_info(self, name: str) -> Line:
        return self

    def fileno(self) -> int:
        return 7

    def write_eof(self) -> None:
        self.ended = True


class Told:
    """An edge that remembers who was closed."""

    hard_buffer_bytes = 1 << 18

    def __init__(self) -> None:
        self.codes: list[int | None] = []

    def received(self, connection: Connection, payload: bytes) -> int:
        return 0

    def closed(self, connection: Connection, code: int | None) -> None:
        self.codes.append(code)

    def lost(self, connection: Connection) -> None: ...


@given(st.text(alphabet=st.characters(codec=None), max_size=300))
@example("封" * 200)
@example("\ud800" * 200)
def test_a_reason_in_any_script_closes_with_as_much_of_it_as_fits(why: str) -> None:
    line, told = Line(), Told()
    accepted = Accepted(b"", Codec.JSON, [])
    Connection(told, cast(asyncio.Transport, line), "::1", accepted).close(CloseCode.BANNED, why)
    data = bytes(read_frame(line.sent).data)
    said = data[2:].decode()
    assert int.from_bytes(data[:2], "big") == CloseCode.BANNED
    assert "".join(each for each in why if not "\ud800" <= each <= "\udfff").startswith(said) or not why
    assert len(data) <= 125
    assert told.codes == [CloseCode.BANNED]
    assert line.ended


def test_who_was_spared_a_frame_is_told_the_gauges_once_they_can_read_again() -> None:
    """A gauge that rests is not told again: stock and seats would stay as they were."""
    line = Line()
    connection = Connection(Told(), cast(asyncio.Transport, line), "::1", Accepted(b"", Codec.JSON, []))
    room = SimpleNamespace(gauges={"deal_x_left": 3}, fanout=SimpleNamespace(regroup=lambda *_: None))
    connection.channel = cast(Channel, room)
    connection.pause_writing()
    connection.resume_writing()
    assert line.sent == b""
    for left in (3, 2):
        room.gauges["deal_x_left"] = left
        connection.pause_writing()
        connection.spared()
        connection.resume_writing()
        assert json.loads(read_frame(line.sent).data) == [{"t": "gauge", "values": {"deal_x_left": left}}]
        line.sent = b""
    connection.pause_writing()
    connection.resume_writing()
    assert line.sent == b""
