"""Fair: group buys as in life. Gateways, a worker and a sandbox as processes, and viewers who buy through them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import websockets

from groupbuy.audit import audit
from groupbuy.payments.port import Way
from livestream import seed
from livestream.config import Settings
from livestream.deployment import to_environ
from livestream.protocol.errors import LivestreamError
from livestream.protocol.roles import Role
from livestream.storage.pool import Database

from .gateways import Gateways, clean_environ
from .people import People
from .sandbox import SandboxProcess
from .wsclient import WsClient, joined

#: an AssertionError: the room could not be joined just now
_GONE = (websockets.WebSocketException, OSError, TimeoutError, aiohttp.ClientError, AssertionError)
_AGAIN = {"outcome_unknown", "unavailable", "busy", "rate_limited"}


class Fair:
    """Everything that runs, and what viewers were told."""

    def __init__(self, settings: Settings, gateways: Gateways, sandbox: SandboxProcess, people: People) -> None:
        self.settings = settings
        self.gateways = gateways
        self.sandbox = sandbox
        self.people = people
        self.acked: list[str] = []  #: seats that somebody was told are theirs
        self.refused: list[str] = []
        self._worker: subprocess.Popen[bytes] | None = None

    def start_worker(self) -> None:
        self._worker = subprocess.Popen(
            [sys.executable, "-m", "livestream", "worker"],
            env=clean_environ(**to_environ(self.settings)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def worker(self) -> subprocess.Popen[bytes]:
        assert self._worker is not None
        return self._worker

    def stop_worker(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker.wait()
            self._worker = None

    @contextlib.asynccontextmanager
    async def viewer(self, name: str, role: Role = Role.VIEWER) -> AsyncIterator[WsClient]:
        async with joined(self.gateways.ws_url, token=self.people.token(name, role)) as client:
            yield client

    async def open_deal(self, **fields: Any) -> str:
        given = {
            "product": "cup", "steps": [{"people": 2, "price": 900}, {"people": 3, "price": 800}], "stock": 3000,
            "life_s": 60, **fields,
        }  # fmt: skip
        async with self.viewer("olga", Role.OPERATOR) as operator:
            reply = await operator.ask("open_deal", **given)
        assert reply["t"] == "posted", reply
        made: str = reply["id"]
        return made

    async def surely(self, name: str, kind: str, **fields: Any) -> dict[str, Any]:
        """Ask, and ask again with the same key through whatever falls over, until there is an answer."""
        for _ in range(60):
            with contextlib.suppress(*_GONE):
                async with asyncio.timeout(8), self.viewer(name) as client:
                    reply = await client.ask(kind, **fields)
                    if reply["t"] != "error" or reply["code"] not in _AGAIN:
                        return reply
            await asyncio.sleep(random.uniform(0.1, 0.5))
        raise AssertionError(f"{name}: no answer to {kind}")

    async def seat(self, name: str, kind: str, **fields: Any) -> dict[str, Any] | None:
        """Hold a seat; None: refused."""
        key = {} if "key" in fields else {"key": secrets.token_hex(8)}
        reply = await self.surely(name, kind, **fields, **key)
        if reply["t"] == "error":
            self.refused.append(reply["code"])
            return None
        own: dict[str, Any] = reply["own"]
        self.acked.append(own["seat"])
        return own

    async def pay(self, name: str, deal: str, seat: str) -> str:
        """Pay on the page; `paid`, or the code of the refusal."""
        reply = await self.surely(name, "pay_seat", deal=deal, seat=seat)
        if reply["t"] == "error":
            return str(reply["code"])
        for _ in range(60):
            with contextlib.suppress(*_GONE):
                async with (
                    asyncio.timeout(5),
                    aiohttp.ClientSession() as session,
                    session.post(reply["url"], data={"do": "pay"}) as page,
                ):
                    if page.status == 200:
                        return "paid"
            await asyncio.sleep(0.2)
        raise AssertionError("the page does not answer")

    async def team(self, number: int, deal: str, *, stay_away: float = 0.0) -> None:
        """Three people fill a team and pay; some stay away."""
        names = [f"t{number}-{place}" for place in range(3)]
        leader = await self.seat(names[0], "open_team", deal=deal)
        if leader is None:
            return
        others = await asyncio.gather(
            *(self.seat(name, "join_team", deal=deal, invite=leader["invite"]) for name in names[1:])
        )
        seats = [(name, own) for name, own in zip(names, [leader, *others], strict=True) if own is not None]
        await asyncio.gather(
            *(self.pay(name, deal, own["seat"]) for name, own in seats if random.random() >= stay_away)
        )

    async def deadline_in(self, database: Database, seconds: float) -> None:
        """Every team's deadline, and what is held with it, is so far away from now on."""
        async with database.transaction() as tx:
            await tx.execute(
                "UPDATE deadline SET due_at = clock_timestamp() + make_interval(secs => $1) WHERE kind = 'team'",
                seconds,
            )
            await tx.execute(
                "UPDATE seat SET hold_at = clock_timestamp() + make_interval(secs => $1), hold_ms = 0"
                " WHERE state IN ('held', 'paying')",
                seconds,
            )

    async def settle(self, database: Database, seconds: float = 120.0) -> None:
        """Wait until nothing is under way, then hold everything to the audit and to the sandbox's own ledger."""
        async with asyncio.timeout(seconds):
            while True:
                with contextlib.suppress(LivestreamError):  # Postgres may be coming up again
                    async with database.read() as connection:
                        left = await connection.fetchval(
                            "SELECT (SELECT count(*) FROM payment_op WHERE state = 'pending')"
                            " + (SELECT count(*) FROM team WHERE state IN ('forming', 'settling'))"
                        )
                    if not left:
                        break
                await asyncio.sleep(0.25)
        await self.check(database)

    async def check(self, database: Database) -> None:
        assert await audit(database, settled=True) == []
        async with database.read() as connection:
            seats = {row["seat_id"] for row in await connection.fetch("SELECT seat_id FROM seat")}
            sold = await connection.fetchval(
                "SELECT coalesce(sum(price - given_back), 0)::bigint FROM team_order WHERE state = 'confirmed'"
            )
        assert [seat for seat in self.acked if seat not in seats] == []
        assert await self.cash() == (sold, 0)

    async def cash(self) -> tuple[int, int]:
        """What the sandbox has taken and not given back, and what it holds."""
        way = Way(self.settings.payment_way)
        payments: list[dict[str, Any]] = []
        after = ""
        while True:
            page = await self.sandbox.call(way, "GET", f"/v1/payments?after={after}")
            payments += page["items"]
            if not page["items"] or not page.get("next"):
                break
            after = page["next"]
        taken = sum(each.get("captured", 0) - each.get("refunded", 0) for each in payments)
        return taken, sum(each.get("held", 0) for each in payments)


@contextlib.asynccontextmanager
async def fair(
    settings: Settings,
    start_gateway: Callable[..., Gateways],
    people: People,
    database: Database,
    folder: Path,
    *,
    gateways: int = 2,
    way: Way = Way.AUTHORISE,
) -> AsyncIterator[Fair]:
    """A fair with one product."""
    sandbox = SandboxProcess(folder / "sandbox", settings.secret)
    changed = {"payments": "sandbox", "sandbox_url": sandbox.url, "payment_way": way.value}
    made = Fair(msgspec.structs.replace(settings, **changed), start_gateway(gateways, **changed), sandbox, people)
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO product (shop_id, product_id, body) VALUES ($1, 'cup', $2::text::json)",
            seed.SHOP,
            json.dumps({"id": "cup", "title": "Cup", "price": 1000, "currency": "PLN"}),
        )
    await sandbox.start()
    made.start_worker()
    try:
        yield made
    finally:
        made.stop_worker()
        sandbox.kill()
