"""Entering: the rush into a draw. One batch a room: the draw's row locked, judged one by one, written set-wise, COMMIT.

An entry is durable before its receipt is signed. The close takes the same lock,
so an entry is in or is told that the draw is closed; there is nothing between.
Who is in already is in, whatever came of the draw since.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import msgspec

from livestream.bus import BusMessage
from livestream.parts import Ground, Heard
from livestream.protocol.commands import Comment, EnterDraw
from livestream.protocol.draw_state import ACTIVE
from livestream.protocol.draws import Draw, DrawReceipt, DrawState, EntryKind
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import Entered
from livestream.room.desk import Actor
from livestream.room.local import LocalRoom
from livestream.storage.batcher import Batcher
from livestream.storage.pool import Connection

from . import facts, machine, receipt, refusals, store
from .eligibility import Candidate, judge
from .entry import entry_id
from .facts import Moment
from .rules import Rules
from .signing import signer
from .store import Held
from .weight import weight

GAUGE = "draw_entries"
_BATCH = 1000  #: all of a room write to one row: fewer, larger transactions wait less for one another


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody wants to be in a draw."""

    actor: Actor
    draw_id: str
    by_comment: bool  #: by having written its password
    key: str | None


@dataclass(frozen=True, slots=True)
class Granted:
    """A stored entry, to be signed as it was at entry."""

    draw_id: str
    rules_hash: bytes
    signing_key: bytes
    entry_id: bytes
    weight: int
    at_ms: int
    key: str | None


class Entering:
    """Entries of all rooms in one process."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._batchers: dict[str, Batcher[Wish, Granted]] = {}

    async def enter(self, actor: Actor, command: EnterDraw) -> Entered:
        """Raises:
        Refused, Unavailable, OutcomeUnknown.
        """
        granted = await self._submit(Wish(actor, command.draw, False, command.key))
        return Entered(ref=command.ref, receipt=sign(granted))

    @staticmethod
    def password_of(comment: Comment, room: LocalRoom) -> Draw | None:
        """The draw whose password this is, letter by letter."""
        draw = next((each for each in room.state.draws if each.state in ACTIVE), None)
        if draw is None or draw.entry is not EntryKind.PASSWORD or comment.text != draw.password:
            return None
        return draw

    async def hear(self, actor: Actor, comment: Comment, room: LocalRoom) -> Heard | None:
        """A comment that is exactly the password of the room's draw is an entry; after the close, if it was one."""
        draw = self.password_of(comment, room)
        if draw is None:
            return None
        try:
            granted = await self._submit(Wish(actor, draw.id, True, comment.key))
        except Refused as refused:
            return Heard(refused=refused.code, why=refused.detail or None)
        return Heard(entered=sign(granted))

    def forget(self, room_id: str) -> None:
        self._batchers.pop(room_id, None)

    async def _submit(self, wish: Wish) -> Granted:
        room_id = wish.actor.room_id
        batcher = self._batchers.get(room_id)
        if batcher is None:
            settings = self._ground.settings
            batcher = self._batchers[room_id] = Batcher(
                "draw entries",
                functools.partial(self._run, room_id),
                size=max(settings.batch_size, _BATCH),
                queue=settings.batch_queue,
            )
        return await batcher.submit(wish)

    async def _run(self, room_id: str, batch: Sequence[Wish]) -> list[Granted | Refused]:
        async with self._ground.database.transaction() as tx:
            draws = await store.lock(tx, room_id, sorted({wish.draw_id for wish in batch}))
            moment = await facts.moment(tx, room_id)
            outcomes: list[Granted | Refused] = [Refused(ErrorCode.DRAW_NOT_FOUND)] * len(batch)
            gauges = {}
            for draw_id, held in draws.items():
                places = [place for place, wish in enumerate(batch) if wish.draw_id == draw_id]
                decided, added = await self._enter(tx, held, moment, [batch[place] for place in places])
                for place, outcome in zip(places, decided, strict=True):
                    outcomes[place] = outcome
                if added is not None:
                    gauges[GAUGE] = added
            await _record(tx, room_id, batch, outcomes)
        if gauges:
            self._ground.publish(room_id, BusMessage(origin=self._ground.origin, gauges=gauges))
        return outcomes

    async def _enter(
        self, tx: Connection, held: Held, moment: Moment, wishes: Sequence[Wish]
    ) -> tuple[list[Granted | Refused], int | None]:
        """Outcomes in order, and how many are in by now; None: no more than before."""
        ids = [entry_id(held.salt, wish.actor.viewer_id or wish.actor.key) for wish in wishes]
        known = await facts.stored(tx, held.draw.id, ids)
        rules: Rules | None = None
        candidates: Sequence[Candidate | None] = [None] * len(wishes)
        try:
            rules = _require_open(held, moment)
        except Refused as refused:
            closed = refused
        else:
            actors = [wish.actor for wish in wishes]
            candidates = await facts.candidates(tx, held, rules, moment, actors, self._ground.team_members)
        entries: dict[bytes, Granted] = {id: _stored(held, id, row) for id, row in known.items()}
        fresh: dict[bytes, tuple[Granted, Wish, int]] = {}
        outcomes: list[Granted | Refused] = []
        for wish, own_id, candidate in zip(wishes, ids, candidates, strict=True):
            try:
                if own_id in entries:
                    outcomes.append(_again(wish, entries[own_id]))
                    continue
                if candidate is None or rules is None:
                    raise closed
                granted = _grant(held, rules, wish, own_id, candidate)
            except Refused as refused:
                outcomes.append(refused)
                continue
            entries[own_id] = granted
            fresh[own_id] = (granted, wish, candidate.facts.watched_s)
            outcomes.append(granted)
        return outcomes, await _insert(tx, held.draw.id, list(fresh.values())) if fresh else None


def sign(granted: Granted) -> DrawReceipt:
    """The receipt. Ed25519 gives the same bytes for the same entry, so it needs no row of its own."""
    signed = receipt.issue(
        signer(granted.signing_key),
        draw_id=bytes.fromhex(granted.draw_id),
        rules_hash=granted.rules_hash,
        entry_id=granted.entry_id,
        weight=granted.weight,
        entered_ms=granted.at_ms,
    )
    return DrawReceipt(**msgspec.structs.asdict(signed))


def _require_open(held: Held, moment: Moment) -> Rules:
    if held.draw.state is not DrawState.OPEN or held.rules is None:
        raise Refused(ErrorCode.DRAW_NOT_OPEN, f"it is {held.draw.state}")
    if not moment.talking or moment.show_id != held.show_id:
        raise Refused(ErrorCode.DRAW_NOT_OPEN, "its show is over")
    if machine.is_due(held.draw, held.now_ms, held.frozen_at):
        raise Refused(ErrorCode.DRAW_NOT_OPEN, "its time is over")
    return held.rules


def _again(wish: Wish, stored: Granted) -> Granted:
    """Who is in asks once more: by the same key they get the same."""
    if wish.key is None or wish.key != stored.key:
        raise Refused(ErrorCode.DRAW_ENTERED)
    return stored


def _grant(held: Held, rules: Rules, wish: Wish, own_id: bytes, candidate: Candidate) -> Granted:
    if rules.password is not None and not wish.by_comment:
        raise Refused(ErrorCode.DRAW_NOT_ELIGIBLE, "write the password as a comment")
    judge(rules, candidate)
    return _granted(held, own_id, weight(rules.weights, candidate.facts), held.now_ms, wish.key)


def _stored(held: Held, own_id: bytes, row: asyncpg.Record) -> Granted:
    return _granted(held, own_id, row["weight"], row["at"], row["key"])


def _granted(held: Held, own_id: bytes, weight: int, at_ms: int, key: str | None) -> Granted:
    assert held.signing_key is not None
    return Granted(held.draw.id, bytes.fromhex(held.draw.rules_hash), held.signing_key, own_id, weight, at_ms, key)


async def _insert(tx: Connection, draw_id: str, fresh: Sequence[tuple[Granted, Wish, int]]) -> int:
    """Write new entries with what was watched, in order of id; returns how many are in by now."""
    ordered = sorted(fresh, key=lambda each: each[0].entry_id)
    total: int = await tx.fetchval(
        """
        WITH made AS (
            INSERT INTO draw_entry (draw_id, entry_id, weight, promised, at, key, pseudonym, viewer_id, name,
                                    watched_s)
            SELECT $1, id, weight, weight, to_timestamp(at / 1000.0), key, pseudonym, viewer_id, name, watched_s
              FROM unnest($2::bytea[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
                          $9::int[])
                AS e (id, weight, at, key, pseudonym, viewer_id, name, watched_s))
        UPDATE draw SET entries = entries + $10 WHERE draw_id = $1 RETURNING entries""",
        draw_id,
        [granted.entry_id for granted, _, _ in ordered],
        [granted.weight for granted, _, _ in ordered],
        [granted.at_ms for granted, _, _ in ordered],
        [granted.key for granted, _, _ in ordered],
        [wish.actor.pseudonym for _, wish, _ in ordered],
        [wish.actor.viewer_id for _, wish, _ in ordered],
        [wish.actor.name for _, wish, _ in ordered],
        [watched_s for _, _, watched_s in ordered],
        len(ordered),
    )
    return total


async def _record(tx: Connection, room_id: str, batch: Sequence[Wish], outcomes: Sequence[Granted | Refused]) -> None:
    """Write down who was not let in, and why."""
    refused: dict[tuple[str, str, str], int] = {}
    for wish, outcome in zip(batch, outcomes, strict=True):
        if isinstance(outcome, Refused):
            key = (wish.draw_id, wish.actor.pseudonym, str(outcome.code))
            refused[key] = refused.get(key, 0) + 1
    await refusals.record(tx, room_id, refused)
