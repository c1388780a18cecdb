"""Group buys under fire: processes killed and frozen with commands in flight, and the last seat raced for.

The quick forms run with the suite; `make trials` runs each twenty times over, and 10,000 races.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from groupbuy import chores
from groupbuy.cashier import news_of
from groupbuy.payments.port import Way
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.errors import LivestreamError, Refused
from livestream.protocol.groupbuy import DealStep
from livestream.storage.pool import Contention, Database
from tests.support.fair import Fair, fair
from tests.support.gateways import Gateways
from tests.support.market import Market
from tests.support.people import People
from tests.support.purse import Purse

_JITTER_S = 0.005


# -- the last seat


async def race(market: Market, deal: str, number: int) -> None:
    """One team of two: the last seat, its payment, a rival, the leader leaving and the deadline, all at once."""
    first = await market.open_team(f"a{number}", deal)
    await market.pay(f"a{number}", deal, first.seat)
    second = await market.join(f"b{number}", deal, invite=first.invite)
    payment = await market.begin(f"b{number}", deal, second.seat)
    standing = market.purse.buyer(f"pay_{payment}")
    async with market.database.transaction() as tx:
        # The deadline is a moment away, or its 30 s of grace are.
        ahead = random.choice([0.004, -29.996])
        await tx.execute(
            "UPDATE deadline SET due_at = clock_timestamp() + make_interval(secs => $2) WHERE id = $1",
            first.team.id,
            ahead,
        )
        await tx.execute(
            "UPDATE seat SET hold_ms = 0, hold_at = clock_timestamp() WHERE team_id = $1 AND state <> 'released'",
            first.team.id,
        )

    async def a_moment_later(doing: object) -> None:
        await asyncio.sleep(random.uniform(0, 2 * _JITTER_S))
        with contextlib.suppress(Refused, Contention):
            await doing  # type: ignore[misc]

    await asyncio.gather(
        *(a_moment_later(market.cashier.learn(deal, payment, news_of(standing))) for _ in range(2)),
        a_moment_later(market.join(f"c{number}", deal, invite=first.invite)),
        a_moment_later(market.run(f"a{number}", c.LeaveTeam(ref=1, deal=deal, seat=first.seat))),
        a_moment_later(chores.end_teams(market.database)),
        a_moment_later(chores.end_teams(market.database)),
    )


async def races(database: Database, settings: Settings, way: Way, count: int) -> dict[str, int]:
    market = Market(database, settings, Purse(way))
    await market.stock_up()
    deal = await market.open_deal(steps=[DealStep(people=2, price=900)], stock=10**6)
    for start in range(0, count, 20):
        await asyncio.gather(*(race(market, deal, number) for number in range(start, min(start + 20, count))))
    await market.settle()
    await market.audit(settled=True)
    states = await market.states("team")
    return {state: states.count(state) for state in set(states)}


@pytest.mark.parametrize("way", list(Way))
async def test_the_last_seat_against_the_deadline_against_the_payment(
    database: Database, settings: Settings, seeded: str, way: Way
) -> None:
    ended = await races(database, settings, way, 60)
    assert sum(ended.values()) == 60
    assert set(ended) == {"complete", "expired"}, "both ends must have been raced for"


@pytest.mark.trial
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("way", list(Way))
async def test_ten_thousand_races(database: Database, settings: Settings, seeded: str, way: Way) -> None:
    ended = await races(database, settings, way, 5000)
    print(f"races {way}: {ended}")  # noqa: T201
    assert sum(ended.values()) == 5000


# -- kill -9, and pauses


@pytest.fixture
async def market(
    settings: Settings, start_gateway: Callable[..., Gateways], people: People, database: Database, tmp_path: Path
) -> AsyncIterator[Fair]:
    async with fair(settings, start_gateway, people, database, tmp_path) as running:
        yield running


async def hurt(running: Fair, database: Database, what: str, pause_s: float) -> None:
    """One blow, wherever everybody is just now."""
    match what:
        case "gateway":
            running.gateways.kill(random.choice(running.gateways.processes))
            await asyncio.to_thread(running.gateways.start)
        case "gateway paused":
            process = random.choice(running.gateways.processes)
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(pause_s)
            process.send_signal(signal.SIGCONT)
        case "worker":
            running.stop_worker()
            running.start_worker()
        case "worker paused":
            running.worker.send_signal(signal.SIGSTOP)
            await asyncio.sleep(pause_s)
            running.worker.send_signal(signal.SIGCONT)
        case "sandbox":
            running.sandbox.kill()
            await running.sandbox.start()
        case "sandbox paused":
            running.sandbox.send(signal.SIGSTOP)
            await asyncio.sleep(pause_s)
            running.sandbox.send(signal.SIGCONT)
        case "postgres":
            # Every session of this database dies at once, wherever its transaction is: as by a crash, for this
            # database alone, since the run shares the server.
            async with database.read() as connection:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )


async def storm(running: Fair, database: Database, what: str, blows: int, pause_s: float) -> None:
    deal = await running.open_deal(life_s=60)
    done = asyncio.Event()

    async def teams(lane: int) -> None:
        number = 0
        while not done.is_set():
            await running.team(lane * 1000 + number, deal, stay_away=0.15)
            number += 1

    async with asyncio.TaskGroup() as tasks:
        for lane in range(6):
            tasks.create_task(teams(lane))
        for _ in range(blows):
            await asyncio.sleep(random.uniform(0.3, 1.0))
            with contextlib.suppress(LivestreamError):
                await hurt(running, database, what, pause_s)
        await asyncio.sleep(0.5)
        done.set()
    assert len(running.acked) > 10 * blows // 2, "the blows must fall while people buy"
    await running.settle(database, 240)


BLOWS = ["gateway", "worker", "sandbox", "postgres"]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("what", BLOWS)
async def test_what_was_acknowledged_outlives_a_kill(market: Fair, database: Database, what: str) -> None:
    await storm(market, database, what, 2, 1.0)


@pytest.mark.trial
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("what", [*BLOWS, "gateway paused", "worker paused", "sandbox paused"])
async def test_twenty_blows(market: Fair, database: Database, what: str) -> None:
    await storm(market, database, what, 20, 10.0)
    print(f"{what}: {len(market.acked)} seats acknowledged, all there; refused: {len(market.refused)}")  # noqa: T201
