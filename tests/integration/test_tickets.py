"""Tickets: worth one entry, and nothing once Redis forgot or is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
import redis.asyncio

from livestream.auth import Identity
from livestream.bus import connect
from livestream.protocol.errors import ErrorCode, Refused, Unavailable
from livestream.protocol.roles import Role
from livestream.tickets import SESSION_TTL_S, Tickets

NOW = 1_790_000_000_000
HOST = Identity("shop", "ada", Role.HOST, "Ada", "r1", NOW + 3600_000, NOW)


@pytest_asyncio.fixture
async def client(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    made = connect(redis_url)
    yield made
    await made.aclose()


async def _refused(tickets: Tickets, code: str) -> ErrorCode:
    with pytest.raises(Refused) as caught:
        await tickets.redeem(code, NOW)
    return caught.value.code


async def test_a_ticket_stands_for_its_identity_once(client: redis.asyncio.Redis) -> None:
    tickets = Tickets(client)
    code = await tickets.issue(HOST, 60)
    assert await tickets.redeem(code, NOW) == HOST
    assert await _refused(tickets, code) is ErrorCode.TICKET_INVALID


async def test_looking_does_not_use_it_up(client: redis.asyncio.Redis) -> None:
    tickets = Tickets(client)
    code = await tickets.issue(HOST, 60)
    assert await tickets.look(code, NOW) == await tickets.look(code, NOW) == await tickets.redeem(code, NOW) == HOST
    with pytest.raises(Refused):
        await tickets.look(code, NOW)


@pytest.mark.parametrize(
    ("ends_at", "session_ends_at"),
    [(None, NOW + SESSION_TTL_S * 1000), (NOW + 1, NOW + 1), (NOW + 10**9, NOW + SESSION_TTL_S * 1000)],
)
async def test_who_came_with_one_is_not_in_for_ever(
    client: redis.asyncio.Redis, ends_at: int | None, session_ends_at: int
) -> None:
    tickets = Tickets(client)
    code = await tickets.issue(msgspec.structs.replace(HOST, expires_at_ms=ends_at), 60)
    assert (await tickets.redeem(code, NOW)).expires_at_ms == session_ends_at


async def test_a_ticket_of_somebody_whose_time_is_over_is_worth_nothing(client: redis.asyncio.Redis) -> None:
    tickets = Tickets(client)
    code = await tickets.issue(msgspec.structs.replace(HOST, expires_at_ms=NOW), 60)
    assert await _refused(tickets, code) is ErrorCode.TICKET_INVALID


async def test_of_many_who_redeem_at_once_one_gets_in(client: redis.asyncio.Redis) -> None:
    tickets = Tickets(client)
    code = await tickets.issue(HOST, 60)
    outcomes = await asyncio.gather(*(tickets.redeem(code, NOW) for _ in range(20)), return_exceptions=True)
    assert sum(outcome == HOST for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Refused) for outcome in outcomes) == 19


async def test_redis_never_sees_the_code_and_forgets_it_in_time(client: redis.asyncio.Redis) -> None:
    code = await Tickets(client).issue(HOST, 60)
    (key,) = await client.keys("*")
    assert key in await client.keys("ticket:*")
    assert code not in f"{key!r} {await client.get(key)!r}"
    assert 0 < await client.ttl(key) <= 60


@pytest.mark.parametrize("code", ["", "unknown", "\0", "x" * 10_000, "\ud800"], ids=lambda code: repr(code[:9]))
async def test_an_unknown_code_is_refused(client: redis.asyncio.Redis, code: str) -> None:
    assert await _refused(Tickets(client), code) is ErrorCode.TICKET_INVALID


async def test_after_a_flush_nobody_gets_in(client: redis.asyncio.Redis) -> None:
    tickets = Tickets(client)
    code = await tickets.issue(HOST, 60)
    await client.flushall()
    assert await _refused(tickets, code) is ErrorCode.TICKET_INVALID


async def test_while_redis_is_away_nobody_gets_in() -> None:
    client = connect("redis://127.0.0.1:9/0")
    tickets = Tickets(client)
    with pytest.raises(Unavailable):
        await tickets.issue(HOST, 60)
    with pytest.raises(Unavailable):
        await tickets.redeem("code", NOW)
    await client.aclose()
