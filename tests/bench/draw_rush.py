"""Rush: 100,000 people with tokens of their own enter one draw over websockets, beside sockets that only watch.

    python -m tests.bench.draw_rush [--entries 100000] [--watchers 5000] [--wave 10000] [--clients 2] [--gateways 2]
        [--weights]

A machine has too few ports and descriptors for 100,000 sockets at once, so
people come in waves: a wave joins, all of it enters at the same moment, and
leaves. Two times are told: of the entries alone (from the first one sent to the
last receipt, summed over the waves), and of everything, joins and leaves too.
Then the draw closes, and the database's own clock tells how long root and
winners took. Every receipt is held against Postgres. With `--weights` a third
each came to comment, to join a team and to buy after they entered, so that all
entries are judged once more at the close, and all of them rise.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import asyncpg

from livestream import auth, seed
from livestream.account import account
from livestream.client import connect
from livestream.datadir import DataDir
from livestream.protocol.draws import BeaconKind, DrawRooted, DrawWeights
from livestream.protocol.pushes import Log
from livestream.protocol.roles import Role
from tests.bench import crowd, processes
from tests.bench.crowd import Answer, Person
from tests.support.folders import open_folder
from tests.support.live_draws import COHOST_SECRET, commitment, plan
from tests.support.shows import Show, show

_AT_ONCE = 200  #: entries sent before answers are looked at


async def _crowd(
    port: int, draw_id: str, key: auth.ShopKey, waves: Sequence[range], lane: int, talk: Connection
) -> None:
    """Wave by wave: come in, enter when told to, leave."""
    question = crowd.frame({"t": "enter_draw", "ref": 2, "draw": draw_id, "key": "k"})
    for wave in waves:
        people = crowd.people(port, crowd.tokens(key, (f"v{number}" for number in wave)), lane)
        await crowd.arrive(people)
        await crowd.return_those_away(people)
        talk.send(len(people))
        await crowd.heard(talk)  # everybody is here: go
        began = time.monotonic()
        entered = await _enter(people, question)
        talk.send((began, time.monotonic(), entered))
        for person in people:
            person.leave()


async def _enter(people: Sequence[Person], question: bytes) -> list[str]:
    """All of them; the entries' ids, from the receipts.

    Raises:
        KeyError: somebody was refused.
    """
    answers: list[asyncio.Future[Answer]] = []
    for place, person in enumerate(people):
        answers.append(asyncio.get_running_loop().create_future())
        person.ask(question, answers[place].set_result)
        if place % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return [answer["receipt"]["entry_id"] for answer in await asyncio.gather(*answers)]


async def _watch(port: int, key: auth.ShopKey, count: int, lane: int, talk: Connection) -> None:
    people = crowd.people(port, crowd.tokens(key, (f"w{number}" for number in range(count))), lane)
    await crowd.arrive(people)
    talk.send(len(people))
    await crowd.heard(talk)
    # The gateways hand some over to one another, as they do with viewers: those come back.
    back = await crowd.return_those_away(people)
    talk.send((len(people) - back, back))


async def _reveal(host: Any, draw_id: str) -> None:
    async for push in host:
        if isinstance(push, Log) and isinstance(push.event, DrawRooted) and push.event.draw == draw_id:
            await host.reveal_draw(draw_id, 2, COHOST_SECRET.hex())
            return


async def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    with show(folder, "--gateways", str(options.gateways)) as running:
        await asyncio.to_thread(running.wait_until_ready)
        dsn = DataDir(Path(running.data_dir), account()).database_url
        key = await seed.signing_key(dsn, seed.SHOP)
        assert key is not None
        (token,) = crowd.tokens(key, ["host"], Role.HOST)
        async with connect(f"ws://127.0.0.1:{running.port}/v1/ws", room=seed.ROOM, token=token) as host:
            weights = DrawWeights(commented=1, team=2, bought=4) if options.weights else DrawWeights()
            planned = plan(beacon=BeaconKind.COHOSTS, seconds=None, weights=weights, law_read=True)
            draw_id = (await host.create_draw(planned)).draw
            await host.open_draw(draw_id, commitments=[commitment(draw_id)], names=["host"])
            reveal = asyncio.create_task(_reveal(host, draw_id))
            watching, watchers = crowd.process(_watch, running.port, key, options.watchers, 250)
            await crowd.heard(watchers)
            crowds = [
                crowd.process(_crowd, running.port, draw_id, key, _waves(options, number), 1 + number)
                for number in range(options.clients)
            ]
            pids = [watching.pid or 0, *(started.pid or 0 for started, _ in crowds)]
            began, spans, ids = time.monotonic(), [], []
            spent: Counter[str] = Counter()
            for _ in _waves(options, 0):
                for _, talk in crowds:
                    await crowd.heard(talk)
                before = _spent(running, pids)
                for _, talk in crowds:
                    talk.send("go")
                told = [await crowd.heard(talk) for _, talk in crowds]
                spent.update({role: now - before[role] for role, now in _spent(running, pids).items()})
                spans.append(max(each[1] for each in told) - min(each[0] for each in told))
                ids += [one for each in told for one in each[2]]
            whole_s = time.monotonic() - began
            watchers.send("count")
            stayed, came_back = await crowd.heard(watchers)
            if options.weights:
                await _earn(dsn)
            await host.close_draw(draw_id)
            await reveal
            figures = await _ended(dsn, draw_id, ids)
    return {
        **processes.where(),
        "gateways": options.gateways,
        "weights": options.weights,
        "entries": len(ids),
        "watchers_who_stayed": stayed,
        "watchers_handed_over_and_back": came_back,
        "entries_s": round(sum(spans), 2),
        "entries_per_s": round(len(ids) / sum(spans)),
        "waves_s": [round(span, 2) for span in spans],
        "cpu_s_per_1000_entries": {role: round(each / len(ids) * 1000, 3) for role, each in spent.items()},
        "with_joins_and_leaves_s": round(whole_s, 1),
        **figures,
    }


def _waves(options: argparse.Namespace, number: int) -> list[range]:
    """One client's people, by their numbers."""
    own = range(number, options.entries, options.clients)
    share = options.wave // options.clients
    return [own[start : start + share] for start in range(0, len(own), share)]


def _spent(running: Show, pids: Sequence[int]) -> dict[str, float]:
    return {"clients": processes.own_cpu_s(pids), **processes.cpu_s(running.process.pid)}


#: what people came to deserve, by every third entry; rows as the parts write them
_EARNED = (
    """
    INSERT INTO comment (room_id, comment_id, show_id, pseudonym, role, text, fate)
    SELECT room_id, lpad(n::text, 13, '0'), show_id, pseudonym, 'viewer', 'hello', 'shown' FROM earning
     WHERE n % 3 = 0""",
    """
    INSERT INTO deal (deal_id, room_id, shop_id, product_id, title, state, currency, exponent, tax_included,
                      single_price, units, stock, version)
    SELECT DISTINCT 'rush', room_id, shop_id, 'p', 'Rush', 'closed', 'PLN', 2, true, 1, 1, 1, 1 FROM earning""",
    """
    INSERT INTO seat (seat_id, team_id, deal_id, viewer, number, state, hold_ms, hold_at)
    SELECT n::text, n::text, 'rush', pseudonym, 1, 'confirmed', 0, clock_timestamp() FROM earning WHERE n % 3 = 1""",
    """
    INSERT INTO purchase (shop_id, purchase_id, pseudonym, room_id, amount, currency, exponent)
    SELECT shop_id, 'rush-' || n, pseudonym, room_id, 1, 'PLN', 2 FROM earning WHERE n % 3 = 2""",
)


async def _earn(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            """
            CREATE TEMPORARY TABLE earning AS
            SELECT d.room_id, d.shop_id, d.show_id, e.pseudonym, row_number() OVER (ORDER BY entry_id) AS n
              FROM draw_entry e JOIN draw d USING (draw_id)"""
        )
        for statement in _EARNED:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _ended(dsn: str, draw_id: str, ids: Sequence[str]) -> dict[str, Any]:
    connection = await asyncpg.connect(dsn)
    try:
        while await connection.fetchval("SELECT state FROM draw WHERE draw_id = $1", draw_id) != "drawn":
            await asyncio.sleep(0.1)
        stored = {row["id"] for row in await connection.fetch("SELECT encode(entry_id, 'hex') AS id FROM draw_entry")}
        row = await connection.fetchrow(
            """
            SELECT extract(epoch FROM rooted_at - closed_at)::float AS root_s,
                   extract(epoch FROM drawn_at - (SELECT max(at) FROM draw_reveal))::float AS drawn_s, entries,
                   (SELECT count(*) FROM draw_entry e WHERE e.draw_id = draw.draw_id AND weight > promised) AS risen
              FROM draw WHERE draw_id = $1""",
            draw_id,
        )
    finally:
        await connection.close()
    assert row is not None
    return {
        "lost": len(set(ids) - stored),
        "unasked": len(stored - set(ids)),
        "double": len(ids) - len(set(ids)),
        "counted": row["entries"],
        "risen": row["risen"],
        "close_to_root_s": round(row["root_s"], 3),
        "beacon_to_winners_s": round(row["drawn_s"], 3),
    }


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--entries", type=int, default=100_000)
    made.add_argument("--watchers", type=int, default=5_000)
    made.add_argument("--wave", type=int, default=10_000)
    made.add_argument("--clients", type=int, default=2)
    made.add_argument("--gateways", type=int, default=2)
    made.add_argument("--weights", action="store_true", help="with chances to be earned, which the close weighs")
    made.add_argument("--out", type=Path, help="also write the figures there, as JSON")
    return made


def main() -> int:
    options = parser().parse_args()
    with open_folder() as folder:
        figures = asyncio.run(measure(options, folder))
    processes.tell(figures, options.out)
    return int(figures["lost"] or figures["double"] or figures["unasked"])


if __name__ == "__main__":
    sys.exit(main())
