"""Idempotency: the same key again has one effect and the same answer, for 24 hours.

`claim` is the first statement of the transaction: of two transactions with one
key the second waits here until the first has ended. `settle` stores the
answers; a refused command gives its key back, since nothing was done under it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from livestream.protocol.errors import ErrorCode, Refused

from .pool import Connection
from .roomlog import Also

_ANSWER = """
UPDATE idempotency i SET answer = w.answer::json
  FROM unnest({0}::text[], {1}::text[], {2}::text[], {3}::text[], {4}::text[])
    AS w (shop_id, actor, command, key, answer)
 WHERE (i.shop_id, i.actor, i.command, i.key) = (w.shop_id, w.actor, w.command, w.key)"""
_GIVE_BACK = """
DELETE FROM idempotency i
 USING unnest({0}::text[], {1}::text[], {2}::text[], {3}::text[]) AS w (shop_id, actor, command, key)
 WHERE (i.shop_id, i.actor, i.command, i.key) = (w.shop_id, w.actor, w.command, w.key)"""

Slot = tuple[str, str, str, str]  #: shop, actor, command, key

_FORGET_AT_ONCE = 10_000


class Claim(msgspec.Struct, frozen=True):
    """One use of a key."""

    shop_id: str
    actor: str
    command: str
    key: str
    body_hash: bytes

    @property
    def slot(self) -> Slot:
        return (self.shop_id, self.actor, self.command, self.key)


def body_hash(command: msgspec.Struct) -> bytes:
    """Hash of a command without its `ref`, which differs from try to try."""
    return hashlib.blake2b(msgspec.msgpack.encode(msgspec.structs.replace(command, ref=0)), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Used:
    """What is stored under a key that was used before."""

    body_hash: bytes
    answer: bytes  #: JSON

    def answer_to(self, claim: Claim) -> bytes:
        """The stored answer, if it was the same command.

        Raises:
            Refused: KEY_REUSED.
        """
        if claim.body_hash != self.body_hash:
            raise Refused(ErrorCode.KEY_REUSED)
        return self.answer


async def claim(tx: Connection, claims: Sequence[Claim]) -> dict[Slot, Used]:
    """Take these keys. Of claims to one slot the first counts, here as in what the caller decides.

    Returns: the slots that were used before, with what is stored there. Slots left out are new.
    """
    if not claims:
        return {}
    first: dict[Slot, Claim] = {}
    for item in claims:
        first.setdefault(item.slot, item)
    unique = sorted(first.values(), key=lambda item: item.slot)
    fresh = await tx.fetch(
        """
        INSERT INTO idempotency (shop_id, actor, command, key, body_hash)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[])
            ON CONFLICT DO NOTHING RETURNING shop_id, actor, command, key""",
        *_columns(unique),
        [item.body_hash for item in unique],
    )
    taken = {tuple(row.values()) for row in fresh}
    if len(taken) == len(unique):
        return {}
    return await _stored(tx, [item for item in unique if item.slot not in taken])


async def find(connection: Connection, claim: Claim) -> Used | None:
    """What is stored under a key; None: nothing, or not yet."""
    return (await _stored(connection, [claim])).get(claim.slot)


async def _stored(connection: Connection, claims: Sequence[Claim]) -> dict[Slot, Used]:
    rows = await connection.fetch(
        """
        SELECT i.shop_id, i.actor, i.command, i.key, i.body_hash, i.answer::text
          FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS w (shop_id, actor, command, key)
          JOIN idempotency i USING (shop_id, actor, command, key)
         WHERE i.answer IS NOT NULL""",
        *_columns(claims),
    )
    return {
        (shop_id, actor, command, key): Used(stored_hash, answer.encode())
        for shop_id, actor, command, key, stored_hash, answer in rows
    }


async def settle(tx: Connection, answers: Sequence[tuple[Claim, bytes | None]]) -> None:
    """Store the answers (JSON) of fresh keys; None gives the key back."""
    for statement in settling(answers):
        await statement.execute(tx)


def settling(answers: Sequence[tuple[Claim, bytes | None]]) -> list[Also]:
    """The same as statements, for a transaction that ends with an append."""
    statements = []
    done = [(item, answer) for item, answer in answers if answer is not None]
    if done:
        columns = _columns([item for item, _ in done])
        statements.append(Also(_ANSWER, (*columns, [answer.decode() for _, answer in done])))
    refused = [item for item, answer in answers if answer is None]
    if refused:
        statements.append(Also(_GIVE_BACK, _columns(refused)))
    return statements


async def forget_old(tx: Connection) -> int:
    """Delete keys older than 24 h, some at a time; returns how many."""
    status = await tx.execute(
        """
        DELETE FROM idempotency WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM idempotency WHERE created_at < statement_timestamp() - interval '24 hours' LIMIT $1))""",
        _FORGET_AT_ONCE,
    )
    return int(status.split()[-1])


def _columns(claims: Sequence[Claim]) -> tuple[list[str], list[str], list[str], list[str]]:
    return (
        [item.shop_id for item in claims],
        [item.actor for item in claims],
        [item.command for item in claims],
        [item.key for item in claims],
    )
