"""Benchmark of the group-buy engine alone: batcher to COMMIT, no sockets; and its ratio to one transaction a join.

    python -m tests.bench.groupbuy [--teams 4000] [--rounds 3] [--engines 2]

One deal, teams of 3, on the embedded Postgres with fsync on. Each engine has a
process of its own, as in a gateway. Leaders open all teams, then friends join,
in an order that is shuffled, so that the two friends of a team come through any
engine at any time; each engine is asked by as many at a time as two of its
batches hold. A join counts when its answer came, after COMMIT. Rounds of both
kinds alternate; medians are told.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from livestream import seed
from livestream.config import Settings
from livestream.embedded import Stores
from livestream.protocol import commands as c
from livestream.protocol.groupbuy import DealStep
from livestream.protocol.replies import Seated
from livestream.storage.migrate import migrate
from livestream.storage.pool import Database
from tests.bench import crowd, processes
from tests.support.folders import open_folder
from tests.support.market import Market, market_of
from tests.support.purse import Purse

_FRIENDS = 2  #: of each leader
_STEPS = [DealStep(people=1 + _FRIENDS, price=800)]
_SINGLE_SHARE = 10  #: where each join is a transaction, a tenth of the teams is enough
_LEAD_S = 0.1  #: from the order to the first command, so that all engines begin by one clock
_BATCHES_WAITING = 2


# -- an engine: a process with its share of the people


@dataclass(frozen=True, slots=True)
class Order:
    """What an engine is asked to answer, from a moment of the monotonic clock on."""

    deal: str
    begin: float
    people: Sequence[str]
    invites: Sequence[str]  #: that they join by; empty: each opens a team


@dataclass(slots=True)
class Told:
    """What became of it."""

    ended: float  #: of the monotonic clock, as all processes have it
    took: list[float]  #: s, from the command to its answer
    seated: list[tuple[str, str]]  #: seat and invite
    cpu_s: float


async def _engine(settings: Settings, number: int, talk: Connection) -> None:
    """Answer order after order."""
    database = await Database.connect(settings.database_url, settings)
    market = Market(database, settings, Purse(), processes=1, number=number)
    talk.send("here")
    while (order := await crowd.heard(talk)) is not None:
        talk.send(await _answer(market, order, _BATCHES_WAITING * settings.batch_size))
    await database.close()


async def _answer(market: Market, order: Order, at_once: int) -> Told:
    """Have all of an order answered, so many at a time."""
    market.told.clear()  # which a gateway would not keep, and the collector walks
    told = Told(0.0, [], [], 0.0)
    waiting = iter(zip(order.people, _commands(order), strict=True))

    async def some() -> None:
        for who, command in waiting:
            sent = time.monotonic()
            reply = await market.run(who, command)
            assert isinstance(reply, Seated)
            told.took.append(time.monotonic() - sent)
            told.seated.append((reply.own.seat, reply.own.invite or ""))

    await asyncio.sleep(order.begin - time.monotonic())
    before = time.process_time()
    await asyncio.gather(*(some() for _ in range(at_once)))
    told.ended, told.cpu_s = time.monotonic(), time.process_time() - before
    return told


def _commands(order: Order) -> Iterable[c.OpenTeam | c.JoinTeam]:
    deal = order.deal
    if not order.invites:
        return [c.OpenTeam(ref=1, deal=deal, key=deal) for _ in order.people]
    return [c.JoinTeam(ref=1, deal=deal, invite=invite, key=deal) for invite in order.invites]


# -- the whole


@dataclass(slots=True)
class Stand:
    """A database and some engines on it."""

    market: Market
    talks: list[Connection]

    @classmethod
    async def start(cls, market: Market, settings: Settings, numbers: Iterable[int]) -> Stand:
        """Args:
        numbers: of the engines, of which ids are made.
        """
        stand = cls(market, [crowd.process(_engine, settings, number)[1] for number in numbers])
        for talk in stand.talks:
            await crowd.heard(talk)
        return stand

    async def round(self, teams: int, shuffle: int) -> dict[str, Any]:
        """One deal's rush: teams, then joins; its figures."""
        deal = await self.market.open_deal(steps=_STEPS, stock=10**8, share=100)
        opened, opens_s = await self._ask(deal, [f"l{n}" for n in range(teams)], [])
        invites = [invite for each in opened for _, invite in each.seated] * _FRIENDS
        random.Random(shuffle).shuffle(invites)
        before = processes.cpu_s(os.getpid())["postgres"]
        joined, joins_s = await self._ask(deal, [f"f{n}" for n in range(len(invites))], invites)
        spent = {
            "engines": sum(each.cpu_s for each in joined),
            "postgres": processes.cpu_s(os.getpid())["postgres"] - before,
        }
        stored = await _seats(self.market, deal)
        seats = [seat for each in joined for seat, _ in each.seated]
        acked = set(seats)
        took = sorted(one for each in joined for one in each.took)
        await self.market.operate(c.CloseDeal(ref=1, deal=deal, key=deal))
        return {
            "opens_per_s": round(teams / opens_s),
            "joins_per_s": round(len(invites) / joins_s),
            "joins": len(invites),
            "p99_ms": round(took[len(took) * 99 // 100] * 1000, 1),
            "cpu_s_per_1000_joins": {role: round(each / len(invites) * 1000, 3) for role, each in spent.items()},
            "lost": len(acked - stored),
            "double": len(seats) - len(acked) + len(stored - acked),
        }

    async def _ask(self, deal: str, people: Sequence[str], invites: Sequence[str]) -> tuple[list[Told], float]:
        """Have each engine answer its share; what they told, and how long it took, s."""
        engines = len(self.talks)
        begin = time.monotonic() + _LEAD_S
        for place, talk in enumerate(self.talks):
            talk.send(Order(deal, begin, people[place::engines], invites[place::engines]))
        told: list[Told] = [await crowd.heard(talk) for talk in self.talks]
        return told, max(each.ended for each in told) - begin

    def end(self) -> None:
        for talk in self.talks:
            talk.send(None)


async def _seats(market: Market, deal: str) -> set[str]:
    async with market.database.read() as connection:
        rows = await connection.fetch("SELECT seat_id FROM seat WHERE deal_id = $1 AND number > 0", deal)
    return {row["seat_id"] for row in rows}


async def measure(teams: int, rounds: int, engines: int) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {"batched": [], "one_transaction_a_join": []}
    with open_folder() as folder:
        async with Stores.start(folder / "data") as stores:
            await migrate(stores.database_url)
            await seed.seed(stores.database_url)
            settings = Settings(database_url=stores.database_url, redis_url=stores.redis_url)
            database = await Database.connect(stores.database_url, settings)
            market = await market_of(database, settings)
            single = msgspec.structs.replace(settings, batch_size=1)
            stands = {
                "batched": (await Stand.start(market, settings, range(2, 2 + engines)), teams),
                "one_transaction_a_join": (
                    await Stand.start(market, single, range(2 + engines, 2 + 2 * engines)),
                    teams // _SINGLE_SHARE,
                ),
            }
            for number in range(rounds):
                for kind, (stand, some) in stands.items():
                    found[kind].append(await stand.round(some, number))
            for stand, _ in stands.values():
                stand.end()
            await market.audit()
            await database.close()
    told = {
        kind: {
            name: statistics.median(each[name] for each in some) for name in ("opens_per_s", "joins_per_s", "p99_ms")
        }
        for kind, some in found.items()
    }
    everything = [each for some in found.values() for each in some]
    return {
        **processes.where(),
        "engines": engines,
        "batch_size": settings.batch_size,
        **told,
        "ratio": round(told["batched"]["joins_per_s"] / told["one_transaction_a_join"]["joins_per_s"], 1),
        **{name: sum(each[name] for each in everything) for name in ("lost", "double")},
        "rounds": found,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teams", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engines", type=int, default=2)
    parser.add_argument("--out", type=Path, help="also write the figures there, as JSON")
    options = parser.parse_args()
    figures = uvloop.run(measure(options.teams, options.rounds, options.engines))
    processes.tell(figures, options.out)
    return int(any(figures[name] for name in ("lost", "double")))


if __name__ == "__main__":
    sys.exit(main())
