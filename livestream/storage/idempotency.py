"""Idempotency: the same key again has one effect and the same answer, for 24 hours.

`claim` is the first statement of the transaction: of two transactions with one
key the second waits here until the first has ended. `settle` stores the
answers; a refused command gives its key back, since nothing was done under it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from livestream.protocol.errors import ErrorCode, Refused

from .pool import Connection


class Claim(msgspec.Struct, frozen=True):
    """One use of a key."""

    shop_id: str
    actor: str
    command: str
    key: str
    body_hash: bytes

    @property
    def slot(self) -> tuple[str, str, str, str]:
        return (self.shop_id, self.actor, self.command, self.key)


def body_hash(command: msgspec.Struct) -> bytes:
    """Hash of a command without its `ref`, which differs from try to try."""
    return hashlib.blake2b(msgspec.msgpack.encode(msgspec.structs.replace(command, ref=0)), digest_size=16).digest()


async def claim(tx: Connection, claims: Sequence[Claim]) -> dict[tuple[str, str, str, str], bytes | Refused]:
    """Take these keys.

    Returns: for the slots that were used before, the stored answer (JSON), or
        `Refused(KEY_REUSED)` where the body was another. Slots left out are new.
    """
    if not claims:
        return {}
    unique = sorted({item.slot: item for item in claims}.values(), key=lambda item: item.slot)
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
    rows = await tx.fetch(
        """
        SELECT i.shop_id, i.actor, i.command, i.key, i.body_hash, i.answer::text
          FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS w (shop_id, actor, command, key)
          JOIN idempotency i USING (shop_id, actor, command, key)""",
        *_columns([item for item in unique if item.slot not in taken]),
    )
    hashes = {item.slot: item.body_hash for item in unique}
    found: dict[tuple[str, str, str, str], bytes | Refused] = {}
    for shop_id, actor, command, key, stored_hash, answer in rows:
        slot = (shop_id, actor, command, key)
        found[slot] = answer.encode() if stored_hash == hashes[slot] else Refused(ErrorCode.KEY_REUSED)
    return found


async def settle(tx: Connection, answers: Sequence[tuple[Claim, bytes | None]]) -> None:
    """Store the answers (JSON) of fresh keys; None gives the key back."""
    done = [(item, answer) for item, answer in answers if answer is not None]
    if done:
        await tx.execute(
            """
            UPDATE idempotency i SET answer = w.answer::json
              FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
                AS w (shop_id, actor, command, key, answer)
             WHERE (i.shop_id, i.actor, i.command, i.key) = (w.shop_id, w.actor, w.command, w.key)""",
            *_columns([item for item, _ in done]),
            [answer.decode() for _, answer in done],
        )
    refused = [item for item, answer in answers if answer is None]
    if refused:
        await tx.execute(
            """
            DELETE FROM idempotency i
             USING unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS w (shop_id, actor, command, key)
             WHERE (i.shop_id, i.actor, i.command, i.key) = (w.shop_id, w.actor, w.command, w.key)""",
            *_columns(refused),
        )


async def forget_old(tx: Connection) -> int:
    """Delete keys older than 24 h; returns how many."""
    status = await tx.execute("DELETE FROM idempotency WHERE created_at < clock_timestamp() - interval '24 hours'")
    return int(status.split()[-1])


def _columns(claims: Sequence[Claim]) -> tuple[list[str], list[str], list[str], list[str]]:
    return (
        [item.shop_id for item in claims],
        [item.actor for item in claims],
        [item.command for item in claims],
        [item.key for item in claims],
    )
