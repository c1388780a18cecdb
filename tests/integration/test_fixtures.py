"""The ground the other tests stand on holds."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable

from livestream.storage.pool import Database
from tests.support.gateways import Gateways
from tests.support.people import People


async def test_a_test_has_a_database_of_its_own(database: Database, seeded: str) -> None:
    async with database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM room WHERE room_id = $1", seeded) == 1


async def test_the_next_test_finds_it_empty(database: Database) -> None:
    async with database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM room") == 0


def test_gateways_share_a_port(start_gateway: Callable[..., Gateways], people: People) -> None:
    running = start_gateway(count=2)
    assert len(running.processes) == 2
    with urllib.request.urlopen(f"{running.url}/readyz", timeout=5) as response:
        assert response.status == 200
    assert people.token("ann").count(".") == 2
