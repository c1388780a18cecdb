"""Hosting: what hosts do with draws. One transaction a command: room, draw, decide, write, room log last, COMMIT."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from livestream.bus import BusMessage
from livestream.parts import Ground
from livestream.protocol import commands as c
from livestream.protocol import limits
from livestream.protocol.draw_hooks import DrawCancelledHook, DrawOpenedHook
from livestream.protocol.draws import DrawLogEvent, DrawPlan, PassedWhy
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import NoticeEvent
from livestream.protocol.replies import Announced, AnyReply, Ok
from livestream.room import work
from livestream.room.audit import acted
from livestream.room.clocks import closes_at
from livestream.room.desk import Actor
from livestream.room.local import LocalRoom
from livestream.room.show import TALKING
from livestream.room.telling import tell
from livestream.room.work import Work
from livestream.storage.pool import Connection, Contention
from livestream.webhooks import outbox

from . import cohosts, holders, machine, publish, store
from .entering import GAUGE
from .entry import salt_hash
from .passing import Passed, hand_on
from .rules import Rules, rules_hash
from .signing import public_of, shop_key
from .store import Held, Room

_RETRIES = 5
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Made:
    """What one command caused."""

    what: str  #: for the audit trail, past tense
    log: list[DrawLogEvent] = field(default_factory=list)
    draw: str | None = None  #: it made this one
    why: str | None = None
    webhooks: list[tuple[str, object]] = field(default_factory=list)
    notices: list[tuple[str, NoticeEvent]] = field(default_factory=list)


class Hosting:
    """Commands of hosts in one process."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._run_of: dict[type[c.Command], Callable[[Connection, Room, Any], Awaitable[Made]]] = {
            c.CreateDraw: self._create,
            c.SaveTemplate: self._save,
            c.OpenDraw: self._open,
            c.CloseDraw: self._close,
            c.CancelDraw: self._cancel,
            c.RevealDraw: self._reveal,
            c.MarkClaimed: self._mark,
            c.DisqualifyWinner: self._disqualify,
        }

    async def run(self, actor: Actor, command: c.Command, room: LocalRoom) -> AnyReply:
        """Raises:
        Refused, Unavailable, OutcomeUnknown.
        """
        if isinstance(command, c.RevealDraw):
            await self._require_promised(actor, command)
        for _ in range(_RETRIES):
            try:
                reply = await self._attempt(Work.of(actor, command, room))
            except Contention:
                continue
            return msgspec.structs.replace(reply, ref=command.ref)
        raise Refused(ErrorCode.BUSY, "the room stays locked", retry_after_ms=1000)

    async def _require_promised(self, actor: Actor, command: c.RevealDraw) -> None:
        """Anybody may try, so what is no secret of this draw takes no lock."""
        async with self._ground.database.read() as connection:
            held = await store.look(connection, command.draw)
        if held is None or held.room_id != actor.room_id:
            raise Refused(ErrorCode.DRAW_NOT_FOUND, command.draw)
        if held.rules is None:
            raise Refused(ErrorCode.REVEAL_REFUSED, "the draw is not open yet")
        machine.require_promised(command.draw, held.rules, command.party, bytes.fromhex(command.secret))

    async def _attempt(self, one: Work) -> AnyReply:
        actor, command, made, appended = one.actor, one.command, None, None
        async with self._ground.database.transaction() as tx:
            known = await work.claim(tx, [one])
            if one.claim is not None and one.claim.slot in known:
                [outcome] = work.each([one], known, lambda *_: Ok(ref=0))
                if isinstance(outcome, Refused):
                    raise outcome
                return outcome
            room = await store.lock_room(tx, actor.room_id)
            made = await self._run_of[type(command)](tx, room, command)
            reply = Ok(ref=0) if made.draw is None else Announced(ref=0, draw=made.draw)
            await work.settle(tx, [one], known, [reply])
            if made.webhooks:
                await outbox.emit(tx, actor.shop_id, made.webhooks)
            entry = acted(actor, command, made.what, made.why)
            appended = await tell(tx, actor.room_id, made.log, [entry], made.notices)
        # Who is in is counted anew, for those who still see the count of the draw before.
        gauges = {GAUGE: 0} if isinstance(command, c.OpenDraw) else {}
        self._ground.publish(actor.room_id, BusMessage(origin=self._ground.origin, appended=appended, gauges=gauges))
        return msgspec.structs.replace(reply, seq=appended.log[0].seq) if appended.log else reply

    async def _create(self, tx: Connection, room: Room, command: c.CreateDraw) -> Made:
        publish.check(command.plan, self._place(room))
        waiting = [each for each in await store.queue(tx, room.room_id) if each.state == "announced"]
        draw_id = room.now_ms.to_bytes(6, "big").hex() + secrets.token_hex(10)
        event = machine.announce(publish.announced(draw_id, command.plan), len(waiting))
        await store.create(tx, room, event.draw, command.plan, secrets.token_bytes(32), secrets.token_bytes(32))
        return Made(f"announced the draw {command.plan.title!r}", [event], draw_id)

    async def _save(self, tx: Connection, room: Room, command: c.SaveTemplate) -> Made:
        if command.plan is None:
            status = await tx.execute(
                "DELETE FROM draw_template WHERE shop_id = $1 AND name = $2", room.shop_id, command.name
            )
            if status == "DELETE 0":
                raise Refused(ErrorCode.TEMPLATE_NOT_FOUND, command.name)
            return Made(f"took the draw template {command.name!r} away")
        publish.check(command.plan, self._place(room))
        kept = await tx.fetchval(
            """
            INSERT INTO draw_template (shop_id, name, plan) SELECT $1, $2, $3::text::json
             WHERE (SELECT count(*) FROM draw_template WHERE shop_id = $1 AND name <> $2) < $4
                ON CONFLICT (shop_id, name) DO UPDATE SET plan = excluded.plan, at = excluded.at RETURNING true""",
            room.shop_id,
            command.name,
            _encode(command.plan).decode(),
            limits.DRAW_TEMPLATES,
        )
        if not kept:
            raise Refused(ErrorCode.TOO_MANY)
        return Made(f"kept the draw template {command.name!r}")

    async def _open(self, tx: Connection, room: Room, command: c.OpenDraw) -> Made:
        held = await _held(tx, room, command.draw)
        if room.show_state not in TALKING:
            raise Refused(ErrorCode.NO_SHOW, "viewers can enter while a show warms up, runs or pauses")
        if room.frozen_at is not None:
            raise Refused(ErrorCode.FROZEN)
        place, plan = self._place(room), held.plan
        publish.check(plan, place)
        key = await shop_key(tx, room.shop_id)
        own = cohosts.commitment(bytes.fromhex(held.draw.id), 1, held.secret)
        rules = publish.rules_of(
            held.draw.id,
            plan,
            place,
            closes_at(held.now_ms, _seconds(plan), room.video_delay_ms),
            salt_hash(held.salt),
            public_of(key),
            publish.beacon_of(held.draw.id, plan, own, command.names, command.commitments),
        )
        hash = rules_hash(rules)
        opened = publish.opened(held.draw, rules, hash, held.now_ms)
        event = machine.open_(held.draw, opened, await store.queue(tx, room.room_id))
        await store.evolve(
            tx,
            held,
            event,
            rules=opened.rules.encode(),
            rules_hash=hash,
            opened_at=held.now_ms,
            signing_key=key,
            show_id=room.show_id,
        )
        made = Made(f"opened the draw {plan.title!r}", [event])
        made.webhooks.append(store.webhook(DrawOpenedHook, held))
        return made

    async def _close(self, tx: Connection, room: Room, command: c.CloseDraw) -> Made:
        held = await _held(tx, room, command.draw)
        event = machine.close(held.draw, _opened(held), held.now_ms)
        if room.show_id != held.show_id:  # how it ends was decided when the show did, and the worker says it
            raise Refused(ErrorCode.DRAW_STATE, "its show is over")
        await store.close(tx, held, event)
        return Made(f"closed the draw {held.draw.title!r}", [event])

    async def _cancel(self, tx: Connection, room: Room, command: c.CancelDraw) -> Made:
        held = await _held(tx, room, command.draw)
        event = machine.cancel(held.draw, command.why, held.now_ms, held.frozen_at)
        await store.evolve(tx, held, event)
        made = Made(f"cancelled the draw {held.draw.title!r}", [event], why=command.why)
        made.webhooks.append(store.webhook(DrawCancelledHook, held, why=command.why))
        return made

    async def _reveal(self, tx: Connection, room: Room, command: c.RevealDraw) -> Made:
        held = await _held(tx, room, command.draw)
        secret = bytes.fromhex(command.secret)
        if held.rules is None:
            raise Refused(ErrorCode.REVEAL_REFUSED, "the draw is not open yet")
        event = machine.reveal(held.draw, held.rules, command.party, secret, held.now_ms)
        await store.add_reveal(tx, held.draw.id, command.party, secret, held.now_ms)
        await store.evolve(tx, held, event)
        return Made(f"revealed the secret of co-host {command.party} of {held.draw.title!r}", [event])

    async def _mark(self, tx: Connection, room: Room, command: c.MarkClaimed) -> Made:
        held = await _held(tx, room, command.draw)
        holder = await holders.of_prize(tx, held, command.prize)
        told = await holders.hand_over(tx, held, holder)
        made = Made(f"handed over prize {command.prize + 1} of the draw {held.draw.title!r}")
        if told is not None:
            made.notices.append(told)
        return made

    async def _disqualify(self, tx: Connection, room: Room, command: c.DisqualifyWinner) -> Made:
        held = await _held(tx, room, command.draw)
        holder = await holders.of_prize(tx, held, command.prize)
        holders.require_open(held, holder)
        passed = Passed(held)
        await hand_on(tx, passed, holder.prize, holder.entry_id, PassedWhy.DISQUALIFIED)
        what = f"disqualified who won prize {command.prize + 1} of the draw {held.draw.title!r}"
        return Made(what, passed.events, why=command.why, webhooks=passed.webhooks, notices=passed.notices)

    def _place(self, room: Room) -> publish.Place:
        return publish.Place(room.title or room.room_id, room.rehearsal, self._ground.team_members is not None)


def _seconds(plan: DrawPlan) -> int:
    return limits.DRAW_BY_HAND_S if plan.seconds is None else plan.seconds


async def _held(tx: Connection, room: Room, draw_id: str) -> Held:
    found = await store.lock(tx, room.room_id, [draw_id])
    if draw_id not in found:
        raise Refused(ErrorCode.DRAW_NOT_FOUND, draw_id)
    return found[draw_id]


def _opened(held: Held) -> Rules:
    if held.rules is None:
        raise Refused(ErrorCode.DRAW_STATE, f"it is {held.draw.state}")
    return held.rules
