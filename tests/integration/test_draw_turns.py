"""Turns: one draw never holds up another, what a worker did is told at once, and a crowd that checks asks once."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from livestream import worker
from livestream.config import Settings
from livestream.deployment import secret_of
from livestream.parts import Chore
from livestream.protocol import commands as c
from livestream.protocol.draws import BeaconKind, DrawState, EntryKind
from livestream.protocol.errors import Unavailable
from livestream.protocol.replies import Posted
from livestream.storage import deadlines
from livestream.storage.deadlines import Deadline
from livestream.storage.pool import Contention, Database
from lottery import conducting, document, published, stages, store
from lottery.conducting import Conductor
from lottery.published import Published, Tree
from tests.support import live_draws as draws
from tests.support.live_draws import close, enter, look, opened
from tests.support.nodes import Node, actor, node, until

OTHER = "ab" * 16


async def _in_another_room(database: Database, draw_id: str) -> None:
    """The same draw in another room, closed a second later and without a root."""
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO room (room_id, shop_id) VALUES ('other', 'demo')")
        await tx.execute("INSERT INTO room_head (room_id) VALUES ('other')")
        await tx.execute(
            """
            INSERT INTO draw (draw_id, room_id, shop_id, show_id, state, plan, body, salt, secret, rules, rules_hash,
                              opened_at, closed_at, round)
            SELECT $2, 'other', shop_id, show_id, 'closed', plan,
                   ((body::jsonb - 'root' - 'rooted_at') || jsonb_build_object('id', $2::text))::json,
                   salt, secret, rules, rules_hash, opened_at, closed_at + interval '1 second', round
              FROM draw WHERE draw_id = $1""",
            draw_id,
            OTHER,
        )


async def test_draws_that_wait_for_the_beacon_take_no_turn_from_a_root(
    desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conducting, "_AT_ONCE", 1)
    first = await opened(desk, beacon=BeaconKind.DRAND)
    await close(desk, first)
    conductor = draws.conductor()
    await conductor.publish(database)
    await _in_another_room(database, first)
    await conductor.publish(database)
    assert (await look(database, OTHER)).root


async def test_a_bug_in_one_draw_ends_its_own_turn_and_no_other(
    desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await opened(desk)
    await close(desk, first)
    await _in_another_room(database, first)
    real = stages.publish_root

    async def broken(database: Database, room_id: str, draw_id: str, *more: Any) -> Any:
        if draw_id == first:
            raise KeyError("a bug")
        return await real(database, room_id, draw_id, *more)

    monkeypatch.setattr(stages, "publish_root", broken)
    assert await draws.conductor().publish(database) == 1
    assert (await look(database, OTHER)).root
    assert not (await look(database, first)).root


@pytest.mark.usefixtures("own_beacon")
async def test_a_root_that_takes_long_holds_up_no_other_draw(
    desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is closed by the worker, gets its root, and is drawn, all while the first is being weighed."""
    first = await opened(desk, beacon=BeaconKind.DRAND)
    await close(desk, first)
    await _in_another_room(database, first)
    async with database.transaction() as tx:
        await tx.execute(
            """
            UPDATE draw SET state = 'open', closed_at = NULL, round = NULL,
                            body = (body::jsonb - '{closed_at,round,beacon_at}'::text[] || '{"state": "open"}')::json
             WHERE draw_id = $1""",
            OTHER,
        )
        await deadlines.put(tx, [Deadline("other", store.CLOSE, OTHER, 1)])
    real, weighing = stages.publish_root, asyncio.Event()

    async def slow(database: Database, room_id: str, draw_id: str, *more: Any) -> Any:
        if draw_id == first:
            weighing.set()
            await asyncio.Event().wait()
        return await real(database, room_id, draw_id, *more)

    monkeypatch.setattr(stages, "publish_root", slow)
    beacon = draws.Beacon()
    conductor = draws.conductor(beacon)
    publishing = asyncio.create_task(conductor.publish(database))
    await weighing.wait()
    async with asyncio.timeout(10):
        assert await conductor.close(database) == 1
        while not (await look(database, OTHER)).root:
            await asyncio.sleep(0.05)
        await conductor.see(database)
        await draws.rewind(database, OTHER, 20)
        number = (await look(database, OTHER)).round
        beacon.rounds[number] = draws.sign_round(number)
        assert await conductor.ask(database) == 1
    assert (await look(database, OTHER)).state is DrawState.DRAWN
    assert not publishing.done()
    publishing.cancel()
    await asyncio.wait([publishing])


@pytest.mark.parametrize("error", [Contention("busy"), Unavailable("postgres")])
async def test_a_root_whose_own_look_fails_is_told_at_once_and_found_by_the_next(
    error: Exception, desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_id = await opened(desk)
    await close(desk, draw_id)

    async def fails(*_: Any) -> None:
        raise error

    told: list[str] = []
    conductor = draws.conductor(told=lambda room, _: told.append(room))
    with monkeypatch.context() as patch:
        patch.setattr(stages, "see_root", fails)
        assert await conductor.publish(database) == 1
    assert told == [draws.ROOM]
    await conductor.see(database)
    async with database.read() as connection:
        assert await connection.fetchval("SELECT seen_at IS NOT NULL FROM draw")


class _Hung:
    """A relay that takes the question and never answers."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def signature(self, round: int) -> bytes | None:
        self.asked.set()
        await asyncio.Event().wait()
        return None


async def test_a_relay_that_hangs_holds_up_no_close_and_no_root(
    desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await opened(desk, beacon=BeaconKind.DRAND)
    await close(desk, first)
    relay = _Hung()
    conductor = Conductor(relay)  # type: ignore[arg-type]
    await conductor.publish(database)
    monkeypatch.setattr(conducting.quicknet, "time_of", lambda round: 0)  # its time has come
    asking = asyncio.create_task(conductor.ask(database))
    await relay.asked.wait()
    await _in_another_room(database, first)
    await conductor.publish(database)
    assert (await look(database, OTHER)).root or (await look(database, OTHER)).state is DrawState.VOID
    assert not asking.done()
    asking.cancel()
    await asyncio.wait([asking])


async def test_what_a_worker_did_is_told_at_once_and_a_chore_that_breaks_rests_alone(
    database: Database, settings: Settings, seeded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway's heartbeat is off: only the bus can bring it."""
    broke = 0

    async def broken(_: Database) -> int:
        nonlocal broke
        broke += 1
        raise KeyError("a bug")

    monkeypatch.setattr(worker, "CHORES", [Chore("broken", 0.2, broken)])
    async with node(database, settings, 77, beat=False) as quiet:
        draw_id = await opened(quiet)
        await enter(quiet, draw_id)
        channel = await quiet.hub.channel(draws.ROOM)
        stop = asyncio.Event()
        working = asyncio.create_task(worker._work(settings, secret_of(settings), database, stop))
        while len(await quiet.bus.redis.pubsub_channels("process:*")) < 2:  # what it says before, nobody would find
            await asyncio.sleep(0.02)
        await until(lambda: broke > 2)
        async with database.transaction() as tx:
            await tx.execute("UPDATE deadline SET due_at = clock_timestamp() WHERE kind = 'draw_close'")
        await until(lambda: bool(channel.local.state.draws[0].root))
        assert channel.local.state.draws[0].state is DrawState.CLOSED
        stop.set()
        await working


# -- who checks


async def test_a_crowd_that_checks_has_tree_and_proof_made_once_and_off_the_loop(
    desk: Node, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_id = await opened(desk)
    receipts = [await enter(desk, draw_id, f"v{number}") for number in range(7)]
    await draws.drawn(desk, database, draw_id)
    made: list[threading.Thread] = []

    def counted(real: Any) -> Any:
        def make(*arguments: Any) -> Any:
            made.append(threading.current_thread())
            return real(*arguments)

        return make

    monkeypatch.setattr(Tree, "of", counted(Tree.of))
    monkeypatch.setattr(document, "written", counted(document.written))
    kept = Published(database)
    found = await asyncio.gather(*(kept.inclusion(draw_id, each.entry_id) for each in receipts * 10))
    proofs = await asyncio.gather(*(kept.proof(draw_id) for _ in range(20)))
    assert len(set(proofs)) == 1
    assert proofs[0] == await draws.proof_of(database, draw_id)
    assert len(made) == 2 + 1  # one of each, and the one of the line above
    assert threading.main_thread() not in made[:2]
    assert sorted(each.index for each in found[:7]) == list(range(7))


async def test_a_proof_that_is_kept_is_made_anew_when_a_prize_goes_on(desk: Node, database: Database) -> None:
    draw_id = await opened(desk)
    for number in range(4):
        await enter(desk, draw_id, f"v{number}")
    await draws.drawn(desk, database, draw_id)
    kept = Published(database)
    before = await kept.proof(draw_id)
    async with database.read() as connection:
        winner = await connection.fetchval(
            "SELECT viewer_id FROM draw_pick JOIN draw_entry USING (draw_id, entry_id) WHERE prize = 0"
        )
    await desk.run(actor(winner), c.DeclinePrize(ref=1, draw=draw_id))
    after = await kept.proof(draw_id)
    assert before != after == await draws.proof_of(database, draw_id)
    assert published._KEPT < 10


# -- the rush by password


async def test_a_rush_by_password_gets_everybody_in_once(desk: Node, database: Database) -> None:
    await opened(desk, entry=EntryKind.PASSWORD, password="open sesame")
    said = [desk.run(actor(f"v{n % 150}"), c.Comment(ref=1, text="open sesame", key=f"k{n % 150}")) for n in range(300)]
    replies = await asyncio.gather(*said)
    assert all(isinstance(each, Posted) and each.entered is not None for each in replies)
    async with database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM draw_entry") == 150
        assert await connection.fetchval("SELECT entries FROM draw") == 150
        assert await connection.fetchval("SELECT count(*) FROM comment") == 150
