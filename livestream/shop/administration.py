"""Administration: rooms, staff, keys, settings and words of a shop."""

from __future__ import annotations

import secrets

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from livestream.auth import pseudonym
from livestream.config import ConfigError
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import Chat, Policy, WordsChanged
from livestream.protocol.shop import (
    AddKey,
    CreateRoom,
    KeyMade,
    PutStaff,
    PutWords,
    RemoveStaff,
    RemoveWords,
    RetireKey,
    ReviewSet,
    Revoke,
    SetReview,
    SetShop,
)
from livestream.protocol.state import RoomState
from livestream.revocations import revoke
from livestream.room import rooms
from livestream.room.desk import Decision
from livestream.shops import require_time_zone
from livestream.webhooks import signature
from livestream.webhooks.target import TargetRefused

from .actions import Action, rooms_of

_REVIEW_KEY_BYTES = 32


def pseudonym_of(action: Action, viewer_id: str) -> str:
    """By which the shop's rooms know a person."""
    return pseudonym(action.stand_ins, action.actor.base_shop_id, f"viewer:{viewer_id}")


async def create_room(action: Action, command: CreateRoom) -> None:
    chat = Chat()
    state = RoomState(room=command.room, title=command.title, chat=chat)
    if not await rooms.create(action.tx, action.shop_id, state, Policy(chat=chat)):
        raise Refused(ErrorCode.ID_TAKEN, command.room)


async def put_staff(action: Action, command: PutStaff) -> None:
    if command.room is not None and command.room not in await rooms_of(action.tx, action.shop_id):
        raise Refused(ErrorCode.ROOM_NOT_FOUND, command.room)
    who = pseudonym_of(action, command.viewer)
    await action.tx.execute(
        """
        INSERT INTO person (shop_id, pseudonym, viewer_id, name) VALUES ($1, $2, $3, $4)
            ON CONFLICT (shop_id, pseudonym) DO UPDATE SET name = excluded.name""",
        action.shop_id,
        who,
        command.viewer,
        command.name,
    )
    await action.tx.execute(
        """
        INSERT INTO staff (shop_id, room_id, pseudonym, role) VALUES ($1, $2, $3, $4)
            ON CONFLICT (shop_id, room_id, pseudonym) DO UPDATE SET role = excluded.role, came_by = 'shop'""",
        action.shop_id,
        command.room or "",
        who,
        command.role,
    )


async def remove_staff(action: Action, command: RemoveStaff) -> None:
    who = pseudonym_of(action, command.viewer)
    await action.tx.execute("DELETE FROM staff WHERE shop_id = $1 AND pseudonym = $2", action.shop_id, who)
    if action.shop_id == action.actor.base_shop_id:  # taken off a rehearsal, they keep their work in the real room
        await revoke(action.tx, action.actor.base_shop_id, pseudonym=who)


async def revoke_person(action: Action, command: Revoke) -> None:
    action.require_real()
    await revoke(action.tx, action.actor.base_shop_id, pseudonym=pseudonym_of(action, command.viewer))


async def add_key(action: Action, command: AddKey) -> None:
    kid = f"{action.shop_id[:50]}-{secrets.token_hex(4)}"
    secret = None if command.public_key is not None else secrets.token_hex(32)
    if command.public_key is not None:
        _require_public_key(command.public_key)
    await action.tx.execute(
        "INSERT INTO shop_key (kid, shop_id, algorithm, key) VALUES ($1, $2, $3, $4)",
        kid,
        action.shop_id,
        "HS256" if secret else "EdDSA",
        secret or command.public_key,
    )
    action.answer = KeyMade(kid=kid, key=secret)


def _require_public_key(pem: str) -> None:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as error:
        raise Refused(ErrorCode.KEY_REFUSED, str(error)) from None
    if not isinstance(key, Ed25519PublicKey):
        raise Refused(ErrorCode.KEY_REFUSED, "another algorithm")


async def retire_key(action: Action, command: RetireKey) -> None:
    rows = await action.tx.fetch(
        "SELECT kid FROM shop_key WHERE shop_id = $1 AND retired_at IS NULL ORDER BY kid FOR UPDATE", action.shop_id
    )
    holding = [row["kid"] for row in rows]
    if command.kid not in holding:
        raise Refused(ErrorCode.KEY_NOT_FOUND, command.kid)
    if len(holding) == 1:
        raise Refused(ErrorCode.LAST_KEY)
    await action.tx.execute("UPDATE shop_key SET retired_at = clock_timestamp() WHERE kid = $1", command.kid)
    await revoke(action.tx, action.actor.base_shop_id, kid=command.kid)


async def set_shop(action: Action, command: SetShop) -> None:
    if command.time_zone is not None:
        try:
            require_time_zone(command.time_zone)
        except ConfigError as error:
            raise Refused(ErrorCode.TIME_ZONE_UNKNOWN, str(error)) from None
    languages = command.starter_languages
    desks = await action.lock(await rooms_of(action.tx, action.shop_id)) if languages is not None else {}
    retention = None if command.retention_days is None else msgspec.json.encode(command.retention_days).decode()
    version = await action.tx.fetchval(
        """
        UPDATE shop SET name = coalesce($2, name), time_zone = coalesce($3, time_zone),
               refund_limit = coalesce($4, refund_limit), starter_languages = coalesce($5, starter_languages),
               words_version = words_version + CASE WHEN $5::text[] IS NULL THEN 0 ELSE 1 END,
               retention = coalesce((retention::jsonb || $6::text::jsonb)::json, retention)
         WHERE shop_id = $1 RETURNING words_version""",
        action.shop_id,
        command.name,
        command.time_zone,
        command.refund_limit,
        languages,
        retention,
    )
    for room_id in desks:
        action.tell(room_id, Decision(staff=[WordsChanged(version=version)]))


async def set_review(action: Action, command: SetReview) -> None:
    secret = None
    if command.url is not None:
        try:
            action.targets.check_url(command.url)
        except TargetRefused as error:
            raise Refused(ErrorCode.WEBHOOK_TARGET_REFUSED, str(error)) from None
        secret = signature.secret_of(secrets.token_bytes(_REVIEW_KEY_BYTES))
    await action.tx.execute(
        "UPDATE shop SET review_url = $2, review_secret = $3, review_fallback = $4 WHERE shop_id = $1",
        action.shop_id,
        command.url,
        secret,
        command.fallback,
    )
    action.answer = ReviewSet(secret=secret)


async def put_words(action: Action, command: PutWords) -> None:
    what = {"hold": "are held", "refuse": "are refused", "allow": "are allowed"}[command.action]
    await _change_words(action, command, f"{len(command.words)} words {what}")
    await action.tx.execute(
        """
        INSERT INTO word (shop_id, text, action) SELECT $1, text, $3 FROM unnest($2::text[]) AS w (text)
            ON CONFLICT (shop_id, text) DO UPDATE SET action = excluded.action""",
        action.shop_id,
        sorted(set(command.words)),
        command.action,
    )


async def remove_words(action: Action, command: RemoveWords) -> None:
    await _change_words(action, command, f"took {len(command.words)} words off the list")
    await action.tx.execute(
        "DELETE FROM word WHERE shop_id = $1 AND text = ANY($2)", action.shop_id, list(command.words)
    )


async def _change_words(action: Action, command: PutWords | RemoveWords, what: str) -> None:
    desks = await action.lock(await rooms_of(action.tx, action.shop_id))
    version = await action.tx.fetchval(
        "UPDATE shop SET words_version = words_version + 1 WHERE shop_id = $1 RETURNING words_version", action.shop_id
    )
    for room_id in desks:
        action.tell(room_id, Decision(staff=[WordsChanged(version=version), action.acted(command, what)]))
