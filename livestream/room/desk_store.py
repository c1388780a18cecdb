"""SQL behind the desk: loads what a batch of commands needs, writes the rows that follow from its events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from livestream.protocol import limits
from livestream.protocol.commands import (
    Ban,
    Command,
    DecideRefund,
    Delete,
    Feature,
    HandOver,
    Mute,
    Pin,
    Refund,
    Report,
    Restore,
    Retract,
    Rule,
    Say,
    Unban,
    Unmute,
    Unretract,
)
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import (
    Clock,
    CountdownEnded,
    CountdownStarted,
    Deleted,
    Event,
    Held,
    HostMessage,
    Lifted,
    Policy,
    Product,
    RefundChanged,
    RefundRequest,
    Reported,
    Restored,
    Retracted,
    Ruled,
    Said,
    Sanctioned,
    ShowChanged,
    Unfrozen,
    Unretracted,
)
from livestream.protocol.roles import Role
from livestream.protocol.state import RoomState, StaffState
from livestream.storage import deadlines
from livestream.storage.deadlines import Deadline
from livestream.storage.pool import Connection
from livestream.storage.roomlog import Also

from . import store
from .desk import ArchivedComment, Decision, Desk, Person, Purchase
from .redaction import redact

COUNTDOWN = "countdown"  #: kind of the room's own deadline
_SAID_LAST = 100  #: comments of one person that a mute or ban may take away
_message = msgspec.json.Decoder(HostMessage).decode
_product = msgspec.json.Decoder(Product).decode
_refund = msgspec.json.Decoder(RefundRequest).decode
_encode = msgspec.json.Encoder().encode
_E = TypeVar("_E", bound=Event)
#: which events quote, as the indexes on `quoted(event)` have it
_QUOTING = {
    "room_log": "event->>'t' IN ('said', 'pinned', 'unretracted', 'restored')",
    "notice": "event->>'t' = 'answered'",
}


@dataclass(slots=True)
class Named:
    """Ids of the rows that a batch names."""

    messages: set[str] = field(default_factory=set)
    comments: set[str] = field(default_factory=set)
    reported: set[str] = field(default_factory=set)
    reporters: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    silenced: set[str] = field(default_factory=set)  #: people whose comments may go as well
    products: set[str] = field(default_factory=set)
    purchases: set[str] = field(default_factory=set)
    refunds: set[str] = field(default_factory=set)

    def add(self, pseudonym: str, command: Command) -> None:
        match command:
            case Say(answers=str(comment)):
                self.comments.add(comment)
            case Pin(message=str(message)) | Retract(message=message) | Unretract(message=message):
                self.messages.add(message)
            case Delete(comments=comments) | Restore(comments=comments) | Rule(comments=comments):
                self.comments.update(comments)
            case Report(comment=comment):
                self.comments.add(comment)
                self.reported.add(comment)
                self.reporters.add(pseudonym)
            case Unmute(who=who, restore=comments) | Unban(who=who, restore=comments):
                self.people.add(who)
                self.comments.update(comments)
            case Mute(who=who, delete=delete, restore=comments) | Ban(who=who, delete=delete, restore=comments):
                self.people.add(who)
                self.comments.update(comments)
                if delete:
                    self.silenced.add(who)
            case HandOver(to=who):
                self.people.add(who)
            case Feature(product=str(product)):
                self.products.add(product)
            case Refund(purchase=purchase):
                self.purchases.add(purchase)
            case DecideRefund(refund=refund):
                self.refunds.add(refund)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The room's row as it was read, to see whether it must be written."""

    state: RoomState
    policy: Policy
    unattended: bool

    @classmethod
    def of(cls, desk: Desk) -> Loaded:
        return cls(_slim(desk.room), desk.staff.policy, desk.unattended)


async def load(tx: Connection, room_id: str, named: Named) -> Desk:
    """Lock the room and read what a batch names.

    Raises:
        Refused: ROOM_NOT_FOUND: a rehearsal that was erased, say.

    Cost: one statement, and one more for each kind of thing named.
    """
    # The clock is read after the lock: the inner query takes it, the outer one looks.
    row = await tx.fetchrow(
        """
        WITH locked AS MATERIALIZED (SELECT * FROM room WHERE room_id = $1 FOR NO KEY UPDATE)
        SELECT locked.*, shop.time_zone, shop.refund_limit,
               floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms
          FROM locked JOIN shop USING (shop_id)""",
        room_id,
    )
    if row is None:
        raise Refused(ErrorCode.ROOM_NOT_FOUND, room_id)
    desk = Desk(
        now_ms=row["now_ms"],
        shop_id=row["shop_id"],
        room=store.read_state(row["state"]),
        staff=StaffState(policy=store.read_policy(row["policy"])),
        unattended=row["unattended"],
        refund_limit=row["refund_limit"],
        time_zone=row["time_zone"],
    )
    shop_id = row["shop_id"]
    if named.messages:
        await _load_messages(tx, desk, room_id, named.messages)
    if named.comments:
        await _load_comments(tx, desk, room_id, named)
    if named.people:
        await _load_people(tx, desk, shop_id, room_id, named)
    if named.products:
        desk.products = await load_products(tx, shop_id, sorted(named.products))
    if named.purchases or named.refunds:
        await _load_refunds(tx, desk, shop_id, room_id, named)
    return desk


async def _load_messages(tx: Connection, desk: Desk, room_id: str, ids: set[str]) -> None:
    rows = await tx.fetch(
        "SELECT body::text, retracted_at FROM host_message WHERE room_id = $1 AND message_id = ANY($2)",
        room_id,
        list(ids),
    )
    for row in rows:
        message = _message(row["body"])
        desk.messages[message.id] = message
        if row["retracted_at"] is not None:
            desk.retracted.add(message.id)


async def _load_comments(tx: Connection, desk: Desk, room_id: str, named: Named) -> None:
    rows = await tx.fetch(
        """
        SELECT comment_id, pseudonym, viewer_id, coalesce(name, '') AS name, text, role, fate, ruled, held_why,
               hidden_at, floor(extract(epoch FROM comment.at) * 1000)::bigint AS at, reports, report_open,
               ARRAY(SELECT reporter FROM report r WHERE r.room_id = $1 AND r.comment_id = comment.comment_id
                        AND reporter = ANY($3)) AS reporters
          FROM comment JOIN room USING (room_id) LEFT JOIN person USING (shop_id, pseudonym)
         WHERE room_id = $1 AND comment_id = ANY($2) AND pseudonym <> '' ORDER BY comment_id FOR UPDATE OF comment""",
        room_id,
        list(named.comments),
        list(named.reporters),
    )
    for row in rows:
        comment = ArchivedComment(
            id=row["comment_id"],
            by=row["pseudonym"],
            anonymous=row["viewer_id"] is None,
            name=row["name"],
            text=row["text"],
            at=row["at"],
            role=Role(row["role"]),
            fate=row["fate"],
            reporters=frozenset(row["reporters"]),
            reports=row["reports"],
            held_why=row["held_why"],
        )
        desk.comments[comment.id] = comment
        if row["fate"] == "held" and row["ruled"] is None:
            waiting = Held(comments=[comment.held(row["held_why"] or "")])
            desk.apply_staff(waiting)
        elif row["hidden_at"] is not None or row["fate"] != "shown":
            desk.hidden.add(comment.id)


async def _load_people(tx: Connection, desk: Desk, shop_id: str, room_id: str, named: Named) -> None:
    rows = await tx.fetch(
        """
        SELECT pseudonym, name, (
               SELECT role FROM staff s WHERE s.shop_id = $1 AND s.pseudonym = person.pseudonym
                  AND s.room_id IN ('', $2) ORDER BY s.room_id DESC LIMIT 1) AS staff_role
          FROM person WHERE shop_id = $1 AND pseudonym = ANY($3)""",
        shop_id,
        room_id,
        list(named.people),
    )
    desk.people = {
        row["pseudonym"]: Person(row["pseudonym"], row["name"], Role(row["staff_role"]) if row["staff_role"] else None)
        for row in rows
    }
    for sanction in await store.load_sanctions(tx, room_id, list(named.people)):
        desk.apply_staff(Sanctioned(sanction=sanction))
    said = await tx.fetch(
        """
        SELECT who, comment_id FROM unnest($2::text[]) AS w (who) CROSS JOIN LATERAL (
               SELECT comment_id FROM comment
                WHERE room_id = $1 AND pseudonym = who
                  AND (fate = 'shown' AND hidden_at IS NULL OR fate = 'held' AND ruled IS NULL)
                ORDER BY comment_id DESC LIMIT $3) AS latest""",
        room_id,
        list(named.silenced),
        _SAID_LAST,
    )
    said_by: dict[str, list[str]] = {}
    for row in reversed(said):
        said_by.setdefault(row["who"], []).append(row["comment_id"])
    desk.said_by = said_by


async def load_products(tx: Connection, shop_id: str, product_ids: Sequence[str]) -> dict[str, Product]:
    """Products that are for sale, with their stock as of now."""
    rows = await tx.fetch(
        """
        SELECT product_id, body::text, (
               SELECT json_object_agg(variant_id, units)::text FROM stock s
                WHERE s.shop_id = $1 AND s.product_id = p.product_id) AS stock
          FROM product p WHERE shop_id = $1 AND product_id = ANY($2) AND removed_at IS NULL""",
        shop_id,
        product_ids,
    )
    return {row["product_id"]: with_stock(_product(row["body"]), row["stock"]) for row in rows}


def with_stock(product: Product, stock: str | None) -> Product:
    """A product with its present units.

    Args:
        stock: JSON, units by variant; `""` is the product without variants. None: nothing is counted.
    """
    units: dict[str, int] = msgspec.json.decode(stock) if stock else {}
    variants = [msgspec.structs.replace(each, stock=units.get(each.id)) for each in product.variants]
    return msgspec.structs.replace(product, stock=units.get(""), variants=variants)


async def _load_refunds(tx: Connection, desk: Desk, shop_id: str, room_id: str, named: Named) -> None:
    waiting = await tx.fetch(
        "SELECT body::text, asker, purchase_id FROM refund WHERE room_id = $1 AND refund_id = ANY($2)"
        " AND state = 'asked' ORDER BY refund_id FOR UPDATE",
        room_id,
        list(named.refunds),
    )
    for row in waiting:
        request = _refund(row["body"])
        desk.apply_staff(RefundChanged(refund=request))
        desk.askers[request.id] = row["asker"]
    purchases = await tx.fetch(
        "SELECT purchase_id, pseudonym, currency, exponent, amount, amount - refunded AS left FROM purchase"
        " WHERE shop_id = $1 AND purchase_id = ANY($2) ORDER BY purchase_id FOR UPDATE",
        shop_id,
        [*named.purchases, *(row["purchase_id"] for row in waiting)],
    )
    desk.purchases = {
        row["purchase_id"]: Purchase(
            row["purchase_id"], row["currency"], row["exponent"], row["amount"], row["left"], row["pseudonym"]
        )
        for row in purchases
    }


# -- what is written


async def write(tx: Connection, room_id: str, before: Loaded, after: Desk, decisions: Sequence[Decision]) -> None:
    """Write the rows behind a batch's events, in the fixed lock order."""
    for statement in await write_most(tx, room_id, before, after, decisions):
        await statement.execute(tx)


async def write_most(
    tx: Connection, room_id: str, before: Loaded, after: Desk, decisions: Sequence[Decision]
) -> list[Also]:
    """The same, but for what may ride with the append, which is returned: messages that nothing else changes."""
    await _write_room(tx, room_id, before, after)
    said = [event.message for decision in decisions for event in decision.log if isinstance(event, Said)]
    messages = [_messages(room_id, said)] if said else []
    events = {type(event) for decision in decisions for event in (*decision.log, *decision.staff)}
    while messages and not events.isdisjoint(_WRITERS):
        await messages.pop().execute(tx)
    for decision in decisions:
        for event in (*decision.log, *decision.staff):
            writer = _WRITERS.get(type(event))
            if writer is not None:
                await writer(tx, room_id, after.now_ms, event)
        if decision.reports:
            await _write_reports(tx, room_id, decision.reports)
        for staff_event in decision.staff:
            if isinstance(staff_event, RefundChanged):
                await _write_refund(tx, room_id, after, staff_event.refund)
    gone = [each for decision in decisions for each in _gone(decision)]
    if gone:
        await rewrite(tx, room_id, gone)
    return messages


async def _write_room(tx: Connection, room_id: str, before: Loaded, after: Desk) -> None:
    state = _slim(after.room)
    if Loaded(state, after.staff.policy, after.unattended) == before:
        return
    await tx.execute(
        """
        UPDATE room SET state = $2::text::json, policy = $3::text::json, unattended = $4,
                        frozen_at = to_timestamp($5::double precision / 1000)
         WHERE room_id = $1""",
        room_id,
        _encode(state).decode(),
        _encode(after.staff.policy).decode(),
        after.unattended,
        state.freezing.at if state.freezing else None,
    )


def _slim(state: RoomState) -> RoomState:
    return msgspec.structs.replace(state, seq=0, messages=())


def _messages(room_id: str, messages: Sequence[HostMessage]) -> Also:
    return Also(
        """
        INSERT INTO host_message (message_id, room_id, body)
        SELECT id, {0}, body::json FROM unnest({1}::text[], {2}::text[]) AS m (id, body)""",
        (room_id, [message.id for message in messages], [_encode(message).decode() for message in messages]),
    )


async def _write_show(tx: Connection, room_id: str, now_ms: int, event: ShowChanged) -> None:
    await write_show(tx, room_id, event)


async def write_show(tx: Connection, room_id: str, event: ShowChanged) -> None:
    """Write a show, new or as it goes on."""
    show = event.show
    await tx.execute(
        """
        INSERT INTO show (show_id, room_id, title, state, starts_at, live_at, ended_at, time_zone, began_at)
        VALUES ($1, $2, $3, $4, to_timestamp($5::double precision / 1000),
                to_timestamp($6::double precision / 1000), to_timestamp($7::double precision / 1000), $8,
                to_timestamp($9::double precision / 1000))
        ON CONFLICT (show_id) DO UPDATE
           SET state = excluded.state, live_at = excluded.live_at, ended_at = excluded.ended_at,
               began_at = excluded.began_at""",
        show.id,
        room_id,
        show.title,
        show.state,
        show.starts_at,
        show.live_at,
        show.ended_at,
        show.time_zone,
        show.began_at,
    )


async def _write_retracted(tx: Connection, room_id: str, now_ms: int, event: Retracted | Unretracted) -> None:
    message_id = event.message if isinstance(event, Retracted) else event.message.id
    await tx.execute(
        "UPDATE host_message SET retracted_at = CASE WHEN $3 THEN clock_timestamp() END"
        " WHERE room_id = $1 AND message_id = $2",
        room_id,
        message_id,
        isinstance(event, Retracted),
    )


async def _write_deleted(tx: Connection, room_id: str, now_ms: int, event: Deleted) -> None:
    await tx.execute(
        "UPDATE comment SET hidden_at = clock_timestamp() WHERE room_id = $1 AND comment_id = ANY($2)",
        room_id,
        sorted(event.comments),
    )


async def _write_restored(tx: Connection, room_id: str, now_ms: int, event: Restored) -> None:
    await tx.execute(
        """
        UPDATE comment SET hidden_at = NULL, fate = 'shown', ruled = CASE WHEN fate = 'held' THEN true ELSE ruled END
         WHERE room_id = $1 AND comment_id = ANY($2)""",
        room_id,
        sorted(comment.id for comment in event.comments),
    )


async def _write_held(tx: Connection, room_id: str, now_ms: int, event: Held) -> None:
    await tx.execute(
        """
        UPDATE comment SET fate = 'held', ruled = NULL, held_why = why,
               hidden_at = coalesce(hidden_at, clock_timestamp())
          FROM unnest($2::text[], $3::text[]) AS h (id, why)
         WHERE room_id = $1 AND comment_id = id""",
        room_id,
        [comment.id for comment in event.comments],
        [comment.why for comment in event.comments],
    )


async def _write_ruled(tx: Connection, room_id: str, now_ms: int, event: Ruled) -> None:
    await tx.execute(
        """
        UPDATE comment SET report_open = false, reports = 0,
               ruled = CASE WHEN fate = 'held' AND ruled IS NULL THEN $3 ELSE ruled END
         WHERE room_id = $1 AND comment_id = ANY($2)""",
        room_id,
        sorted(event.comments),
        event.shown,
    )


async def _write_reported(tx: Connection, room_id: str, now_ms: int, event: Reported) -> None:
    await tx.execute(
        "UPDATE comment SET reports = $3, report_open = true, report_why = $4 WHERE room_id = $1 AND comment_id = $2",
        room_id,
        event.comment.id,
        event.reports,
        event.comment.why,
    )


async def _write_reports(tx: Connection, room_id: str, reports: Sequence[tuple[str, str, str | None]]) -> None:
    await tx.execute(
        "INSERT INTO report (room_id, comment_id, reporter, why)"
        " SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING",
        room_id,
        [comment for comment, _, _ in reports],
        [reporter for _, reporter, _ in reports],
        [why for _, _, why in reports],
    )


async def _write_sanction(tx: Connection, room_id: str, now_ms: int, event: Sanctioned) -> None:
    sanction = event.sanction
    await tx.execute(
        """
        INSERT INTO sanction (room_id, pseudonym, kind, at, until, why, by_name, by_who)
        VALUES ($1, $2, $3, to_timestamp($4::double precision / 1000), to_timestamp($5::double precision / 1000),
                $6, $7, $8)
        ON CONFLICT (room_id, pseudonym, kind) DO UPDATE
           SET at = excluded.at, until = excluded.until, why = excluded.why, by_name = excluded.by_name,
               by_who = excluded.by_who""",
        room_id,
        sanction.who,
        sanction.kind,
        sanction.at,
        sanction.until,
        sanction.why,
        sanction.by,
        sanction.by_who,
    )


async def _write_lifted(tx: Connection, room_id: str, now_ms: int, event: Lifted) -> None:
    await tx.execute(
        "DELETE FROM sanction WHERE room_id = $1 AND pseudonym = $2 AND kind = $3", room_id, event.who, event.kind
    )


async def _write_unfrozen(tx: Connection, room_id: str, now_ms: int, event: Unfrozen) -> None:
    await deadlines.shift(tx, room_id, event.shifted_ms)


async def _write_countdown(tx: Connection, room_id: str, now_ms: int, event: CountdownStarted | CountdownEnded) -> None:
    await tx.execute("DELETE FROM deadline WHERE room_id = $1 AND kind = $2", room_id, COUNTDOWN)
    if isinstance(event, CountdownStarted):
        clock: Clock = event.clock
        await deadlines.put(tx, [Deadline(room_id, COUNTDOWN, clock.id, clock.ends_at)])


async def _write_refund(tx: Connection, room_id: str, desk: Desk, refund: RefundRequest) -> None:
    await tx.execute(
        """
        INSERT INTO refund (refund_id, shop_id, room_id, purchase_id, body, state, asker)
        VALUES ($1, $2, $3, $4, $5::text::json, $6, $7)
        ON CONFLICT (refund_id) DO UPDATE SET body = excluded.body, state = excluded.state""",
        refund.id,
        desk.shop_id,
        room_id,
        refund.purchase,
        _encode(refund).decode(),
        refund.state,
        desk.askers[refund.id],
    )
    await tx.execute(
        "UPDATE purchase SET refunded = amount - $3 WHERE shop_id = $1 AND purchase_id = $2",
        desk.shop_id,
        refund.purchase,
        desk.purchases[refund.purchase].left,
    )


async def refill(tx: Connection, room_id: str, ruled: int) -> Decision:
    """What comes into the view of staff when so many that waited are ruled on: the view holds the newest alone.

    After `write`: these have waited all along, and only their being in view is news.
    """
    held, reports = await store.waiting(tx, room_id)
    decision = Decision()
    if len(held) + ruled > limits.SNAPSHOT_HELD:
        decision.staff.append(Held(comments=list(held[:ruled])))
    if len(reports) + ruled > limits.SNAPSHOT_REPORTS:
        decision.staff += reports[:ruled]
    return decision


def _gone(decision: Decision) -> list[str]:
    """Ids of comments and messages whose words must leave what was written before."""
    ids = []
    for event in decision.log:
        match event:
            case Deleted(comments=comments):
                ids += comments
            case Retracted(message=message):
                ids.append(message)
    return ids


async def rewrite(tx: Connection, room_id: str, gone: Sequence[str]) -> None:
    """Take words out of the log, the notices and the messages that quote them."""
    for table, quoting in _QUOTING.items():
        # Ids are of one room: without it in the condition the index on them is all that can be used.
        rows = await tx.fetch(
            f"SELECT seq, event::text AS event FROM {table} WHERE {quoting} AND quoted(event) && $1::text[]", list(gone)
        )
        changed = [
            (row["seq"], new) for row in rows if (new := redact(row["event"].encode(), gone).decode()) != row["event"]
        ]
        if changed:
            await tx.execute(
                f"UPDATE {table} SET event = new::json FROM unnest($2::bigint[], $3::text[]) AS n (number, new)"
                " WHERE room_id = $1 AND seq = number",
                room_id,
                [seq for seq, _ in changed],
                [new for _, new in changed],
            )
    await tx.execute(
        """
        UPDATE host_message SET body = (body::jsonb - 'answered_name' - 'answered_text')::json
         WHERE body->>'answers' = ANY($1)""",
        list(gone),
    )


_WRITERS: dict[type[Event], Callable[..., Awaitable[None]]] = {
    ShowChanged: _write_show,
    Retracted: _write_retracted,
    Unretracted: _write_retracted,
    Deleted: _write_deleted,
    Restored: _write_restored,
    Held: _write_held,
    Ruled: _write_ruled,
    Reported: _write_reported,
    Sanctioned: _write_sanction,
    Lifted: _write_lifted,
    Unfrozen: _write_unfrozen,
    CountdownStarted: _write_countdown,
    CountdownEnded: _write_countdown,
}
