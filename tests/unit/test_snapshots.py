"""The snapshot cache: made once for all who join together, never served for another version."""

from __future__ import annotations

import itertools
import zlib

import msgspec
import pytest

from gateway.snapshots import SnapshotCache
from livestream.protocol.codec import Codec
from livestream.protocol.pushes import Snapshot


class Room:
    """Makes snapshots that tell how often they were made."""

    def __init__(self) -> None:
        self.made = 0
        self.cache = SnapshotCache(self.make)

    def make(self, staff: bool) -> Snapshot:
        self.made += 1
        return Snapshot(epoch="e", seq=self.made, room="r", title="t", staff_seq=7 if staff else 0)


def version(top: int, staff_top: int = 0, epoch: str = "e") -> tuple[str, int, int]:
    return (epoch, top, staff_top)


def seq(message: bytes, codec: Codec = Codec.JSON) -> int:
    module = msgspec.json if codec is Codec.JSON else msgspec.msgpack
    return module.decode(message, type=Snapshot).seq


def test_a_storm_of_joins_is_one_encoding() -> None:
    room = Room()
    assert {seq(room.cache.message(Codec.JSON, False, version(5), 10.0 + n / 1000)) for n in range(999)} == {1}


@pytest.mark.parametrize("other", [version(6), version(4), version(5, 1), version(5, 0, "f")])
def test_another_version_is_never_served(other: tuple[str, int, int]) -> None:
    room = Room()
    assert seq(room.cache.message(Codec.JSON, False, version(5), 10.0)) == 1
    assert seq(room.cache.message(Codec.JSON, False, other, 10.0)) == 2
    assert seq(room.cache.message(Codec.JSON, False, version(5), 10.0)) == 3


def test_a_moment_later_it_is_made_anew_for_its_gauges() -> None:
    room = Room()
    assert seq(room.cache.message(Codec.JSON, False, version(5), 10.0)) == 1
    assert seq(room.cache.message(Codec.JSON, False, version(5), 10.999)) == 1
    assert seq(room.cache.message(Codec.JSON, False, version(5), 11.0)) == 2


def test_codecs_and_audiences_never_get_each_others() -> None:
    room = Room()
    found = {
        (codec, staff): room.cache.message(codec, staff, version(5), 10.0)
        for codec, staff in itertools.product(Codec, (False, True))
    }
    assert room.made == 4
    for (codec, staff), message in found.items():
        module = msgspec.json if codec is Codec.JSON else msgspec.msgpack
        assert module.decode(message, type=Snapshot).staff_seq == (7 if staff else 0)


@pytest.mark.parametrize("codec", Codec)
def test_the_block_is_the_message_compressed_and_goes_with_it(codec: Codec) -> None:
    room = Room()
    for top, now in ((5, 10.0), (5, 10.5), (6, 10.6), (6, 12.0)):
        block = room.cache.block(codec, False, version(top), now)
        assert zlib.decompressobj(wbits=-15).decompress(block) == room.cache.message(codec, False, version(top), now)
    assert room.made == 3


def test_an_old_block_does_not_outlive_its_message() -> None:
    room = Room()
    first = room.cache.block(Codec.JSON, False, version(5), 10.0)
    room.cache.message(Codec.JSON, False, version(6), 10.0)
    assert room.cache.block(Codec.JSON, False, version(6), 10.0) != first
