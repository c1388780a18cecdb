"""What somebody's right to be here stands on: a key, an invitation, a room. When it falls, so do they."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from livestream import seed
from livestream.auth import ShopKey, mint
from livestream.protocol.errors import CloseCode
from livestream.protocol.roles import Role
from livestream.protocol.shop import SHOP_COMMANDS
from livestream.shop.service import COMMANDS
from tests.support.gateways import Gateways
from tests.support.people import People
from tests.support.wsclient import joined

SHOP, ROOM = seed.SHOP, seed.ROOM


class Deployment:
    """Two gateway processes and who asks them."""

    def __init__(self, gateway: Gateways, people: People, session: aiohttp.ClientSession) -> None:
        self.gateway = gateway
        self.people = people
        self._session = session

    async def ask(self, path: str, body: Any, token: str, key: str | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
        async with self._session.post(self.gateway.url + path, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def shop(self, command: str, /, token: str = "", **body: Any) -> Any:
        token = token or self.people.token("backend", Role.SERVICE)
        status, answer = await self.ask(f"/v1/shops/{SHOP}/{command}", body, token)
        assert status == 200, answer
        return answer

    async def refused(self, token: str) -> bool:
        """By each process that the kernel hands us to."""
        answers = [await self.ask(f"/v1/rooms/{ROOM}/say", {"text": "x"}, token) for _ in range(8)]
        return all(status == 401 for status, _ in answers)

    async def until_refused(self, token: str) -> None:
        async with asyncio.timeout(5):
            while not await self.refused(token):
                await asyncio.sleep(0.1)


@pytest.fixture
async def deployment(start_gateway: Callable[..., Gateways], people: People) -> AsyncIterator[Deployment]:
    gateway = start_gateway(count=2, staff_rate_burst=10_000, heartbeat_ms=200)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        yield Deployment(gateway, people, session)


async def another_key(deployment: Deployment) -> People:
    made = await deployment.shop("add_key")
    return People(ShopKey(made["kid"], SHOP, "HS256", made["key"]))


async def test_what_a_leaked_key_signs_after_it_was_retired_opens_nothing(deployment: Deployment) -> None:
    new = await another_key(deployment)
    leaked = deployment.people
    assert not await deployment.refused(leaked.token("ada", Role.HOST))  # every process knows the key
    await deployment.shop("retire_key", new.token("backend", Role.SERVICE), kid=leaked.key.kid)
    now_ms = int(time.time() * 1000)
    forged = mint(
        leaked.key, viewer_id="eve", role=Role.OPERATOR, name="Eve", ttl_s=3600, now_ms=now_ms, issued_at_ms=now_ms
    )
    await deployment.until_refused(forged)
    with pytest.raises(AssertionError, match="token_invalid"):
        async with joined(deployment.gateway.ws_url, token=forged):
            pass


async def test_a_session_ends_with_the_key_behind_its_ticket(deployment: Deployment) -> None:
    new = await another_key(deployment)
    host = deployment.people.token("ada", Role.HOST)
    _, issued = await deployment.ask("/v1/tickets", {}, host)
    _, kept = await deployment.ask("/v1/tickets", {}, host)
    _, session = await deployment.ask("/v1/tickets/redeem", {"ticket": issued["ticket"]}, host)
    _, again = await deployment.ask("/v1/tickets", {}, session["token"])
    _, third = await deployment.ask("/v1/tickets/redeem", {"ticket": again["ticket"]}, host)
    assert not await deployment.refused(third["token"])
    async with joined(deployment.gateway.ws_url, token=third["token"]) as inside:
        backend = new.token("backend", Role.SERVICE)
        await deployment.shop("retire_key", backend, kid=deployment.people.key.kid)
        await inside.until(lambda: inside.close_code is not None)
        assert inside.close_code == CloseCode.REVOKED
    for token in (session["token"], third["token"]):
        await deployment.until_refused(token)
    status, _ = await deployment.ask("/v1/tickets/redeem", {"ticket": kept["ticket"]}, host)
    assert status == 401
    assert (await deployment.ask("/v1/tickets", {}, host))[0] == 401


async def test_an_invitation_falls_with_who_gave_it(deployment: Deployment) -> None:
    host = deployment.people.token("mallory", Role.HOST)
    _, first = await deployment.ask(f"/v1/rooms/{ROOM}/invite", {"name": "Guest"}, host)
    _, second = await deployment.ask(f"/v1/rooms/{ROOM}/invite", {"name": "Other"}, host)
    async with joined(deployment.gateway.ws_url, ticket=first["ticket"]) as guest:
        await deployment.shop("remove_staff", viewer="mallory")
        await guest.until(lambda: guest.close_code is not None)
        assert guest.close_code == CloseCode.REVOKED
    await deployment.until_refused(host)
    status, answer = await deployment.ask("/v1/tickets/redeem", {"ticket": second["ticket"]}, host)
    assert (status, answer["error"]["code"]) == (401, "token_invalid")
    with pytest.raises(AssertionError, match="token_invalid"):
        async with joined(deployment.gateway.ws_url, ticket=second["ticket"]):
            pass


async def test_an_erased_rehearsal_sends_its_people_away_and_harms_nobody_else(deployment: Deployment) -> None:
    made = await deployment.shop("rehearse", room=ROOM)
    url, room = deployment.gateway.ws_url, made["room"]
    host, viewer = deployment.people.token("ada", Role.HOST), deployment.people.token("ann")
    for command, body in (("schedule", {"title": "Try", "starts_at": 1}), ("set_show", {"state": "live"})):
        assert (await deployment.ask(f"/v1/rooms/{room}/{command}", body, host))[0] == 200
    async with joined(url, token=viewer) as other, joined(url, token=viewer, room=room) as inside:
        async with joined(url, token=host, room=room) as busy:
            await deployment.shop("erase_rehearsal", room=room)
            for number in range(20):  # commands into a room that goes
                if busy.close_code is None:
                    await busy.ask("say", text=f"message {number}")
            await busy.until(lambda: busy.close_code is not None)
        await inside.until(lambda: inside.close_code is not None)
        assert inside.close_code == CloseCode.ROOM_GONE
        status, said = await deployment.ask(f"/v1/rooms/{ROOM}/say", {"text": "still here"}, host)
        assert status == 200
        await other.until(lambda: other.state["seq"] == said["seq"])
        assert all(process.poll() is None for process in deployment.gateway.processes)


async def test_a_refund_without_a_key_is_refused(deployment: Deployment) -> None:
    await deployment.shop("report_purchase", purchase="A-1", viewer="ann", amount=500, currency="PLN", room=ROOM)
    operator, refund = deployment.people.token("olga", Role.OPERATOR), {"purchase": "A-1", "amount": 400, "why": "x"}
    status, answer = await deployment.ask(f"/v1/rooms/{ROOM}/refund", refund, operator)
    assert (status, answer["error"]["code"]) == (400, "invalid")
    assert "Idempotency-Key" in answer["error"]["text"]
    answers = [await deployment.ask(f"/v1/rooms/{ROOM}/refund", refund, operator, key="k") for _ in range(3)]
    assert [status for status, _ in answers] == [200] * 3
    assert len({answer["id"] for _, answer in answers}) == 1


async def test_every_command_that_runs_can_be_asked(deployment: Deployment) -> None:
    assert set(SHOP_COMMANDS) == set(COMMANDS)
    answer = await deployment.shop("set_review", url=None)
    assert "error" not in answer
