"""Group buys under fire: processes killed and frozen with commands in flight, and the last seat raced for.

The quick forms run with the suite; `make trials` runs each twenty times over, and 10,000 races.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from groupbuy import chores
from groupbuy.cashier import news_of
from groupbuy.payments.port import Way
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.errors import Refused
from livestream.protocol.groupbuy import DealStep
from livestream.storage.pool import Contention, Database
from tests.support import storm
from tests.support.fair import Fair, fair
from tests.support.gateways import Gateways
from tests.support.market import Market, market_of
from tests.support.people import People
from tests.support.record import Rows
from tests.support.storm import STORMS, Blow

pytestmark = pytest.mark.alone  # it counts seconds, or what the whole machine holds

_JITTER_S = 0.005
_AT_ONCE = 20
_WAYS = {Way.AUTHORISE: "holds first", Way.CAPTURE: "takes at once"}
BLOWS: dict[str, Blow] = {
    "gateway killed": storm.gateway_killed,
    "worker killed": storm.worker_killed,
    "sandbox killed": storm.sandbox_killed,
    "room frozen": storm.room_frozen,
}
PAUSES: dict[str, Blow] = {
    "gateway paused 10 s": storm.gateway_paused,
    "worker paused 10 s": storm.worker_paused,
    "sandbox paused 10 s": storm.sandbox_paused,
}
RACES = Rows(
    "group buy races",
    "## Group buys: the last seat, its payment, a rival, the leader leaving and the deadline at once\n\n"
    "Moments apart by 0 to 10 ms; in half of the races the room is frozen and goes on in their midst. After all of\n"
    "them the audit finds nothing, and the provider has taken what confirmed orders cost.",
    ("races", "teams complete", "teams expired"),
)


# -- the last seat


async def race(market: Market, deal: str, number: int, ready: asyncio.Barrier) -> None:
    """One team of two: the last seat, its payment, a rival, the leader leaving and the deadline, all at once."""
    first = await market.open_team(f"a{number}", deal)
    await market.pay(f"a{number}", deal, first.seat)
    second = await market.join(f"b{number}", deal, invite=first.invite)
    payment = await market.begin(f"b{number}", deal, second.seat)
    standing = market.purse.buyer(f"pay_{payment}")
    await ready.wait()
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
    await asyncio.gather(
        *(a_moment_later(market.cashier.learn(deal, payment, news_of(standing))) for _ in range(2)),
        a_moment_later(market.join(f"c{number}", deal, invite=first.invite)),
        a_moment_later(market.run(f"a{number}", c.LeaveTeam(ref=1, deal=deal, seat=first.seat))),
        a_moment_later(chores.end_teams(market.database)),
        a_moment_later(chores.end_teams(market.database)),
    )


async def a_moment_later(doing: object) -> None:
    await asyncio.sleep(random.uniform(0, 2 * _JITTER_S))
    with contextlib.suppress(Refused, Contention):
        await doing  # type: ignore[misc]


async def a_break(market: Market, ready: asyncio.Barrier, *, happens: bool) -> None:
    """The room is frozen in the midst of races, and goes on."""
    await ready.wait()
    if happens:
        await a_moment_later(market.freeze())
        await a_moment_later(market.unfreeze())


async def race_together(market: Market, deal: str, numbers: range, *, breaks: bool) -> None:
    ready = asyncio.Barrier(len(numbers) + 1)
    await asyncio.gather(
        a_break(market, ready, happens=breaks), *(race(market, deal, number, ready) for number in numbers)
    )


async def races(database: Database, settings: Settings, way: Way, count: int) -> dict[str, int]:
    market = await market_of(database, settings, way)
    deal = await market.open_deal(steps=[DealStep(people=2, price=900)], stock=10**6)
    for start in range(0, count, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, count))
        await race_together(market, deal, numbers, breaks=start // _AT_ONCE % 2 == 1)
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
    assert sum(ended.values()) == 5000
    assert set(ended) == {"complete", "expired"}, "both ends must have been raced for"
    RACES.write(f"the last seat, provider that {_WAYS[way]}", 5000, ended["complete"], ended["expired"])


# -- kill -9, pauses and breaks


@pytest.fixture
async def market(
    settings: Settings, start_gateway: Callable[..., Gateways], people: People, database: Database, tmp_path: Path
) -> AsyncIterator[Fair]:
    async with fair(settings, start_gateway, people, database, tmp_path) as running:
        yield running


@pytest.mark.timeout(400)
@pytest.mark.parametrize("what", BLOWS)
async def test_what_was_acknowledged_outlives(market: Fair, database: Database, what: str) -> None:
    await storm.storm(market, database, BLOWS[what], 2, 1.0)


@pytest.mark.trial
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("what", [*BLOWS, *PAUSES])
async def test_twenty_blows(market: Fair, database: Database, what: str) -> None:
    await storm.storm(market, database, {**BLOWS, **PAUSES}[what], 20, 10.0)
    STORMS.write(what, 20, len(market.acked), 0, len(market.refused))
