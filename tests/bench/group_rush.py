"""Group rush: friends join the teams of one deal over websockets; acked joins a second, and how long an ack takes.

    python -m tests.bench.group_rush [--teams 4000] [--rate 3150] [--rounds 3] [--gateways 2] [--clients 2]

Teams of 3. In a round leaders open teams of a new deal, and then all their
friends join by invite, in an order that is shuffled:

    paced   by a schedule, whatever the server does; latency from the intended moment
    burst   all at once

A second show beside it, with LIVESTREAM_BATCH_SIZE=1 and fewer people, takes
bursts in turn with the first: one transaction a join. An ack counts once it is
found in Postgres, and the audit must find nothing. The drivers share the cores
with the servers, and what each process spent is told.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import asyncpg

from livestream import auth, seed
from livestream.account import account
from livestream.client import Client, connect
from livestream.datadir import DataDir
from livestream.protocol.commands import CloseDeal, OpenDeal
from livestream.protocol.groupbuy import DealStep
from livestream.protocol.pushes import AnyPush
from livestream.protocol.replies import Posted
from livestream.protocol.roles import Role
from tests.bench import crowd, processes
from tests.bench.crowd import Answer, Person
from tests.support.folders import open_folder
from tests.support.shows import Show, show

_FRIENDS = 2  #: of each leader
_PRODUCT = "cup"
_LEAD_S = 0.3  #: from the order to the first join, so that all drivers begin by one clock
_LEAST_SLEEP_S = 0.001
_SETTLE_S = 1.0  #: between the leaders' rush and their friends'


# -- a driver: a process with its share of the people


@dataclass(slots=True)
class Told:
    """What a driver saw of one round."""

    began: float  #: of the monotonic clock, as all drivers have it
    ended: float
    took: list[float]  #: s, from the intended moment to the answer
    seats: list[tuple[str, str]]  #: of each ack: seat and team
    refused: Counter[str]


class Rush:
    """The friends' joins of one round."""

    def __init__(self, friends: Sequence[Person], questions: Sequence[bytes]) -> None:
        self._friends = friends
        self._questions = questions
        self._told = Told(0.0, 0.0, [], [], Counter())
        self._all: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, began: float, rate: float | None) -> Told:
        """Everybody joins: so many a second from a moment on, or None: at once."""
        self._told.began = began
        sent = 0
        while sent < len(self._friends):
            now = time.monotonic()
            due = len(self._friends) if rate is None and now >= began else int((now - began) * (rate or 0)) + 1
            for place in range(sent, min(due, len(self._friends))):
                self._ask(place, began if rate is None else began + place / rate)
            sent = max(sent, min(due, len(self._friends)))
            pause = began - now if rate is None else began + sent / rate - time.monotonic()
            await asyncio.sleep(max(_LEAST_SLEEP_S, pause))
        await self._all
        self._told.ended = time.monotonic()
        return self._told

    def _ask(self, place: int, intended: float) -> None:
        self._friends[place].ask(self._questions[place], lambda answer: self._heard(answer, intended))

    def _heard(self, answer: Answer, intended: float) -> None:
        told = self._told
        told.took.append(time.monotonic() - intended)
        if answer["t"] == "seated":
            told.seats.append((answer["own"]["seat"], answer["own"]["team"]["id"]))
        else:
            told.refused[answer["code"]] += 1
        if len(told.took) == len(self._friends):
            self._all.set_result(None)


async def _drive(port: int, key: auth.ShopKey, number: int, teams: int, talk: Connection) -> None:
    """Bring the people in, then round by round what the parent says."""
    names = [f"{number}.{place}" for place in range(teams * (1 + _FRIENDS))]
    everybody = crowd.people(port, crowd.tokens(key, names), 1 + number)
    await crowd.arrive(everybody)
    leaders, friends = everybody[:teams], everybody[teams:]
    talk.send(len(everybody))
    while (order := await crowd.heard(talk)) is not None:
        deal, shuffle = order
        await crowd.return_those_away(everybody)
        invites = await _open_teams(leaders, deal)
        random.Random(shuffle).shuffle(friends)
        rush = Rush(friends, [_question(deal, invites[place % teams]) for place in range(len(friends))])
        talk.send(len(invites))
        began, rate = await crowd.heard(talk)
        talk.send(await rush.run(began, rate))


def _question(deal: str, invite: str) -> bytes:
    return crowd.frame({"t": "join_team", "ref": 2, "deal": deal, "invite": invite, "key": deal})


async def _open_teams(leaders: Sequence[Person], deal: str) -> list[str]:
    """Every leader opens one; the invites."""
    question = crowd.frame({"t": "open_team", "ref": 2, "deal": deal, "key": f"{deal}o"})
    answers: list[asyncio.Future[Answer]] = []
    for place, leader in enumerate(leaders):
        answers.append(asyncio.get_running_loop().create_future())
        leader.ask(question, answers[place].set_result)
    return [answer["own"]["invite"] for answer in await asyncio.gather(*answers)]


# -- a stand: one show with its people


@dataclass(slots=True)
class Stand:
    """A show, its room's operator and its drivers."""

    running: Show
    dsn: str
    host: Client
    teams: int
    pids: list[int] = field(default_factory=list)
    talks: list[Connection] = field(default_factory=list)
    deal: str = ""

    def spent(self) -> dict[str, float]:
        return {"drivers": processes.own_cpu_s(self.pids), **processes.cpu_s(self.running.process.pid)}

    async def round(self, number: int, rate: float | None) -> dict[str, Any]:
        """One round: a new deal, teams, joins; its figures."""
        if self.deal:
            await self.host.ask(CloseDeal, deal=self.deal)
        self.deal = await _open_deal(self.host)
        for place, talk in enumerate(self.talks):
            talk.send((self.deal, number * 100 + place))
        for talk in self.talks:
            await crowd.heard(talk)
        await asyncio.sleep(_SETTLE_S)
        before, began = self.spent(), time.monotonic() + _LEAD_S
        share = None if rate is None else rate / len(self.talks)
        for place, talk in enumerate(self.talks):
            talk.send((began + (place / rate if rate else 0.0), share))
        told: list[Told] = [await crowd.heard(talk) for talk in self.talks]
        after = self.spent()
        acked = sum(len(each.seats) for each in told)
        took = sorted(one for each in told for one in each.took)
        seconds = max(each.ended for each in told) - began
        return {
            "joins": len(took),
            "acked": acked,
            "acked_per_s": round(acked / seconds),
            "p50_ms": round(took[len(took) // 2] * 1000, 1),
            "p99_ms": round(took[len(took) * 99 // 100] * 1000, 1),
            "max_ms": round(took[-1] * 1000, 1),
            "refused": dict(sum((each.refused for each in told), Counter[str]())),
            "cpu_s_per_1000_joins": processes.each_thousand(before, after, acked),
            **await self._held_against_postgres([seat for each in told for seat in each.seats]),
        }

    async def _held_against_postgres(self, acked: Sequence[tuple[str, str]]) -> dict[str, int]:
        async with _connected(self.dsn) as connection:
            rows = await connection.fetch(
                "SELECT seat_id, team_id, viewer FROM seat WHERE deal_id = $1 AND number > 0", self.deal
            )
        stored = {(row["seat_id"], row["team_id"]) for row in rows}
        return {
            "lost": len(set(acked) - stored),
            "unasked": len(stored - set(acked)),
            "double": len(acked) - len(set(acked)) + len(rows) - len({row["viewer"] for row in rows}),
        }

    async def audit(self) -> list[str]:
        """What `livestream audit groupbuy` finds broken."""
        asked = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "livestream", *self.running.options, "audit", "groupbuy",
            env=self.running.environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await asked.communicate()
        return [] if asked.returncode == 0 else said.decode().splitlines() or [f"ended with {asked.returncode}"]


async def _open_deal(host: Client) -> str:
    steps = [DealStep(people=1 + _FRIENDS, price=800)]
    opened = await host.ask(OpenDeal, product=_PRODUCT, steps=steps, stock=10**8, share=100, life_s=3600, hold_s=600)
    assert isinstance(opened, Posted)
    return opened.id


@contextlib.asynccontextmanager
async def _stand(folder: Path, options: argparse.Namespace, teams: int, **environ: str) -> AsyncIterator[Stand]:
    """A show with so many teams' people in its room."""
    folder.mkdir(mode=0o755)  # noqa: ASYNC240 - nobody else runs here yet
    with show(folder, "--gateways", str(options.gateways), **environ) as running:
        await asyncio.to_thread(running.wait_until_ready)
        dsn = DataDir(Path(running.data_dir), account()).database_url
        key = await seed.signing_key(dsn, seed.SHOP)
        assert key is not None
        async with _connected(dsn) as connection:
            await connection.execute(
                "INSERT INTO product (shop_id, product_id, body) VALUES ($1, $2, $3::text::json)"
                " ON CONFLICT (shop_id, product_id) DO UPDATE SET body = excluded.body",
                seed.SHOP, _PRODUCT,
                json.dumps({"id": _PRODUCT, "title": "Cup", "price": 1000, "currency": "PLN"}),
            )  # fmt: skip
        (token,) = crowd.tokens(key, ["olga"], Role.OPERATOR)
        async with connect(f"ws://127.0.0.1:{running.port}/v1/ws", room=seed.ROOM, token=token, on_push=_drop) as host:
            stand = Stand(running, dsn, host, teams)
            for number in range(options.clients):
                started, talk = crowd.process(_drive, running.port, key, number, teams // options.clients)
                stand.pids.append(started.pid or 0)
                stand.talks.append(talk)
            for talk in stand.talks:
                await crowd.heard(talk)
            yield stand
            for talk in stand.talks:
                talk.send(None)


def _drop(push: AnyPush) -> None:
    """The operator does not look."""


@contextlib.asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


# -- the whole


async def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    began = time.monotonic()
    rounds: dict[str, list[dict[str, Any]]] = {"paced": [], "burst": [], "one_transaction_a_join": []}
    async with (
        _stand(folder / "batched", options, options.teams) as batched,
        _stand(folder / "single", options, options.single_teams, LIVESTREAM_BATCH_SIZE="1") as single,
    ):
        arrived_s = time.monotonic() - began
        for number in range(options.rounds):
            rounds["paced"].append(await batched.round(number, options.rate))
            rounds["burst"].append(await batched.round(number, None))
            rounds["one_transaction_a_join"].append(await single.round(number, None))
        broken = [*await batched.audit(), *await single.audit()]
    everything = [each for some in rounds.values() for each in some]
    told = {name: _medians(some) for name, some in rounds.items()}
    return {
        **processes.where(),
        "gateways": options.gateways,
        "drivers": options.clients,
        "sockets": options.teams * (1 + _FRIENDS),
        "rate_asked_per_s": options.rate,
        **told,
        "ratio": round(told["burst"]["acked_per_s"] / told["one_transaction_a_join"]["acked_per_s"], 1),
        **{name: sum(each[name] for each in everything) for name in ("acked", "lost", "unasked", "double")},
        "refused": sum(sum(each["refused"].values()) for each in everything),
        "audit": broken,
        "arrived_s": round(arrived_s, 1),
        "whole_s": round(time.monotonic() - began, 1),
        "rounds": {name: [_short(each) for each in some] for name, some in rounds.items()},
    }


def _medians(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    spent = [each["cpu_s_per_1000_joins"] for each in rounds]
    return {
        **{name: statistics.median(each[name] for each in rounds) for name in ("acked_per_s", "p50_ms", "p99_ms")},
        "cpu_s_per_1000_joins": {role: statistics.median(each[role] for each in spent) for role in spent[0]},
    }


def _short(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: figures[name] for name in ("joins", "acked", "acked_per_s", "p50_ms", "p99_ms", "max_ms", "refused")}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--teams", type=int, default=4000)
    made.add_argument("--single-teams", type=int, default=800, help="where every join is a transaction")
    made.add_argument("--rate", type=float, default=3150.0, help="joins a second of the paced rounds")
    made.add_argument("--rounds", type=int, default=3)
    made.add_argument("--clients", type=int, default=2, help="driver processes")
    made.add_argument("--gateways", type=int, default=2)
    made.add_argument("--out", type=Path, help="also write the figures there, as JSON")
    return made


def main() -> int:
    options = parser().parse_args()
    with open_folder() as folder:
        figures = asyncio.run(measure(options, folder))
    processes.tell(figures, options.out)
    return int(any(figures[name] for name in ("lost", "unasked", "double", "refused", "audit")))


if __name__ == "__main__":
    sys.exit(main())
