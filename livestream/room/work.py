"""Work: commands on their way through a batch, and the keys under which their answers are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import structlog

from livestream.protocol.commands import Command
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import AnyReply
from livestream.storage import idempotency
from livestream.storage.idempotency import Claim, Slot, Used
from livestream.storage.pool import Connection
from livestream.storage.roomlog import Also

from .desk import Actor
from .local import LocalRoom

Outcome = AnyReply | Refused
Known = dict[Slot, Used]
_log = structlog.get_logger()
_reply = msgspec.json.Decoder(AnyReply).decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Work:
    """A command, who sent it, and what this process knows of the room."""

    actor: Actor
    command: Command
    room: LocalRoom
    claim: Claim | None

    @classmethod
    def of(cls, actor: Actor, command: Command, room: LocalRoom) -> Work:
        key: str | None = getattr(command, "key", None)
        if key is None:
            return cls(actor, command, room, None)
        tag = str(command.__struct_config__.tag)
        # The same key in another room is another command: it must not be answered with what was done here.
        slot = f"{tag}@{actor.room_id}"
        claim = Claim(actor.shop_id, actor.pseudonym, slot, key, idempotency.body_hash(command))
        return cls(actor, command, room, claim)


async def claim(tx: Connection, batch: Sequence[Work]) -> Known:
    """Take the batch's keys; the transaction's first statement."""
    return await idempotency.claim(tx, [work.claim for work in batch if work.claim is not None])


async def answered(connection: Connection, work: Work) -> AnyReply | None:
    """What was answered under a command's key; None: it is new, or its first time is under way.

    Raises:
        Refused: KEY_REUSED, INTERNAL.
    """
    assert work.claim is not None
    used = await idempotency.find(connection, work.claim)
    return None if used is None else _first_answer(used, work.claim, work.command.ref)


async def seen(connection: Connection, batch: Sequence[Work]) -> Known:
    """The keys of a batch that were answered before, without taking any."""
    return await idempotency.seen(connection, [work.claim for work in batch if work.claim is not None])


def fresh(batch: Sequence[Work], known: Known) -> list[int]:
    """Positions of what is no repetition, of what was done before or of another one in this batch."""
    slots = set(known)
    first = []
    for index, work in enumerate(batch):
        slot = work.claim.slot if work.claim is not None else None
        if slot not in slots:
            first.append(index)
        if slot is not None:
            slots.add(slot)
    return first


def each(batch: Sequence[Work], known: Known, decide: Callable[[int, Work], AnyReply]) -> list[Outcome]:
    """Decide command by command; a key that was used before, here or in this very batch, gets its first answer."""
    outcomes: list[Outcome] = []
    outcome: Outcome
    first: dict[Slot, tuple[bytes, Outcome]] = {}
    for index, work in enumerate(batch):
        claim = work.claim
        try:
            if claim is not None and claim.slot in known:
                outcome = _first_answer(known[claim.slot], claim, work.command.ref)
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


def _first_answer(used: Used, claim: Claim, ref: int) -> AnyReply:
    """What was answered under a key.

    Raises:
        Refused: KEY_REUSED. INTERNAL: another version wrote what this one cannot read, which is no fault of the
            strangers in its batch.
    """
    answer = used.answer_to(claim)
    try:
        reply: AnyReply = _reply(answer)
    except msgspec.ValidationError as error:
        _log.error("work.answer_unread", command=claim.command, ref=ref, exc_info=error)
        raise Refused(ErrorCode.INTERNAL) from error
    return reply


async def settle(tx: Connection, batch: Sequence[Work], known: Known, outcomes: Sequence[Outcome]) -> None:
    """Store the answers under their keys."""
    for statement in settling(batch, known, outcomes):
        await statement.execute(tx)


def settling(batch: Sequence[Work], known: Known, outcomes: Sequence[Outcome]) -> list[Also]:
    """The same as statements, for a transaction that ends with an append."""
    answers: dict[Slot, tuple[Claim, bytes | None]] = {}
    for work, outcome in zip(batch, outcomes, strict=True):
        if work.claim is not None and work.claim.slot not in known and work.claim.slot not in answers:
            answer = None if isinstance(outcome, Refused) else _encode(outcome)
            answers[work.claim.slot] = (work.claim, answer)
    return idempotency.settling(list(answers.values()))
