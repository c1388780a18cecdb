"""Stages: a draw's way from the latest close to its winners. Each step is one transaction that is safe to run twice.

    open, its time or its show is over ──> closed, or called off
    closed ──> weights frozen, root published, found by a later transaction; void when either is late
    root is out ──> secrets revealed, or void ──> winners, their notices and webhooks, in one

What a step needs is in Postgres, and the same rows give the same bytes: a
worker that is killed anywhere leaves the rest to the next. Each step returns
what it appended to the room's logs; None: there was nothing to do.
"""

from __future__ import annotations

import asyncio
import contextlib

from livestream.parts import TeamMembers
from livestream.protocol.draw_hooks import DrawCancelledHook, DrawDrawnHook, DrawVoidHook
from livestream.protocol.draws import DrawCancelled, DrawClosed, DrawState, DrawVoided, DrawWinner
from livestream.protocol.errors import LivestreamError
from livestream.protocol.events import NoticeEvent
from livestream.room.telling import tell
from livestream.storage.pool import Connection, Database
from livestream.storage.roomlog import Appended
from livestream.webhooks import outbox

from . import conduct, machine, merkle, passing, store, weighing
from .masking import mask
from .store import MS, Held, Room


async def end_open(database: Database, room_id: str, draw_id: str) -> Appended | None:
    """Close a draw whose latest close has come, or call off one whose show ended before."""
    async with database.transaction() as tx:
        room, held = await lock(tx, room_id, draw_id)
        if held is None:
            return None
        event = await _end(tx, held)
        if isinstance(event, DrawClosed):
            await store.close(tx, held, event)
        elif isinstance(event, DrawCancelled):
            await store.evolve(tx, held, event)
            await outbox.emit(tx, held.shop_id, [store.webhook(DrawCancelledHook, held, why=event.why)])
        else:
            return None
        return await tell(tx, room.room_id, [event])


async def _end(tx: Connection, held: Held) -> DrawClosed | DrawCancelled | None:
    """How it ends, if it does: whichever came first, though nobody swept."""
    if held.draw.state is not DrawState.OPEN:
        return None
    ended_ms = await tx.fetchval(
        f"SELECT {MS.format('coalesce(ended_at, clock_timestamp())')} FROM show WHERE show_id = $1 AND state = 'ended'",
        held.show_id,
    )
    if ended_ms is not None and not machine.is_due(held.draw, ended_ms, held.frozen_at):
        return machine.cancel(held.draw, "the show ended", ended_ms, held.frozen_at)
    if ended_ms is not None or machine.is_due(held.draw, held.now_ms, held.frozen_at):
        return machine.close(held.draw, held.open_rules, held.now_ms)
    return None


async def publish_root(
    database: Database, room_id: str, draw_id: str, members: TeamMembers | None = None
) -> Appended | None:
    """Freeze the weights of a closed draw and publish its root, or void it."""
    async with database.read() as connection:
        held = await store.look(connection, draw_id)
    if not _waits_for_root(held):
        return None
    assert held is not None
    if weighing.needed(held.open_rules) and not held.weighed:
        await weighing.weigh(database, held, members)
    async with database.read() as connection:
        entries = await store.entries(connection, draw_id)  # frozen: nothing changes in a closed draw
    root, weight = await asyncio.to_thread(
        lambda: (merkle.root(conduct.leaves(draw_id, entries)), sum(each.weight for each in entries))
    )
    async with database.transaction() as tx:
        _, held = await lock(tx, room_id, draw_id)
        if not _waits_for_root(held):
            return None
        assert held is not None
        event = machine.publish(held.draw, root, len(entries), weight, held.now_ms)
        if isinstance(event, DrawVoided):
            return await _void(tx, held, event)
        await store.evolve(tx, held, event, root=root, rooted_at=event.at)
        appended = await tell(tx, room_id, [event])
    # At once: it counts from when it is found. What is not found here is found by the worker's next look, or by the
    # gateway that shows it.
    with contextlib.suppress(LivestreamError):
        await see_root(database, room_id, draw_id)
    return appended


async def see_root(database: Database, room_id: str, draw_id: str) -> Appended | None:
    """Find a root that was published, which only counts when that is before its beacon; void the draw after it.

    Who published it may be dead, or not know whether it is: COMMIT itself may hang for as long as Postgres does.
    """
    async with database.transaction() as tx:
        _, held = await lock(tx, room_id, draw_id)
        if held is None or held.draw.state is not DrawState.CLOSED or not held.draw.root or held.seen:
            return None
        if machine.was_seen(held.draw, held.now_ms):
            await tx.execute("UPDATE draw SET seen_at = clock_timestamp() WHERE draw_id = $1", draw_id)
            return None
        if held.now_ms < (held.draw.beacon_at or 0):
            return None  # too late to be drawn, too early to be void
        event = machine.void_unseen(held.draw, held.now_ms)
        return await _void(tx, held, event, rooted_at=held.now_ms)


def _waits_for_root(held: Held | None) -> bool:
    return held is not None and held.draw.state is DrawState.CLOSED and not held.draw.root


async def finish_cohosts(database: Database, room_id: str, draw_id: str, lead_ms: int) -> Appended | None:
    """Reveal the server's secret; draw when all are there; void when one is missing too long."""
    async with database.transaction() as tx:
        _, held = await lock(tx, room_id, draw_id)
        if held is None or held.draw.state is not DrawState.CLOSED or not held.draw.root:
            return None
        rules, now_ms = held.open_rules, held.now_ms
        if now_ms < (held.draw.rooted_at or 0) + lead_ms:
            return None
        if 1 not in held.draw.revealed and not machine.reveal_is_over(held.draw, now_ms):
            revealed = machine.reveal(held.draw, rules, 1, held.secret, now_ms)
            await store.add_reveal(tx, draw_id, 1, held.secret, now_ms)
            await store.evolve(tx, held, revealed)
            return await tell(tx, room_id, [revealed])
        if len(held.draw.revealed) < len(held.draw.parties):
            if machine.reveal_is_over(held.draw, now_ms):
                return await _void(tx, held, machine.void_unrevealed(held.draw, now_ms))
            return None
        beacon = conduct.cohosts_beacon(rules, bytes.fromhex(held.draw.root), await store.reveals(tx, draw_id))
    return await draw(database, room_id, draw_id, beacon, None)


async def draw(
    database: Database, room_id: str, draw_id: str, beacon: bytes, signature: bytes | None
) -> Appended | None:
    """Draw the winners and tell them: results, notices and webhooks in one transaction.

    Args:
        beacon, signature: checked.
    """
    async with database.read() as connection:
        entries = await store.entries(connection, draw_id)
    async with database.transaction() as tx:
        _, held = await lock(tx, room_id, draw_id)
        if held is None or held.draw.state is not DrawState.CLOSED or not held.seen:
            return None
        rules, drawn_ms = held.open_rules, max(held.now_ms, held.draw.beacon_at or 0)
        drawing = await asyncio.to_thread(
            conduct.draw, rules, store.closing_of(held), entries, beacon, signature, drawn_ms
        )
        people = await store.people(tx, draw_id, drawing.winners)
        winners = [
            DrawWinner(prize=place, place=place, entry=each, name=mask(people[each].name))
            for place, each in enumerate(drawing.winners)
        ]
        event = machine.draw(held.draw, drawing, winners, rules.claim_s)
        await store.evolve(tx, held, event, drawn_at=drawn_ms, signature=signature)
        await store.add_picks(tx, draw_id, drawing, event.claim_until)
        won = [passing.won(held, each, people[each.entry], event.claim_until) for each in winners]
        notices: list[tuple[str, NoticeEvent]] = []
        for each in winners:
            pseudonym = people[each.entry].pseudonym
            if pseudonym:
                notices.append((pseudonym, passing.you_won(held, each, event.claim_until)))
        await outbox.emit(tx, held.shop_id, [store.webhook(DrawDrawnHook, held, winners=won)])
        return await tell(tx, room_id, [event], notices=notices)


async def _void(tx: Connection, held: Held, event: DrawVoided, **columns: int) -> Appended:
    await store.evolve(tx, held, event, **columns)
    await outbox.emit(tx, held.shop_id, [store.webhook(DrawVoidHook, held, why=event.why)])
    return await tell(tx, held.room_id, [event])


async def lock(tx: Connection, room_id: str, draw_id: str) -> tuple[Room, Held | None]:
    """The room, then the draw: the order of all who change a draw's state."""
    room = await store.lock_room(tx, room_id)
    return room, (await store.lock(tx, room_id, [draw_id])).get(draw_id)
