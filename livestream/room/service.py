"""RoomService: runs the room's commands. Loads, decides, stores, commits, publishes, answers: in this order.

    say, pin, schedule, set_show   a batch a room: desk decides, room log last
    comment                        a batch a process: door, archive, then shown
    like                           a batch a room, gathered for a moment
    seen                           a batch a process

A comment is shown after it is archived, not beside it: so what a viewer saw is
always in Postgres, and a repeated key shows nothing twice.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from livestream.bus import BusMessage
from livestream.config import Settings
from livestream.protocol.commands import Command, Comment, Like, Pin, Say, Schedule, Seen, SetShow
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import Commented
from livestream.protocol.replies import AnyReply, Ok, Posted
from livestream.protocol.roles import STAFF, Role
from livestream.storage import idempotency, roomlog
from livestream.storage.batcher import Batcher
from livestream.storage.idempotency import Claim, Slot, Used
from livestream.storage.pool import Connection, Database

from . import show, store
from .desk import Actor, Decision
from .door import Door
from .sampling import Fate, sample

_reply = msgspec.json.Decoder(AnyReply).decode
_encode = msgspec.json.Encoder().encode
_LIKE_GATHER_S = 0.1  #: a hot row and a number nobody waits for


@dataclass(frozen=True, slots=True)
class Work:
    """A command on its way through a batch."""

    actor: Actor
    command: Command
    settings: store.RoomSettings
    claim: Claim | None

    @classmethod
    def of(cls, actor: Actor, command: Command, settings: store.RoomSettings) -> Work:
        key: str | None = getattr(command, "key", None)
        if key is None:
            return cls(actor, command, settings, None)
        tag = str(command.__struct_config__.tag)
        return cls(actor, command, settings, Claim(actor.shop_id, actor.key, tag, key, idempotency.body_hash(command)))


class RoomService:
    """Commands of all rooms in one process.

    Args:
        new_id: makes ids of comments, messages and shows.
        publish: hands what was committed to the hub and the bus.
    """

    def __init__(
        self,
        database: Database,
        door: Door,
        settings: Settings,
        new_id: Callable[[], str],
        publish: Callable[[str, BusMessage], None],
        origin: int,
    ) -> None:
        self._database = database
        self._door = door
        self._settings = settings
        self._new_id = new_id
        self._publish = publish
        self._origin = origin
        self._desks: dict[str, Batcher[Work, AnyReply]] = {}
        self._likes: dict[str, Batcher[Work, AnyReply]] = {}
        self._comments = self._batcher("comments", self._run_comments)
        self._seen = self._batcher("seen", self._run_seen)

    async def run(self, actor: Actor, command: Command, settings: store.RoomSettings) -> AnyReply:
        """Run one command; returns its reply after COMMIT.

        Raises:
            Refused, Unavailable, OutcomeUnknown.
        """
        work = Work.of(actor, command, settings)
        match command:
            case Comment():
                _screen(actor, command, settings)
                reply = await self._comments.submit(work)
            case Like():
                reply = await self._of_room(
                    "likes", self._likes, actor.room_id, self._run_likes, _LIKE_GATHER_S
                ).submit(work)
            case Seen():
                reply = await self._seen.submit(work)
            case Say() | Pin() | Schedule() | SetShow():
                reply = await self._of_room("desk", self._desks, actor.room_id, self._run_desk).submit(work)
            case _:
                raise TypeError(f"not a room command: {command!r}")
        return msgspec.structs.replace(reply, ref=command.ref)

    def forget(self, room_id: str) -> None:
        """Drop what is kept for a room that nobody is in."""
        self._desks.pop(room_id, None)
        self._likes.pop(room_id, None)

    def _batcher(
        self,
        name: str,
        run: Callable[[Sequence[Work]], object],
        gather_s: float = 0.0,
    ) -> Batcher[Work, AnyReply]:
        settings = self._settings
        return Batcher(name, run, size=settings.batch_size, queue=settings.batch_queue, gather_s=gather_s)  # type: ignore[arg-type]

    def _of_room(
        self,
        name: str,
        batchers: dict[str, Batcher[Work, AnyReply]],
        room_id: str,
        run: Callable[[str, Sequence[Work]], object],
        gather_s: float = 0.0,
    ) -> Batcher[Work, AnyReply]:
        batcher = batchers.get(room_id)
        if batcher is None:
            batcher = batchers[room_id] = self._batcher(name, functools.partial(run, room_id), gather_s)
        return batcher

    async def _run_desk(self, room_id: str, batch: Sequence[Work]) -> list[AnyReply | Refused]:
        async with self._database.transaction() as tx:
            known = await _claim(tx, batch)
            desk = await store.load_desk(
                tx,
                room_id,
                [work.command.message for work in batch if isinstance(work.command, Pin) and work.command.message],
                [work.command.answers for work in batch if isinstance(work.command, Say) and work.command.answers],
            )
            decisions: dict[int, Decision] = {}

            def decide(index: int, work: Work) -> AnyReply:
                decisions[index] = made = desk.run(work.actor, work.command, self._new_id())
                return Ok(ref=0) if made.made is None else Posted(ref=0, id=made.made)

            outcomes = _each(batch, known, decide)
            made = list(decisions.values())
            await store.write_decisions(tx, room_id, made)
            await _settle(tx, batch, known, outcomes)
            if not made:
                return outcomes
            appended = await roomlog.append(
                tx,
                room_id,
                [event for decision in made for event in decision.log],
                [event for decision in made for event in decision.staff],
                [notice for decision in made for notice in decision.notices],
            )
        self._publish(room_id, BusMessage(origin=self._origin, appended=appended))
        _number(outcomes, decisions, appended)
        return outcomes

    async def _run_comments(self, batch: Sequence[Work]) -> list[AnyReply | Refused]:
        fates = await self._judge(batch)
        rows: dict[int, store.CommentRow] = {}
        async with self._database.transaction() as tx:
            known = await _claim(tx, batch)
            shows = await store.open_shows(tx, sorted({work.actor.room_id for work in batch}))

            def decide(index: int, work: Work) -> AnyReply:
                fate = fates[index]
                if isinstance(fate, Refused):
                    raise fate
                opened = show.require_talking(shows.get(work.actor.room_id))
                rows[index] = row = self._comment_row(work, opened.id, fate)
                return Posted(ref=0, id=row.event.id, shown=fate is Fate.SHOWN)

            outcomes = _each(batch, known, decide)
            if rows:
                await store.archive_comments(tx, list(rows.values()))
            await _settle(tx, batch, known, outcomes)
        for room_id in {row.room_id for row in rows.values()}:
            self._show_comments(room_id, [row for row in rows.values() if row.room_id == room_id])
        return outcomes

    async def _judge(self, batch: Sequence[Work]) -> list[Fate | Refused]:
        """Ask each room's door once for the whole batch."""
        fates: list[Fate | Refused] = [Fate.SHOWN] * len(batch)
        by_room: dict[str, list[int]] = {}
        for index, work in enumerate(batch):
            by_room.setdefault(work.actor.room_id, []).append(index)
        for room_id, indexes in by_room.items():
            rate = batch[indexes[0]].settings.display_per_s or self._settings.display_per_s
            authors = [batch[index].actor for index in indexes]
            admission = await self._door.admit(
                room_id,
                rate,
                [actor.pseudonym for actor in authors],
                {actor.pseudonym for actor in authors if actor.role in STAFF},
            )
            admitted = [index for position, index in enumerate(indexes) if position not in admission.refused]
            sampled = sample([batch[index].actor.role for index in admitted], admission.budget)
            for index in indexes:
                fates[index] = Refused(ErrorCode.RATE_LIMITED, "over all your connections", retry_after_ms=5000)
            for index, fate in zip(admitted, sampled, strict=True):
                fates[index] = fate
        return fates

    def _comment_row(self, work: Work, show_id: str, fate: Fate) -> store.CommentRow:
        actor = work.actor
        assert isinstance(work.command, Comment)
        event = Commented(
            id=self._new_id(), by=actor.pseudonym, name=actor.name, text=work.command.text, role=actor.role
        )
        return store.CommentRow(actor.room_id, show_id, actor.viewer_id, event, fate)

    def _show_comments(self, room_id: str, rows: list[store.CommentRow]) -> None:
        shown = [_encode(row.event) for row in rows if row.fate is Fate.SHOWN]
        left_out = sum(row.fate is Fate.SAMPLED_OUT for row in rows)
        self._publish(room_id, BusMessage(origin=self._origin, live=shown, left_out=left_out))

    async def _run_likes(self, room_id: str, batch: Sequence[Work]) -> list[AnyReply | Refused]:
        count = sum(work.command.count for work in batch if isinstance(work.command, Like))
        async with self._database.transaction() as tx:
            total = await store.add_likes(tx, room_id, count)
        if total is None:
            return [Refused(ErrorCode.COMMENTS_CLOSED)] * len(batch)
        self._publish(room_id, BusMessage(origin=self._origin, gauges={"likes": total}))
        return [Ok(ref=0)] * len(batch)

    async def _run_seen(self, batch: Sequence[Work]) -> list[AnyReply | Refused]:
        seen: dict[tuple[str, str], int] = {}
        for work in batch:
            assert isinstance(work.command, Seen)
            assert work.actor.viewer_id is not None
            slot = (work.actor.room_id, work.actor.viewer_id)
            seen[slot] = max(seen.get(slot, 0), work.command.notice)
        async with self._database.transaction() as tx:
            await store.mark_seen(tx, seen)
        return [Ok(ref=0)] * len(batch)


def _screen(actor: Actor, command: Comment, settings: store.RoomSettings) -> None:
    """Refuse at once what needs no store to be judged."""
    if actor.role is Role.ANONYMOUS and not settings.anonymous_comments:
        raise Refused(ErrorCode.SIGN_IN_REQUIRED)
    if not actor.name:
        raise Refused(ErrorCode.NAME_REQUIRED)
    if len(command.text) > settings.comment_chars and actor.role not in STAFF:
        raise Refused(
            ErrorCode.INVALID, f"a comment here has {settings.comment_chars} characters at most - at `$.text`"
        )


Known = dict[Slot, Used]


async def _claim(tx: Connection, batch: Sequence[Work]) -> Known:
    return await idempotency.claim(tx, [work.claim for work in batch if work.claim is not None])


def _each(batch: Sequence[Work], known: Known, decide: Callable[[int, Work], AnyReply]) -> list[AnyReply | Refused]:
    """Decide command by command; a key that was used before, here or in this very batch, gets its first answer."""
    outcomes: list[AnyReply | Refused] = []
    outcome: AnyReply | Refused
    first: dict[Slot, tuple[bytes, AnyReply | Refused]] = {}
    for index, work in enumerate(batch):
        claim = work.claim
        try:
            if claim is not None and claim.slot in known:
                outcome = _reply(known[claim.slot].answer_to(claim))
            elif claim is not None and claim.slot in first:
                body_hash, outcome = first[claim.slot]
                if body_hash != claim.body_hash:
                    outcome = Refused(ErrorCode.KEY_REUSED)
            else:
                outcome = decide(index, work)
        except Refused as refused:
            outcome = refused
        if claim is not None:
            first.setdefault(claim.slot, (claim.body_hash, outcome))
        outcomes.append(outcome)
    return outcomes


async def _settle(tx: Connection, batch: Sequence[Work], known: Known, outcomes: list[AnyReply | Refused]) -> None:
    answers: dict[Slot, tuple[Claim, bytes | None]] = {}
    for work, outcome in zip(batch, outcomes, strict=True):
        if work.claim is not None and work.claim.slot not in known and work.claim.slot not in answers:
            answer = None if isinstance(outcome, Refused) else _encode(outcome)
            answers[work.claim.slot] = (work.claim, answer)
    if answers:
        await idempotency.settle(tx, list(answers.values()))


def _number(outcomes: list[AnyReply | Refused], decisions: dict[int, Decision], appended: roomlog.Appended) -> None:
    """Tell each command the seq of its first event, now that it is known."""
    position = 0
    for index, decision in decisions.items():
        outcome = outcomes[index]
        if decision.log and isinstance(outcome, Ok | Posted):
            outcomes[index] = msgspec.structs.replace(outcome, seq=appended.log[position].seq)
        position += len(decision.log)
