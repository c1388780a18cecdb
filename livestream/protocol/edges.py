"""Edges: frames at the border of what is taken, for the second golden file. `examples.py` holds one of each kind."""

from __future__ import annotations

import json

import msgspec

from . import commands as c
from . import limits
from . import pushes as p
from .codec import Codec, encode_all, plain
from .errors import CloseCode
from .events import Arrived, Commented
from .replies import Ok

_BAD_FRAME = int(CloseCode.BAD_FRAME)
_J, _M = Codec.JSON, Codec.MSGPACK

#: what is hard for a client to get right in its own codec
MESSAGES: tuple[tuple[str, msgspec.Struct], ...] = (
    ("emoji of several code points", c.Comment(ref=1, text="👩‍👩‍👧‍👦 🇵🇱 👍🏽 ❤️")),
    ("Chinese, Japanese and Korean", c.Comment(ref=1, text="这个多少钱？ これはいくら？ 이거 얼마예요? 𠮷")),
    ("combining marks are kept apart", c.Comment(ref=1, text="e\u0301 \u00e9 Z\u0351\u036b\u0343")),
    ("right to left, with its marks", c.Comment(ref=1, text="\u202eabc\u202c مرحبا \u2066x\u2069")),
    ("quotes, slashes and controls", c.Comment(ref=1, text='"\\/\b\f\n\r\t\u001f\u007f\u2028\u2029</script>')),
    ("the longest comment, in characters of four bytes", c.Comment(ref=1, text="😀" * limits.COMMENT_CHARS)),
    ("strings of 31 and 32 bytes", c.Comment(ref=1, text="a" * 31, key="b" * 32)),
    ("the greatest whole number of a double", p.Gauge(values={"likes": 2**53 - 1})),
    ("numbers where MessagePack changes width", p.Gauge(values={f"n{bit}": 2**bit for bit in (7, 8, 16, 32)})),
    ("negative numbers where it changes width", p.Gauge(values={f"n{bit}": -(2**bit) - 1 for bit in (5, 7, 15, 31)})),
    ("a map of 16 values", p.Gauge(values={f"k{place:02}": place for place in range(16)})),
    (
        "a list of 16 events",
        p.Live(events=[Commented(id="0" * 13, by="1" * 13, name="A", text=str(n)) for n in range(16)]),
    ),
    ("a name in two scripts", p.Live(events=[Arrived(name="Łukasz 小明")])),
    ("defaults left out", Ok(ref=0)),
)


def _packed(*messages: object) -> bytes:
    return msgspec.msgpack.encode(list(messages))


def _nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def _json(*messages: object) -> bytes:
    return json.dumps(messages).encode()


_LIKE = {"t": "like", "ref": 1}
_MANY = [_LIKE] * limits.MESSAGES_PER_FRAME

#: name, codec, payload, and what each message earns: the command as it is understood, an error code, or one close code
ANSWERED: tuple[tuple[str, Codec, bytes, list[c.Command | str] | int], ...] = (
    ("an empty frame", _J, b"[]", []),
    ("an empty frame, packed", _M, b"\x90", []),
    ("space around everything", _J, b' [ { "ref" : 1 , "t" : "like" } ] \n', [c.Like(ref=1)]),
    ("unknown fields are ignored", _J, _json({**_LIKE, "new": {"a": [1, None]}, "": 0}), [c.Like(ref=1)]),
    ("unknown fields are ignored, packed", _M, _packed({**_LIKE, "new": b"\xff", "f": 1.5}), [c.Like(ref=1)]),
    ("an unknown field that is deep", _J, f'[{{"t":"like","ref":1,"x":{_nested(100)}}}]'.encode(), [c.Like(ref=1)]),
    ("an unknown field that is too deep", _J, f'[{{"t":"like","ref":1,"x":{_nested(2000)}}}]'.encode(), _BAD_FRAME),
    ("a field twice: the last counts", _J, b'[{"t":"like","ref":1,"count":2,"count":3}]', [c.Like(ref=1, count=3)]),
    ("fields left out have their defaults", _M, _packed({"ref": 7, "t": "like"}), [c.Like(ref=7, count=1)]),
    ("an escaped pair of surrogates", _J, rb'[{"t":"comment","ref":1,"text":"\ud83d\ude00"}]',
     [c.Comment(ref=1, text="😀")]),
    ("an escaped half of a pair", _J, rb'[{"t":"comment","ref":1,"text":"\ude00"}]', _BAD_FRAME),
    ("the greatest moment", _J, _json({"t": "schedule", "ref": 1, "title": "x", "starts_at": 2**53 - 1}),
     [c.Schedule(ref=1, title="x", starts_at=2**53 - 1)]),
    ("a moment past it", _J, _json({"t": "schedule", "ref": 1, "title": "x", "starts_at": 2**53}), ["invalid"]),
    ("a whole number written as a float", _J, b'[{"t":"like","ref":1,"count":2.0}]', ["invalid"]),
    ("a fraction", _J, b'[{"t":"like","ref":1,"count":1.5}]', ["invalid"]),
    ("a number of 400 digits", _J, b'[{"t":"like","ref":1,"count":' + b"9" * 400 + b"}]", ["invalid"]),
    ("the greatest ref", _J, _json({"t": "like", "ref": 2**32 - 1}), [c.Like(ref=2**32 - 1)]),
    ("a ref past it", _J, _json({"t": "like", "ref": 2**32}), _BAD_FRAME),
    ("a ref past it spoils its neighbours too", _J, _json(_LIKE, {"t": "like", "ref": 2**32}), _BAD_FRAME),
    ("a ref that is no number", _J, b'[{"t":"like","ref":"1"}]', _BAD_FRAME),
    ("no name", _J, b'[{"ref":1}]', ["invalid"]),
    ("a name that is no string", _J, b'[{"t":1,"ref":1}]', _BAD_FRAME),
    ("a message that is no map", _J, b'[{"t":"like","ref":1},5]', _BAD_FRAME),
    ("one unknown among good ones", _M, _packed(_LIKE, {"t": "x", "ref": 2}, {**_LIKE, "ref": 3}),
     [c.Like(ref=1), "unknown_command", c.Like(ref=3)]),
    ("a comment of 500 characters", _J, _json({"t": "comment", "ref": 1, "text": "é" * 500}),
     [c.Comment(ref=1, text="é" * 500)]),
    ("a comment of 501 characters", _J, _json({"t": "comment", "ref": 1, "text": "é" * 501}), ["invalid"]),
    ("a NUL, packed", _M, _packed({"t": "comment", "ref": 1, "text": "a\0b"}), ["invalid"]),
    ("a NUL in a key", _J, rb'[{"t":"comment","ref":1,"text":"a","key":"\u0000"}]', ["invalid"]),
    ("a NUL as it is", _J, b'[{"t":"comment","ref":1,"text":"a\0b"}]', _BAD_FRAME),
    ("bytes where text belongs, packed", _M, _packed({"t": "comment", "ref": 1, "text": b"abc"}), ["invalid"]),
    ("text that is not UTF-8", _J, b'[{"t":"comment","ref":1,"text":"\xff\xfe"}]', _BAD_FRAME),
    ("an overlong slash", _J, b'[{"t":"comment","ref":1,"text":"\xc0\xaf"}]', _BAD_FRAME),
    ("a surrogate in UTF-8", _M, b"\x91\x83\xa1t\xa7comment\xa3ref\x01\xa4text\xa3\xed\xa0\x80", _BAD_FRAME),
    ("as many messages as a frame may hold", _J, _json(*_MANY), [c.Like(ref=1)] * len(_MANY)),
    ("one more", _J, _json(*_MANY, _LIKE), _BAD_FRAME),
    ("one more, packed", _M, _packed(*_MANY, _LIKE), _BAD_FRAME),
    ("nothing at all", _J, b"", _BAD_FRAME),
    ("nothing at all, packed", _M, b"", _BAD_FRAME),
    ("a frame cut short", _J, b'[{"t":"like","ref":1', _BAD_FRAME),
    ("a frame cut short, packed", _M, _packed(_LIKE)[:-1], _BAD_FRAME),
    ("something after the list", _J, b"[][]", _BAD_FRAME),
    ("something after the list, packed", _M, b"\x90\x90", _BAD_FRAME),
    ("a comma too many", _J, b'[{"t":"like","ref":1},]', _BAD_FRAME),
    ("not a number", _J, b'[{"t":"like","ref":NaN}]', _BAD_FRAME),
    ("the other codec", _M, b'[{"t":"like","ref":1}]', _BAD_FRAME),
    ("the other codec, in JSON", _J, _packed(_LIKE), _BAD_FRAME),
)  # fmt: skip


def edges() -> str:
    """The second golden file, laid out as tests/golden/README.md says."""
    document = {"messages": [_message(*each) for each in MESSAGES], "answered": [_answered(*each) for each in ANSWERED]}
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n"


def _message(name: str, message: msgspec.Struct) -> dict[str, object]:
    return {
        "name": name,
        "kind": type(message).__name__,
        "plain": plain(message),
        "json": encode_all([message], _J).decode(),
        "msgpack_hex": encode_all([message], _M).hex(),
    }


def _answered(name: str, codec: Codec, payload: bytes, answer: list[c.Command | str] | int) -> dict[str, object]:
    if isinstance(answer, list):
        return {
            "name": name,
            "codec": codec.value,
            "bytes_hex": payload.hex(),
            "messages": [_one(each) for each in answer],
        }
    return {"name": name, "codec": codec.value, "bytes_hex": payload.hex(), "close": answer}


def _one(answer: c.Command | str) -> dict[str, object]:
    return {"error": answer} if isinstance(answer, str) else {"command": plain(answer)}
