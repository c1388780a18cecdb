"""SQL behind the desk: writes the rows that follow from a batch's events, takes words out of those that quote them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from livestream.protocol import limits
from livestream.protocol.events import (
    Clock,
    CountdownEnded,
    CountdownStarted,
    Deleted,
    Event,
    Held,
    HostMessage,
    Lifted,
    RefundChanged,
    RefundRequest,
    Reported,
    Restored,
    Retracted,
    Ruled,
    Said,
    Sanctioned,
    ShowChanged,
    Unfrozen,
    Unretracted,
)
from livestream.storage import deadlines
from livestream.storage.deadlines import Deadline
from livestream.storage.pool import Connection
from livestream.storage.roomlog import Also

from . import store
from .desk import Decision, Desk
from .desk_store import Loaded, slim
from .redaction import redact

COUNTDOWN = "countdown"  #: kind of the room's own deadline
_encode = msgspec.json.Encoder().encode
#: which events quote, as the indexes on `quoted(event)` have it
_QUOTING = {
    "room_log": "event->>'t' IN ('said', 'pinned', 'unretracted', 'restored')",
    "notice": "event->>'t' = 'answered'",
}


async def write(tx: Connection, room_id: str, before: Loaded, after: Desk, decisions: Sequence[Decision]) -> None:
    """Write the rows behind a batch's events, in the fixed lock order."""
    for statement in await write_most(tx, room_id, before, after, decisions):
        await statement.execute(tx)


async def write_most(
    tx: Connection, room_id: str, before: Loaded, after: Desk, decisions: Sequence[Decision]
) -> list[Also]:
    """The same, but for what may ride with the append, which is returned: messages that nothing else changes."""
    await _write_room(tx, room_id, before, after)
    said = [event.message for decision in decisions for event in decision.log if isinstance(event, Said)]
    messages = [_messages(room_id, said)] if said else []
    events = {type(event) for decision in decisions for event in (*decision.log, *decision.staff)}
    while messages and not events.isdisjoint(_WRITERS):
        await messages.pop().execute(tx)
    for decision in decisions:
        for event in (*decision.log, *decision.staff):
            writer = _WRITERS.get(type(event))
            if writer is not None:
                await writer(tx, room_id, after.now_ms, event)
        if decision.reports:
            await _write_reports(tx, room_id, decision.reports)
        for staff_event in decision.staff:
            if isinstance(staff_event, RefundChanged):
                await _write_refund(tx, room_id, after, staff_event.refund)
    gone = [each for decision in decisions for each in _gone(decision)]
    if gone:
        await rewrite(tx, room_id, gone)
    return messages


async def _write_room(tx: Connection, room_id: str, before: Loaded, after: Desk) -> None:
    state = slim(after.room)
    if Loaded(state, after.staff.policy, after.unattended) == before:
        return
    await tx.execute(
        """
        UPDATE room SET state = $2::text::json, policy = $3::text::json, unattended = $4,
                        frozen_at = to_timestamp($5::double precision / 1000)
         WHERE room_id = $1""",
        room_id,
        _encode(state).decode(),
        _encode(after.staff.policy).decode(),
        after.unattended,
        state.freezing.at if state.freezing else None,
    )


def _messages(room_id: str, messages: Sequence[HostMessage]) -> Also:
    return Also(
        """
        INSERT INTO host_message (message_id, room_id, body)
        SELECT id, {0}, body::json FROM unnest({1}::text[], {2}::text[]) AS m (id, body)""",
        (room_id, [message.id for message in messages], [_encode(message).decode() for message in messages]),
    )


async def _write_show(tx: Connection, room_id: str, now_ms: int, event: ShowChanged) -> None:
    await write_show(tx, room_id, event)


async def write_show(tx: Connection, room_id: str, event: ShowChanged) -> None:
    """Write a show, new or as it goes on."""
    show = event.show
    await tx.execute(
        """
        INSERT INTO show (show_id, room_id, title, state, starts_at, live_at, ended_at, time_zone, began_at)
        VALUES ($1, $2, $3, $4, to_timestamp($5::double precision / 1000),
                to_timestamp($6::double precision / 1000), to_timestamp($7::double precision / 1000), $8,
                to_timestamp($9::double precision / 1000))
        ON CONFLICT (show_id) DO UPDATE
           SET state = excluded.state, live_at = excluded.live_at, ended_at = excluded.ended_at,
               began_at = excluded.began_at""",
        show.id,
        room_id,
        show.title,
        show.state,
        show.starts_at,
        show.live_at,
        show.ended_at,
        show.time_zone,
        show.began_at,
    )


async def _write_retracted(tx: Connection, room_id: str, now_ms: int, event: Retracted | Unretracted) -> None:
    message_id = event.message if isinstance(event, Retracted) else event.message.id
    await tx.execute(
        "UPDATE host_message SET retracted_at = CASE WHEN $3 THEN clock_timestamp() END"
        " WHERE room_id = $1 AND message_id = $2",
        room_id,
        message_id,
        isinstance(event, Retracted),
    )


async def _write_deleted(tx: Connection, room_id: str, now_ms: int, event: Deleted) -> None:
    await tx.execute(
        "UPDATE comment SET hidden_at = clock_timestamp() WHERE room_id = $1 AND comment_id = ANY($2)",
        room_id,
        sorted(event.comments),
    )


async def _write_restored(tx: Connection, room_id: str, now_ms: int, event: Restored) -> None:
    await tx.execute(
        """
        UPDATE comment SET hidden_at = NULL, fate = 'shown', ruled = CASE WHEN fate = 'held' THEN true ELSE ruled END
         WHERE room_id = $1 AND comment_id = ANY($2)""",
        room_id,
        sorted(comment.id for comment in event.comments),
    )


async def _write_held(tx: Connection, room_id: str, now_ms: int, event: Held) -> None:
    await tx.execute(
        """
        UPDATE comment SET fate = 'held', ruled = NULL, held_why = why,
               hidden_at = coalesce(hidden_at, clock_timestamp())
          FROM unnest($2::text[], $3::text[]) AS h (id, why)
         WHERE room_id = $1 AND comment_id = id""",
        room_id,
        [comment.id for comment in event.comments],
        [comment.why for comment in event.comments],
    )


async def _write_ruled(tx: Connection, room_id: str, now_ms: int, event: Ruled) -> None:
    await tx.execute(
        """
        UPDATE comment SET report_open = false, reports = 0,
               ruled = CASE WHEN fate = 'held' AND ruled IS NULL THEN $3 ELSE ruled END
         WHERE room_id = $1 AND comment_id = ANY($2)""",
        room_id,
        sorted(event.comments),
        event.shown,
    )


async def _write_reported(tx: Connection, room_id: str, now_ms: int, event: Reported) -> None:
    await tx.execute(
        "UPDATE comment SET reports = $3, report_open = true, report_why = $4 WHERE room_id = $1 AND comment_id = $2",
        room_id,
        event.comment.id,
        event.reports,
        event.comment.why,
    )


async def _write_reports(tx: Connection, room_id: str, reports: Sequence[tuple[str, str, str | None]]) -> None:
    await tx.execute(
        "INSERT INTO report (room_id, comment_id, reporter, why)"
        " SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING",
        room_id,
        [comment for comment, _, _ in reports],
        [reporter for _, reporter, _ in reports],
        [why for _, _, why in reports],
    )


async def _write_sanction(tx: Connection, room_id: str, now_ms: int, event: Sanctioned) -> None:
    sanction = event.sanction
    await tx.execute(
        """
        INSERT INTO sanction (room_id, pseudonym, kind, at, until, why, by_name, by_who)
        VALUES ($1, $2, $3, to_timestamp($4::double precision / 1000), to_timestamp($5::double precision / 1000),
                $6, $7, $8)
        ON CONFLICT (room_id, pseudonym, kind) DO UPDATE
           SET at = excluded.at, until = excluded.until, why = excluded.why, by_name = excluded.by_name,
               by_who = excluded.by_who""",
        room_id,
        sanction.who,
        sanction.kind,
        sanction.at,
        sanction.until,
        sanction.why,
        sanction.by,
        sanction.by_who,
    )


async def _write_lifted(tx: Connection, room_id: str, now_ms: int, event: Lifted) -> None:
    await tx.execute(
        "DELETE FROM sanction WHERE room_id = $1 AND pseudonym = $2 AND kind = $3", room_id, event.who, event.kind
    )


async def _write_unfrozen(tx: Connection, room_id: str, now_ms: int, event: Unfrozen) -> None:
    await deadlines.shift(tx, room_id, event.shifted_ms)


async def _write_countdown(tx: Connection, room_id: str, now_ms: int, event: CountdownStarted | CountdownEnded) -> None:
    await tx.execute("DELETE FROM deadline WHERE room_id = $1 AND kind = $2", room_id, COUNTDOWN)
    if isinstance(event, CountdownStarted):
        clock: Clock = event.clock
        await deadlines.put(tx, [Deadline(room_id, COUNTDOWN, clock.id, clock.ends_at)])


async def _write_refund(tx: Connection, room_id: str, desk: Desk, refund: RefundRequest) -> None:
    await tx.execute(
        """
        INSERT INTO refund (refund_id, shop_id, room_id, purchase_id, body, state, asker)
        VALUES ($1, $2, $3, $4, $5::text::json, $6, $7)
        ON CONFLICT (refund_id) DO UPDATE SET body = excluded.body, state = excluded.state""",
        refund.id,
        desk.shop_id,
        room_id,
        refund.purchase,
        _encode(refund).decode(),
        refund.state,
        desk.askers[refund.id],
    )
    await tx.execute(
        "UPDATE purchase SET refunded = amount - $3 WHERE shop_id = $1 AND purchase_id = $2",
        desk.shop_id,
        refund.purchase,
        desk.purchases[refund.purchase].left,
    )


async def refill(tx: Connection, room_id: str, ruled: int) -> Decision:
    """What comes into the view of staff when so many that waited are ruled on: the view holds the newest alone.

    After `write`: these have waited all along, and only their being in view is news.
    """
    held, reports = await store.waiting(tx, room_id)
    decision = Decision()
    if len(held) + ruled > limits.SNAPSHOT_HELD:
        decision.staff.append(Held(comments=list(held[:ruled])))
    if len(reports) + ruled > limits.SNAPSHOT_REPORTS:
        decision.staff += reports[:ruled]
    return decision


def _gone(decision: Decision) -> list[str]:
    """Ids of comments and messages whose words must leave what was written before."""
    ids = []
    for event in decision.log:
        match event:
            case Deleted(comments=comments):
                ids += comments
            case Retracted(message=message):
                ids.append(message)
    return ids


async def rewrite(tx: Connection, room_id: str, gone: Sequence[str]) -> None:
    """Take words out of the log, the notices and the messages that quote them."""
    for table, quoting in _QUOTING.items():
        # Ids are of one room: without it in the condition the index on them is all that can be used.
        rows = await tx.fetch(
            f"SELECT seq, event::text AS event FROM {table} WHERE {quoting} AND quoted(event) && $1::text[]", list(gone)
        )
        changed = [
            (row["seq"], new) for row in rows if (new := redact(row["event"].encode(), gone).decode()) != row["event"]
        ]
        if changed:
            await tx.execute(
                f"UPDATE {table} SET event = new::json FROM unnest($2::bigint[], $3::text[]) AS n (number, new)"
                " WHERE room_id = $1 AND seq = number",
                room_id,
                [seq for seq, _ in changed],
                [new for _, new in changed],
            )
    await tx.execute(
        """
        UPDATE host_message SET body = (body::jsonb - 'answered_name' - 'answered_text')::json
         WHERE body->>'answers' = ANY($1)""",
        list(gone),
    )


_WRITERS: dict[type[Event], Callable[..., Awaitable[None]]] = {
    ShowChanged: _write_show,
    Retracted: _write_retracted,
    Unretracted: _write_retracted,
    Deleted: _write_deleted,
    Restored: _write_restored,
    Held: _write_held,
    Ruled: _write_ruled,
    Reported: _write_reported,
    Sanctioned: _write_sanction,
    Lifted: _write_lifted,
    Unfrozen: _write_unfrozen,
    CountdownStarted: _write_countdown,
    CountdownEnded: _write_countdown,
}
