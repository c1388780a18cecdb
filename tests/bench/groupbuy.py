"""Benchmark of the group-buy engine alone: batcher to COMMIT, no sockets; and its ratio to one transaction a seat.

    python -m tests.bench.groupbuy [--seconds 5] [--rounds 3]

One deal, teams of 3, on the embedded Postgres with fsync on. A seat counts when
its answer came, after COMMIT. Rounds of both kinds alternate; medians are told.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import uvloop

from livestream import seed
from livestream.config import Settings
from livestream.embedded import Stores
from livestream.protocol import commands as c
from livestream.protocol.errors import Refused
from livestream.protocol.groupbuy import DealStep
from livestream.protocol.replies import Seated
from livestream.storage.migrate import migrate
from livestream.storage.pool import Database
from tests.support.market import Market
from tests.support.purse import Purse

STEPS = [DealStep(people=3, price=800)]


async def fill(market: Market, deal: str, prefix: str, seconds: float, busy: int) -> tuple[int, list[float]]:
    """So many leaders at once open teams that two friends join; returns seats acked and their latencies, s."""
    ends, seats, taken = time.perf_counter() + seconds, 0, []
    engine = market.engines[0]

    async def ask(who: str, command: c.OpenTeam | c.JoinTeam) -> Seated:
        nonlocal seats
        began = time.perf_counter()
        reply = await market.run(who, command, engine)
        taken.append(time.perf_counter() - began)
        seats += 1
        assert isinstance(reply, Seated)
        return reply

    async def leader(number: int) -> None:
        for turn in range(10**6):
            if time.perf_counter() >= ends:
                return
            name = f"{prefix}{number}.{turn}"
            try:
                opened = await ask(name, c.OpenTeam(ref=1, deal=deal, key=f"{name}o"))
                invite = opened.own.invite
                await asyncio.gather(
                    *(
                        ask(f"{name}.{friend}", c.JoinTeam(ref=1, deal=deal, invite=invite, key=f"{name}j"))
                        for friend in range(2)
                    )
                )
            except Refused as refused:
                raise AssertionError(refused) from refused

    await asyncio.gather(*(leader(number) for number in range(busy)))
    return seats, taken


async def measure(seconds: float, rounds: int, sizes: Sequence[int] = (512, 1)) -> dict[str, object]:
    rates: dict[int, list[float]] = {size: [] for size in sizes}
    worst: dict[int, list[float]] = {size: [] for size in sizes}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        async with Stores.start(Path(folder) / "data") as stores:
            await migrate(stores.database_url)
            await seed.seed(stores.database_url)
            settings = Settings(database_url=stores.database_url, redis_url=stores.redis_url)
            database = await Database.connect(stores.database_url, settings)
            stocked = False
            for number in range(rounds):
                for size in rates:
                    changed = msgspec.structs.replace(settings, batch_size=size, batch_queue=100_000)
                    market = Market(database, changed, Purse(), processes=1)
                    if not stocked:
                        await market.stock_up()
                        stocked = True
                    deal = await market.open_deal(steps=STEPS, stock=10**8, share=100, per_viewer=100)
                    async with database.transaction() as tx:
                        await tx.execute("UPDATE deal SET state = 'closed' WHERE deal_id <> $1", deal)
                    seats, taken = await fill(market, deal, f"{number}.{size}.", seconds, 400)
                    rates[size].append(seats / seconds)
                    worst[size].append(sorted(taken)[int(len(taken) * 0.99)] * 1000)
            async with database.read() as connection:
                acked = await connection.fetchval("SELECT count(*) FROM seat")
            await market.audit()
            await database.close()
    batched, single = (statistics.median(rates[size]) for size in (sizes[0], sizes[-1]))
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "seats_in_postgres": acked,
        "batched_seats_per_s": round(batched),
        "batched_p99_ms": round(statistics.median(worst[sizes[0]]), 1),
        "one_transaction_a_seat_per_s": round(single),
        "ratio": round(batched / single, 1),
        "rounds": {str(size): [round(each) for each in found] for size, found in rates.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    print(json.dumps(uvloop.run(measure(asked.seconds, asked.rounds)), indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
