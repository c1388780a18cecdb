"""Facts: what the room knows of people who want to enter, or are in. SQL that only reads, set-wise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from livestream.parts import TeamMembers
from livestream.room.desk import Actor
from livestream.room.show import TALKING
from livestream.storage.pool import Connection

from .eligibility import Candidate
from .rules import Rules
from .store import MS, Held
from .weight import Facts


@dataclass(frozen=True, slots=True)
class Moment:
    """The room's show, read after the draw's lock."""

    show_id: str | None
    show_since_ms: int
    talking: bool


#: of a show: what happened before it began did not happen in it, whatever time was announced
_SINCE = MS.format("coalesce(began_at, starts_at)")


async def began_ms(connection: Connection, held: Held) -> int:
    """When the show of a draw that was opened began, Unix ms."""
    since: int = await connection.fetchval(f"SELECT {_SINCE} FROM show WHERE show_id = $1", held.show_id)
    return since


async def moment(tx: Connection, room_id: str) -> Moment:
    row = await tx.fetchrow(
        f"SELECT show_id, state, {_SINCE} AS since FROM show WHERE room_id = $1 AND state <> 'ended'", room_id
    )
    if row is None:
        return Moment(None, 0, talking=False)
    return Moment(row["show_id"], row["since"], row["state"] in TALKING)


#: A plan made while a draw is empty would read all of it for each batch once it is full: `OFFSET 0` keeps the lookup
#: of an entry apart, by its key, so that there is only one way to each row.
_STORED = f"""
SELECT own_id AS id, e.promised AS weight, {MS.format("e.at")} AS at, e.key
  FROM unnest($2::bytea[]) AS w (own_id)
 CROSS JOIN LATERAL (SELECT promised, at, key FROM draw_entry WHERE draw_id = $1 AND entry_id = own_id OFFSET 0) e"""
#: Of somebody (`who`), in a room, during a show, up to a moment. Not `EXISTS`, which Postgres may turn into a list of
#: all who ever spoke in the room or bought of the shop, made anew for each batch: `LIMIT` leaves only the lookup.
_COMMENTED = """
coalesce((SELECT true FROM comment c WHERE c.room_id = {room} AND c.pseudonym = who AND c.show_id = {show}
             AND c.at <= {until} AND (hidden_at IS NULL OR hidden_at > {until}) LIMIT 1), false)"""
_BOUGHT = """
coalesce((SELECT true FROM purchase p WHERE p.shop_id = {shop} AND p.pseudonym = who
             AND (p.room_id IS NULL OR p.room_id = {room}) AND p.at >= {since} AND p.at <= {until} LIMIT 1), false)"""
_SANCTIONED = """
coalesce((SELECT until IS NULL OR until > clock_timestamp() FROM sanction s
           WHERE s.room_id = $1 AND s.pseudonym = who AND kind = '{kind}'), false)"""
#: one row a person in the order they are asked for
_CANDIDATES = f"""
WITH lately AS MATERIALIZED (
    SELECT draw_id FROM draw WHERE room_id = $1 AND drawn_at IS NOT NULL AND draw_id <> $3
     ORDER BY drawn_at DESC, number DESC LIMIT $6),
winner AS MATERIALIZED (
    SELECT (SELECT viewer_id FROM draw_entry e WHERE e.draw_id = p.draw_id AND e.entry_id = p.entry_id) AS viewer_id
      FROM lately JOIN draw_pick p USING (draw_id) WHERE prize IS NOT NULL)
SELECT who,
       {_SANCTIONED.format(kind="mute")} AS muted,
       {_SANCTIONED.format(kind="ban")} AS banned,
       EXISTS(SELECT FROM staff s WHERE s.shop_id = $2 AND s.pseudonym = who) AS staff,
       coalesce(own IN (SELECT viewer_id FROM winner WHERE viewer_id IS NOT NULL), false) AS won_lately,
       $7 AND {_COMMENTED.format(room="$1", show="$9", until="'infinity'")} AS commented,
       $8 AND {_BOUGHT.format(shop="$2", room="$1", since="to_timestamp($10::bigint / 1000.0)", until="'infinity'")}
              AS bought
  FROM unnest($4::text[], $5::text[]) WITH ORDINALITY AS w (who, own, place)
 ORDER BY place"""
_CLOSED = "to_timestamp($8::bigint / 1000.0)"
_AT_CLOSE = f"""
SELECT entry_id, who, weight, watched_s,
       $5 AND {_COMMENTED.format(room="$2", show="$4", until=_CLOSED)} AS commented,
       $6 AND {_BOUGHT.format(shop="$3", room="$2", since="to_timestamp($7::bigint / 1000.0)", until=_CLOSED)} AS bought
  FROM (SELECT entry_id, pseudonym AS who, weight, watched_s FROM draw_entry
         WHERE draw_id = $1 AND entry_id >= $9 AND entry_id < $10) e"""


async def stored(tx: Connection, draw_id: str, ids: Sequence[bytes]) -> dict[bytes, asyncpg.Record]:
    """Those of these entries that are in: weight at entry, at, key."""
    return {row["id"]: row for row in await tx.fetch(_STORED, draw_id, list(ids))}


async def candidates(
    tx: Connection, held: Held, rules: Rules, moment: Moment, actors: Sequence[Actor], members: TeamMembers | None
) -> list[Candidate]:
    """Who they are, as far as these rules ask; in the order of `actors`."""
    people = [actor.pseudonym for actor in actors]
    asked = rules.eligibility
    teams: set[str] = set()
    if (asked.joined_team or rules.weights.joined_team) and members is not None:
        teams = await members(tx, held.room_id, people, moment.show_since_ms, held.now_ms)
    rows = await tx.fetch(
        _CANDIDATES,
        held.room_id,
        held.shop_id,
        held.draw.id,
        people,
        [actor.viewer_id for actor in actors],
        rules.exclude.winners_of_last,
        asked.commented or rules.weights.commented > 0,
        asked.bought or rules.weights.bought > 0,
        held.show_id,
        moment.show_since_ms,
    )
    return [
        _candidate(actor, row, row["who"] in teams, held.now_ms, moment)
        for actor, row in zip(actors, rows, strict=True)
    ]


def _candidate(actor: Actor, row: asyncpg.Record, team: bool, now_ms: int, moment: Moment) -> Candidate:
    facts = Facts(row["commented"], team, row["bought"], _watched_s(actor, now_ms, moment))
    return Candidate(actor.role, row["staff"], row["muted"], row["banned"], row["won_lately"], facts)


def _watched_s(actor: Actor, now_ms: int, moment: Moment) -> int:
    """In the room, in this show; who is not on a line watches nothing."""
    if not actor.since_ms:
        return 0
    return max(0, now_ms - max(actor.since_ms, moment.show_since_ms)) // 1000


Span = tuple[bytes, bytes]  #: ids of entries: from, and up to but without


@dataclass(frozen=True, slots=True)
class Weighed:
    """An entry, and what is known of who made it as of the close."""

    entry_id: bytes
    weight: int  #: so far
    facts: Facts


async def at_close(
    tx: Connection, held: Held, rules: Rules, show_since_ms: int, span: Span, members: TeamMembers | None
) -> list[Weighed]:
    """Entries with ids in `span`, judged as of the moment of closing.

    Args:
        show_since_ms: see `began_ms`.
    """
    weights, closed_ms = rules.weights, held.draw.closed_at or 0
    rows = await tx.fetch(
        _AT_CLOSE,
        held.draw.id,
        held.room_id,
        held.shop_id,
        held.show_id,
        weights.commented > 0,
        weights.bought > 0,
        show_since_ms,
        closed_ms,
        *span,
    )
    teams: set[str] = set()
    if weights.joined_team and members is not None:
        people = [row["who"] for row in rows if row["who"]]
        teams = await members(tx, held.room_id, people, show_since_ms, closed_ms)
    return [
        Weighed(
            row["entry_id"],
            row["weight"],
            Facts(row["commented"], row["who"] in teams, row["bought"], row["watched_s"]),
        )
        for row in rows
    ]
