"""The golden vectors: what the server sends and takes, byte for byte, and what an independent reader makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import pytest

from livestream.protocol.codec import Codec, decode_commands, encode_all, plain
from livestream.protocol.commands import COMMANDS, AnyCommand
from livestream.protocol.errors import ProtocolViolation
from livestream.protocol.examples import MESSAGES
from livestream.protocol.model import messages
from livestream.protocol.pushes import AnyPush
from livestream.protocol.replies import AnyReply, Error

GOLDEN = Path(__file__).parents[1] / "golden"
VECTORS = json.loads((GOLDEN / "vectors.json").read_text("utf-8"))
EDGES = json.loads((GOLDEN / "edges.json").read_text("utf-8"))
GOOD = [*VECTORS["messages"], *EDGES["messages"]]


def struct_of(vector: dict[str, Any]) -> Any:
    """The message of a vector, made from its plain form alone."""
    kind: Any = AnyCommand if vector["kind"] in {command.__name__ for command in COMMANDS} else AnyPush | AnyReply
    return msgspec.convert(vector["plain"], kind)


def test_every_kind_of_message_has_a_vector() -> None:
    inside = json.dumps(VECTORS["messages"])
    for kind in messages():
        assert f'"t": "{kind.__struct_config__.tag}"' in inside, kind


@pytest.mark.parametrize("vector", GOOD, ids=lambda vector: vector.get("name", vector["kind"]))
def test_both_codecs_and_an_independent_reader_agree_with_the_vector(vector: dict[str, Any]) -> None:
    packed = bytes.fromhex(vector["msgpack_hex"])
    assert msgpack.unpackb(packed) == [vector["plain"]]
    assert json.loads(vector["json"]) == [vector["plain"]]


@pytest.mark.parametrize("vector", GOOD, ids=lambda vector: vector.get("name", vector["kind"]))
def test_a_message_is_encoded_to_the_bytes_of_its_vector(vector: dict[str, Any]) -> None:
    message = struct_of(vector)
    assert type(message).__name__ == vector["kind"]
    assert encode_all([message], Codec.JSON) == vector["json"].encode()
    assert encode_all([message], Codec.MSGPACK).hex() == vector["msgpack_hex"]


@pytest.mark.parametrize(
    "message", [each for each in MESSAGES if type(each) in COMMANDS], ids=lambda message: type(message).__name__
)
def test_commands_survive_the_way_through_each_codec(message: Any) -> None:
    for codec in Codec:
        assert decode_commands(encode_all([message], codec), codec) == [message]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["name"])
def test_bad_input_earns_its_documented_answer(vector: dict[str, Any]) -> None:
    codec, data = Codec(vector["codec"]), bytes.fromhex(vector["bytes_hex"])
    if isinstance(vector["answer"], int):
        with pytest.raises(ProtocolViolation) as raised:
            decode_commands(data, codec)
        assert raised.value.close == vector["answer"]
        return
    answers = [item.code if isinstance(item, Error) else "" for item in decode_commands(data, codec)]
    assert answers == vector["answer"]


@pytest.mark.parametrize("vector", EDGES["answered"], ids=lambda vector: vector["name"])
def test_a_frame_at_the_edge_earns_its_documented_answer(vector: dict[str, Any]) -> None:
    codec, data = Codec(vector["codec"]), bytes.fromhex(vector["bytes_hex"])
    if "close" in vector:
        with pytest.raises(ProtocolViolation) as raised:
            decode_commands(data, codec)
        assert raised.value.close == vector["close"]
        return
    found = decode_commands(data, codec)
    assert [{"error": item.code} if isinstance(item, Error) else {"command": plain(item)} for item in found] == vector[
        "messages"
    ]
