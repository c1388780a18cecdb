"""DeskWork: runs the commands of staff, and reports. One batch a room: lock, decide, write, room log last, COMMIT."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import msgspec

from livestream.bus import BusMessage
from livestream.config import Settings
from livestream.protocol import commands as c
from livestream.protocol.events import Ruled
from livestream.protocol.replies import AnyReply, Ok, Posted
from livestream.storage import roomlog
from livestream.storage.batcher import Batcher
from livestream.storage.pool import Connection, Database
from livestream.storage.roomlog import Also, Appended
from livestream.webhooks import outbox

from . import clocks, desk_store, desk_writes, moderation, refunds, rules, stage, work
from .desk import Actor, Decision, Desk
from .desk_store import Loaded, Named
from .local import LocalRoom
from .work import Outcome, Work

#: those that make something, and are told its id
_MAKERS: dict[type[c.Command], Callable[..., Decision]] = {
    c.Say: stage.say,
    c.Schedule: stage.schedule,
    c.Countdown: clocks.countdown,
    c.Refund: refunds.refund,
}
_DECIDERS: dict[type[c.Command], Callable[..., Decision]] = {
    c.Retract: stage.retract,
    c.Unretract: stage.unretract,
    c.Pin: stage.pin,
    c.Feature: stage.feature,
    c.SetShow: stage.set_show,
    c.CancelCountdown: clocks.cancel_countdown,
    c.Freeze: clocks.freeze,
    c.Unfreeze: clocks.unfreeze,
    c.HandOver: stage.hand_over,
    c.Delete: moderation.delete,
    c.Restore: moderation.restore,
    c.Rule: moderation.rule,
    c.Report: moderation.report,
    c.Mute: moderation.mute,
    c.Unmute: moderation.unmute,
    c.Ban: moderation.ban,
    c.Unban: moderation.unban,
    c.SetChat: rules.set_chat,
    c.SetRoom: rules.set_room,
    c.DecideRefund: refunds.decide_refund,
}


#: every command that a desk decides
COMMANDS = frozenset({*_MAKERS, *_DECIDERS})


def decide(desk: Desk, actor: Actor, command: c.Command, new_id: str) -> Decision:
    """What one command causes; the desk is unchanged.

    Raises:
        Refused: as the command's `errors` tell.
    """
    maker = _MAKERS.get(type(command))
    if maker is not None:
        return maker(desk, actor, command, new_id)
    return _DECIDERS[type(command)](desk, actor, command)


class DeskWork:
    """Desks of all rooms in one process.

    Args:
        new_id: makes ids of messages, shows, countdowns and refunds.
        publish: hands what was committed to the hub and the bus.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        new_id: Callable[[], str],
        publish: Callable[[str, BusMessage], None],
        origin: int,
    ) -> None:
        self._database = database
        self._settings = settings
        self._new_id = new_id
        self._publish = publish
        self._origin = origin
        self._batchers: dict[str, Batcher[Work, AnyReply]] = {}

    async def run(self, actor: Actor, command: c.Command, room: LocalRoom) -> AnyReply:
        """Run one command; returns its reply after COMMIT.

        Raises:
            Refused, Unavailable, OutcomeUnknown.
        """
        batcher = self._batchers.get(actor.room_id)
        if batcher is None:
            batcher = self._batchers[actor.room_id] = Batcher(
                "desk",
                functools.partial(self._run, actor.room_id),
                size=self._settings.batch_size,
                queue=self._settings.batch_queue,
            )
        reply = await batcher.submit(Work.of(actor, command, room))
        return msgspec.structs.replace(reply, ref=command.ref)

    def forget(self, room_id: str) -> None:
        """Drop what is kept for a room that nobody is in."""
        self._batchers.pop(room_id, None)

    async def _run(self, room_id: str, batch: Sequence[Work]) -> list[Outcome]:
        named = Named()
        for each in batch:
            named.add(each.actor.pseudonym, each.command)
        decisions: dict[int, Decision] = {}
        appended: Appended | None = None
        async with self._database.transaction() as tx:
            known = await work.claim(tx, batch)
            desk = await desk_store.load(tx, room_id, named)
            before = Loaded.of(desk)

            def run_one(index: int, each: Work) -> AnyReply:
                decision = decide(desk, each.actor, each.command, self._new_id())
                desk.apply(decision)
                decisions[index] = decision
                return Ok(ref=0) if decision.made is None else Posted(ref=0, id=decision.made)

            outcomes = work.each(batch, known, run_one)
            made = list(decisions.values())
            also = await desk_writes.write_most(tx, room_id, before, desk, made)
            ruled = sum(len(each.comments) for decision in made for each in decision.staff if isinstance(each, Ruled))
            if ruled:
                made.append(await desk_writes.refill(tx, room_id, ruled))
            also += work.settling(batch, known, outcomes)
            events = [event for decision in made for event in decision.webhooks]
            if events:
                await outbox.emit(tx, desk.shop_id, events)
            appended = await append(tx, room_id, made, also)
        if appended is not None:
            self._publish(room_id, BusMessage(origin=self._origin, appended=appended))
            _number(outcomes, decisions, appended)
        return outcomes


async def append(
    tx: Connection, room_id: str, decisions: Sequence[Decision], also: Sequence[Also] = ()
) -> Appended | None:
    """Append what was decided to the room's logs, as the transaction's last statement; None: nothing happened."""
    log = [event for decision in decisions for event in decision.log]
    staff = [event for decision in decisions for event in decision.staff]
    notices = [notice for decision in decisions for notice in decision.notices]
    if not log and not staff and not notices:
        for statement in also:
            await statement.execute(tx)
        return None
    return await roomlog.append(tx, room_id, log, staff, notices, also)


def _number(outcomes: list[Outcome], decisions: dict[int, Decision], appended: Appended) -> None:
    """Tell each command the seq of its first event, now that it is known."""
    position = 0
    for index, decision in decisions.items():
        outcome = outcomes[index]
        if decision.log and isinstance(outcome, Ok | Posted):
            outcomes[index] = msgspec.structs.replace(outcome, seq=appended.log[position].seq)
        position += len(decision.log)
