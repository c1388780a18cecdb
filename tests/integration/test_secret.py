"""The deployment's secret is changed: who was known is the same person, and is found when they ask to be erased."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import aiohttp

from livestream import seed
from livestream.config import Settings
from livestream.deployment import secret_of
from livestream.protocol.roles import Role
from livestream.pseudonyms import first_key, key_of
from livestream.storage.pool import Database
from tests.support.gateways import Gateways
from tests.support.people import People, pseudonym_of
from tests.support.wsclient import joined


async def test_a_new_secret_makes_nobody_new(
    start_gateway: Callable[..., Gateways], people: People, database: Database, settings: Settings
) -> None:
    who = pseudonym_of(settings, "ann")
    for words in ("before", "after"):
        running = start_gateway(secret=settings.secret if words == "before" else secrets.token_hex(32))
        async with joined(running.url.replace("http", "ws") + "/v1/ws", token=people.token("ann")) as ann:
            assert ann.joined["me"]["id"] == who
            assert (await ann.ask("comment", text=words))["t"] == "posted"
    headers = {"Authorization": f"Bearer {people.token('erp', Role.SERVICE)}"}
    async with aiohttp.ClientSession(running.url, headers=headers) as session:
        path = f"/v1/shops/{seed.SHOP}"
        async with session.post(f"{path}/export_viewer", json={"viewer": "ann"}) as response:
            assert [each["text"] for each in (await response.json())["comments"]] == ["before", "after"]
        async with session.post(f"{path}/erase_viewer", json={"viewer": "ann"}) as response:
            assert response.status == 200
    async with database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM comment WHERE pseudonym <> '' OR text <> ''") == 0


async def test_the_key_is_made_once_and_goes_on_with_what_people_were_given(
    database: Database, settings: Settings
) -> None:
    old, new = secret_of(settings), b"n" * 32
    assert await key_of(database, old) == await key_of(database, new) == first_key(old)
    async with database.transaction() as tx:
        await tx.execute("UPDATE pseudonym_key SET key = NULL")  # as the migration leaves it where there were people
    assert await key_of(database, old) == await key_of(database, new) == old
