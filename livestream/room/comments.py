"""Comments: from a viewer's words to the archive and the screens. One batch a room.

    hear ─> screen ─> review ─> door ─┬─ COMMIT: archive, staff log of what is held ─> answer ─> screens
                              └─ refused

A comment is shown after it is archived, not beside it: so what a viewer saw is
always in Postgres, and a repeated key shows nothing twice.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from livestream.bus import BusMessage
from livestream.config import Settings
from livestream.moderation import sameness
from livestream.parts import Heard
from livestream.protocol.commands import Comment
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import Commented, Echoed, Held, HeldComment
from livestream.protocol.replies import AnyReply, Posted
from livestream.storage import roomlog
from livestream.storage.batcher import Batcher
from livestream.storage.pool import Connection, Database
from livestream.storage.roomlog import Appended

from . import show, store, work
from .desk import Actor
from .door import Admission, Asked, Door
from .local import LocalRoom
from .review import Review, Reviewed, Verdict
from .sampling import COMPETING, Fate, Standing, sample
from .screen import Screened, screen, screen_chosen
from .work import Outcome, Work

_encode = msgspec.json.Encoder().encode
_SHOWN_ALIKE = 2  #: so many comments of the same words are shown; more are counted beside the first


async def _deaf(actor: Actor, comment: Comment, room: LocalRoom) -> Heard | None:
    return None


@dataclass(slots=True)
class Admitted:
    """A comment that was screened, on its way through the batch."""

    id: str
    work: Work
    screened: Screened
    #: judged once, however often its transaction is tried: the door counts whoever asks
    fate: Fate | Refused = Fate.HELD

    @property
    def alone(self) -> bool:
        """Staff's, or held: others of the same words do not matter."""
        return self.screened.standing is Standing.STAFF or self.screened.held_why is not None


class Comments:
    """Comments of all rooms in one process.

    Args:
        new_id: makes their ids.
        now_ms: the database's clock, as this process has it.
        publish: hands what was committed to the hub and the bus.
        hear: asks whether the words mean more than themselves; an entry by them is made before all else.
    """

    def __init__(
        self,
        database: Database,
        door: Door,
        review: Review,
        settings: Settings,
        new_id: Callable[[], str],
        now_ms: Callable[[], int],
        publish: Callable[[str, BusMessage], None],
        origin: int,
        hear: Callable[[Actor, Comment, LocalRoom], Awaitable[Heard | None]] = _deaf,
    ) -> None:
        self._database = database
        self._hear = hear
        self._door = door
        self._review = review
        self._display_per_s = settings.display_per_s
        self._new_id = new_id
        self._now_ms = now_ms
        self._publish = publish
        self._origin = origin
        self._settings = settings
        self._batchers: dict[str, Batcher[Admitted, AnyReply]] = {}

    async def post(self, actor: Actor, command: Comment, room: LocalRoom) -> AnyReply:
        """Store one comment; returns after COMMIT.

        Raises:
            Refused, Unavailable, OutcomeUnknown.
        """
        heard = await self._hear(actor, command, room)
        try:
            reply = await self._said(actor, command, room, chosen=heard is not None and heard.entered is not None)
        except Refused as refused:
            if heard is None:
                raise
            raise Refused(
                refused.code,
                refused.detail,
                retry_after_ms=refused.retry_after_ms,
                entered=heard.entered,
                not_entered=heard.refused,
                not_entered_why=heard.why,
            ) from refused
        if heard is not None and isinstance(reply, Posted):
            reply = msgspec.structs.replace(
                reply, entered=heard.entered, not_entered=heard.refused, not_entered_why=heard.why
            )
        return msgspec.structs.replace(reply, ref=command.ref)

    async def _said(self, actor: Actor, command: Comment, room: LocalRoom, *, chosen: bool) -> AnyReply:
        """The comment itself; `chosen`: it was an entry, and is not screened like others."""
        work = Work.of(actor, command, room)
        comment_id = self._new_id()
        try:
            now_ms = self._now_ms()
            screened = screen_chosen(actor, room, now_ms) if chosen else screen(actor, command, room, now_ms)
            if not chosen and screened.standing is not Standing.STAFF and screened.held_why is None:
                screened = await self._reviewed(screened, actor, command, room, comment_id)
        except Refused:
            # A repetition is answered as it was the first time, whatever holds, or a review says, by now.
            answered = await self._answered(work)
            if answered is None:
                raise
            return answered
        return await self._batcher_of(room.room_id).submit(Admitted(comment_id, work, screened))

    def forget(self, room_id: str) -> None:
        """Drop what is kept for a room that nobody is in."""
        self._batchers.pop(room_id, None)

    def _batcher_of(self, room_id: str) -> Batcher[Admitted, AnyReply]:
        """A room's own: one whose row is locked holds up no other."""
        batcher = self._batchers.get(room_id)
        if batcher is None:
            settings = self._settings
            batcher = self._batchers[room_id] = Batcher(
                "comments",
                functools.partial(self._run, room_id),
                size=settings.batch_size,
                queue=settings.batch_queue,
                prepare=self._judge,
            )
        return batcher

    async def _answered(self, again: Work) -> AnyReply | None:
        if again.claim is None:
            return None
        async with self._database.read() as connection:
            return await work.answered(connection, again)

    async def _reviewed(
        self, screened: Screened, actor: Actor, command: Comment, room: LocalRoom, comment_id: str
    ) -> Screened:
        comment = Reviewed(id=comment_id, room=room.room_id, by=actor.pseudonym, name=actor.name, text=command.text)
        verdict = await self._review.judge(room.shop_id, comment)
        if verdict is Verdict.REFUSE:
            raise Refused(ErrorCode.TEXT_REFUSED)
        return dataclasses.replace(screened, held_why="review") if verdict is Verdict.HOLD else screened

    async def _run(self, room_id: str, batch: Sequence[Admitted]) -> list[Outcome]:
        works = [each.work for each in batch]
        rows: dict[int, store.CommentRow] = {}
        async with self._database.transaction() as tx:
            known = await work.claim(tx, works)
            opened = (await store.open_shows(tx, [room_id])).get(room_id)

            def decide(index: int, each: Work) -> AnyReply:
                fate = batch[index].fate
                if isinstance(fate, Refused):
                    raise fate
                rows[index] = row = self._row(batch[index], show.require_talking(opened).id, fate)
                return Posted(ref=0, id=row.event.id, shown=row.fate is Fate.SHOWN, held=row.fate is Fate.HELD)

            outcomes = work.each(works, known, decide)
            if rows:
                await store.archive_comments(tx, list(rows.values()))
            await work.settle(tx, works, known, outcomes)
            held = await self._tell_staff(tx, room_id, list(rows.values()))
        for index in rows:
            works[index].room.spoke(works[index].actor.pseudonym, self._now_ms())
        if rows:
            echoes = self._echoes(rows, batch)
            self._publish(room_id, self._message(list(rows.values()), echoes, held))
        return outcomes

    def _echoes(self, rows: dict[int, store.CommentRow], batch: Sequence[Admitted]) -> dict[str, int]:
        """Remember what was said, now that it stands; returns what is told beside the first of it."""
        now = self._now_ms() / 1000
        echoes = {}
        for index, row in rows.items():
            if not batch[index].alone and row.fate in (Fate.SHOWN, Fate.COLLAPSED):
                same = batch[index].work.room.same
                first, times = same.seen(sameness.key(row.event.text), row.event.id, now)
                if row.fate is Fate.COLLAPSED:
                    echoes[first] = times
        return echoes

    def _message(self, rows: Sequence[store.CommentRow], echoes: dict[str, int], held: Appended | None) -> BusMessage:
        live = [_encode(row.event) for row in rows if row.fate is Fate.SHOWN]
        live += [_encode(Echoed(comment=first, times=times)) for first, times in echoes.items()]
        left_out = sum(row.fate is Fate.SAMPLED_OUT for row in rows)
        if held is None:
            return BusMessage(origin=self._origin, live=live, left_out=left_out)
        return BusMessage(origin=self._origin, live=live, left_out=left_out, appended=held)

    async def _judge(self, batch: Sequence[Admitted]) -> None:
        """Give each comment of one room its fate: ask the door, once for the whole batch.

        A repetition was judged when it was said: it costs neither the room's budget nor its author's.
        """
        works = [each.work for each in batch]
        known: work.Known = {}
        if any(each.claim is not None for each in works):
            async with self._database.read() as connection:
                known = await work.seen(connection, works)
        fates = await self._judged({index: batch[index] for index in work.fresh(works, known)})
        for index, fate in fates.items():
            batch[index].fate = fate

    async def _judged(self, comments: dict[int, Admitted]) -> dict[int, Fate | Refused]:
        if not comments:
            return {}
        room = next(iter(comments.values())).work.room
        now = self._now_ms() / 1000
        said = {index: sameness.key(_text(each)) for index, each in comments.items() if not each.alone}
        repeats = _repeats(said, room, now)
        quiet = {index for index, each in comments.items() if each.screened.held_why is not None} | repeats
        free = {index for index, each in comments.items() if each.screened.free}
        order = [index for index in comments if index not in free]
        admission = await self._admit(room, [_asked(comments[index], quiet=index in quiet) for index in order])
        slow = room.state.chat.slow_mode_s
        code = ErrorCode.SLOW_MODE if slow else ErrorCode.RATE_LIMITED
        refused = {order[position]: wait_ms for position, wait_ms in admission.refused.items()}
        competing = [index for index in order if index not in quiet and index not in refused]
        sampled = sample([comments[index].screened.standing for index in competing], admission.granted)
        fates: dict[int, Fate | Refused] = dict.fromkeys(comments, Fate.HELD)
        fates |= dict(zip(competing, sampled, strict=True)) | dict.fromkeys(free, Fate.SHOWN)
        for index, wait_ms in refused.items():
            fates[index] = Refused(code, "over all your connections", retry_after_ms=wait_ms)
        shown = {said[index] for index, fate in fates.items() if fate is Fate.SHOWN and index in said}
        for index in repeats - refused.keys():
            # Only what stands on screens can be told of beside it.
            known = said[index] in shown or room.same.times(said[index], now) > 0
            fates[index] = Fate.COLLAPSED if known else Fate.SAMPLED_OUT
        return fates

    async def _admit(self, room: LocalRoom, asked: Sequence[Asked]) -> Admission:
        if not asked:
            return Admission([0] * len(COMPETING), {})
        per_s = room.staff.policy.display_per_s or self._display_per_s
        slow_mode_s = room.state.chat.slow_mode_s
        return await self._door.admit(room.room_id, per_s, slow_mode_s, asked)

    def _row(self, each: Admitted, show_id: str, fate: Fate) -> store.CommentRow:
        actor, command = each.work.actor, each.work.command
        assert isinstance(command, Comment)
        event = Commented(id=each.id, by=actor.pseudonym, name=actor.name, text=command.text, role=actor.role)
        held_why = each.screened.held_why
        return store.CommentRow(
            actor.shop_id, actor.room_id, show_id, actor.viewer_id, event, fate, self._now_ms(), held_why
        )

    async def _tell_staff(self, tx: Connection, room_id: str, rows: list[store.CommentRow]) -> Appended | None:
        """Append what is held to the staff log; the transaction's last statement."""
        waiting = [_held(row) for row in rows if row.fate is Fate.HELD]
        return await roomlog.append(tx, room_id, [], [Held(comments=waiting)]) if waiting else None


def _asked(each: Admitted, *, quiet: bool) -> Asked:
    return Asked(each.work.actor.pseudonym, each.screened.standing, quiet=quiet)


def _text(each: Admitted) -> str:
    assert isinstance(each.work.command, Comment)
    return each.work.command.text


def _repeats(said: dict[int, str], room: LocalRoom, now: float) -> set[int]:
    """Comments whose words are on screen often enough, counting those of this batch that compete for it."""
    times: dict[str, int] = {}
    repeats = set()
    for index, key in said.items():
        if key not in times:
            times[key] = room.same.times(key, now)
        if times[key] >= _SHOWN_ALIKE:
            repeats.add(index)
        times[key] += 1
    return repeats


def _held(row: store.CommentRow) -> HeldComment:
    event = row.event
    return HeldComment(
        id=event.id,
        by=event.by,
        name=event.name,
        text=event.text,
        at=row.at_ms,
        role=event.role,
        why=row.held_why or "",
    )
