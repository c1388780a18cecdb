"""Joins: a snapshot and the pushes after it are a fresh snapshot, for everyone, whenever they came and however."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from livestream import seed
from livestream.auth import Identity
from livestream.bus import connect
from livestream.config import Settings
from livestream.embedded import Stores
from livestream.protocol.codec import Codec
from livestream.protocol.errors import ErrorCode
from livestream.protocol.roles import Role
from livestream.tickets import Tickets
from tests.support.bare import new_room
from tests.support.gateways import Gateways
from tests.support.people import People
from tests.support.wsclient import WsClient, joined

WAYS = list(itertools.product(Codec, (False, True), (False, True)))  #: codec, compressed, staff
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.booleans()),
        st.tuples(st.just("pin"), st.booleans()),
        st.tuples(st.just("set_show"), st.sampled_from(["warm_up", "live", "paused", "ended"])),
        st.tuples(st.just("schedule"), st.just(None)),
        st.tuples(st.just("like"), st.integers(1, 50)),
        st.tuples(st.just("join"), st.sampled_from(WAYS)),
        st.tuples(st.just("resume"), st.sampled_from(WAYS)),
    ),
    min_size=1,
    max_size=25,
)


@pytest.fixture
def patient(start_gateway: Callable[..., Gateways]) -> Gateways:
    """Two processes that let a host say a lot."""
    return start_gateway(count=2, staff_rate_burst=100_000, gauge_tick_ms=50, heartbeat_ms=200)


def comparable(state: dict[str, Any], *, staff: bool) -> dict[str, Any]:
    """What two states must agree in. Viewers come and go, so their number may differ for a moment."""
    kept = {name: state[name] for name in ("epoch", "seq", "show", "messages", "pinned", "staff_seq", "staff")}
    kept["likes"] = state["values"]["likes"]
    assert staff == bool(kept["staff"]) or not kept["staff"]
    return kept


class Walk:
    """A room in which things happen while people come."""

    def __init__(self, gateway: Gateways, people: People, room_id: str, stack: contextlib.AsyncExitStack) -> None:
        self._gateway = gateway
        self._people = people
        self._room = room_id
        self._stack = stack
        self._messages: list[str] = []
        self.inside: list[tuple[bool, WsClient]] = []
        self.seq = 0

    async def enter(self, way: tuple[Codec, bool, bool], **fields: Any) -> WsClient:
        codec, compressed, staff = way
        role = Role.MODERATOR if staff else Role.VIEWER
        token = self._people.token(f"p{len(self.inside)}", role)
        client = await self._stack.enter_async_context(
            joined(self._gateway.ws_url, codec, compressed=compressed, room=self._room, token=token, **fields)
        )
        self.inside.append((staff, client))
        return client

    async def resume(self, way: tuple[Codec, bool, bool]) -> None:
        """One who was in comes back with what it knew, over another connection."""
        known = next((client for staff, client in self.inside if staff == way[2]), None)
        if known is not None and known.joined:
            state = dict(known.state)
            resume = {
                "token": known.joined["resume"],
                "epoch": known.joined["epoch"],
                "seq": state["seq"],
                "staff_seq": state["staff_seq"],
            }
            await self.enter(way, state=state, resume=resume)

    async def act(self, host: WsClient, kind: str, choice: Any) -> None:
        match kind:
            case "say":
                reply = await host.ask("say", text=f"message {len(self._messages)}", pin=choice)
                self._messages.append(reply["id"])
            case "pin":
                reply = await host.ask("pin", message=self._messages[-1] if choice and self._messages else None)
            case "set_show":
                reply = await host.ask("set_show", state=choice)
            case "schedule":
                reply = await host.ask("schedule", title="Next", starts_at=1_900_000_000_000)
            case "like":
                reply = await host.ask("like", count=choice)
            case "join":
                await self.enter(choice)
                return
            case _:
                await self.resume(choice)
                return
        self.seq = max(self.seq, reply.get("seq") or 0)


@given(acts=ACTS)
@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_a_snapshot_and_the_pushes_after_it_are_a_fresh_snapshot(
    patient: Gateways, people: People, settings: Settings, acts: list[tuple[str, Any]]
) -> None:
    room_id = await new_room(settings.database_url)
    async with contextlib.AsyncExitStack() as stack:
        walk = Walk(patient, people, room_id, stack)
        token = people.token("ada", Role.HOST)
        host = await stack.enter_async_context(joined(patient.ws_url, room=room_id, token=token))
        for kind, choice in acts:
            await walk.act(host, kind, choice)
        fresh = {staff: await walk.enter((Codec.JSON, False, staff)) for staff in (False, True)}
        top = max(client.state["seq"] for client in (host, *fresh.values()))
        likes = await _likes(settings, room_id)
        for _, client in walk.inside:
            await client.until(
                lambda client=client: client.state["seq"] >= top and client.state["values"]["likes"] == likes  # type: ignore[misc]
            )
        await fresh[True].until(lambda: fresh[True].state["staff_seq"] >= host.state["staff_seq"])
        for staff, client in walk.inside:
            await client.until(
                lambda client=client, staff=staff: client.state["staff_seq"] >= fresh[staff].state["staff_seq"]  # type: ignore[misc]
            )
            assert comparable(client.state, staff=staff) == comparable(fresh[staff].state, staff=staff)
            assert client.snapshots <= 1


async def _likes(settings: Settings, room_id: str) -> int:
    connection = await asyncpg.connect(settings.database_url)
    try:
        row = await connection.fetchval(
            "SELECT likes FROM show WHERE room_id = $1 ORDER BY show_id DESC LIMIT 1", room_id
        )
        return row or 0
    finally:
        await connection.close()


async def test_viewers_who_come_in_a_storm_while_the_host_speaks_miss_nothing(
    patient: Gateways, people: People
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        host = await stack.enter_async_context(joined(patient.ws_url, token=people.token("ada", Role.HOST)))
        speaking = True

        async def speak() -> None:
            while speaking:
                await host.ask("say", text="on and on")

        talk = asyncio.create_task(speak())
        clients = await asyncio.gather(
            *(
                stack.enter_async_context(joined(patient.ws_url, codec, compressed=compressed))
                for codec, compressed, _ in WAYS * 10
            )
        )
        await asyncio.sleep(0.3)
        speaking = False
        await talk
        last = await host.ask("say", text="the end")
        await host.until(lambda: host.state["seq"] == last["seq"])
        for client in clients:
            await client.until(lambda client=client: client.state["seq"] == last["seq"])  # type: ignore[misc]
            seqs = [message["seq"] for message in client.of("log")]
            (snapshot,) = client.of("snapshot")
            assert seqs == list(range(snapshot["seq"] + 1, last["seq"] + 1))
            assert client.state["messages"] == host.state["messages"]


async def test_a_resume_gets_what_it_missed_and_a_gap_too_old_gets_a_snapshot(
    start_gateway: Callable[..., Gateways], people: People
) -> None:
    gateway = start_gateway(log_tail=20, staff_rate_burst=1000)
    async with joined(gateway.ws_url, token=people.token("ada", Role.HOST)) as host:
        async with joined(gateway.ws_url, token=people.token("ann")) as client:
            known, reply = dict(client.state), client.joined
        resume = {"token": reply["resume"], "epoch": reply["epoch"], "seq": known["seq"]}
        for number in range(20):
            await host.ask("say", text=str(number))
        async with joined(gateway.ws_url, state=known, resume=resume) as back:
            assert back.joined["resumed"] is True
            assert back.snapshots == 0
            await back.until(lambda: back.state["seq"] == host.state["seq"])
            assert back.state["messages"] == host.state["messages"]
            assert back.joined["me"]["id"] == reply["me"]["id"]
        await host.ask("say", text="one too many")
        async with joined(gateway.ws_url, state=known, resume=resume) as late:
            assert late.joined.get("resumed", False) is False
            assert late.snapshots == 1
        for changed in ({"epoch": "another"}, {"seq": 10_000}):
            async with joined(gateway.ws_url, resume=resume | changed) as odd:
                assert odd.joined.get("resumed", False) is False
                assert odd.snapshots == 1


async def test_a_fresh_process_reads_the_log_once_for_all_who_resume(
    start_gateway: Callable[..., Gateways], people: People
) -> None:
    gateway = start_gateway(staff_rate_burst=1000)
    async with joined(gateway.ws_url, token=people.token("ada", Role.HOST)) as host:
        known, reply = dict(host.state), host.joined
        for number in range(100):
            await host.ask("say", text=str(number))
        last = host.state["seq"]
    async with joined(gateway.ws_url) as client:
        viewer = {"token": client.joined["resume"], "epoch": reply["epoch"], "seq": known["seq"]}
    gateway.stop(gateway.processes[0])
    gateway.start()
    async with contextlib.AsyncExitStack() as stack:
        clients = await asyncio.gather(
            *(stack.enter_async_context(joined(gateway.ws_url, state=known, resume=viewer)) for _ in range(100))
        )
        for back in clients:
            await back.until(lambda back=back: back.state["seq"] == last)  # type: ignore[misc]
            assert back.joined["resumed"] is True
        metrics = await asyncio.to_thread(_metrics, gateway)
    reads = re.findall(r"^livestream_log_reads_total(?:{[^}]*})? (\S+)", metrics, re.MULTILINE)
    assert sum(map(float, reads)) == 1.0


async def test_a_storm_of_resumes_asks_postgres_nothing(gateway: Gateways, people: People) -> None:
    async def asked() -> float:
        page = await asyncio.to_thread(_metrics, gateway)
        found = re.findall(r'^livestream_batch_size_count{batcher="own states"[^}]*} (\S+)', page, re.MULTILINE)
        return sum(map(float, found))

    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(joined(gateway.ws_url, token=people.token("ann")))
        before = await asked()
        resume = {"token": first.joined["resume"], "epoch": first.joined["epoch"], "seq": first.state["seq"]}
        for _ in range(4):
            back = await stack.enter_async_context(joined(gateway.ws_url, state=first.state, resume=resume))
            assert back.joined["resumed"] is True
        assert before == await asked() == 1.0


def _metrics(gateway: Gateways) -> str:
    with urllib.request.urlopen(f"{gateway.url}/metrics", timeout=5) as response:
        text: str = response.read().decode()
        return text


async def test_who_may_not_come_in_is_told_why_and_may_try_again(
    gateway: Gateways, people: People, settings: Settings
) -> None:
    other = await new_room(settings.database_url)
    redis = connect(settings.redis_url)
    tickets = Tickets(redis)
    ticket = await tickets.issue(Identity(seed.SHOP, "ada", Role.HOST, "Ada", None, None), 60)
    cases: list[tuple[dict[str, object], ErrorCode]] = [
        ({"room": "nowhere"}, ErrorCode.ROOM_NOT_FOUND),
        ({"room": "demo", "token": "nonsense"}, ErrorCode.TOKEN_INVALID),
        ({"room": "demo", "token": people.token(room=other)}, ErrorCode.TOKEN_INVALID),
        ({"room": "demo", "token": people.token(ttl_s=-60)}, ErrorCode.TOKEN_EXPIRED),
        ({"room": "demo", "ticket": "nonsense"}, ErrorCode.TICKET_INVALID),
    ]
    for fields, code in cases:
        with pytest.raises(AssertionError, match=str(code)):
            async with joined(gateway.ws_url, **fields):  # type: ignore[arg-type]
                pass
    async with joined(gateway.ws_url, ticket=ticket) as host:
        assert host.joined["me"]["role"] == "host"
        with pytest.raises(AssertionError, match=ErrorCode.TICKET_INVALID):
            async with joined(gateway.ws_url, ticket=ticket):
                pass
    await redis.aclose()


async def test_who_knows_more_than_a_process_is_not_taken_back_in_time(
    start_gateway: Callable[..., Gateways], people: People, settings: Settings, folder: Path
) -> None:
    """The bus is silent, so one of the two processes is behind: it must catch up before it lets somebody resume."""
    room_id = await new_room(settings.database_url)
    async with contextlib.AsyncExitStack() as stack:
        stores = await stack.enter_async_context(Stores.start(folder / "own", with_postgres=False))
        gateway = start_gateway(count=2, redis_url=stores.redis_url, heartbeat_ms=8000)

        async def enter(**fields: Any) -> WsClient:
            return await stack.enter_async_context(joined(gateway.ws_url, room=room_id, **fields))

        host = await enter(token=people.token("ada", Role.HOST))
        viewers = [await enter(token=people.token(f"v{number}")) for number in range(20)]
        await host.ask("schedule", title="Now", starts_at=1_900_000_000_000)
        (valkey,) = stores._servers
        assert valkey.process is not None
        valkey.process.send_signal(signal.SIGSTOP)
        try:
            seq = (await host.ask("say", text="only one process hears this"))["seq"]
            for viewer in viewers:
                resume = {"token": viewer.joined["resume"], "epoch": viewer.joined["epoch"], "seq": seq}
                again = await enter(state=dict(viewer.state), resume=resume)
                assert again.joined.get("resumed")
        finally:
            valkey.process.send_signal(signal.SIGCONT)
