"""RoomService: the way of a command to the part that runs it. Loads, decides, stores, commits, publishes, answers.

comment                 a batch a room: screen, door, archive, then shown        comments.py
like                    a batch a room, gathered for a moment
seen, block, unblock    a batch a process
invite                  a ticket in Redis, and the staff log
of the staff            a batch a room: the desk decides, room log last             deskwork.py
all else                the part it belongs to                                      parts.py
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import msgspec

from livestream.auth import pseudonym
from livestream.bus import BusMessage
from livestream.config import Settings
from livestream.parts import Running
from livestream.protocol.commands import Block, Command, Comment, Invite, Like, Seen, Unblock
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import Acted
from livestream.protocol.replies import AnyReply, Invited, Ok
from livestream.storage import idempotency, roomlog
from livestream.storage.batcher import Batcher
from livestream.storage.pool import Database
from livestream.tickets import Tickets

from . import deskwork, invitation, store
from .audit import acted
from .comments import Comments
from .desk import Actor
from .deskwork import DeskWork
from .door import Door
from .local import LocalRoom
from .review import Review
from .work import Outcome, Work

_LIKE_GATHER_S = 0.1  #: a hot row and a number nobody waits for


class RoomService:
    """Commands of all rooms in one process.

    Args:
        new_id: makes ids of comments, messages and shows.
        now_ms: the database's clock, as this process has it.
        publish: hands what was committed to the hub and the bus.
        stand_ins: key of pseudonyms.
    """

    def __init__(
        self,
        database: Database,
        door: Door,
        review: Review,
        tickets: Tickets,
        settings: Settings,
        new_id: Callable[[], str],
        now_ms: Callable[[], int],
        publish: Callable[[str, BusMessage], None],
        origin: int,
        stand_ins: bytes,
        parts: Running | None = None,
    ) -> None:
        self._stand_ins = stand_ins
        self._database = database
        self._door = door
        self._tickets = tickets
        self._settings = settings
        self._now_ms = now_ms
        self._publish = publish
        self._origin = origin
        self._parts = parts or Running()
        self._comments = Comments(
            database, door, review, settings, new_id, now_ms, publish, origin, hear=self._parts.hear
        )
        self._desks = DeskWork(database, settings, new_id, publish, origin)
        self._likes: dict[str, Batcher[Work, AnyReply]] = {}
        self._seen: Batcher[Work, AnyReply] = self._batcher("seen", self._run_seen)

    async def run(self, actor: Actor, command: Command, room: LocalRoom) -> AnyReply:
        """Run one command; returns its reply after COMMIT.

        Raises:
            Refused, Unavailable, OutcomeUnknown.
        """
        match command:
            case Comment():
                return await self._comments.post(actor, command, room)
            case Like():
                reply = await self._likes_of(actor.room_id).submit(Work.of(actor, command, room))
            case Seen():
                reply = await self._seen.submit(Work.of(actor, command, room))
            case Block() | Unblock():
                reply = await self._block(actor, command)
            case Invite():
                reply = await self._invite(actor, command, room)
            case _ if type(command) in deskwork.COMMANDS:
                return await self._desks.run(actor, command, room)
            case _:
                return await self._parts.by_command[type(command)].run(actor, command, room)
        return msgspec.structs.replace(reply, ref=command.ref)

    def forget(self, room_id: str) -> None:
        """Drop what is kept for a room that nobody is in."""
        self._comments.forget(room_id)
        self._desks.forget(room_id)
        self._door.forget(room_id)
        self._likes.pop(room_id, None)
        self._parts.forget(room_id)

    def _batcher(
        self, name: str, run: Callable[[Sequence[Work]], object], gather_s: float = 0.0
    ) -> Batcher[Work, AnyReply]:
        settings = self._settings
        return Batcher(name, run, size=settings.batch_size, queue=settings.batch_queue, gather_s=gather_s)  # type: ignore[arg-type]

    def _likes_of(self, room_id: str) -> Batcher[Work, AnyReply]:
        batcher = self._likes.get(room_id)
        if batcher is None:
            batcher = self._batcher("likes", functools.partial(self._run_likes, room_id), _LIKE_GATHER_S)
            self._likes[room_id] = batcher
        return batcher

    async def _run_likes(self, room_id: str, batch: Sequence[Work]) -> list[Outcome]:
        count = sum(work.command.count for work in batch if isinstance(work.command, Like))
        async with self._database.transaction() as tx:
            total = await store.add_likes(tx, room_id, count)
        if total is None:
            return [Refused(ErrorCode.COMMENTS_CLOSED)] * len(batch)
        self._publish(room_id, BusMessage(origin=self._origin, gauges={"likes": total}))
        return [Ok(ref=0)] * len(batch)

    async def _run_seen(self, batch: Sequence[Work]) -> list[Outcome]:
        seen: dict[tuple[str, str], int] = {}
        for work in batch:
            assert isinstance(work.command, Seen)
            slot = (work.actor.room_id, work.actor.pseudonym)
            seen[slot] = max(seen.get(slot, 0), work.command.notice)
        async with self._database.transaction() as tx:
            await store.mark_seen(tx, seen)
        return [Ok(ref=0)] * len(batch)

    async def _invite(self, actor: Actor, command: Invite, room: LocalRoom) -> AnyReply:
        entries: list[Acted] = []

        async def make() -> Invited:
            # A link whose transaction fails is told to nobody, and ends by itself.
            guest, made = await invitation.invite(self._tickets, actor, command, room, self._now_ms())
            who = pseudonym(self._stand_ins, guest.shop_id, f"viewer:{guest.viewer_id}")
            entries.append(acted(actor, command, f"invited {command.name!r} as {command.role}", about=[who]))
            return made

        async with self._database.transaction() as tx:
            reply = await idempotency.once(tx, Work.of(actor, command, room).claim, Invited, make)
            appended = await roomlog.append(tx, actor.room_id, [], entries) if entries else None
        if appended is not None:
            self._publish(actor.room_id, BusMessage(origin=self._origin, appended=appended))
        return reply

    async def _block(self, actor: Actor, command: Block | Unblock) -> AnyReply:
        async with self._database.transaction() as tx:
            if isinstance(command, Unblock):
                await store.unblock(tx, actor.shop_id, actor.pseudonym, command.who)
            elif not await store.known(tx, actor.shop_id, command.who):
                raise Refused(ErrorCode.PERSON_NOT_FOUND, command.who)
            elif not await store.block(tx, actor.shop_id, actor.pseudonym, command.who):
                raise Refused(ErrorCode.TOO_MANY)
        return Ok(ref=0)
