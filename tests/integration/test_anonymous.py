"""Nobody in particular watches, and comments where that is allowed; they enter no draw, take no seat, pay nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

from livestream import seed
from livestream.protocol import commands as c
from livestream.protocol.commands import COMMANDS
from livestream.protocol.draws import EntryKind
from livestream.protocol.examples import MESSAGES
from livestream.protocol.http import OPERATIONS
from livestream.protocol.roles import Role
from livestream.storage.pool import Database
from tests.support import live_draws
from tests.support.gateways import Gateways
from tests.support.people import People
from tests.support.wsclient import WsClient, joined

#: what anybody may send: a reveal proves itself, and an entry is refused with its reason, so that it is recorded
OPEN_TO_ALL = {c.Join, c.Comment, c.Like, c.RevealDraw, c.EnterDraw}
_AT_A_TIME = 15  #: refusals that one connection may have in a row


async def _open_draw(host: WsClient, **changes: object) -> str:
    made = await host.ask("create_draw", plan=msgspec.to_builtins(live_draws.plan(**changes)))
    draw: str = made["draw"]
    opened = await host.ask("open_draw", draw=draw, commitments=[live_draws.commitment(draw)], names=["Ada"])
    assert opened["t"] == "ok", opened
    return draw


async def test_nobody_in_particular_is_in_a_draw_or_a_team_whatever_they_send(
    start_gateway: Callable[..., Gateways], people: People, database: Database
) -> None:
    async with database.transaction() as tx:
        body = {"id": "cup", "title": "Cup", "price": 1000, "currency": "PLN"}
        await tx.execute(
            "INSERT INTO product (shop_id, product_id, body) VALUES ($1, 'cup', $2::text::json)",
            seed.SHOP,
            json.dumps(body),
        )
    url = start_gateway(1).ws_url
    async with (
        joined(url, token=people.token("olga", Role.OPERATOR)) as operator,
        joined(url, token=people.token("bob")) as bob,
    ):
        await operator.ask("set_chat", anonymous=True)
        steps = [{"people": 2, "price": 900}]
        deal = (await operator.ask("open_deal", product="cup", steps=steps, stock=10))["id"]
        own = (await bob.ask("open_team", deal=deal))["own"]
        draw = await _open_draw(operator)
        theirs = {"deal": deal, "draw": draw, "seat": own["seat"], "invite": own["invite"], "team": own["team"]["id"]}
        await _refused(url, theirs)
        await operator.ask("cancel_draw", draw=draw, why="enough")
        password = await _open_draw(operator, entry=EntryKind.PASSWORD, password="cup please")
        async with joined(url, name="Passer-by") as nobody:
            said = await nobody.ask("comment", text="cup please")
            assert (said["t"], said.get("entered")) == ("posted", None), said
            assert said["not_entered"] == "sign_in_required"
            assert (await nobody.ask("enter_draw", draw=password))["t"] == "error"
        async with database.read() as connection:
            assert await connection.fetchval("SELECT count(*) FROM draw_entry") == 0
            assert await connection.fetchval("SELECT count(*) FROM seat") == 1
            assert await connection.fetchval("SELECT count(*) FROM payment") == 0
            recorded = await connection.fetch("SELECT draw_id, code FROM draw_refusal WHERE code = 'sign_in_required'")
        assert {row["draw_id"] for row in recorded} == {draw, password}


async def _refused(url: str, theirs: dict[str, str]) -> None:
    examples = {type(each): each for each in reversed(MESSAGES) if isinstance(each, c.Command)}
    closed = [each for each in COMMANDS if each not in OPEN_TO_ALL]
    for start in range(0, len(closed), _AT_A_TIME):
        async with joined(url, name="Passer-by") as nobody:
            for kind in closed[start : start + _AT_A_TIME]:
                sent = msgspec.to_builtins(examples[kind])
                fields = {name: theirs.get(name, value) for name, value in sent.items() if name not in ("t", "ref")}
                answer = await nobody.ask(sent["t"], **fields)
                assert (answer["t"], answer.get("code")) == ("error", "forbidden"), (sent["t"], answer)
    async with joined(url, name="Passer-by") as nobody:
        assert (await nobody.ask("enter_draw", draw=theirs["draw"]))["code"] == "sign_in_required"


async def test_without_a_token_or_with_one_for_nobody_http_does_nothing(
    start_gateway: Callable[..., Gateways], people: People
) -> None:
    gateway = start_gateway(1)
    nobody = people.token("eve", Role.ANONYMOUS)
    async with aiohttp.ClientSession() as session:
        for operation in OPERATIONS:
            if operation.roles is None:
                assert operation.method == "GET" or operation.name == "redeem_ticket", operation
                continue
            path = operation.path.format(
                room=seed.ROOM, shop=seed.SHOP, webhook="x", delivery="x", draw="0" * 32, deal="0" * 13
            )
            for headers in ({}, {"Authorization": f"Bearer {nobody}"}):
                async with session.request(operation.method, gateway.url + path, json={}, headers=headers) as response:
                    answer: dict[str, Any] = await response.json()
                    assert (response.status, answer["error"]["code"]) == (401, "token_invalid"), (
                        operation.name,
                        answer,
                    )
