"""Passing: prizes go on to reserves, in the order that the seed drew, until each is with somebody or nobody is left.

    waits ──claimed──> claimed ──its claim time over, or handed over──> the draw may settle
      │                   │
      └── unclaimed, declined, disqualified ──> the next reserve, with a claim time of its own

Why a prize went on stands in the proof.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import asyncpg

from livestream.protocol.draw_hooks import DrawPassedOnHook, DrawPrizeLapsedHook, DrawSettledHook, HookWinner
from livestream.protocol.draws import DrawLogEvent, DrawState, DrawWinner, PassedWhy, YourPrizeWentOn, YouWon
from livestream.protocol.events import NoticeEvent
from livestream.room.telling import tell
from livestream.storage.pool import Connection, Database
from livestream.storage.roomlog import Appended
from livestream.webhooks import outbox

from . import machine, store
from .masking import mask
from .publish import prize_name
from .store import Held


@dataclass(slots=True)
class Passed:
    """What came of prizes that went on."""

    held: Held  #: the draw after it
    events: list[DrawLogEvent] = field(default_factory=list)
    notices: list[tuple[str, NoticeEvent]] = field(default_factory=list)
    webhooks: list[tuple[str, object]] = field(default_factory=list)


async def pass_on(database: Database, room_id: str, draw_id: str) -> Appended | None:
    """Give what was not claimed in time to the next reserves; settle the draw when nothing is left to wait for."""
    async with database.transaction() as tx:
        await store.lock_room(tx, room_id)
        held = (await store.lock(tx, room_id, [draw_id])).get(draw_id)
        if held is None or held.draw.state is not DrawState.DRAWN:
            return None
        passed = Passed(held)
        for row in await _unclaimed(tx, held):
            await hand_on(tx, passed, row["prize"], row["entry_id"], PassedWhy.UNCLAIMED)
        if not await _still_waits(tx, held):
            settled = machine.settle(passed.held.draw)
            await store.evolve(tx, passed.held, settled)
            passed.events.append(settled)
            passed.webhooks.append(store.webhook(DrawSettledHook, held))
        if not passed.events:
            return None
        await outbox.emit(tx, held.shop_id, passed.webhooks)
        return await tell(tx, room_id, passed.events, notices=passed.notices)


async def _unclaimed(tx: Connection, held: Held) -> list[asyncpg.Record]:
    return await tx.fetch(
        """
        SELECT prize, encode(entry_id, 'hex') AS entry_id FROM draw_pick
         WHERE draw_id = $1 AND prize IS NOT NULL AND claimed_at IS NULL AND lapsed_at IS NULL
           AND claim_until <= to_timestamp($2::bigint / 1000.0) ORDER BY prize""",
        held.draw.id,
        held.now_ms,
    )


async def _still_waits(tx: Connection, held: Held) -> bool:
    """Somebody may still claim, or the shop may still find that who claimed is excluded."""
    waits: bool = await tx.fetchval(
        """
        SELECT EXISTS (SELECT FROM draw_pick
                        WHERE draw_id = $1 AND prize IS NOT NULL AND lapsed_at IS NULL AND handed_at IS NULL
                          AND claim_until > to_timestamp($2::bigint / 1000.0))""",
        held.draw.id,
        held.now_ms,
    )
    return waits


async def hand_on(tx: Connection, passed: Passed, prize: int, entry: str, why: PassedWhy) -> None:
    """Take a prize from who holds it, and give it to the next reserve; if there is none it is nobody's."""
    held = passed.held
    draw_id, rules, now_ms = held.draw.id, held.open_rules, held.now_ms
    await tx.execute(
        """
        UPDATE draw_pick SET lapsed_at = to_timestamp($3::bigint / 1000.0), gone_why = $4, claimed_at = NULL
         WHERE draw_id = $1 AND entry_id = decode($2, 'hex')""",
        draw_id,
        entry,
        now_ms,
        why,
    )
    loser = (await store.people(tx, draw_id, [entry]))[entry]
    if loser.pseudonym:
        gone = YourPrizeWentOn(draw=draw_id, title=held.draw.title, prize_title=prize_name(rules, prize), why=why)
        passed.notices.append((loser.pseudonym, gone))
    claim_until = now_ms + rules.claim_s * 1000
    reserve = await _next_reserve(tx, draw_id, prize, now_ms, claim_until)
    if reserve is None:
        nobodys = machine.lapse(held.draw, prize, why)
        passed.held = dataclasses.replace(held, draw=await store.evolve(tx, held, nobodys))
        passed.events.append(nobodys)
        lapsed = store.webhook(DrawPrizeLapsedHook, held, prize=prize, prize_name=prize_name(rules, prize), why=why)
        passed.webhooks.append(lapsed)
        return
    person = (await store.people(tx, draw_id, [reserve["entry_id"]]))[reserve["entry_id"]]
    winner = DrawWinner(prize=prize, place=reserve["place"], entry=reserve["entry_id"], name=mask(person.name))
    event = machine.pass_on(held.draw, winner, why)
    passed.held = dataclasses.replace(held, draw=await store.evolve(tx, held, event))
    passed.events.append(event)
    if person.pseudonym:
        passed.notices.append((person.pseudonym, you_won(held, winner, claim_until)))
    told = won(held, winner, person, claim_until)
    passed.webhooks.append(store.webhook(DrawPassedOnHook, held, winner=told, why=why))


async def _next_reserve(
    tx: Connection, draw_id: str, prize: int, now_ms: int, claim_until: int
) -> asyncpg.Record | None:
    return await tx.fetchrow(
        """
        UPDATE draw_pick SET prize = $2, given_at = to_timestamp($3::bigint / 1000.0),
               claim_until = to_timestamp($4::bigint / 1000.0)
         WHERE draw_id = $1 AND place = (SELECT min(place) FROM draw_pick WHERE draw_id = $1 AND prize IS NULL)
     RETURNING place, encode(entry_id, 'hex') AS entry_id""",
        draw_id,
        prize,
        now_ms,
        claim_until,
    )


def you_won(held: Held, winner: DrawWinner, claim_until: int) -> YouWon:
    """For the winner alone."""
    return YouWon(
        draw=held.draw.id,
        title=held.draw.title,
        prize=winner.prize,
        prize_title=prize_name(held.open_rules, winner.prize),
        claim_until=claim_until,
    )


def won(held: Held, winner: DrawWinner, person: store.Person, claim_until: int) -> HookWinner:
    """For the shop's backend."""
    return HookWinner(
        prize=winner.prize,
        prize_name=prize_name(held.open_rules, winner.prize),
        entry=winner.entry,
        viewer=person.viewer_id,
        claim_until=claim_until,
    )
