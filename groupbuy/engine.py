"""Engine: runs what happens to a deal, in batches. One transaction a batch: locks, book, decisions, rows, log, COMMIT.

Viewers' commands go through one `Batcher` a deal; news of payments, the clock
and the shop come one by one through `change`. Both end the same way.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from livestream.bus import BusMessage
from livestream.config import Settings
from livestream.protocol.commands import Command, JoinTeam, LeaveTeam, OpenTeam, PaySeat
from livestream.protocol.errors import ErrorCode, LivestreamError, Refused
from livestream.protocol.groupbuy import YourTeam
from livestream.protocol.replies import AnyReply, Ok, Posted, Seated
from livestream.room import work
from livestream.room.desk import Actor
from livestream.room.local import LocalRoom
from livestream.room.telling import tell
from livestream.room.work import Outcome, Work
from livestream.storage.batcher import Batcher
from livestream.storage.pool import Connection, Contention, Database, Poison
from livestream.storage.roomlog import Also, Appended
from livestream.webhooks import outbox

from . import buying, people, store, writes
from .book import Book
from .store import Loaded, Named
from .views import notices

_T = TypeVar("_T")
_RETRIES = 5
_PAUSE_S = 0.015  #: in a rush: a batch's eight round trips, which cost as much as twenty joins, are shared by more
_MANY_DEALS = 1000  #: batchers kept; ids that were made up must not fill the memory
_encode = msgspec.json.Encoder().encode
#: commands that viewers' batches run
COMMANDS: frozenset[type[Command]] = frozenset({OpenTeam, JoinTeam, LeaveTeam, PaySeat})


@dataclass(frozen=True, slots=True)
class Told:
    """What was committed, for the bus."""

    room_id: str
    message: BusMessage
    stirred: bool  #: stock or seats changed


async def finish(tx: Connection, book: Book, before: Loaded, origin: int, also: Sequence[Also] = ()) -> Told:
    """Write a book and tell what it caused; the transaction's last statements.

    Args:
        also: what rides with the last one.
    """
    left = await writes.write(tx, book, before)
    caused = book.caused
    if caused.webhooks:
        await outbox.emit(tx, book.deal.shop_id, await _with_viewers(tx, book, caused.webhooks))
    concerned = [(viewer, YourTeam(own=own)) for viewer, own in notices(book)]
    appended = Appended()
    if caused.log or caused.staff or concerned:
        appended = await tell(tx, book.deal.room_id, caused.log, caused.staff, concerned, [*left, *also])
    else:
        for each in (*left, *also):
            await each.execute(tx)
    message = BusMessage(origin=origin, appended=appended, live=[_encode(event) for event in caused.live])
    stirred = bool(caused.held or caused.sold or caused.free) or len(book.teams) != len(before.teams)
    return Told(
        book.deal.room_id,
        message,
        stirred or any(before.teams.get(each.team_id) is not each for each in book.teams.values()),
    )


async def _with_viewers(tx: Connection, book: Book, events: Sequence[tuple[str, object]]) -> list[tuple[str, object]]:
    """The shop's own ids of people instead of pseudonyms, which mean nothing to it."""
    names = {data["viewer"] for _, data in events if isinstance(data, dict) and "viewer" in data}
    if not names:
        return list(events)
    rows = await tx.fetch(
        "SELECT pseudonym, viewer_id FROM person WHERE shop_id = $1 AND pseudonym = ANY($2)",
        book.deal.shop_id,
        list(names),
    )
    known = {row["pseudonym"]: row["viewer_id"] for row in rows}
    return [
        (kind, {**data, "viewer": known.get(data["viewer"])} if isinstance(data, dict) and "viewer" in data else data)
        for kind, data in events
    ]


async def change(
    database: Database, deal_id: str, named: Named, act: Callable[[Book], _T], origin: int = 0
) -> tuple[_T, Told] | None:
    """Run one change of a deal by itself; None: there is no such deal. Contention is tried again.

    Raises:
        Refused, Unavailable, OutcomeUnknown.
    """
    for attempt in range(_RETRIES):
        try:
            async with database.transaction() as tx:
                book = await store.load(tx, deal_id, named)
                if book is None:
                    return None
                before = Loaded.of(book)
                answer = act(book)
                return answer, await finish(tx, book, before, origin)
        except Contention:
            if attempt == _RETRIES - 1:
                raise
    raise AssertionError


class Engine:
    """Viewers' commands of all deals in one process.

    Args:
        new_id: makes ids of teams, seats and payments.
        new_invite: makes 128 random bits as text.
        way: how the provider takes money: authorise, capture.
        told: hands what was committed to the hub and the bus.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        new_id: Callable[[], str],
        new_invite: Callable[[], str],
        way: str,
        told: Callable[[str, Told], None],
        origin: int,
    ) -> None:
        self._database = database
        self._settings = settings
        self._new_id = new_id
        self._new_invite = new_invite
        self._way = way
        self._told = told
        self._origin = origin
        self._batchers: dict[str, Batcher[Work, AnyReply]] = {}

    async def run(self, actor: Actor, command: OpenTeam | JoinTeam | LeaveTeam | PaySeat, room: LocalRoom) -> AnyReply:
        """Run one command; returns its reply after COMMIT. A payment's reply is its id.

        Raises:
            Refused, Unavailable, OutcomeUnknown.
        """
        batcher = self._batchers.get(command.deal)
        if batcher is None:
            if len(self._batchers) >= _MANY_DEALS:
                del self._batchers[next(iter(self._batchers))]  # the oldest; while it has work, that keeps it
            batcher = self._batchers[command.deal] = Batcher(
                "groupbuy",
                functools.partial(self._run, command.deal),
                size=self._settings.batch_size,
                queue=self._settings.batch_queue,
                pause_s=_PAUSE_S,
            )
        reply = await batcher.submit(Work.of(actor, command, room))
        return msgspec.structs.replace(reply, ref=command.ref)

    async def _run(self, deal_id: str, batch: Sequence[Work]) -> list[Outcome]:
        try:
            return await self._transact(deal_id, batch)
        except Poison:
            if len(batch) > 1:
                raise
            # Somebody else's COMMIT came between our look and our write: the second look sees it.
            return await self._transact(deal_id, batch)

    async def _transact(self, deal_id: str, batch: Sequence[Work]) -> list[Outcome]:
        named = Named()
        for each in batch:
            name(named, each)
        async with self._database.transaction() as tx:
            known = await work.claim(tx, batch)
            book = await store.load(tx, deal_id, named)
            if book is None:
                refused: list[Outcome] = [Refused(ErrorCode.DEAL_NOT_FOUND) for _ in batch]
                await work.settle(tx, batch, known, refused)
                return refused
            before = Loaded.of(book)
            outcomes = work.each(batch, known, lambda _, each: self._decide(book, each))
            told = await self._settle(tx, book, before, batch, known, outcomes)
        self._told(deal_id, told)
        return outcomes

    async def _settle(
        self,
        tx: Connection,
        book: Book,
        before: Loaded,
        batch: Sequence[Work],
        known: work.Known,
        outcomes: Sequence[Outcome],
    ) -> Told:
        paying = zip(batch, outcomes, strict=True)
        await people.remember(tx, [each.actor for each, outcome in paying if isinstance(outcome, Posted)])
        return await finish(tx, book, before, self._origin, work.settling(batch, known, outcomes))

    def _decide(self, book: Book, each: Work) -> AnyReply:
        actor, command = each.actor, each.command
        if book.deal.room_id != actor.room_id:
            raise Refused(ErrorCode.DEAL_NOT_FOUND)
        viewer = actor.pseudonym
        match command:
            case OpenTeam():
                name = actor.name if command.show_name else ""
                ids = (self._new_id(), self._new_id())
                return Seated(
                    ref=0, own=buying.open_team(book, ids, viewer, name, self._new_invite(), listed=command.listed)
                )
            case JoinTeam():
                name = actor.name if command.show_name else ""
                return Seated(
                    ref=0,
                    own=buying.join_team(
                        book, self._new_id(), viewer, name, command.team, command.invite, customer=actor.buyer
                    ),
                )
            case LeaveTeam():
                buying.leave_team(book, command.seat, viewer)
                return Ok(ref=0)
            case PaySeat():
                paying = buying.pay_seat(book, command.seat, viewer, self._new_id(), self._way, command.reference)
                return Posted(ref=0, id=paying.payment_id)
        raise LivestreamError(f"{type(command).__name__} is no command of a viewer")


def name(named: Named, each: Work) -> None:
    """Note what a command needs to be decided."""
    command = each.command
    match command:
        case OpenTeam():
            named.opens = True
            named.buyers.add(each.actor.pseudonym)
        case JoinTeam():
            named.buyers.add(each.actor.pseudonym)
            if command.invite is not None:
                named.invites.add(command.invite)
            elif command.team is not None:
                named.teams.add(command.team)
        case LeaveTeam() | PaySeat():
            named.seats.add(command.seat)
            named.money = True
