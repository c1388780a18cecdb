"""Conducting: which draws have something to do, turn by turn. What is done stands in `stages` and `passing`.

One draw never holds up another: what goes wrong with one ends its own turn and
no other's, all that wait get their turn however many they are, each kind of
step is a chore of its own, and while one draw's step takes long its chore goes
on to look for others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from livestream.parts import TeamMembers
from livestream.protocol.errors import LivestreamError
from livestream.storage import deadlines
from livestream.storage.pool import Contention, Database
from livestream.storage.roomlog import Appended

from . import passing, quicknet, stages, store
from .recorded import RECORDED
from .relays import Relays
from .rules import CohostsBeacon, RecordedBeacon

_AT_ONCE = 8  #: draws beside each other; the pool has fewer connections, and a step waits some ms for one
_ASKED_AT_ONCE = 64  #: of relays: they wait for the network, not for us
_DUE = 1000
_LOOK_S = 0.25  #: for others, while one takes long
#: a root that the room saw before any secret can be witnessed: the next heartbeat, and the way to a page
REVEAL_LEAD_MS = 3000
_log = structlog.get_logger()
_Step = Callable[[str, str], Awaitable[Appended | None]]
_Draws = list[tuple[str, str]]  #: room and draw
_Look = Callable[[], Awaitable[_Draws]]


def _silent(_room_id: str, _appended: Appended) -> None:
    """Nobody listens: gateways find it with their heartbeat."""


class Conductor:
    """The draws' chores.

    Args:
        told: takes what was appended to a room's logs, after COMMIT.
        members: who joined a team, where there are teams.
        reveal_lead_ms: how long the root is out before the server, as a co-host, reveals its secret.
    """

    def __init__(
        self,
        relays: Relays,
        told: Callable[[str, Appended], None] = _silent,
        members: TeamMembers | None = None,
        reveal_lead_ms: int = REVEAL_LEAD_MS,
    ) -> None:
        self._relays = relays
        self._told = told
        self._members = members
        self._reveal_lead_ms = reveal_lead_ms

    async def close(self, database: Database) -> int:
        """Close what is due, or call it off; returns how many steps were taken, as each chore does."""

        async def open_and_due() -> _Draws:
            async with database.read() as connection:
                due = [(each.room_id, each.id) for each in await deadlines.due(connection, [store.CLOSE], _DUE)]
            over = "JOIN show USING (show_id, room_id) WHERE draw.state = 'open' AND show.state = 'ended'"
            return [*due, *await _found(database, over)]

        return await self._each(open_and_due, lambda room, draw: stages.end_open(database, room, draw))

    async def publish(self, database: Database) -> int:
        """Publish the roots of those that closed."""
        return await self._each(
            lambda: _found(database, "WHERE state = 'closed' AND root IS NULL ORDER BY closed_at"),
            lambda room, draw: stages.publish_root(database, room, draw, self._members),
        )

    async def see(self, database: Database) -> int:
        """Find roots that whoever published them did not find."""
        return await self._each(
            lambda: _found(database, "WHERE state = 'closed' AND root IS NOT NULL AND seen_at IS NULL"),
            lambda room, draw: stages.see_root(database, room, draw),
        )

    async def draw(self, database: Database) -> int:
        """Draw the winners of those whose beacon needs no network."""
        return await self._finish(database, "<> 'drand'", _AT_ONCE)

    async def ask(self, database: Database) -> int:
        """Draw the winners of those whose round a relay has."""
        return await self._finish(database, "= 'drand'", _ASKED_AT_ONCE)

    async def pass_on(self, database: Database) -> int:
        """Give prizes that nobody claimed to reserves, and settle what is settled."""
        waiting = """
            WHERE state = 'drawn' AND (
                   EXISTS (SELECT FROM draw_pick p WHERE p.draw_id = draw.draw_id AND prize IS NOT NULL
                              AND claimed_at IS NULL AND lapsed_at IS NULL
                              AND claim_until <= statement_timestamp())
                OR NOT EXISTS (SELECT FROM draw_pick p WHERE p.draw_id = draw.draw_id AND prize IS NOT NULL
                                  AND lapsed_at IS NULL AND handed_at IS NULL
                                  AND claim_until > statement_timestamp()))"""
        return await self._each(
            lambda: _found(database, waiting), lambda room, draw: passing.pass_on(database, room, draw)
        )

    async def _finish(self, database: Database, tier: str, at_once: int) -> int:
        seen = f"WHERE state = 'closed' AND seen_at IS NOT NULL AND body->>'beacon' {tier} ORDER BY closed_at"
        return await self._each(
            lambda: _found(database, seen), lambda room, draw: self._take(database, room, draw), at_once
        )

    async def _take(self, database: Database, room_id: str, draw_id: str) -> Appended | None:
        """The next step of a draw whose root is out."""
        async with database.read() as connection:
            held = await store.look(connection, draw_id)
        if held is None:
            return None
        match held.open_rules.beacon:
            case CohostsBeacon():
                return await stages.finish_cohosts(database, room_id, draw_id, self._reveal_lead_ms)
            case RecordedBeacon(round=number):
                signature: bytes | None = RECORDED[number]
            case _:
                if held.now_ms < quicknet.time_of(held.draw.round):
                    return None
                signature = await self._relays.signature(held.draw.round)
        if signature is None:
            return None
        return await stages.draw(database, room_id, draw_id, quicknet.randomness(signature), signature)

    async def _each(self, look: _Look, step: _Step, at_once: int = _AT_ONCE) -> int:
        """Take a step with each draw that is found, and with those that come while one takes long.

        Returns: how many were taken.
        """
        gate = asyncio.Semaphore(at_once)
        running: dict[tuple[str, str], asyncio.Task[int]] = {}
        taken = 0

        async def turn(room_id: str, draw_id: str) -> int:
            async with gate:
                return await self._turn(room_id, draw_id, step)

        found = await look()
        async with asyncio.TaskGroup() as tasks:
            while True:
                for each in found:
                    if each not in running:
                        running[each] = tasks.create_task(turn(*each))
                if running:
                    await asyncio.wait(running.values(), timeout=_LOOK_S)
                for each in [each for each, task in running.items() if task.done()]:
                    taken += running.pop(each).result()
                if not running:
                    return taken
                with contextlib.suppress(LivestreamError):  # those under way meet it themselves
                    found = await look()

    async def _turn(self, room_id: str, draw_id: str, step: _Step) -> int:
        try:
            appended = await step(room_id, draw_id)
        except Contention:
            return 0  # at the next turn
        except LivestreamError as error:
            _log.warning("draw.waits", draw=draw_id, error=repr(error))
            return 0
        except Exception:  # our bug: it ends the turn of this draw, and of no other
            _log.exception("draw.broke", draw=draw_id, room=room_id)
            return 0
        if appended is None:
            return 0
        self._told(room_id, appended)
        return 1


async def _found(database: Database, which: str) -> _Draws:
    async with database.read() as connection:
        rows = await connection.fetch(f"SELECT room_id, draw_id FROM draw {which}")
    return [(row["room_id"], row["draw_id"]) for row in rows]
