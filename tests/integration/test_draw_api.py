"""Draws through a real gateway: over the websocket and HTTP, as apps and shops use them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import asyncpg
import pytest

from livestream import seed
from livestream.client import CommandError, connect
from livestream.protocol.draws import BeaconKind, EntryKind
from livestream.protocol.roles import Role
from livestream.storage.pool import Database
from lottery import verify
from tests.support.gateways import Gateways
from tests.support.live_draws import COHOST_SECRET, commitment, conduct, plan
from tests.support.people import People
from tests.support.waiting import until

ROOM, SHOP = f"/v1/rooms/{seed.ROOM}", f"/v1/shops/{seed.SHOP}"


async def _get(gateway: Gateways, path: str, token: str | None = None) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession(gateway.url) as session, session.get(path, headers=headers) as response:
        return response.status, await response.read()


async def _post(gateway: Gateways, path: str, token: str, **body: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(gateway.url) as session,
        session.post(path, headers=headers, json=body) as response,
    ):
        return response.status, await response.json()


async def _json(gateway: Gateways, path: str, token: str | None = None) -> Any:
    status, body = await _get(gateway, path, token)
    assert status == 200, body
    return json.loads(body)


async def _refused(gateway: Gateways, path: str, token: str | None = None) -> tuple[int, str]:
    status, body = await _get(gateway, path, token)
    return status, json.loads(body)["error"]["code"]


async def test_who_talked_too_much_still_enters_by_password(
    start_gateway: Callable[..., Gateways], people: People
) -> None:
    gateway = start_gateway(comment_rate_burst=2, comment_rate_per_s=0.01)
    async with (
        connect(gateway.ws_url, room=seed.ROOM, token=people.token("ada", Role.HOST)) as host,
        connect(gateway.ws_url, room=seed.ROOM, token=people.token("ann")) as viewer,
    ):
        planned = plan(beacon=BeaconKind.COHOSTS, entry=EntryKind.PASSWORD, password="open")
        draw_id = (await host.create_draw(planned)).draw
        await host.open_draw(draw_id, commitments=[commitment(draw_id)], names=["Ada"])
        await until(lambda: any(each.id == draw_id for each in viewer.state.draws), "it is open")
        for number in range(2):
            await viewer.comment(f"number {number}")
        with pytest.raises(CommandError) as refused:
            await viewer.comment("one more")
        assert refused.value.code == "rate_limited"
        entered = (await viewer.comment("open")).entered
        assert entered is not None
        assert entered.draw_id == draw_id


async def test_a_draw_over_the_wire_with_all_that_can_be_read(
    gateway: Gateways, people: People, database: Database
) -> None:
    host_token, ann, operator = people.token("ada", Role.HOST), people.token("ann"), people.token("op", Role.OPERATOR)
    async with (
        connect(gateway.ws_url, room=seed.ROOM, token=host_token) as host,
        connect(gateway.ws_url, room=seed.ROOM, token=ann) as viewer,
        connect(gateway.ws_url, room=seed.ROOM, name="Nobody") as nobody,
    ):
        setup = await _json(gateway, f"{ROOM}/draw_setup", host_token)
        assert (setup["organiser"], setup["teams"], setup["rehearsal"]) == ("Demo shop", True, False)
        draw_id = (await host.create_draw(plan(beacon=BeaconKind.COHOSTS))).draw
        assert await _refused(gateway, f"/v1/draws/{draw_id}/proof") == (409, "draw_not_drawn")
        assert await _refused(gateway, f"/v1/draws/{draw_id}/inclusion?entry={'00' * 16}") == (409, "draw_state")
        await host.open_draw(draw_id, commitments=[commitment(draw_id)], names=["Ada"])
        receipt = (await viewer.enter_draw(draw_id)).receipt
        with pytest.raises(CommandError) as refused:
            await nobody.enter_draw(draw_id)
        assert refused.value.code == "sign_in_required"
        status, body = await _post(gateway, f"{ROOM}/enter_draw", people.token("bea"), draw=draw_id)
        assert (status, body["t"]) == (200, "entered")
        assert (await _post(gateway, f"{ROOM}/enter_draw", people.token("bea"), draw=draw_id))[0] == 409
        await host.close_draw(draw_id)
        await conduct(database)
        own = await _json(gateway, f"{ROOM}/draws/{draw_id}/receipt", ann)
        assert own["receipt"]["signature"] == receipt.signature
        assert own["inclusion"]["count"] == 2
        assert await _json(gateway, f"/v1/draws/{draw_id}/inclusion?entry={receipt.entry_id}") == own["inclusion"]
        assert await _refused(gateway, f"/v1/draws/{draw_id}/inclusion?entry={'00' * 16}") == (404, "entry_not_found")
        stranger = people.token("zoe")
        assert await _refused(gateway, f"{ROOM}/draws/{draw_id}/receipt", stranger) == (404, "entry_not_found")
        await host.reveal_draw(draw_id, 2, COHOST_SECRET.hex())
        await conduct(database)
    status, document = await _get(gateway, f"/v1/draws/{draw_id}/proof")
    assert status == 200
    assert verify.verify(document).ok
    assert (await _get(gateway, f"/v1/draws/{'00' * 16}/proof"))[0] == 404
    assert (await _get(gateway, "/v1/draws/x/proof"))[0] == 404
    [past] = (await _json(gateway, f"{ROOM}/draws"))["items"]
    assert (past["id"], past["state"], len(past["winners"])) == (draw_id, "drawn", 2)
    refusals = await _json(gateway, f"{ROOM}/draws/{draw_id}/refusals", host_token)
    assert sorted(each["code"] for each in refusals["items"]) == ["draw_entered", "sign_in_required"]
    assert (refusals["people"], refusals["times"]) == (2, 2)
    assert (await _get(gateway, f"{ROOM}/draws/{'00' * 16}/refusals", host_token))[0] == 404
    assert (await _get(gateway, f"{ROOM}/draws/{draw_id}/refusals", ann))[0] == 403
    assert (await _get(gateway, f"{SHOP}/draws/{draw_id}/claims", host_token))[0] == 403
    status, table = await _get(gateway, f"{SHOP}/draws/{draw_id}/claims", operator)
    assert status == 200
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
    assert sorted(row["viewer"] for row in rows) == ["ann", "bea"]
    async with connect(gateway.ws_url, room=seed.ROOM, token=ann) as back:
        async for push in back:
            if push.__class__.__name__ == "OwnDraws":
                break
        [own] = back.state.own_draws
        assert (own.draw, own.receipt) == (draw_id, receipt)
        assert own.prize is not None


async def test_a_template_is_kept_for_the_shop_and_goes(gateway: Gateways, people: People) -> None:
    token = people.token("ada", Role.HOST)
    body = {
        "name": "Friday",
        "plan": {
            "title": "t", "organiser": "o", "prizes": [{"tier": "1", "name": "n", "value": 1, "currency": "PLN"}]
        },
    }  # fmt: skip
    assert (await _post(gateway, f"{ROOM}/save_template", token, **body))[0] == 200
    setup = await _json(gateway, f"{ROOM}/draw_setup", token)
    assert [each["name"] for each in setup["templates"]] == ["Friday"]
    assert (await _post(gateway, f"{ROOM}/save_template", token, name="Friday", plan=None))[0] == 200
    assert (await _post(gateway, f"{ROOM}/save_template", token, name="Friday", plan=None))[0] == 404
    assert (await _post(gateway, f"{ROOM}/save_template", people.token("ann"), **body))[0] == 403


async def _rehearsed(gateway: Gateways, people: People, database: Database) -> tuple[str, str]:
    """A rehearsal, and a draw in it that ann won."""
    service = people.token("shop", Role.SERVICE)
    _, made = await _post(gateway, f"{SHOP}/rehearse", service, room=seed.ROOM)
    room = made["room"]
    host = people.token("ada", Role.HOST)
    base = f"/v1/rooms/{room}"
    await _post(gateway, f"{base}/schedule", host, title="x", starts_at=1)
    assert (await _post(gateway, f"{base}/set_show", host, state="live"))[0] == 200
    status, announced = await _post(
        gateway, f"{base}/create_draw", host,
        plan={
            "title": "t", "organiser": "o", "beacon": "recorded",
            "prizes": [{"tier": "1", "name": "n", "value": 1, "currency": "PLN"}],
        },
    )  # fmt: skip
    assert status == 200, announced
    draw_id = announced["draw"]
    assert (await _post(gateway, f"{base}/open_draw", host, draw=draw_id))[0] == 200
    assert (await _post(gateway, f"{base}/enter_draw", people.token("ann"), draw=draw_id))[0] == 200
    assert (await _post(gateway, f"{base}/close_draw", host, draw=draw_id))[0] == 200
    await conduct(database)
    return room, draw_id


async def test_the_claims_of_a_rehearsals_draw_are_read_by_the_shop_that_rehearses(
    gateway: Gateways, people: People, database: Database
) -> None:
    _, draw_id = await _rehearsed(gateway, people, database)
    path = f"{SHOP}/draws/{draw_id}/claims"
    status, table = await _get(gateway, path, people.token("op", Role.OPERATOR))
    assert status == 200, table
    assert [row["viewer"] for row in csv.DictReader(io.StringIO(table.decode("utf-8-sig")))] == ["ann"]


async def test_a_rehearsal_with_a_draw_is_erased_whole(gateway: Gateways, people: People, database: Database) -> None:
    service = people.token("shop", Role.SERVICE)
    room, draw_id = await _rehearsed(gateway, people, database)
    _, document = await _get(gateway, f"/v1/draws/{draw_id}/proof")
    report = verify.verify(document)
    assert report.ok, report
    assert any("rehearsal" in text for text in report.not_proven)
    status, body = await _post(gateway, f"{SHOP}/erase_rehearsal", service, room=room)
    assert status == 200, body
    connection = await asyncpg.connect(gateway.settings.database_url)
    try:
        for table in ("draw", "draw_entry", "draw_pick"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
    finally:
        await connection.close()
