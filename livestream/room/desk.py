"""Desk: what the commands of staff, and of viewers about viewers, decide. Pure: no I/O, no clock, no randomness.

A desk holds what a batch of commands needs to know and evolves command by
command, so that the second of two commands in one transaction sees the first.
How a kind of command decides stands in `stage`, `moderation`, `rules`,
`clocks` and `refunds`; each returns a `Decision` and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from livestream.protocol.events import (
    Deleted,
    Held,
    HeldComment,
    HostMessage,
    LogEvent,
    NoticeEvent,
    Product,
    RefundChanged,
    RefundRequest,
    RefundState,
    Restored,
    Retracted,
    Ruled,
    Said,
    StaffEvent,
    Unretracted,
)
from livestream.protocol.roles import Role
from livestream.protocol.state import RoomState, StaffState, evolve, evolve_staff


class Actor(msgspec.Struct, frozen=True):
    """Who acts, and where."""

    shop_id: str  #: of the room
    room_id: str
    key: str  #: tells one person of the shop from another; for anonymous viewers, one visit
    viewer_id: str | None  #: the shop's id; None: anonymous
    role: Role
    name: str
    pseudonym: str
    buyer: bool = False
    grounds: tuple[str, ...] = ()  #: what the identity stands on, see `auth.standing`
    since_ms: int = 0  #: in the room since then, short breaks of the line aside; 0: not on a line


@dataclass(frozen=True, slots=True)
class ArchivedComment:
    """What a decision about a comment needs to know of it."""

    id: str
    by: str  #: pseudonym
    anonymous: bool
    name: str
    text: str
    at: int
    role: Role
    fate: str  #: see `sampling.Fate`
    reporters: frozenset[str]  #: pseudonyms of those in this batch who reported it before
    reports: int
    held_why: str | None = None  #: why it waits, or waited

    def held(self, why: str) -> HeldComment:
        """The comment as staff see it wait."""
        return HeldComment(id=self.id, by=self.by, name=self.name, text=self.text, at=self.at, role=self.role, why=why)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was in the shop's rooms."""

    pseudonym: str
    name: str
    staff_role: Role | None  #: in this room


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase that the shop reported, or what is left of it."""

    id: str
    currency: str
    exponent: int
    amount: int  #: of the whole purchase
    left: int
    buyer: str = ""  #: pseudonym; empty: erased


@dataclass(slots=True)
class Decision:
    """What one command causes. What is written follows from the events."""

    log: list[LogEvent] = field(default_factory=list)
    staff: list[StaffEvent] = field(default_factory=list)
    notices: list[tuple[str, NoticeEvent]] = field(default_factory=list)  #: pseudonym and event
    webhooks: list[tuple[str, object]] = field(default_factory=list)  #: type and data, for the shop's backend
    reports: list[tuple[str, str, str | None]] = field(default_factory=list)  #: comment, reporter, why
    asker: str = ""  #: pseudonym of who asked for the refund in it
    made: str | None = None  #: id of what it made


@dataclass(slots=True)
class Desk:
    """State that commands decide on: the room as the logs have it, and the rows that the batch names."""

    now_ms: int
    shop_id: str
    room: RoomState
    staff: StaffState
    unattended: bool = False  #: nobody of the staff has been here for longer than the policy allows
    messages: dict[str, HostMessage] = field(default_factory=dict)  #: retracted ones whole
    retracted: set[str] = field(default_factory=set)
    comments: dict[str, ArchivedComment] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)  #: of those comments: deleted, or turned down
    held: dict[str, HeldComment] = field(default_factory=dict)  #: of those comments: wait for staff
    said_by: Mapping[str, list[str]] = field(default_factory=dict)  #: latest shown comments of people, by pseudonym
    people: Mapping[str, Person] = field(default_factory=dict)
    products: Mapping[str, Product] = field(default_factory=dict)
    purchases: dict[str, Purchase] = field(default_factory=dict)
    askers: dict[str, str] = field(default_factory=dict)  #: pseudonym of who asked, by refund
    time_zone: str = "UTC"  #: of the shop
    refund_limit: int = 0  #: in hundredths of any currency's unit; above it a second operator must confirm

    def apply(self, decision: Decision) -> None:
        """Evolve by what was decided."""
        for event in decision.log:
            self.room = evolve(self.room, event)
            match event:
                case Said(message=message):
                    self.messages[message.id] = message
                case Retracted(message=gone):
                    self.retracted.add(gone)
                case Unretracted(message=message):
                    self.retracted.discard(message.id)
                case Deleted(comments=ids):
                    self.hidden.update(ids)
                case Restored(comments=comments):
                    self.hidden.difference_update(comment.id for comment in comments)
                    self._now_of_fate("shown", [comment.id for comment in comments])
        for staff_event in decision.staff:
            self.apply_staff(staff_event)
            if isinstance(staff_event, RefundChanged):
                self._refunded(decision.asker, staff_event.refund)
        for comment_id, reporter, _ in decision.reports:
            comment = self.comments[comment_id]
            self.comments[comment_id] = replace(
                comment, reporters=comment.reporters | {reporter}, reports=comment.reports + 1
            )

    def apply_staff(self, event: StaffEvent) -> None:
        """Evolve by one event of the staff log, also by one that tells what was so before."""
        self.staff = evolve_staff(self.staff, event)
        match event:
            case Ruled(comments=ids, shown=shown):
                for each in ids:
                    self.held.pop(each, None)
                    if each in self.comments:
                        self.comments[each] = replace(self.comments[each], reports=0)
                if not shown:
                    self.hidden.update(ids)
            case Held(comments=comments):
                self.held.update((comment.id, comment) for comment in comments)
                self.hidden.difference_update(self.held)
                self._now_of_fate("held", [comment.id for comment in comments])

    def _now_of_fate(self, fate: str, ids: list[str]) -> None:
        for each in ids:
            if each in self.comments:
                self.comments[each] = replace(self.comments[each], fate=fate)

    def _refunded(self, asker: str, refund: RefundRequest) -> None:
        purchase = self.purchases.get(refund.purchase)
        if refund.decided_by is None:
            self.askers[refund.id] = asker
        if purchase is not None and refund.decided_by is None:
            self.purchases[purchase.id] = replace(purchase, left=purchase.left - refund.amount)
        elif purchase is not None and refund.state is RefundState.REFUSED:
            self.purchases[purchase.id] = replace(purchase, left=purchase.left + refund.amount)
