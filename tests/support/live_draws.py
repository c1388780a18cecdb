"""Draws: plans, a worker's hand, and what every draw of a test must still say at its end."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any

import msgspec
import pytest
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from groupbuy.membership import team_members
from livestream import seed
from livestream.protocol import commands as c
from livestream.protocol.draws import BeaconKind, Draw, DrawPlan, DrawReceipt, PrizeTier
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import Announced, Entered
from livestream.protocol.roles import Role
from livestream.storage.pool import Database
from lottery import document, quicknet, store, verify
from lottery.conducting import Conductor
from lottery.receipt import Held, Receipt
from lottery.relays import Relays
from lottery.steps import Report
from tests.support.nodes import HOST_ID, Node, actor

HOST = actor(HOST_ID, Role.HOST)
COHOST_SECRET = bytes(range(32))
#: plays the public beacon, whose key nobody has
BEACON_KEY = Scalar(7919)


def plan(**changes: object) -> DrawPlan:
    """A draw by click with two prizes, decided by co-hosts."""
    prizes = [PrizeTier(tier="First", name="Bike", value=199_900, currency="PLN"),
              PrizeTier(tier="Second", name="Cup", value=1999, currency="PLN")]  # fmt: skip
    made = DrawPlan(title="Friday draw", prizes=prizes, organiser="Shop", seconds=60, beacon=BeaconKind.COHOSTS)
    return msgspec.structs.replace(made, **changes)


def commitment(draw_id: str, number: int = 2, secret: bytes = COHOST_SECRET) -> str:
    """What a co-host's browser publishes at open, written from the protocol's text."""
    return hashlib.sha256(b"LTD1-commit" + bytes.fromhex(draw_id) + number.to_bytes(4, "big") + secret).hexdigest()


async def create(node: Node, **changes: object) -> str:
    made = await node.run(HOST, c.CreateDraw(ref=1, plan=plan(**changes)))
    assert isinstance(made, Announced)
    return made.draw


async def opened(node: Node, **changes: object) -> str:
    """A draw that takes entries."""
    draw_id = await create(node, **changes)
    cohosts = changes.get("beacon", BeaconKind.COHOSTS) is BeaconKind.COHOSTS
    await node.run(
        HOST,
        c.OpenDraw(
            ref=1,
            draw=draw_id,
            commitments=[commitment(draw_id)] if cohosts else [],
            names=["Ada"] if cohosts else [],
        ),
    )
    return draw_id


async def enter(node: Node, draw_id: str, viewer_id: str = "ann", **more: object) -> DrawReceipt:
    reply = await node.run(actor(viewer_id), c.EnterDraw(ref=1, draw=draw_id, **more))  # type: ignore[arg-type]
    assert isinstance(reply, Entered)
    return reply.receipt


async def close(node: Node, draw_id: str) -> None:
    await node.run(HOST, c.CloseDraw(ref=1, draw=draw_id))


async def reveal(node: Node, draw_id: str, secret: bytes = COHOST_SECRET) -> None:
    await node.run(HOST, c.RevealDraw(ref=1, draw=draw_id, party=2, secret=secret.hex()))


class Beacon:
    """A relay of drand inside the test: says what it is told to say, and counts."""

    def __init__(self, rounds: Mapping[int, bytes] | None = None) -> None:
        self.rounds = dict(rounds or {})
        self.asked: list[int] = []

    async def signature(self, round: int) -> bytes | None:
        self.asked.append(round)
        found = self.rounds.get(round)
        return found if found is not None and quicknet.signed(round, found) else None


def beacon_public_key() -> bytes:
    return bytes((G2Point() * BEACON_KEY).to_compressed_bytes())


def sign_round(round: int) -> bytes:
    """A round's signature, by the test's own beacon."""
    message = hashlib.sha256(round.to_bytes(8, "big")).digest()
    point = G1Point.hash_to_curve(message, b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_")
    return bytes((point * BEACON_KEY).to_compressed_bytes())


def conductor(beacon: Beacon | None = None, **more: Any) -> Conductor:
    """A worker's hand. Without a beacon no relay answers."""
    return Conductor(beacon or Beacon(), members=team_members, reveal_lead_ms=0, **more)  # type: ignore[arg-type]


async def conduct(database: Database, worker: Conductor | None = None) -> None:
    """Let a worker do all that is due."""
    worker = worker or conductor()
    while await turn(database, worker):
        pass


async def turn(database: Database, worker: Conductor) -> int:
    """One turn of each of its chores but `pass_on`; how many steps were taken."""
    chores = (worker.close, worker.publish, worker.see, worker.draw, worker.ask)
    return sum([await chore(database) for chore in chores])


async def drawn(node: Node, database: Database, draw_id: str) -> Draw:
    """Close, conduct and reveal a draw of co-hosts; the draw with its winners."""
    await close(node, draw_id)
    await conduct(database)
    await reveal(node, draw_id)
    await conduct(database)
    return await look(database, draw_id)


async def look(database: Database, draw_id: str) -> Draw:
    async with database.read() as connection:
        held = await store.look(connection, draw_id)
    assert held is not None
    return held.draw


async def proof_of(database: Database, draw_id: str) -> bytes:
    async with database.transaction(snapshot=True) as tx:
        return msgspec.json.encode(await document.proof(tx, draw_id))


async def checked(database: Database, draw_id: str, mine: DrawReceipt | None = None) -> Report:
    """What the independent checker says of a draw's proof."""
    given = Held(Receipt(**msgspec.structs.asdict(mine))) if mine else None
    return verify.verify(await proof_of(database, draw_id), given)


async def hurry(database: Database, draw_id: str, seconds: float) -> None:
    """Let time go by for one draw: whatever it has to wait for is nearer."""
    async with database.transaction() as tx:
        await tx.execute(
            "UPDATE draw_pick SET claim_until = claim_until - $2 * interval '1 second' WHERE draw_id = $1",
            draw_id,
            seconds,
        )


async def rewind(database: Database, draw_id: str, seconds: int) -> None:
    """Let a closed draw have closed earlier, with everything that hangs on it; its receipts are older than that."""
    async with database.transaction() as tx:
        held = await store.look(tx, draw_id)
        assert held is not None
        shift = seconds * 1000
        draw = held.draw
        assert draw.closed_at is not None
        assert draw.opened_at is not None
        number = quicknet.round_for(draw.closed_at - shift)
        moved = msgspec.structs.replace(
            draw,
            opened_at=draw.opened_at - shift,
            closed_at=draw.closed_at - shift,
            round=number,
            beacon_at=quicknet.time_of(number),
            rooted_at=None if draw.rooted_at is None else draw.rooted_at - shift,
        )
        await tx.execute(
            """
            UPDATE draw SET body = $2::text::json, round = $3, closed_at = closed_at - $4 * interval '1 second'
             WHERE draw_id = $1""",
            draw_id,
            msgspec.json.encode(moved).decode(),
            number,
            seconds,
        )


@contextlib.asynccontextmanager
async def real_relays(*urls: str) -> AsyncIterator[Relays]:
    async with Relays.open(urls) as relays:
        yield relays


ROOM = seed.ROOM


async def refused(doing: Awaitable[object]) -> ErrorCode:
    """The code with which it is refused."""
    with pytest.raises(Refused) as caught:
        await doing
    return caught.value.code


async def rows(database: Database, query: str, *arguments: object) -> list[tuple[object, ...]]:
    """What a query finds."""
    async with database.read() as connection:
        return [tuple(row) for row in await connection.fetch(query, *arguments)]
