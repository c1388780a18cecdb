"""Rehearsal: a room to try the show in, of a shop of its own, so that its stock, money and people are not for real.

The shop's tokens open it: who rehearses signs in as on the night itself.
"""

from __future__ import annotations

import secrets

from livestream.ids import IdMaker
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import Show, ShowChanged
from livestream.protocol.shop import EraseRehearsal, Rehearsal, Rehearse
from livestream.protocol.show import ShowState
from livestream.protocol.state import RoomState
from livestream.room import desk_writes, rooms, store
from livestream.storage.pool import Connection

from .actions import Action

#: what a clone takes along, table by table: columns beside the shop's id
_CLONED = {
    "word": "text, action",
    "product": "product_id, body, removed_at",
    "stock": "product_id, variant_id, units",
}
#: everything that hangs on a rehearsal's room, children first
_ROOM_TABLES = (
    "refund", "report", "sanction", "deadline", "notice", "notice_seen", "room_log", "staff_log", "host_message",
    "comment", "show", "room_head", "room",
)  # fmt: skip
#: and on its shop
_SHOP_TABLES = (
    "purchase", "stock", "product", "word", "block", "staff", "person", "revocation", "idempotency",
    "webhook_delivery", "webhook_message", "webhook_endpoint", "shop_key", "shop",
)  # fmt: skip


async def rehearse(action: Action, command: Rehearse) -> None:
    """A clone has the room's rules, title, products, words, staff, and its show, to begin; no webhooks leave it."""
    tx = action.tx
    source = await tx.fetchrow(
        "SELECT state::text, policy::text FROM room WHERE room_id = $1 AND shop_id = $2",
        command.room,
        action.actor.base_shop_id,
    )
    if source is None:
        raise Refused(ErrorCode.ROOM_NOT_FOUND, command.room)
    number = secrets.token_hex(4)
    shop_id, room_id = f"{action.actor.base_shop_id[:48]}~{number}", f"{command.room[:50]}-r-{number}"
    await tx.execute(
        """
        INSERT INTO shop (shop_id, name, demo, rehearsal_of, time_zone, starter_languages, words_version, refund_limit,
                          review_url, review_secret, review_fallback, retention)
        SELECT $2, name, demo, $1, time_zone, starter_languages, words_version, refund_limit,
               review_url, review_secret, review_fallback, retention FROM shop WHERE shop_id = $1""",
        action.actor.base_shop_id,
        shop_id,
    )
    for table, columns in _CLONED.items():
        await tx.execute(
            f"INSERT INTO {table} (shop_id, {columns}) SELECT $2, {columns} FROM {table} WHERE shop_id = $1"
            + (" ORDER BY position" if table == "product" else ""),
            action.actor.base_shop_id,
            shop_id,
        )
    await _clone_staff(action, shop_id, command.room, room_id)
    before, policy = store.read_state(source["state"]), store.read_policy(source["policy"])
    state = RoomState(
        room=room_id,
        title=before.title,
        chat=policy.chat,  # as it was set: nobody has been away from the rehearsal yet
        video_delay_ms=before.video_delay_ms,
        rehearsal=True,
        featured=before.featured,
        show=await _fresh(tx, before.show),
    )
    await rooms.create(tx, shop_id, state, policy)
    if state.show is not None:
        await desk_writes.write_show(tx, room_id, ShowChanged(show=state.show))
    action.answer = Rehearsal(shop=shop_id, room=room_id)


async def _fresh(tx: Connection, show: Show | None) -> Show | None:
    """The same show, not begun yet; None: there is none to rehearse."""
    if show is None or show.state is ShowState.ENDED:
        return None
    now_ms: int = await tx.fetchval("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint")
    return Show(
        id=IdMaker(secrets.randbits(11)).next(now_ms),
        title=show.title,
        state=ShowState.SCHEDULED,
        starts_at=show.starts_at,
        time_zone=show.time_zone,
    )


async def _clone_staff(action: Action, shop_id: str, source: str, room_id: str) -> None:
    await action.tx.execute(
        """
        INSERT INTO person (shop_id, pseudonym, viewer_id, name)
        SELECT DISTINCT $2, pseudonym, viewer_id, name FROM person JOIN staff USING (shop_id, pseudonym)
         WHERE shop_id = $1 AND room_id IN ('', $3)""",
        action.actor.base_shop_id,
        shop_id,
        source,
    )
    await action.tx.execute(
        "INSERT INTO staff (shop_id, room_id, pseudonym, role)"
        " SELECT DISTINCT ON (pseudonym) $2, '', pseudonym, role FROM staff"
        " WHERE shop_id = $1 AND room_id IN ('', $3) ORDER BY pseudonym, room_id DESC",
        action.actor.base_shop_id,
        shop_id,
        source,
    )


async def erase_rehearsal(action: Action, command: EraseRehearsal) -> None:
    """Whoever is still in it finds no room when they come back."""
    tx = action.tx
    shop_id = await tx.fetchval(
        "SELECT shop_id FROM room JOIN shop USING (shop_id) WHERE room_id = $1 AND rehearsal_of = $2",
        command.room,
        action.actor.base_shop_id,
    )
    if shop_id is None:
        raise Refused(ErrorCode.ROOM_NOT_FOUND, command.room)
    room_ids = [row["room_id"] for row in await tx.fetch("SELECT room_id FROM room WHERE shop_id = $1", shop_id)]
    for table in _ROOM_TABLES:
        await tx.execute(f"DELETE FROM {table} WHERE room_id = ANY($1)", room_ids)
    for table in _SHOP_TABLES:
        await tx.execute(f"DELETE FROM {table} WHERE shop_id = $1", shop_id)
