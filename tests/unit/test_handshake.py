"""The opening of a websocket: agreed to and refused as the library would, which is the oracle here."""

from __future__ import annotations

import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.http11 import Response
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

from gateway.handshake import Accepted, Rejected, Request, accept
from livestream.protocol.codec import Codec

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
GOOD = {
    "Host": "localhost",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Protocol": "livestream.v1.json",
}
OFFERS = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; client_max_window_bits=10; server_no_context_takeover",
    "permessage-deflate; client_no_context_takeover, permessage-deflate",
    "permessage-deflate; unknown=1, permessage-deflate",
    "permessage-deflate; unknown",
    "x-other; a=1, permessage-deflate",
    "x-other",
]


def head(fields: list[tuple[str, str]], line: str = "GET /v1/ws HTTP/1.1") -> bytes:
    return "\r\n".join([line, *(f"{name}: {value}" for name, value in fields)]).encode("latin-1")


def changed(**fields: str | None) -> list[tuple[str, str]]:
    """The good fields with some replaced; None: left out."""
    named = {**GOOD, **{name.replace("_", "-"): value for name, value in fields.items()}}
    return [(name, value) for name, value in named.items() if value is not None]


def ours(raw: bytes) -> Accepted:
    return accept(Request(raw), compress=True)


def theirs(raw: bytes) -> tuple[Response, ServerProtocol]:
    server = ServerProtocol(
        extensions=[ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)],
        subprotocols=[codec.value for codec in Codec],  # type: ignore[misc]
    )
    server.receive_data(raw + b"\r\n\r\n")
    (request,) = server.events_received()
    return server.accept(request), server  # type: ignore[arg-type]


def parse(raw: bytes) -> Response:
    reader = StreamReader()
    reader.feed_data(raw)
    parsing = Response.parse(reader.read_line, reader.read_exact, reader.read_to_eof)
    try:
        next(parsing)
    except StopIteration as done:
        response: Response = done.value
        return response
    raise AssertionError("the response is not whole")


def compare(raw: bytes) -> None:
    expected, server = theirs(raw)
    accepted = ours(raw)
    assert expected.status_code == 101
    got = parse(accepted.response)
    assert got.status_code == 101
    for name in ("Upgrade", "Connection", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"):
        assert got.headers.get_all(name) == expected.headers.get_all(name)
    assert accepted.codec.value == server.subprotocol
    assert repr(accepted.extensions) == repr(server.extensions)


def test_the_example_of_the_rfc() -> None:
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in ours(head(changed())).response


@pytest.mark.parametrize("offer", OFFERS)
def test_every_offer_of_compression_is_answered_as_the_library_would(offer: str) -> None:
    compare(head(changed(Sec_WebSocket_Extensions=offer)))


@given(
    st.lists(st.sampled_from(OFFERS), max_size=3),
    st.permutations(["livestream.v1.json", "livestream.v1.msgpack", "other"]),
    st.integers(1, 3),
    st.sampled_from(["Upgrade", "keep-alive, Upgrade", "upgrade,keep-alive"]),
    st.sampled_from(["websocket", "WebSocket"]),
    st.binary(min_size=16, max_size=16),
    st.randoms(use_true_random=False),
)
def test_whatever_good_clients_write_is_answered_as_the_library_would(
    offers: list[str],
    protocols: list[str],
    count: int,
    connection: str,
    upgrade: str,
    key: bytes,
    chance: random.Random,
) -> None:
    fields = changed(
        Connection=connection,
        Upgrade=upgrade,
        Sec_WebSocket_Key=base64.b64encode(key).decode(),
        Sec_WebSocket_Protocol=None,
    )
    fields += [("Sec-WebSocket-Extensions", offer) for offer in offers]
    fields += [("Sec-WebSocket-Protocol", name) for name in {*protocols[:count], "livestream.v1.msgpack"}]
    chance.shuffle(fields)
    compare(head([(name.swapcase() if chance.random() < 0.3 else name, value) for name, value in fields]))


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (changed(Upgrade=None), 426),
        (changed(Upgrade="h2c"), 426),
        (changed(Connection=None), 426),
        (changed(Connection="keep-alive"), 426),
        (changed(Sec_WebSocket_Key=None), 400),
        (changed(Sec_WebSocket_Key="short"), 400),
        (changed(Sec_WebSocket_Key="AAAA"), 400),
        (changed(Sec_WebSocket_Key="\xe9" * 24), 400),
        ([*changed(), ("Sec-WebSocket-Key", KEY)], 400),
        (changed(Sec_WebSocket_Version=None), 400),
        ([*changed(), ("Sec-WebSocket-Version", "13")], 400),
        (changed(Sec_WebSocket_Protocol=None), 400),
        (changed(Sec_WebSocket_Protocol="livestream.v9.json"), 400),
        (changed(Sec_WebSocket_Protocol=""), 400),
        (changed(Sec_WebSocket_Extensions="permessage-deflate; ="), 400),
    ],
)
def test_a_bad_opening_is_refused_as_the_library_would(fields: list[tuple[str, str]], status: int) -> None:
    expected, _ = theirs(head(fields))
    assert expected.status_code == status
    with pytest.raises(Rejected) as rejected:
        ours(head(fields))
    assert rejected.value.status == status


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (head(changed(), "GET /v1/ws HTTP/1.0"), 505),
        (head(changed(), "GET /v1/ws"), 505),
        (head([*changed(), ("Transfer-Encoding", "chunked")]), 400),
        (head([*changed(), ("Content-Length", "5")]), 400),
        (head([*changed(), ("X-Bad", "a\x00b")]), 400),
        (head([*changed(), ("X-Bad", "a\nb")]), 400),
        (head([*changed(), ("X Bad", "a")]), 400),
        (head(changed()) + b"\r\n folded: no", 400),
        (head(changed()) + b"\r\nno colon", 400),
        (head(changed(Sec_WebSocket_Version="8")), 426),
    ],
)
def test_what_else_is_refused(raw: bytes, status: int) -> None:
    with pytest.raises(Rejected) as rejected:
        ours(raw)
    assert rejected.value.status == status


def test_a_refusal_says_why_and_can_be_read() -> None:
    with pytest.raises(Rejected) as rejected:
        ours(head(changed(Sec_WebSocket_Version="8")))
    response = parse(rejected.value.response())
    assert response.status_code == 426
    assert response.headers["Sec-WebSocket-Version"] == "13"
    assert response.headers["Connection"] == "close"
    assert response.body == b"Only version 13 is spoken here.\n"


@pytest.mark.parametrize("bits", [9, 15])
def test_who_wants_a_window_of_its_own_gets_no_compression_or_its_second_choice(bits: int) -> None:
    """The library would agree; but our frames are compressed once for everybody, with the whole window."""
    offer = f"permessage-deflate; server_max_window_bits={bits}"
    assert ours(head(changed(Sec_WebSocket_Extensions=offer))).extensions == []
    assert ours(head(changed(Sec_WebSocket_Extensions=f"{offer}, permessage-deflate"))).extensions != []


def test_compression_can_be_switched_off() -> None:
    request = Request(head(changed(Sec_WebSocket_Extensions="permessage-deflate")))
    assert accept(request, compress=False).extensions == []
    (extension,) = accept(request, compress=True).extensions
    assert isinstance(extension, PerMessageDeflate)
    assert extension.local_no_context_takeover
    assert extension.remote_no_context_takeover
