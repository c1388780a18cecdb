"""A clock that is set back, a COMMIT that hangs: what a draw says of its moments stays true, or nobody wins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from livestream.config import Settings
from livestream.protocol.draws import BeaconKind, DrawState, VoidWhy
from livestream.storage.pool import Database
from lottery import quicknet, stages, store
from tests.support import live_draws as draws
from tests.support.live_draws import checked, close, conduct, enter, look, opened
from tests.support.nodes import Node, node


@pytest.fixture
async def desk(database: Database, settings: Settings, seeded: str) -> AsyncIterator[Node]:
    async with node(database, settings, beat=True) as running:
        yield running


async def _dies(*_: Any) -> None:
    raise KeyError("killed")


async def _seen(database: Database) -> bool:
    async with database.read() as connection:
        return bool(await connection.fetchval("SELECT seen_at IS NOT NULL FROM draw"))


async def _rooted_unseen(desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch) -> str:
    """A closed draw of drand's whose root is out, and whose worker died before it looked."""
    draw_id = await opened(desk, beacon=BeaconKind.DRAND)
    await enter(desk, draw_id)
    await close(desk, draw_id)
    with monkeypatch.context() as patch:
        patch.setattr(stages, "see_root", _dies)
        await conduct(database)
    assert (bool((await look(database, draw_id)).root), await _seen(database)) == (True, False)
    return draw_id


async def test_a_root_that_nobody_saw_before_its_round_is_never_drawn(
    desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """COMMIT hung: the root says that it was early, and came to be seen when the beacon was known."""
    monkeypatch.setattr(quicknet, "PUBLIC_KEY", draws.beacon_public_key())
    draw_id = await _rooted_unseen(desk, database, monkeypatch)
    await draws.rewind(database, draw_id, 20)
    root = (await look(database, draw_id)).root
    number = (await look(database, draw_id)).round
    beacon = draws.Beacon({number: draws.sign_round(number)})
    await conduct(database, draws.conductor(beacon))
    draw = await look(database, draw_id)
    assert (draw.state, draw.why, draw.root) == (DrawState.VOID, VoidWhy.LATE_ROOT, root)
    assert beacon.asked == []
    report = await checked(database, draw_id)
    assert report.ok, report


async def test_a_worker_that_dies_right_after_the_root_leaves_it_to_the_next_to_be_seen_in_time(
    desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_id = await _rooted_unseen(desk, database, monkeypatch)
    await conduct(database)
    assert await _seen(database)
    assert (await look(database, draw_id)).state is DrawState.CLOSED


async def test_a_clock_that_is_set_back_makes_no_moment_of_a_draw_earlier_than_the_one_before(
    desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the opening on the clock stands an hour back."""
    draw_id = await opened(desk)
    late = "clock_timestamp() - interval '1 hour'"
    monkeypatch.setattr(store, "_DRAW", store._DRAW.replace("clock_timestamp()", late))
    for number in range(4):
        await enter(desk, draw_id, f"v{number}")
    receipt = await enter(desk, draw_id, "ann")
    draw = await draws.drawn(desk, database, draw_id)
    assert draw.state is DrawState.DRAWN
    report = await checked(database, draw_id, receipt)
    assert report.ok, report
