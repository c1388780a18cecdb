"""Peers that break the rules: each gets its documented close or error code, and a neighbour never notices."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import time
import zlib
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from livestream.protocol.errors import CloseCode as C
from livestream.protocol.roles import Role
from tests.support.gateways import Gateways
from tests.support.people import People
from tests.support.rawsocket import BINARY, CONT, JSON, MSGPACK, PING, TEXT, RawSocket, frame, joined, raw


@pytest.fixture
def quick(start_gateway: Callable[..., Gateways]) -> Gateways:
    """A gateway that loses patience early."""
    return start_gateway(join_timeout_ms=1000, handshake_timeout_ms=1000, staff_rate_burst=10_000)


@contextlib.asynccontextmanager
async def neighbour(gateway: Gateways, people: People, *, said: int = 20) -> AsyncIterator[None]:
    """While the body attacks, a host speaks and a viewer listens: all must arrive, in order, without delay."""
    port = gateway.settings.port
    async with (
        joined(port, MSGPACK, name="Neighbour") as viewer,
        joined(port, token=people.token("host", Role.HOST)) as host,
    ):
        delays: list[float] = []

        async def talk() -> None:
            for number in range(said):
                began = time.monotonic()
                await host.say({"t": "say", "ref": number + 1, "text": f"message {number}"})
                pushed = await viewer.read_until("log")
                assert pushed["event"]["message"]["text"] == f"message {number}"
                delays.append(time.monotonic() - began)
                await asyncio.sleep(0.02)

        talking = asyncio.create_task(talk())
        try:
            yield
        finally:
            await asyncio.wait_for(talking, 30)
        seqs = [message["seq"] for message in viewer.messages if message["t"] == "log"]
        assert seqs == list(range(seqs[0], seqs[0] + said))
        assert sorted(delays)[len(delays) // 2] < 1.0


def resident_kib(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


JOIN = json.dumps([{"t": "join", "ref": 1, "room": "demo"}]).encode()

BROKEN: dict[str, tuple[bytes, int]] = {
    "a declared length of 1 GiB": (frame(b"x" * 100, length=1 << 30), C.TOO_BIG),
    "5 KiB where 4 may come": (frame(b" " * 5000), C.TOO_BIG),
    "not masked": (frame(JOIN, mask=False), C.PROTOCOL_ERROR),
    "reserved bits": (frame(JOIN, rsv=2), C.PROTOCOL_ERROR),
    "compressed without having agreed on it": (frame(JOIN, rsv=4), C.PROTOCOL_ERROR),
    "an unknown opcode": (frame(JOIN, opcode=0x5), C.PROTOCOL_ERROR),
    "a continuation of nothing": (frame(JOIN, opcode=CONT), C.PROTOCOL_ERROR),
    "a fragmented ping": (frame(b"", opcode=PING, fin=False), C.PROTOCOL_ERROR),
    "not UTF-8": (frame(b'[{"t":"join","ref":1,"room":"\xff"}]'), C.BAD_UTF8),
    "not UTF-8 in a field that nobody reads": (frame(b'[{"t":"like","ref":1,"zzz":"\xc3\x28"}]'), C.BAD_UTF8),
    "not JSON": (frame(b"hello"), C.BAD_FRAME),
    "not a list": (frame(b'{"t":"join","ref":1,"room":"demo"}'), C.BAD_FRAME),
    "a list of numbers": (frame(b"[1,2,3]"), C.BAD_FRAME),
    "no ref to answer": (frame(b'[{"t":"join","room":"demo"}]'), C.BAD_FRAME),
    "a ref out of range": (frame(b'[{"t":"nope","ref":4294967296}]'), C.BAD_FRAME),
    "an unpaired surrogate": (frame(b'[{"t":"join","ref":1,"room":"demo","name":"\\ud800"}]'), C.BAD_FRAME),
    "2,000 levels of lists": (frame(b"[" * 2000 + b"]" * 2000), C.BAD_FRAME),
    "MessagePack where JSON was agreed on": (frame(b"\x91\x80", BINARY), C.BAD_FRAME),
    "65 commands in a frame": (frame(json.dumps([{"t": "x", "ref": 1}] * 65).encode()), C.BAD_FRAME),
}
BROKEN_PACKED: dict[str, tuple[bytes, int]] = {
    "JSON where MessagePack was agreed on": (frame(JOIN, TEXT), C.BAD_FRAME),
    "a list that claims four billion items": (frame(b"\xdd\xff\xff\xff\xff", BINARY), C.BAD_FRAME),
    "a map that claims four billion items": (frame(b"\x91\xdf\xff\xff\xff\xff", BINARY), C.BAD_FRAME),
    "a string that claims 4 GiB": (frame(b"\x91\x81\xa1t\xdb\xff\xff\xff\xff", BINARY), C.BAD_FRAME),
    "2,000 levels": (frame(b"\x91" * 2000 + b"\x01", BINARY), C.BAD_FRAME),
    "not UTF-8": (frame(b"\x91\x83\xa1t\xa4join\xa3ref\x01\xa4room\xa2\xff\xff", BINARY), C.BAD_FRAME),
    "an empty frame": (frame(b"", BINARY), C.BAD_FRAME),
}


async def test_broken_frames_get_their_close_code_and_neighbours_do_not_notice(
    gateway: Gateways, people: People
) -> None:
    port = gateway.settings.port
    async with neighbour(gateway, people):
        for codec, cases in ((JSON, BROKEN), (MSGPACK, BROKEN_PACKED)):
            for name, (data, code) in cases.items():
                async with raw(port, codec) as peer:
                    await peer.send(data)
                    assert await peer.closed_with() == code, name


async def test_a_bad_command_is_refused_under_its_ref_and_its_neighbours_pass(gateway: Gateways) -> None:
    for codec in (JSON, MSGPACK):
        async with joined(gateway.settings.port, codec, name="Ann") as peer:
            await peer.say(
                {"t": "like", "ref": 1},
                {"t": "explode", "ref": 2},
                {"t": "comment", "ref": 3, "text": "a\0b"},
                {"t": "comment", "ref": 4, "text": ["no"]},
                {"t": "like", "ref": 5, "count": 10**9},
                {"t": "join", "ref": 6, "room": "demo"},
                {"t": "say", "ref": 7, "text": "I am the host"},
            )
            codes = {}
            for ref in range(1, 8):
                if not any(message.get("ref") == ref for message in peer.messages):
                    await peer.read_until(ref=ref)
            for message in peer.messages:
                if message.get("ref"):
                    assert message["ref"] not in codes
                    codes[message["ref"]] = message.get("code", message["t"])
            assert codes == {
                1: "ok",
                2: "unknown_command",
                3: "invalid",
                4: "invalid",
                5: "invalid",
                6: "already_joined",
                7: "forbidden",
            }


async def test_a_million_fragments_end_at_the_limit(gateway: Gateways, people: People) -> None:
    async with neighbour(gateway, people), raw(gateway.settings.port) as peer:
        many = frame(b"", CONT, fin=False) * 1000
        await peer.send(frame(b"[", fin=False))
        for _ in range(1000):
            await peer.send(many)
            if peer.reader.at_eof():
                break
        assert await peer.closed_with() == C.TOO_BIG


async def test_a_deflate_bomb_is_cut_at_the_inflated_limit(gateway: Gateways, people: People) -> None:
    compressor = zlib.compressobj(9, wbits=-15)
    bomb = compressor.compress(b" " * 3_000_000) + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert len(bomb) < 4096
    pid = gateway.processes[0].pid
    async with neighbour(gateway, people):
        before = resident_kib(pid)
        for _ in range(200):
            async with raw(gateway.settings.port, deflate=True) as peer:
                await peer.send(frame(bomb[:-4], rsv=4))
                assert await peer.closed_with() == C.TOO_BIG
        assert resident_kib(pid) - before < 20_000
    async with raw(gateway.settings.port, deflate=True) as peer:
        await peer.send(frame(b"\xff\xff\xff", rsv=4))
        assert await peer.closed_with() == C.PROTOCOL_ERROR


async def test_a_ping_flood_is_closed_and_a_few_pings_are_answered(gateway: Gateways, people: People) -> None:
    async with neighbour(gateway, people), joined(gateway.settings.port) as peer:
        await peer.send(frame(b"hello", PING))
        while (got := await peer.read_frame()) is not None and got[0] != 0xA:
            pass
        assert got == (0xA, b"hello")
        await peer.send(frame(b"x", PING) * 5000)
        assert await peer.closed_with() == C.FLOOD


async def test_commands_without_end_are_refused_and_then_closed(gateway: Gateways, people: People) -> None:
    async with neighbour(gateway, people), joined(gateway.settings.port, name="Loud") as peer:
        for start in range(0, 20_000, 50):
            await peer.say(*({"t": "like", "ref": start + i + 1} for i in range(50)))
            if peer.reader.at_eof():
                break
        assert await peer.closed_with() == C.FLOOD
        refs = [message["ref"] for message in peer.messages if "ref" in message]
        assert len(refs) == len(set(refs))
        assert any(message.get("code") == "rate_limited" for message in peer.messages)


async def test_sockets_that_never_join_or_never_finish_their_head_are_ended(quick: Gateways, people: People) -> None:
    port = quick.settings.port
    async with neighbour(quick, people), raw(port) as silent, raw(port) as wrong:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /v1/ws HTTP/1.1\r\nHost: x")
        await wrong.say({"t": "join", "ref": 1, "room": "no-such-room"})
        assert (await wrong.read_until(ref=1))["code"] == "room_not_found"
        assert await silent.closed_with() == C.JOIN_TIMEOUT
        assert await wrong.closed_with() == C.JOIN_TIMEOUT
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_body_that_never_comes_is_not_waited_for(quick: Gateways) -> None:
    port = quick.settings.port
    for path in (b"/v1/tickets/redeem", b"/nowhere"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")
        answer = await asyncio.wait_for(reader.read(), 10)
        assert answer.startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_deep_json_over_http_is_refused_and_no_bug_of_ours(gateway: Gateways, people: People) -> None:
    deep = b'{"x":' + b"[" * 50_000
    headers = {"Authorization": f"Bearer {people.token('ada', Role.HOST)}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for path in ("/v1/tickets/redeem", "/v1/rooms/demo/say"):
            async with session.post(f"{gateway.url}{path}", data=deep) as response:
                assert response.status == 400, await response.text()


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000, b"431"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b"400"),
        (b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b"404"),
        (b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"421"),
    ],
)
async def test_odd_requests_get_an_http_status(gateway: Gateways, sent: bytes, answer: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.settings.port)
    with contextlib.suppress(ConnectionError):
        writer.write(sent)
        await writer.drain()
    assert answer in (await asyncio.wait_for(reader.readline(), 10))
    writer.close()


async def test_foreign_hosts_origins_and_subprotocols_are_refused_at_the_handshake(gateway: Gateways) -> None:
    port = gateway.settings.port
    for status, arguments in (
        ("421", {"host": "evil.example"}),
        ("403", {"headers": ["Origin: http://evil.example"]}),
        ("400", {"codec": "graphql-ws"}),
        ("400", {"headers": ["Host: localhost"]}),
    ):
        with pytest.raises(ConnectionRefusedError, match=status):
            async with raw(port, **arguments):  # type: ignore[arg-type]
                pass
    async with raw(port, headers=[f"Origin: http://127.0.0.1:{port}"]):
        pass


async def test_an_address_may_open_so_many_sockets_and_a_viewer_so_many(
    start_gateway: Callable[..., Gateways], people: People
) -> None:
    gateway = start_gateway(sockets_per_address=12, sockets_per_viewer=3)
    port = gateway.settings.port
    async with contextlib.AsyncExitStack() as stack:
        token = people.token("ann")
        sockets: list[RawSocket] = [await stack.enter_async_context(joined(port, token=token)) for _ in range(5)]
        assert [await sockets[i].closed_with() for i in (0, 1)] == [C.REPLACED, C.REPLACED]
        for replaced in sockets[:2]:
            replaced.close()
        await asyncio.sleep(0.2)
        for _ in range(9):
            await stack.enter_async_context(raw(port))
        with pytest.raises(ConnectionRefusedError, match="429"):
            await stack.enter_async_context(raw(port))


async def test_with_few_descriptors_who_finds_no_room_is_told(
    start_gateway: Callable[..., Gateways], monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn = subprocess.Popen.__init__

    def confined(self: subprocess.Popen[bytes], command: list[str], **options: object) -> None:
        spawn(self, ["prlimit", "--nofile=128:256", *command], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess.Popen, "__init__", confined)
    gateway = start_gateway()
    monkeypatch.undo()
    answers = []
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(300):
            try:
                await stack.enter_async_context(raw(gateway.settings.port))
                answers.append("101")
            except ConnectionRefusedError as refused:
                answers.append(str(refused).split()[1])
    assert set(answers) == {"101", "503"}
    assert answers.count("101") > 64
    assert "gateway.few_descriptors" in gateway.logs()


async def test_a_ban_in_any_script_closes_every_socket_in_every_process(
    start_gateway: Callable[..., Gateways], people: People
) -> None:
    port = start_gateway(count=2, sockets_per_viewer=20).settings.port
    async with contextlib.AsyncExitStack() as stack:
        host = await stack.enter_async_context(joined(port, token=people.token("host", Role.HOST)))
        banned = [await stack.enter_async_context(joined(port, token=people.token("ann"))) for _ in range(12)]
        who = next(message["me"]["id"] for message in banned[0].messages if message["t"] == "joined")
        await banned[0].say({"t": "comment", "ref": 1, "text": "buy my watches"})
        assert (await banned[0].read_until(ref=1))["t"] == "posted"
        await host.say({"t": "ban", "ref": 1, "who": who, "seconds": None, "why": "封" * 200})
        answer = await host.read_until(ref=1)
        assert answer["t"] == "ok", answer
        assert {await each.closed_with() for each in banned} == {C.BANNED}


async def test_a_token_that_expires_ends_its_connection(gateway: Gateways, people: People) -> None:
    async with joined(gateway.settings.port, token=people.token("ann", ttl_s=2)) as peer:
        assert await peer.closed_with(20) == C.TOKEN_EXPIRED
    async with raw(gateway.settings.port) as peer:
        await peer.say({"t": "join", "ref": 1, "room": "demo", "token": people.token("ann", ttl_s=-60)})
        assert (await peer.read_until(ref=1))["code"] == "token_expired"


async def test_markup_and_odd_characters_come_through_as_data(gateway: Gateways) -> None:
    texts = [
        "<script>alert(1)</script>",
        "'; DROP TABLE comment; --",
        '{"level":"error"}\n{"fake":"line"}',
        "\u202eevil\u202c \u2066x\u2069",
        "e" + "\u0301" * 100,
        "﷽ 👩‍👩‍👧‍👦 ॐ",
    ]
    async with joined(gateway.settings.port, name="Ann") as peer, joined(gateway.settings.port, MSGPACK) as other:
        for ref, text in enumerate(texts, 1):
            await peer.say({"t": "comment", "ref": ref, "text": text})
            assert (await peer.read_until(ref=ref))["t"] == "posted"
        seen: list[str] = []
        while len(seen) < len(texts):
            live = await other.read_until("live")
            seen += [event["text"] for event in live["events"] if event["t"] == "comment"]
        assert seen == texts
    assert "alert(1)" not in gateway.logs()
