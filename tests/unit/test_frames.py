"""Frames: RFC 6455 headers at every size that changes them, and compression that other readers undo."""

from __future__ import annotations

import zlib

import pytest
from websockets.frames import Opcode

from gateway import frames
from livestream.protocol.codec import Codec
from tests.support.receivers import read_frame as read

SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000]
HEADS = {
    0: b"\x81\x00",
    1: b"\x81\x01",
    125: b"\x81\x7d",
    126: b"\x81\x7e\x00\x7e",
    127: b"\x81\x7e\x00\x7f",
    65_535: b"\x81\x7e\xff\xff",
    65_536: b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
    200_000: b"\x81\x7f\x00\x00\x00\x00\x00\x03\x0d\x40",
}


@pytest.mark.parametrize("size", SIZES)
def test_the_header_is_that_of_rfc_6455(size: int) -> None:
    payload = b"x" * size
    assert frames.frame(payload, Codec.JSON) == HEADS[size] + payload


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("codec", Codec)
def test_another_reader_reads_the_same_payload(size: int, codec: Codec) -> None:
    payload = bytes(index * 7 % 256 for index in range(size))
    frame = read(frames.frame(payload, codec))
    assert bytes(frame.data) == payload
    assert frame.opcode is (Opcode.TEXT if codec is Codec.JSON else Opcode.BINARY)
    assert (frame.fin, frame.rsv1, frame.rsv2, frame.rsv3) == (True, False, False, False)


@pytest.mark.parametrize("size", SIZES)
def test_a_compressed_frame_inflates_to_the_same_payload(size: int) -> None:
    payload = b'{"t":"comment"},' * (size // 16 + 1)
    compressed = frames.deflate(payload)
    assert zlib.decompressobj(wbits=-15).decompress(compressed + b"\x00\x00\xff\xff") == payload
    frame = read(frames.frame(compressed, Codec.JSON, compressed=True), compressed=True)
    assert bytes(frame.data) == payload


def test_compression_leaves_no_trace_for_the_next_frame() -> None:
    first, second = frames.deflate(b"abc" * 100), frames.deflate(b"abc" * 100)
    assert first == second


@pytest.mark.parametrize("size", [0, 1, 65_534, 65_535, 65_536, 131_070, 131_071, 300_000])
def test_a_stored_block_may_be_of_any_length(size: int) -> None:
    data = bytes(index % 251 for index in range(size))
    message = frames.stored_block(data) + frames.end_of_blocks()
    assert bytes(read(frames.frame(message, Codec.JSON, compressed=True), compressed=True).data) == data


def test_a_stored_block_costs_five_bytes_for_64_kib() -> None:
    assert len(frames.stored_block(b"x" * 65_535)) == 65_535 + 5
    assert len(frames.stored_block(b"x" * 65_536)) == 65_536 + 10


def test_a_ping_is_an_empty_unmasked_control_frame() -> None:
    frame = read(frames.PING)
    assert (frame.opcode, frame.data, frame.fin) == (Opcode.PING, b"", True)
