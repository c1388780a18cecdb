"""Benchmark of the group-buy engine alone: batcher to COMMIT, no sockets; and its ratio to one transaction a join.

    python -m tests.bench.groupbuy [--teams 4000] [--rounds 3] [--engines 2]

One deal, teams of 3, on the embedded Postgres with fsync on. Leaders open all
teams, then friends join, in an order that is shuffled, so many at a time as two
batches of each engine hold. An engine is what a gateway process has; a join
counts when its answer came, after COMMIT. Rounds of both kinds alternate;
medians are told.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
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
from tests.bench import processes
from tests.support.folders import open_folder
from tests.support.market import Market
from tests.support.purse import Purse

_FRIENDS = 2  #: of each leader
_STEPS = [DealStep(people=1 + _FRIENDS, price=800)]
_SINGLE_SHARE = 10  #: where each join is a transaction, a tenth of the teams is enough


@dataclass(slots=True)
class Crowd:
    """People who ask one after another, so many at a time."""

    market: Market
    at_once: int
    seated: list[Seated]
    took: list[float]  #: s

    async def ask(self, commands: Iterable[tuple[str, c.OpenTeam | c.JoinTeam]]) -> float:
        """Have all of them answered; returns how long it took, s."""
        waiting, began = iter(commands), time.perf_counter()

        async def some() -> None:
            for who, command in waiting:
                sent = time.perf_counter()
                reply = await self.market.run(who, command)
                assert isinstance(reply, Seated)
                self.took.append(time.perf_counter() - sent)
                self.seated.append(reply)

        await asyncio.gather(*(some() for _ in range(self.at_once)))
        return time.perf_counter() - began


async def _round(market: Market, teams: int, batch_size: int, shuffle: int) -> dict[str, Any]:
    """One deal's rush: teams, then joins; its figures."""
    deal = await market.open_deal(steps=_STEPS, stock=10**8, share=100)
    at_once = 2 * batch_size * len(market.engines)
    leaders = Crowd(market, at_once, [], [])
    opens_s = await leaders.ask((f"l{n}", c.OpenTeam(ref=1, deal=deal, key=deal)) for n in range(teams))
    invites = [each.own.invite for each in leaders.seated] * _FRIENDS
    random.Random(shuffle).shuffle(invites)
    friends = Crowd(market, at_once, [], [])
    before, own = processes.cpu_s(os.getpid()), time.process_time()
    joins_s = await friends.ask(
        (f"f{n}", c.JoinTeam(ref=1, deal=deal, invite=invite, key=deal)) for n, invite in enumerate(invites)
    )
    spent = {"engines": time.process_time() - own, "postgres": processes.cpu_s(os.getpid())["postgres"]}
    spent["postgres"] -= before["postgres"]
    stored = await _seats(market, deal)
    acked = {each.own.seat for each in friends.seated}
    await market.operate(c.CloseDeal(ref=1, deal=deal, key=deal))
    return {
        "opens_per_s": round(teams / opens_s),
        "joins_per_s": round(len(invites) / joins_s),
        "joins": len(invites),
        "p99_ms": round(sorted(friends.took)[len(friends.took) * 99 // 100] * 1000, 1),
        "cpu_s_per_1000_joins": {role: round(each / len(invites) * 1000, 3) for role, each in spent.items()},
        "lost": len(acked - stored),
        "double": len(friends.seated) - len(acked) + len(stored) - len(acked),
    }


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
            single = msgspec.structs.replace(settings, batch_size=1)
            await Market(database, settings, Purse()).stock_up()
            for number in range(rounds):
                for kind, changed, some in (
                    ("batched", settings, teams),
                    ("one_transaction_a_join", single, teams // _SINGLE_SHARE),
                ):
                    market = Market(database, changed, Purse(), processes=engines)
                    found[kind].append(await _round(market, some, changed.batch_size, number))
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
