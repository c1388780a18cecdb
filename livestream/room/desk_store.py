"""SQL behind the desk: locks the room and reads what a batch of commands names."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

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
    Held,
    HostMessage,
    Policy,
    RefundChanged,
    RefundRequest,
    Sanctioned,
)
from livestream.protocol.roles import Role
from livestream.protocol.state import RoomState, StaffState
from livestream.storage.pool import Connection

from . import store
from .desk import ArchivedComment, Desk, Person, Purchase
from .products import load_products

_SAID_LAST = 100  #: comments of one person that a mute or ban may take away
_message = msgspec.json.Decoder(HostMessage).decode
_refund = msgspec.json.Decoder(RefundRequest).decode


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
        return cls(slim(desk.room), desk.staff.policy, desk.unattended)


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


def slim(state: RoomState) -> RoomState:
    """A room's state as its row has it: the log has the rest."""
    return msgspec.structs.replace(state, seq=0, messages=())
