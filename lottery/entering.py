"""Entering: the rush into a draw. One batch a room: the draw's row locked, judged one by one, written set-wise, COMMIT.

An entry is durable before its receipt is signed. The close takes the same lock,
so an entry is in or is told that the draw is closed; there is nothing between.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg
import msgspec

from livestream.bus import BusMessage
from livestream.parts import Ground, Heard
from livestream.protocol.commands import Comment, EnterDraw
from livestream.protocol.draws import DrawReceipt, DrawState, EntryKind
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import Entered
from livestream.room.desk import Actor
from livestream.room.local import LocalRoom
from livestream.room.show import TALKING
from livestream.storage.batcher import Batcher
from livestream.storage.pool import Connection

from . import machine, receipt, store
from .eligibility import Candidate, judge
from .entry import entry_id
from .rules import Rules
from .signing import shop_key
from .store import MS, Held
from .weight import Facts, weight

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
    """A stored entry, to be signed."""

    draw_id: str
    rules_hash: bytes
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
        return Entered(ref=command.ref, receipt=self._sign(actor.shop_id, granted))

    async def hear(self, actor: Actor, comment: Comment, room: LocalRoom) -> Heard | None:
        """A comment that is exactly the password of the room's open draw is an entry."""
        draw = next((each for each in room.state.draws if each.state is DrawState.OPEN), None)
        if draw is None or draw.entry is not EntryKind.PASSWORD or comment.text != draw.password:
            return None
        try:
            granted = await self._submit(Wish(actor, draw.id, True, comment.key))
        except Refused as refused:
            return Heard(refused=refused.code)
        return Heard(entered=self._sign(actor.shop_id, granted))

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

    def _sign(self, shop_id: str, granted: Granted) -> DrawReceipt:
        signed = receipt.issue(
            shop_key(self._ground.secret, shop_id),
            draw_id=bytes.fromhex(granted.draw_id),
            rules_hash=granted.rules_hash,
            entry_id=granted.entry_id,
            weight=granted.weight,
            entered_ms=granted.at_ms,
        )
        return DrawReceipt(**msgspec.structs.asdict(signed))

    async def _run(self, room_id: str, batch: Sequence[Wish]) -> list[Granted | Refused]:
        async with self._ground.database.transaction() as tx:
            await tx.execute(_BY_INDEX)
            draws = await store.lock(tx, room_id, sorted({wish.draw_id for wish in batch}))
            moment = await _moment(tx, room_id)
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
        self, tx: Connection, held: Held, moment: _Moment, wishes: Sequence[Wish]
    ) -> tuple[list[Granted | Refused], int | None]:
        """Outcomes in order, and how many are in by now; None: no more than before."""
        try:
            rules = _require_open(held, moment)
        except Refused as refused:
            return [refused] * len(wishes), None
        ids = [entry_id(held.salt, wish.actor.viewer_id or wish.actor.key) for wish in wishes]
        known = await self._known(tx, held, rules, moment, wishes, ids)
        rules_hash = bytes.fromhex(held.draw.rules_hash)
        fresh: dict[bytes, tuple[Granted, Wish]] = {}
        outcomes: list[Granted | Refused] = []
        for wish, own_id, row in zip(wishes, ids, known, strict=True):
            stored = _stored(held.draw.id, rules_hash, own_id, row) or (fresh[own_id][0] if own_id in fresh else None)
            try:
                if stored is not None:
                    if wish.key is None or wish.key != stored.key:
                        raise Refused(ErrorCode.DRAW_ENTERED)
                    outcomes.append(stored)
                    continue
                if rules.password is not None and not wish.by_comment:
                    raise Refused(ErrorCode.DRAW_NOT_ELIGIBLE, "write the password as a comment")
                candidate = _candidate(wish.actor, row, moment)
                judge(rules, candidate)
            except Refused as refused:
                outcomes.append(refused)
                continue
            granted = Granted(
                held.draw.id, rules_hash, own_id, weight(rules.weights, candidate.facts), moment.now_ms, wish.key
            )
            fresh[own_id] = (granted, wish)
            outcomes.append(granted)
        return outcomes, await _insert(tx, held.draw.id, list(fresh.values())) if fresh else None

    async def _known(
        self, tx: Connection, held: Held, rules: Rules, moment: _Moment, wishes: Sequence[Wish], ids: Sequence[bytes]
    ) -> list[_Known]:
        people = [wish.actor.pseudonym for wish in wishes]
        teams: set[str] = set()
        if (rules.eligibility.joined_team or rules.weights.joined_team) and self._ground.team_members is not None:
            teams = await self._ground.team_members(tx, held.room_id, people, moment.show_since_ms)
        rows = await tx.fetch(
            _FACTS,
            held.room_id,
            held.shop_id,
            held.draw.id,
            people,
            list(ids),
            rules.exclude.winners_of_last,
            rules.eligibility.commented or rules.weights.commented > 0,
            rules.eligibility.bought or rules.weights.bought > 0,
            held.show_id,
            moment.show_since_ms,
        )
        return [_Known(row, row["who"] in teams) for row in rows]


@dataclass(frozen=True, slots=True)
class _Moment:
    """The room's clock and show, read after the draw's lock."""

    now_ms: int
    frozen_at: int | None
    show_id: str | None
    show_since_ms: int
    talking: bool


@dataclass(frozen=True, slots=True)
class _Known:
    row: asyncpg.Record
    team: bool


async def _moment(tx: Connection, room_id: str) -> _Moment:
    row = await tx.fetchrow(
        f"""
        SELECT {MS.format("clock_timestamp()")} AS now_ms, {MS.format("frozen_at")} AS frozen_at, show_id, show.state,
               {MS.format("coalesce(live_at, starts_at)")} AS since
          FROM room LEFT JOIN show ON show.room_id = room.room_id AND show.state <> 'ended'
         WHERE room.room_id = $1""",
        room_id,
    )
    assert row is not None
    return _Moment(row["now_ms"], row["frozen_at"], row["show_id"], row["since"] or 0, row["state"] in TALKING)


def _require_open(held: Held, moment: _Moment) -> Rules:
    if held.draw.state is not DrawState.OPEN or held.rules is None:
        raise Refused(ErrorCode.DRAW_NOT_OPEN, f"it is {held.draw.state}")
    if not moment.talking or moment.show_id != held.show_id:
        raise Refused(ErrorCode.DRAW_NOT_OPEN, "its show is over")
    if machine.is_due(held.draw, moment.now_ms, moment.frozen_at):
        raise Refused(ErrorCode.DRAW_NOT_OPEN, "its time is over")
    return held.rules


#: A plan made while a draw is empty would read all of it for each batch once it is full, so there is only one way
#: to each row: `OFFSET 0` keeps the lookup of an entry apart, by its key, and the setting rules out whole tables.
_BY_INDEX = "SELECT set_config('enable_seqscan', 'off', true)"
#: what is known of people, one row a person in the order they are asked for
_FACTS = f"""
WITH lately AS MATERIALIZED (
    SELECT draw_id FROM draw WHERE room_id = $1 AND drawn_at IS NOT NULL AND draw_id <> $3
     ORDER BY number DESC LIMIT $6)
SELECT who,
       e.weight, {MS.format("e.at")} AS at, e.key,
       EXISTS(SELECT FROM sanction s WHERE s.room_id = $1 AND s.pseudonym = who AND kind = 'mute'
                 AND (until IS NULL OR until > clock_timestamp())) AS muted,
       EXISTS(SELECT FROM sanction s WHERE s.room_id = $1 AND s.pseudonym = who AND kind = 'ban'
                 AND (until IS NULL OR until > clock_timestamp())) AS banned,
       EXISTS(SELECT FROM staff s WHERE s.shop_id = $2 AND s.pseudonym = who AND s.room_id IN ('', $1)) AS staff,
       $6 > 0 AND EXISTS(SELECT FROM lately JOIN draw_entry w USING (draw_id) JOIN draw_pick p USING (draw_id, entry_id)
                 WHERE w.pseudonym = who AND p.prize IS NOT NULL) AS won_lately,
       $7 AND EXISTS(SELECT FROM comment c WHERE c.room_id = $1 AND c.pseudonym = who AND c.show_id = $9
                 AND hidden_at IS NULL) AS commented,
       $8 AND EXISTS(SELECT FROM purchase p WHERE p.shop_id = $2 AND p.pseudonym = who
                 AND (p.room_id IS NULL OR p.room_id = $1) AND p.at >= to_timestamp($10::bigint / 1000.0)) AS bought
  FROM unnest($4::text[], $5::bytea[]) WITH ORDINALITY AS w (who, own_id, place)
  LEFT JOIN LATERAL (SELECT * FROM draw_entry WHERE draw_id = $3 AND entry_id = own_id OFFSET 0) e ON true
 ORDER BY place"""


def _candidate(actor: Actor, known: _Known, moment: _Moment) -> Candidate:
    row = known.row
    watched_s = (moment.now_ms - actor.since_ms) // 1000 if actor.since_ms else 0
    facts = Facts(row["commented"], known.team, row["bought"], max(0, watched_s))
    return Candidate(actor.role, row["staff"], row["muted"], row["banned"], row["won_lately"], facts)


def _stored(draw_id: str, rules_hash: bytes, own_id: bytes, known: _Known) -> Granted | None:
    row = known.row
    if row["weight"] is None:
        return None
    return Granted(draw_id, rules_hash, own_id, row["weight"], row["at"], row["key"])


async def _insert(tx: Connection, draw_id: str, fresh: Sequence[tuple[Granted, Wish]]) -> int:
    """Write new entries, in order of id; returns how many are in by now."""
    ordered = sorted(fresh, key=lambda each: each[0].entry_id)
    total: int = await tx.fetchval(
        """
        WITH made AS (
            INSERT INTO draw_entry (draw_id, entry_id, weight, at, key, pseudonym, viewer_id, name)
            SELECT $1, id, weight, to_timestamp(at / 1000.0), key, pseudonym, viewer_id, name
              FROM unnest($2::bytea[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[])
                AS e (id, weight, at, key, pseudonym, viewer_id, name))
        UPDATE draw SET entries = entries + $9 WHERE draw_id = $1 RETURNING entries""",
        draw_id,
        [granted.entry_id for granted, _ in ordered],
        [granted.weight for granted, _ in ordered],
        [granted.at_ms for granted, _ in ordered],
        [granted.key for granted, _ in ordered],
        [wish.actor.pseudonym for _, wish in ordered],
        [wish.actor.viewer_id for _, wish in ordered],
        [wish.actor.name for _, wish in ordered],
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
    await record(tx, room_id, refused)


async def record(tx: Connection, room_id: str, refused: Mapping[tuple[str, str, str], int]) -> None:
    """Count refusals, by draw, pseudonym and code. Of draws that never were, nothing is kept."""
    if not refused:
        return
    keys = sorted(refused)
    await tx.execute(
        """
        INSERT INTO draw_refusal (room_id, draw_id, pseudonym, code, times)
        SELECT $1, r.* FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS r (draw_id, who, code, times)
         WHERE EXISTS (SELECT FROM draw WHERE draw.draw_id = r.draw_id)
            ON CONFLICT (room_id, draw_id, pseudonym, code)
            DO UPDATE SET times = draw_refusal.times + excluded.times, last_at = clock_timestamp()""",
        room_id,
        [draw_id for draw_id, _, _ in keys],
        [who for _, who, _ in keys],
        [code for _, _, code in keys],
        [refused[key] for key in keys],
    )
