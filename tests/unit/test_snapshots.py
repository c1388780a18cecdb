"""The snapshot cache: made once for all who join together, never served for another version."""

from __future__ import annotations

import itertools
import zlib

import msgspec
import pytest

from gateway.snapshots import SnapshotCache, Version
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


def version(top: int, staff_top: int = 0, epoch: str = "e", shown: int = 0) -> Version:
    return (epoch, top, staff_top, shown)


def seq(message: bytes, codec: Codec = Codec.JSON) -> int:
    module = msgspec.json if codec is Codec.JSON else msgspec.msgpack
    return module.decode(message, type=Snapshot).seq


def test_a_storm_of_joins_is_one_encoding() -> None:
    room = Room()
    assert {seq(room.cache.message(Codec.JSON, False, version(5))) for _ in range(999)} == {1}


@pytest.mark.parametrize("other", [version(6), version(4), version(5, 1), version(5, 0, "f"), version(5, shown=1)])
def test_another_version_is_never_served(other: Version) -> None:
    room = Room()
    assert seq(room.cache.message(Codec.JSON, False, version(5))) == 1
    assert seq(room.cache.message(Codec.JSON, False, other)) == 2
    assert seq(room.cache.message(Codec.JSON, False, version(5))) == 3


def test_codecs_and_audiences_never_get_each_others() -> None:
    room = Room()
    found = {
        (codec, staff): room.cache.message(codec, staff, version(5))
        for codec, staff in itertools.product(Codec, (False, True))
    }
    assert room.made == 4
    for (codec, staff), message in found.items():
        module = msgspec.json if codec is Codec.JSON else msgspec.msgpack
        assert module.decode(message, type=Snapshot).staff_seq == (7 if staff else 0)


@pytest.mark.parametrize("codec", Codec)
def test_the_block_is_the_message_compressed_and_goes_with_it(codec: Codec) -> None:
    room = Room()
    for top in (5, 5, 6, 6):
        block = room.cache.block(codec, False, version(top))
        assert zlib.decompressobj(wbits=-15).decompress(block) == room.cache.message(codec, False, version(top))
    assert room.made == 2


def test_an_old_block_does_not_outlive_its_message() -> None:
    room = Room()
    first = room.cache.block(Codec.JSON, False, version(5))
    room.cache.message(Codec.JSON, False, version(6))
    assert room.cache.block(Codec.JSON, False, version(6)) != first
