"""Examples: one canonical message of every kind, and inputs that must be refused. Golden vectors are made of them."""

from __future__ import annotations

import msgspec

from . import commands as c
from . import events as e
from . import pushes as p
from . import replies as r
from .codec import Codec, encode, encode_all, plain
from .errors import CloseCode, ErrorCode
from .roles import Role
from .show import ShowState

_ID, _OTHER = "6h0h6cwr00000", "6h0h6jxng0600"
_AT = 1_795_440_663_984
_BIGGEST = 2**53 - 1
_MESSAGE = e.HostMessage(id=_ID, name="Ada", text="Witamy! 欢迎 👩‍👩‍👧 e\u0301", at=_AT)
_ANSWER = e.HostMessage(
    id=_OTHER, name="Ada", text="Yes, in blue too.", at=_AT, answers=_ID, answered_name="Łukasz", answered_text="Blue?"
)
_SHOW = e.Show(id=_ID, title="Tonight's show", state=ShowState.LIVE, starts_at=_AT, live_at=_AT)
_COMMENT = e.Commented(id=_OTHER, by="3vavcdxybr7f3", name="小明", text="这个多少钱？ <b>&amp;", role=Role.ANONYMOUS)
_ACTED = e.Acted(who="host-1", name="Ada", role=Role.HOST, command="say", what="said a message")

MESSAGES: tuple[msgspec.Struct, ...] = (
    c.Join(ref=0, room="demo"),
    c.Join(ref=1, room="demo", token="a.b.c", name="Zoë"),
    c.Join(
        ref=2**32 - 1, room="demo",
        resume=c.Resume(token="dG9rZW4", epoch="f6906c1e8fbc063e", seq=_BIGGEST, staff_seq=3),
    ),
    c.Join(ref=2, room="demo", ticket="ABwjD6s7M-H8HkZX7vwaPQ"),
    c.Comment(ref=3, text="Ile kosztuje? 😀", key="k-1"),
    c.Like(ref=4, count=50),
    c.Say(ref=5, text="Bonjour à tous", pin=True, answers=_ID, key="k-2"),
    c.Pin(ref=6, message=_ID),
    c.Pin(ref=7, message=None, key="k-3"),
    c.Schedule(ref=8, title="Friday", starts_at=_AT),
    c.SetShow(ref=9, state=ShowState.WARM_UP),
    c.Seen(ref=10, notice=7),
    r.Joined(
        ref=1, room="demo", epoch="f6906c1e8fbc063e", now=_AT, resume="dG9rZW4",
        me=r.Me(id="3vavcdxybr7f3", role=Role.VIEWER, name="Zoë", expires_at=_AT),
    ),
    r.Joined(
        ref=1, room="demo", epoch="f6906c1e8fbc063e", now=_AT, resume="dG9rZW4", resumed=True,
        me=r.Me(id="3vavcdxybr7f3", role=Role.ANONYMOUS),
    ),
    r.Ok(ref=4),
    r.Ok(ref=6, seq=_BIGGEST),
    r.Posted(ref=3, id=_OTHER, shown=False),
    r.Posted(ref=5, id=_ID, seq=12),
    r.Error(ref=3, code=ErrorCode.RATE_LIMITED, text="comment", temporary=True, retry_after_ms=1500),
    r.Error(ref=5, code=ErrorCode.FORBIDDEN, text="a viewer may not say"),
    p.Log(seq=1, at=_AT, event=e.ShowChanged(show=_SHOW)),
    p.Log(seq=2, at=_AT, event=e.Said(message=_MESSAGE)),
    p.Log(seq=3, at=_AT, event=e.Pinned(message=_ANSWER)),
    p.Log(seq=4, at=_AT, event=e.Pinned()),
    p.Staff(seq=1, at=_AT, event=_ACTED),
    p.Live(events=[_COMMENT, e.Arrived(name="Ola")], left_out=12),
    p.Live(left_out=300),
    p.Gauge(values={"viewers": 10_000, "likes": _BIGGEST}),
    p.Notice(notice=1, at=_AT, event=e.Answered(comment=_ID, message=_ANSWER)),
    p.Snapshot(epoch="f6906c1e8fbc063e", seq=0, room="demo", title="Demo room"),
    p.Snapshot(
        epoch="f6906c1e8fbc063e", seq=4, room="demo", title="Demo room", show=_SHOW, messages=[_MESSAGE, _ANSWER],
        pinned=_MESSAGE, comments=[_COMMENT], values={"viewers": 2, "likes": 0}, staff_seq=1,
        staff=[p.Staff(seq=1, at=_AT, event=_ACTED)],
    ),
    p.Heartbeat(now=_AT, seq=4),
    p.ComeBack(after_ms=1250),
)  # fmt: skip

#: name, codec, bytes, and what the server answers: an error code per message, or a close code
REFUSED: tuple[tuple[str, Codec, bytes, list[str] | int], ...] = (
    ("an unknown command", Codec.JSON, b'[{"t":"explode","ref":1}]', ["unknown_command"]),
    ("a field of the wrong type", Codec.JSON, b'[{"t":"like","ref":1,"count":"2"}]', ["invalid"]),
    ("a field out of range", Codec.JSON, b'[{"t":"like","ref":1,"count":51}]', ["invalid"]),
    ("a missing field", Codec.JSON, b'[{"t":"comment","ref":1}]', ["invalid"]),
    ("a blank text", Codec.JSON, b'[{"t":"comment","ref":1,"text":" \\t "}]', ["invalid"]),
    ("a NUL", Codec.JSON, b'[{"t":"comment","ref":1,"text":"a\\u0000b"}]', ["invalid"]),
    ("a room id in capitals", Codec.JSON, b'[{"t":"join","ref":1,"room":"Demo"}]', ["invalid"]),
    ("one bad among good", Codec.JSON, b'[{"t":"like","ref":1},{"t":"like","ref":2,"count":0}]', ["", "invalid"]),
    ("no ref", Codec.JSON, b'[{"t":"like"}]', int(CloseCode.BAD_FRAME)),
    ("a negative ref", Codec.JSON, b'[{"t":"like","ref":-1}]', int(CloseCode.BAD_FRAME)),
    ("no list", Codec.JSON, b'{"t":"like","ref":1}', int(CloseCode.BAD_FRAME)),
    ("no JSON", Codec.JSON, b"like", int(CloseCode.BAD_FRAME)),
    ("an unpaired surrogate", Codec.JSON, b'[{"t":"comment","ref":1,"text":"\\ud800"}]', int(CloseCode.BAD_FRAME)),
    ("too deep", Codec.JSON, b"[" * 2000 + b"]" * 2000, int(CloseCode.BAD_FRAME)),
    ("a list that claims too much", Codec.MSGPACK, b"\xdd\xff\xff\xff\xff", int(CloseCode.BAD_FRAME)),
    ("a string that is not UTF-8", Codec.MSGPACK, b"\x91\x82\xa1t\xa2\xff\xff\xa3ref\x01", int(CloseCode.BAD_FRAME)),
    ("too deep, packed", Codec.MSGPACK, b"\x91" * 2000 + b"\x01", int(CloseCode.BAD_FRAME)),
    ("an unknown command, packed", Codec.MSGPACK, b"\x91\x82\xa1t\xa1x\xa3ref\x05", ["unknown_command"]),
)


def vectors() -> str:
    """The golden file: each message as plain JSON and as the exact bytes of its frame in both codecs."""
    good = [
        {
            "kind": type(message).__name__,
            "plain": plain(message),
            "json": encode_all([message], Codec.JSON).decode(),
            "msgpack_hex": encode_all([message], Codec.MSGPACK).hex(),
        }
        for message in MESSAGES
    ]
    bad = [
        {"name": name, "codec": codec.value, "bytes_hex": data.hex(), "answer": answer}
        for name, codec, data, answer in REFUSED
    ]
    document = encode(msgspec.convert({"messages": good, "refused": bad}, _Document), Codec.JSON)
    return msgspec.json.format(document, indent=1).decode() + "\n"


class _Document(msgspec.Struct):
    messages: list[dict[str, object]]
    refused: list[dict[str, object]]
