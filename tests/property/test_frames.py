"""Frames: any payload, and any splice of stored and compressed parts, is one message to another reader."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from gateway import frames
from livestream.protocol.codec import Codec
from tests.support.receivers import read_frame as read

PARTS = st.lists(st.tuples(st.booleans(), st.binary(max_size=300), st.integers(0, 400)), max_size=8)


@given(st.binary(max_size=2000), st.integers(0, 200), st.sampled_from(Codec), st.booleans())
def test_a_payload_comes_back_whole(seed: bytes, times: int, codec: Codec, compressed: bool) -> None:
    payload = seed * times
    sent = frames.deflate(payload) if compressed else payload
    frame = read(frames.frame(sent, codec, compressed=compressed), compressed=compressed)
    assert bytes(frame.data) == payload


@given(PARTS)
def test_spliced_blocks_are_one_message(parts: list[tuple[bool, bytes, int]]) -> None:
    expected = b"".join(seed * times for _, seed, times in parts)
    message = frames.end_of_blocks()
    for deflated, seed, times in reversed(parts):
        block = frames.deflate_block(seed * times) if deflated else frames.stored_block(seed * times)
        message = block + message
    assert zlib.decompressobj(wbits=-15).decompress(message + b"\x00\x00\xff\xff") == expected
    assert bytes(read(frames.frame(message, Codec.MSGPACK, compressed=True), compressed=True).data) == expected
