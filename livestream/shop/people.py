"""People: by what a person stands in a shop, its rehearsals and their rooms, and how events about them are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livestream.protocol.personal import Person
from livestream.room.erasure import Table
from livestream.storage.pool import Connection

from .actions import Action
from .administration import pseudonym_of

#: what an event that tells of a person looks like, from outside: what is theirs in it decides `protocol.personal`
_TELLS: dict[Table, str] = {
    "room_log": "strpos(event::text, p.who) > 0"
    " OR (event->>'t' IN ('draw_drawn', 'draw_passed_on') AND event->>'draw' = ANY(p.draws))",
    "staff_log": "strpos(event::text, p.who) > 0 OR (event->>'t' = 'acted' AND event->>'who' = p.viewer)"
    " OR (event->>'t' = 'refund_changed' AND event->'refund'->>'purchase' = ANY(p.purchases))",
    "notice": "strpos(event::text, p.who) > 0"
    " OR (event->>'t' = 'your_team' AND event->'own'->'team'->>'id' = ANY(p.teams))",
}
_PERSON = """WITH p AS (SELECT $1::text[] AS rooms, $2::text AS who, $3::text AS viewer, $4::text[] AS purchases,
                  $5::text[] AS draws, $6::text[] AS teams)"""
_TOUCHED = f"""
{_PERSON}
SELECT room_id FROM p, unnest(rooms) AS r (room_id)
 WHERE EXISTS (SELECT FROM comment c WHERE c.room_id = r.room_id AND c.pseudonym = p.who)
    OR EXISTS (SELECT FROM sanction s WHERE s.room_id = r.room_id AND p.who IN (s.pseudonym, s.by_who))
    OR EXISTS (SELECT FROM report e WHERE e.room_id = r.room_id AND e.reporter = p.who)
    OR EXISTS (SELECT FROM host_message h WHERE h.room_id = r.room_id AND h.body->>'by' = p.who)
    OR EXISTS (SELECT FROM notice n WHERE n.room_id = r.room_id AND (n.pseudonym = p.who OR {_TELLS["notice"]}))
    OR EXISTS (SELECT FROM staff_log l WHERE l.room_id = r.room_id AND ({_TELLS["staff_log"]}))
    OR EXISTS (SELECT FROM room_log l WHERE l.room_id = r.room_id AND ({_TELLS["room_log"]}))
 ORDER BY room_id"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person may stand: the shop with its rehearsals, and all their rooms."""

    shops: list[str]
    rooms: list[str]


async def place_of(tx: Connection, base_shop_id: str) -> Place:
    shops = await tx.fetch("SELECT shop_id FROM shop WHERE shop_id = $1 OR rehearsal_of = $1", base_shop_id)
    found = [row["shop_id"] for row in shops]
    rooms = await tx.fetch("SELECT room_id FROM room WHERE shop_id = ANY($1) ORDER BY room_id", found)
    return Place(found, [row["room_id"] for row in rooms])


async def person_of(action: Action, viewer_id: str, place: Place) -> Person:
    """A person by the shop's id, with all that stands for them."""
    who = pseudonym_of(action, viewer_id)
    bought = await action.tx.fetch(
        "SELECT purchase_id FROM purchase WHERE pseudonym = $1 AND shop_id = ANY($2)", who, place.shops
    )
    person = Person(who, viewer_id, purchases=[row["purchase_id"] for row in bought])
    for part in action.parts:
        person = await part.marks(action.tx, person, place.shops)
    return person


async def touched(action: Action, person: Person, place: Place) -> list[str]:
    """Rooms of which something tells, or may tell soon, of a person: in Postgres, on screens, in memories."""
    found = {row["room_id"] for row in await action.tx.fetch(_TOUCHED, *_arguments(person, place.rooms))}
    for part in action.parts:
        if part.rooms is not None:
            found.update(await part.rooms(action.tx, person, place.shops))
    return sorted(found)


async def told(tx: Connection, table: Table, person: Person, rooms: Sequence[str]) -> list[tuple[str, int, str]]:
    """Events that may tell of a person: room, seq and JSON."""
    rows = await tx.fetch(
        f"{_PERSON} SELECT room_id, seq, event::text AS event FROM p, {table}"
        f" WHERE room_id = ANY(p.rooms) AND ({_TELLS[table]}) ORDER BY room_id, seq",
        *_arguments(person, rooms),
    )
    return [(row["room_id"], row["seq"], row["event"]) for row in rows]


def _arguments(person: Person, rooms: Sequence[str]) -> tuple[object, ...]:
    lists = (person.purchases, person.draws, person.teams)
    return (list(rooms), person.pseudonym, person.viewer_id, *(list(each) for each in lists))
