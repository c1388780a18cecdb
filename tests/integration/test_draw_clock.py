"""A clock that is set back, a COMMIT that hangs: what a draw says of its moments stays true, or nobody wins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest

from livestream.bus import BusMessage
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.draws import BeaconKind, DrawState, VoidWhy
from livestream.storage import roomlog
from livestream.storage.pool import Database
from livestream.storage.roomlog import Appended
from lottery import sighting, stages, store, verify
from lottery.receipt import Witness
from tests.support import live_draws as draws
from tests.support.live_draws import checked, close, conduct, enter, look, opened
from tests.support.nodes import Node, actor, node, until


@pytest.fixture
async def desk(database: Database, settings: Settings, seeded: str) -> AsyncIterator[Node]:
    """Without its heartbeat: it finds nothing by itself."""
    async with node(database, settings) as running:
        yield running


Comes = Callable[[Node, Database], Awaitable[None]]
_LATE = "clock_timestamp() - interval '1 hour'"


def _set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the clock stands an hour back."""
    monkeypatch.setattr(store, "_DRAW", store._DRAW.replace("clock_timestamp()", _LATE))


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


@pytest.mark.usefixtures("own_beacon")
async def test_a_root_that_nobody_saw_before_its_round_is_never_drawn(
    desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """COMMIT hung: the root says that it was early, and came to be seen when the beacon was known."""
    draw_id = await _rooted_unseen(desk, database, monkeypatch)
    await draws.rewind(database, draw_id, 20)
    root = (await look(database, draw_id)).root
    number = (await look(database, draw_id)).round
    beacon = draws.Beacon({number: draws.sign_round(number)})
    await sighting.see_roots(database, draws.ROOM)
    assert not await _seen(database)
    await conduct(database, draws.conductor(beacon))
    draw = await look(database, draw_id)
    assert (draw.state, draw.why, draw.root) == (DrawState.VOID, VoidWhy.LATE_ROOT, root)
    assert beacon.asked == []
    report = await checked(database, draw_id)
    assert report.ok, report
    channel = await desk.hub.channel(draws.ROOM)
    await desk.hub.catch_up(channel)
    [told] = channel.state.draws
    assert (told.state, told.rooted_at) == (draw.state, draw.rooted_at)  # the log says when it was found, as the row


async def _by_heartbeat(gateway: Node, database: Database) -> None:
    """It was here before the root, and the bus brought nothing."""
    channel = await gateway.hub.channel(draws.ROOM)
    await until(lambda: bool(channel.state.draws[0].root))


async def _by_load(gateway: Node, database: Database) -> None:
    await gateway.hub.drop_idle()
    gateway.hub.channels.clear()
    assert (await gateway.hub.channel(draws.ROOM)).state.draws[0].root


async def _by_bus(gateway: Node, database: Database) -> None:
    """The worker told it, and could not look."""
    channel = await gateway.hub.channel(draws.ROOM)
    async with database.read() as connection:
        events = await roomlog.read_log(connection, draws.ROOM, channel.log.top, 10)
    gateway.hub.receive(draws.ROOM, BusMessage(origin=9, appended=Appended(log=events)))
    assert channel.state.draws[0].root  # at once
    while not await _seen(database):
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("comes", [_by_heartbeat, _by_load, _by_bus])
@pytest.mark.usefixtures("own_beacon")
async def test_a_root_that_a_page_could_see_in_time_is_drawn_though_its_worker_is_dead(
    comes: Comes, desk: Node, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No worker runs again before the round: what the page keeps and what the proof says must agree."""
    async with node(database, settings, 2, beat=comes is _by_heartbeat) as gateway:
        await gateway.hub.channel(draws.ROOM)
        draw_id = await _rooted_unseen(desk, database, monkeypatch)
        async with asyncio.timeout(10):
            await comes(gateway, database)
        assert await _seen(database)  # before it was shown, but where it came over the bus
    await draws.rewind(database, draw_id, 20)
    shown = await look(database, draw_id)
    assert shown.rooted_at is not None
    witness = Witness("LTD1", draw_id, shown.rules_hash, shown.root, shown.round, shown.rooted_at + 500)
    await conduct(database, draws.conductor(draws.Beacon({shown.round: draws.sign_round(shown.round)})))
    report = verify.verify(await draws.proof_of(database, draw_id), None, witness)
    assert report.ok, report
    assert (await look(database, draw_id)).state is DrawState.DRAWN


@pytest.mark.parametrize("mark", ["SELECT pg_sleep(30), $1::text", "SELECT nothing_of_the_kind($1)"])
async def test_a_mark_that_fails_or_hangs_keeps_no_room_back(
    mark: str, desk: Node, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _rooted_unseen(desk, database, monkeypatch)
    monkeypatch.setattr(sighting, "_SEE", mark)
    async with asyncio.timeout(2), node(database, settings, 2) as gateway:
        assert (await gateway.hub.channel(draws.ROOM)).state.draws[0].root
    assert not await _seen(database)


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
    _set_back(monkeypatch)
    for number in range(4):
        await enter(desk, draw_id, f"v{number}")
    receipt = await enter(desk, draw_id, "ann")
    draw = await draws.drawn(desk, database, draw_id)
    assert draw.state is DrawState.DRAWN
    report = await checked(database, draw_id, receipt)
    assert report.ok, report


async def test_a_clock_that_is_set_back_between_two_reveals_leaves_them_and_the_winners_in_order(
    desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_id = await opened(desk)
    await enter(desk, draw_id)
    await close(desk, draw_id)
    worker = draws.conductor()
    await worker.publish(database)
    await asyncio.sleep(0.05)  # the reveal is later than the root by more than the clock's own rule
    await worker.draw(database)
    _set_back(monkeypatch)
    await draws.reveal(desk, draw_id)
    await conduct(database)
    async with database.read() as connection:
        first, second = [each.revealed_ms for each in await store.reveals(connection, draw_id)]
        drawn_ms = await connection.fetchval(f"SELECT {store.MS.format('drawn_at')} FROM draw")
    assert first <= second <= drawn_ms
    report = await checked(database, draw_id)
    assert report.ok, report


async def test_a_clock_that_is_set_back_between_two_who_decline_leaves_them_in_order(
    desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_id = await opened(desk, prizes=draws.plan().prizes[:1])
    for viewer in ("ann", "bea", "cem"):
        await enter(desk, draw_id, viewer)
    draw_id = (await draws.drawn(desk, database, draw_id)).id
    await asyncio.sleep(0.05)
    await _decline(desk, database, draw_id)
    _set_back(monkeypatch)
    await _decline(desk, database, draw_id)
    await _decline(desk, database, draw_id)
    proof = msgspec.json.decode(await draws.proof_of(database, draw_id))
    moments = [*(each["passed_ms"] for each in proof["passed"]), *(each["lapsed_ms"] for each in proof["lapsed"])]
    assert (len(moments), moments) == (3, sorted(moments))
    report = await checked(database, draw_id)
    assert report.ok, report


async def _decline(desk: Node, database: Database, draw_id: str) -> None:
    async with database.read() as connection:
        holder = await connection.fetchval(
            "SELECT viewer_id FROM draw_pick JOIN draw_entry USING (draw_id, entry_id)"
            " WHERE prize = 0 AND lapsed_at IS NULL"
        )
    await desk.run(actor(holder), c.DeclinePrize(ref=1, draw=draw_id))


@pytest.mark.usefixtures("own_beacon")
async def test_a_clock_that_is_set_back_while_a_relay_is_asked_draws_no_earlier_than_the_round(
    desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_id = await opened(desk, beacon=BeaconKind.DRAND)
    await enter(desk, draw_id)
    await close(desk, draw_id)
    await conduct(database)
    await draws.rewind(database, draw_id, 20)
    async with database.transaction() as tx:
        ago = "- interval '20 seconds'"
        await tx.execute(f"UPDATE draw SET opened_at = opened_at {ago}, rooted_at = rooted_at {ago}")
    real = stages.draw

    async def later(*arguments: Any) -> Any:
        _set_back(monkeypatch)
        return await real(*arguments)

    monkeypatch.setattr(stages, "draw", later)
    number = (await look(database, draw_id)).round
    await conduct(database, draws.conductor(draws.Beacon({number: draws.sign_round(number)})))
    assert (await look(database, draw_id)).state is DrawState.DRAWN
    report = await checked(database, draw_id)
    assert report.ok, report
