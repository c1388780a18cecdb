"""Conducting: what the worker does for draws, step by step. Each step is one transaction that is safe to run twice.

    open, latest close come ──> close
    closed, no root ──────────> root, or void when it is late
    root is out ──────────────> beacon: fetched, revealed or recorded ──> winners and their notices, in one
    drawn ────────────────────> unclaimed prizes go on; settled when nothing is left

What a step needs is in Postgres, and the same rows give the same bytes: a
worker that is killed anywhere leaves the rest to the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses

import structlog

from livestream.protocol.draws import DrawLogEvent, DrawState, DrawVoided, DrawWinner, YourPrizeWentOn, YouWon
from livestream.protocol.errors import LivestreamError
from livestream.protocol.events import NoticeEvent
from livestream.room.telling import tell
from livestream.storage import deadlines
from livestream.storage.pool import Connection, Contention, Database
from livestream.webhooks import outbox

from . import conduct, hosting, machine, merkle, quicknet, store
from .masking import mask
from .publish import prize_name
from .recorded import RECORDED
from .relays import Relays
from .rules import CohostsBeacon, DrandBeacon, RecordedBeacon
from .store import MS, Held, Room

_AT_ONCE = 50
#: a root that the room saw before any secret can be witnessed: the next heartbeat, and the way to a page
REVEAL_LEAD_MS = 3000
_log = structlog.get_logger()
_Notices = list[tuple[str, NoticeEvent]]


class Conductor:
    """The draws' chores.

    Args:
        reveal_lead_ms: how long the root is out before the server, as a co-host, reveals its secret.
    """

    def __init__(self, relays: Relays, reveal_lead_ms: int = REVEAL_LEAD_MS) -> None:
        self._relays = relays
        self._reveal_lead_ms = reveal_lead_ms

    async def advance(self, database: Database) -> int:
        """Do whatever is due with every draw; returns how many steps were taken."""
        steps = await self._close_due(database) + await self._end_with_shows(database)
        async with database.read() as connection:
            rows = await connection.fetch(
                "SELECT room_id, draw_id FROM draw WHERE state = 'closed' ORDER BY closed_at LIMIT $1", _AT_ONCE
            )
        # Beside each other: a relay that hangs for one holds up no other.
        taken = await asyncio.gather(*(self._carry_on(database, row["room_id"], row["draw_id"]) for row in rows))
        return steps + sum(taken)

    async def pass_on(self, database: Database) -> int:
        """Give prizes that nobody claimed to reserves, and settle what is settled."""
        async with database.read() as connection:
            rows = await connection.fetch(
                """
                SELECT room_id, draw_id FROM draw
                 WHERE state = 'drawn' AND NOT EXISTS (
                       SELECT FROM draw_pick p WHERE p.draw_id = draw.draw_id AND prize IS NOT NULL
                          AND claimed_at IS NULL AND lapsed_at IS NULL AND claim_until > clock_timestamp())
                 UNION
                SELECT room_id, draw_id FROM draw_pick JOIN draw USING (draw_id)
                 WHERE state = 'drawn' AND prize IS NOT NULL AND claimed_at IS NULL AND lapsed_at IS NULL
                   AND claim_until <= statement_timestamp()
                 LIMIT $1""",
                _AT_ONCE,
            )
        done = 0
        for row in rows:
            with contextlib.suppress(Contention):
                done += await pass_on(database, row["room_id"], row["draw_id"])
        return done

    async def _close_due(self, database: Database) -> int:
        async with database.read() as connection:
            due = await deadlines.due(connection, [store.CLOSE], _AT_ONCE)
        done = 0
        for each in due:
            with contextlib.suppress(Contention):  # at the next turn
                done += await close_due(database, each.room_id, each.id)
        return done

    async def _end_with_shows(self, database: Database) -> int:
        async with database.read() as connection:
            rows = await connection.fetch(
                """
                SELECT room_id, draw_id FROM draw JOIN show USING (show_id, room_id)
                 WHERE draw.state = 'open' AND show.state = 'ended' LIMIT $1""",
                _AT_ONCE,
            )
        done = 0
        for row in rows:
            with contextlib.suppress(Contention):
                done += await cancel_ended(database, row["room_id"], row["draw_id"])
        return done

    async def _carry_on(self, database: Database, room_id: str, draw_id: str) -> int:
        try:
            return await publish_root(database, room_id, draw_id) or await self._finish(database, room_id, draw_id)
        except Contention:
            return 0
        except LivestreamError as error:
            _log.warning("draw.waits", draw=draw_id, error=repr(error))
            return 0

    async def _finish(self, database: Database, room_id: str, draw_id: str) -> int:
        async with database.read() as connection:
            held = await store.look(connection, draw_id)
        if held is None or held.draw.state is not DrawState.CLOSED or not held.draw.root:
            return 0
        beacon = held.open_rules.beacon
        match beacon:
            case DrandBeacon():
                async with database.read() as connection:
                    now_ms: int = await connection.fetchval(f"SELECT {MS.format('clock_timestamp()')}")
                if now_ms < quicknet.time_of(held.draw.round):
                    return 0
                signature = await self._relays.signature(held.draw.round)
                if signature is None:
                    return 0
                return await draw(database, room_id, draw_id, quicknet.randomness(signature), signature)
            case RecordedBeacon(round=number):
                signature = RECORDED[number]
                return await draw(database, room_id, draw_id, quicknet.randomness(signature), signature)
            case CohostsBeacon():
                return await finish_cohosts(database, room_id, draw_id, self._reveal_lead_ms)


async def close_due(database: Database, room_id: str, draw_id: str) -> int:
    """Close a draw whose latest close has come."""
    async with database.transaction() as tx:
        room, held = await _lock(tx, room_id, draw_id)
        if held is None or not machine.is_due(held.draw, room.now_ms, room.frozen_at):
            return 0
        event = machine.close(held.draw, held.open_rules, room.now_ms)
        await hosting.close(tx, room, held, event)
        await tell(tx, room_id, [event])
    return 1


async def cancel_ended(database: Database, room_id: str, draw_id: str) -> int:
    """Call off a draw whose show ended while it was open."""
    async with database.transaction() as tx:
        room, held = await _lock(tx, room_id, draw_id)
        if held is None or held.draw.state is not DrawState.OPEN or held.show_id == room.show_id:
            return 0
        event = machine.cancel(held.draw, "the show ended")
        await store.evolve(tx, held, event)
        await outbox.emit(tx, held.shop_id, [_webhook("draw.cancelled", held, {"why": event.why})])
        await tell(tx, room_id, [event])
    return 1


async def publish_root(database: Database, room_id: str, draw_id: str) -> int:
    """Publish the root of a closed draw, or void it."""
    async with database.read() as connection:
        held = await store.look(connection, draw_id)
        if held is None or held.draw.state is not DrawState.CLOSED or held.draw.root:
            return 0
        entries = await store.entries(connection, draw_id)  # frozen: nothing is added to a closed draw
    root, weight = await asyncio.to_thread(
        lambda: (merkle.root(conduct.leaves(draw_id, entries)), sum(each.weight for each in entries))
    )
    async with database.transaction() as tx:
        room, held = await _lock(tx, room_id, draw_id)
        if held is None or held.draw.state is not DrawState.CLOSED or held.draw.root:
            return 0
        event = machine.publish(held.draw, root, len(entries), weight, room.now_ms)
        if isinstance(event, DrawVoided):
            await _void(tx, held, event)
        else:
            await store.evolve(tx, held, event, root=root, rooted_at=event.at)
            await tell(tx, room_id, [event])
    return 1


async def finish_cohosts(database: Database, room_id: str, draw_id: str, lead_ms: int) -> int:
    """Reveal the server's secret; draw when all are there; void when one is missing too long."""
    async with database.transaction() as tx:
        room, held = await _lock(tx, room_id, draw_id)
        if held is None or held.draw.state is not DrawState.CLOSED or not held.draw.root:
            return 0
        rules = held.open_rules
        if room.now_ms < (held.draw.rooted_at or 0) + lead_ms:
            return 0
        if 1 not in held.draw.revealed and not machine.reveal_is_over(held.draw, room.now_ms):
            revealed = machine.reveal(held.draw, rules, 1, held.secret, room.now_ms)
            await store.add_reveal(tx, draw_id, 1, held.secret, room.now_ms)
            await store.evolve(tx, held, revealed)
            await tell(tx, room_id, [revealed])
            return 1
        if len(held.draw.revealed) < len(held.draw.parties):
            if machine.reveal_is_over(held.draw, room.now_ms):
                await _void(tx, held, machine.void_unrevealed(held.draw, room.now_ms))
                return 1
            return 0
        beacon = conduct.cohosts_beacon(rules, bytes.fromhex(held.draw.root), await store.reveals(tx, draw_id))
    return await draw(database, room_id, draw_id, beacon, None)


async def draw(database: Database, room_id: str, draw_id: str, beacon: bytes, signature: bytes | None) -> int:
    """Draw the winners and tell them: results, notices and webhooks in one transaction.

    Args:
        beacon, signature: checked.
    """
    async with database.read() as connection:
        entries = await store.entries(connection, draw_id)
    async with database.transaction() as tx:
        room, held = await _lock(tx, room_id, draw_id)
        if held is None or held.draw.state is not DrawState.CLOSED or not held.draw.root:
            return 0
        rules = held.open_rules
        drawing = await asyncio.to_thread(
            conduct.draw, rules, store.closing_of(held), entries, beacon, signature, room.now_ms
        )
        people = await store.people(tx, draw_id, drawing.winners)
        winners = [
            DrawWinner(prize=place, place=place, entry=each, name=mask(people[each].name))
            for place, each in enumerate(drawing.winners)
        ]
        event = machine.draw(held.draw, drawing, winners, rules.claim_s)
        await store.evolve(tx, held, event, drawn_at=room.now_ms, signature=signature)
        await store.add_picks(tx, draw_id, drawing, event.claim_until)
        notices: _Notices = []
        won = []
        for winner in winners:
            person = people[winner.entry]
            if person.pseudonym:
                notices.append((person.pseudonym, _you_won(held, winner, event.claim_until)))
            won.append(_won(held, winner, person, event.claim_until))
        await outbox.emit(tx, held.shop_id, [_webhook("draw.drawn", held, {"winners": won})])
        await tell(tx, room_id, [event], notices=notices)
    return 1


async def pass_on(database: Database, room_id: str, draw_id: str) -> int:
    """Give what was not claimed in time to the next reserves; settle the draw when nothing is left to wait for."""
    async with database.transaction() as tx:
        room, held = await _lock(tx, room_id, draw_id)
        if held is None or held.draw.state is not DrawState.DRAWN:
            return 0
        events: list[DrawLogEvent] = []
        notices: _Notices = []
        webhooks: list[tuple[str, object]] = []
        rules = held.open_rules
        claim_until = room.now_ms + rules.claim_s * 1000
        lapsed = await tx.fetch(
            """
            UPDATE draw_pick SET lapsed_at = to_timestamp($2::bigint / 1000.0)
             WHERE draw_id = $1 AND prize IS NOT NULL AND claimed_at IS NULL AND lapsed_at IS NULL
               AND claim_until <= to_timestamp($2::bigint / 1000.0)
         RETURNING prize, encode(entry_id, 'hex') AS entry_id""",
            draw_id,
            room.now_ms,
        )
        current = held
        for row in sorted(lapsed, key=lambda row: row["prize"]):
            prize = row["prize"]
            loser = (await store.people(tx, draw_id, [row["entry_id"]]))[row["entry_id"]]
            if loser.pseudonym:
                gone = YourPrizeWentOn(draw=draw_id, title=held.draw.title, prize_title=prize_name(rules, prize))
                notices.append((loser.pseudonym, gone))
            reserve = await tx.fetchrow(
                """
                UPDATE draw_pick SET prize = $2, given_at = to_timestamp($3::bigint / 1000.0),
                       claim_until = to_timestamp($4::bigint / 1000.0)
                 WHERE draw_id = $1 AND place = (
                       SELECT min(place) FROM draw_pick WHERE draw_id = $1 AND prize IS NULL)
             RETURNING place, encode(entry_id, 'hex') AS entry_id""",
                draw_id,
                prize,
                room.now_ms,
                claim_until,
            )
            if reserve is None:
                continue  # nobody is left
            person = (await store.people(tx, draw_id, [reserve["entry_id"]]))[reserve["entry_id"]]
            winner = DrawWinner(prize=prize, place=reserve["place"], entry=reserve["entry_id"], name=mask(person.name))
            event = machine.pass_on(current.draw, winner)
            current = dataclasses.replace(current, draw=await store.evolve(tx, current, event))
            events.append(event)
            if person.pseudonym:
                notices.append((person.pseudonym, _you_won(held, winner, claim_until)))
            webhooks.append(_webhook("draw.passed_on", held, {"winner": _won(held, winner, person, claim_until)}))
        waiting = await tx.fetchval(
            "SELECT count(*) FROM draw_pick WHERE draw_id = $1 AND prize IS NOT NULL AND claimed_at IS NULL"
            " AND lapsed_at IS NULL",
            draw_id,
        )
        if not waiting:
            settled = machine.settle(current.draw)
            await store.evolve(tx, current, settled)
            events.append(settled)
            webhooks.append(_webhook("draw.settled", held, {}))
        if not events and not notices:
            return 0
        if webhooks:
            await outbox.emit(tx, held.shop_id, webhooks)
        await tell(tx, room_id, events, notices=notices)
    return 1


async def _void(tx: Connection, held: Held, event: DrawVoided) -> None:
    await store.evolve(tx, held, event)
    await outbox.emit(tx, held.shop_id, [_webhook("draw.void", held, {"why": event.why})])
    await tell(tx, held.room_id, [event])


async def _lock(tx: Connection, room_id: str, draw_id: str) -> tuple[Room, Held | None]:
    room = await store.lock_room(tx, room_id)
    return room, (await store.lock(tx, room_id, [draw_id])).get(draw_id)


def _you_won(held: Held, winner: DrawWinner, claim_until: int) -> YouWon:
    return YouWon(
        draw=held.draw.id,
        title=held.draw.title,
        prize=winner.prize,
        prize_title=prize_name(held.open_rules, winner.prize),
        claim_until=claim_until,
    )


def _won(held: Held, winner: DrawWinner, person: store.Person, claim_until: int) -> dict[str, object]:
    return {
        "prize": winner.prize,
        "prize_name": prize_name(held.open_rules, winner.prize),
        "entry": winner.entry,
        "viewer": person.viewer_id,
        "claim_until": claim_until,
    }


def _webhook(kind: str, held: Held, more: dict[str, object]) -> tuple[str, object]:
    return kind, {"draw": held.draw.id, "room": held.room_id, "title": held.draw.title, **more}
