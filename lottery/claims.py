"""Claims: winners say where their prizes go; the shop reads it; and it is deleted when it is no longer needed."""

from __future__ import annotations

import csv
import io

import asyncpg
import msgspec

from livestream.bus import BusMessage
from livestream.parts import Ground
from livestream.protocol.commands import ClaimForm, ClaimPrize, DeclinePrize
from livestream.protocol.draw_hooks import DrawClaimedHook
from livestream.protocol.draws import DrawReceipt, PassedWhy
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import AnyReply, Claimed, Ok
from livestream.room import work
from livestream.room.desk import Actor
from livestream.room.local import LocalRoom
from livestream.room.telling import tell
from livestream.room.work import Work
from livestream.storage.pool import Connection, Contention, Database
from livestream.storage.roomlog import Appended
from livestream.webhooks import outbox

from . import facts, holders, receipt, refusals, store
from .entry import entry_id
from .passing import Passed, hand_on
from .publish import prize_name, tier_of
from .store import Held

KEPT_S = 90 * 24 * 3600  #: of a claim's data, from the claim on: the prize is delivered, or the shop has it
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_encode = msgspec.json.Encoder().encode
_form = msgspec.json.Decoder(ClaimForm).decode
_COLUMNS = (
    "prize", "tier", "name", "entry", "viewer", "display_name", "state", "claim_until", "claimed_at", "claim_name",
    "address", "email", "phone", "note", "delete_at",
)  # fmt: skip


async def claim(ground: Ground, actor: Actor, command: ClaimPrize | DeclinePrize, room: LocalRoom) -> AnyReply:
    """Say where a prize goes, or that one does not want it.

    Raises:
        Refused, Unavailable, OutcomeUnknown.
    """
    try:
        async with ground.database.transaction() as tx:
            reply, appended = await _run(tx, Work.of(actor, command, room))
    except Refused as refused:
        if refused.code in (ErrorCode.RECEIPT_INVALID, ErrorCode.NOT_A_WINNER):
            async with ground.database.transaction() as tx:
                await refusals.record(tx, actor.room_id, {(command.draw, actor.pseudonym, str(refused.code)): 1})
        raise
    except Contention:
        raise Refused(ErrorCode.BUSY, retry_after_ms=1000) from None
    ground.publish(actor.room_id, BusMessage(origin=ground.origin, appended=appended))
    return msgspec.structs.replace(reply, ref=command.ref)


async def _run(tx: Connection, one: Work) -> tuple[AnyReply, Appended]:
    """Keys, room, draw, the rows of its winners, room log: in the order of all locks."""
    known = await work.claim(tx, [one])
    if one.claim is not None and one.claim.slot in known:
        [outcome] = work.each([one], known, lambda *_: Ok(ref=0))
        if isinstance(outcome, Refused):
            raise outcome
        return outcome, Appended()
    actor, command = one.actor, one.command
    if isinstance(command, DeclinePrize):
        await store.lock_room(tx, actor.room_id)  # what the room sees of the draw changes
    assert isinstance(command, ClaimPrize | DeclinePrize)
    held = (await store.lock(tx, actor.room_id, [command.draw])).get(command.draw)
    if held is None:
        raise Refused(ErrorCode.DRAW_NOT_FOUND, command.draw)
    passed = Passed(held)
    if isinstance(command, ClaimPrize):
        reply = await _claim(tx, passed, actor, command)
    else:
        reply = await _decline(tx, passed, actor)
    await work.settle(tx, [one], known, [reply])
    await outbox.emit(tx, held.shop_id, passed.webhooks)
    return reply, await tell(tx, actor.room_id, passed.events, notices=passed.notices)


async def _claim(tx: Connection, passed: Passed, actor: Actor, command: ClaimPrize) -> AnyReply:
    held = passed.held
    if command.receipt is not None:
        await _require_ours(tx, held, actor, command.receipt)
    holder = await holders.of_viewer(tx, held, actor.viewer_id)
    holders.require_unclaimed(holder)
    delete_at = held.now_ms + KEPT_S * 1000
    await tx.execute(
        "UPDATE draw_pick SET claimed_at = to_timestamp($3::bigint / 1000.0) WHERE draw_id = $1 AND place = $2",
        held.draw.id,
        holder.place,
        held.now_ms,
    )
    await tx.execute(
        "INSERT INTO draw_claim (draw_id, place, form, delete_at)"
        " VALUES ($1, $2, $3::text::json, to_timestamp($4::bigint / 1000.0))",
        held.draw.id,
        holder.place,
        _encode(command.form).decode(),
        delete_at,
    )
    told = store.webhook(
        DrawClaimedHook,
        held,
        prize=holder.prize,
        prize_name=prize_name(held.open_rules, holder.prize),
        viewer=actor.viewer_id,
        form=command.form,
        delete_at=delete_at,
    )
    passed.webhooks.append(told)
    notice = holders.claimed(held, holder, delete_at)
    if notice is not None:
        passed.notices.append(notice)
    return Claimed(ref=0, delete_at=delete_at)


async def _decline(tx: Connection, passed: Passed, actor: Actor) -> AnyReply:
    holder = await holders.of_viewer(tx, passed.held, actor.viewer_id)
    holders.require_unclaimed(holder)  # a draw settles no sooner than every prize is claimed or late
    await hand_on(tx, passed, holder.prize, holder.entry_id, PassedWhy.DECLINED)
    return Ok(ref=0)


async def _require_ours(tx: Connection, held: Held, actor: Actor, given: DrawReceipt) -> None:
    """Raises:
    Refused: RECEIPT_INVALID.
    """
    own = entry_id(held.salt, actor.viewer_id or actor.key)
    if own not in await facts.stored(tx, held.draw.id, [own]) or not _is_ours(held, given, own.hex()):
        raise Refused(ErrorCode.RECEIPT_INVALID)


def _is_ours(held: Held, given: DrawReceipt, entry_id: str) -> bool:
    theirs = receipt.Receipt(**msgspec.structs.asdict(given))
    return (
        theirs.draw_id == held.draw.id
        and theirs.entry_id == entry_id
        and theirs.rules_hash == held.draw.rules_hash
        and held.rules is not None
        and receipt.genuine(theirs, bytes.fromhex(held.rules.shop_key))
    )


async def forget(database: Database) -> int:
    """Delete claims past their date, also where a webhook holds one, and the refusals of as long ago."""
    async with database.transaction() as tx:
        gone = await tx.fetch("DELETE FROM draw_claim WHERE delete_at <= clock_timestamp() RETURNING at")
        if gone:
            written = [row["at"] for row in gone]
            await outbox.forget(tx, DrawClaimedHook.kind, "delete_at", min(written), max(written))
        await tx.execute(
            "DELETE FROM draw_refusal WHERE last_at <= clock_timestamp() - $1 * interval '1 second'", KEPT_S
        )
    return len(gone)


async def as_csv(connection: Connection, shop_id: str, draw_id: str) -> bytes:
    """Winners of a draw of the shop, or of a rehearsal of it, and what they said. Cells never begin like a formula.

    Raises:
        Refused: DRAW_NOT_FOUND.
    """
    owned = await connection.fetchval(
        "SELECT true FROM draw JOIN shop USING (shop_id) WHERE draw_id = $1 AND $2 IN (shop_id, rehearsal_of)",
        draw_id,
        shop_id,
    )
    held = await store.look(connection, draw_id) if owned else None
    if held is None:
        raise Refused(ErrorCode.DRAW_NOT_FOUND, draw_id)
    rows = await connection.fetch(
        """
        SELECT prize, encode(entry_id, 'hex') AS entry, viewer_id, name, claim_until, claimed_at, handed_at,
               lapsed_at, gone_why,
               form::text AS form, delete_at
          FROM draw_pick JOIN draw_entry USING (draw_id, entry_id)
          LEFT JOIN (SELECT * FROM draw_claim WHERE delete_at > statement_timestamp()) c USING (draw_id, place)
         WHERE draw_id = $1 AND prize IS NOT NULL ORDER BY prize, place""",
        draw_id,
    )
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for row in rows:
        form = _form(row["form"]) if row["form"] else ClaimForm(name="")
        won = tier_of(held.open_rules, row["prize"])
        cells = (
            row["prize"] + 1, won.tier, won.name, row["entry"],
            row["viewer_id"], row["name"], _state(row), row["claim_until"], row["claimed_at"], form.name, form.address,
            form.email, form.phone, form.note, row["delete_at"],
        )  # fmt: skip
        writer.writerow([_cell(each) for each in cells])
    return out.getvalue().encode("utf-8-sig")


def _state(row: asyncpg.Record) -> str:
    if row["lapsed_at"]:
        return str(row["gone_why"])  # not "went on": there may be no reserve
    return "handed over" if row["handed_at"] else "claimed" if row["claimed_at"] else "waits"


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text
