"""Claims: winners say where their prizes go; the shop reads it; and it is deleted when it is no longer needed."""

from __future__ import annotations

import csv
import io

import msgspec

from livestream.parts import Ground
from livestream.protocol.commands import ClaimForm, ClaimPrize
from livestream.protocol.draws import DrawReceipt
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.replies import AnyReply, Ok
from livestream.room import work
from livestream.room.desk import Actor
from livestream.room.local import LocalRoom
from livestream.room.work import Work
from livestream.storage.pool import Connection, Contention, Database
from livestream.webhooks import outbox

from . import entering, receipt, store
from .publish import prize_name
from .store import MS, Held

KEPT_S = 90 * 24 * 3600  #: of a claim's data, from the claim on: the prize is delivered, or the shop has it
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_encode = msgspec.json.Encoder().encode
_form = msgspec.json.Decoder(ClaimForm).decode
_COLUMNS = (
    "prize", "tier", "name", "entry", "viewer", "display_name", "state", "claim_until", "claimed_at", "claim_name",
    "address", "email", "phone", "note", "delete_at",
)  # fmt: skip


async def claim(ground: Ground, actor: Actor, command: ClaimPrize, room: LocalRoom) -> AnyReply:
    """Raises:
    Refused, Unavailable, OutcomeUnknown.
    """
    try:
        async with ground.database.transaction() as tx:
            reply = await _claim(tx, Work.of(actor, command, room), command)
    except Refused as refused:
        if refused.code in (ErrorCode.RECEIPT_INVALID, ErrorCode.NOT_A_WINNER):
            async with ground.database.transaction() as tx:
                await entering.record(tx, actor.room_id, {(command.draw, actor.pseudonym, str(refused.code)): 1})
        raise
    except Contention:
        raise Refused(ErrorCode.BUSY, retry_after_ms=1000) from None
    return msgspec.structs.replace(reply, ref=command.ref)


async def _claim(tx: Connection, one: Work, command: ClaimPrize) -> AnyReply:
    known = await work.claim(tx, [one])
    if one.claim is not None and one.claim.slot in known:
        [outcome] = work.each([one], known, lambda *_: Ok(ref=0))
        if isinstance(outcome, Refused):
            raise outcome
        return outcome
    actor = one.actor
    held = (await store.lock(tx, actor.room_id, [command.draw])).get(command.draw)
    if held is None:
        raise Refused(ErrorCode.DRAW_NOT_FOUND, command.draw)
    row = await tx.fetchrow(
        f"""
        SELECT encode(entry_id, 'hex') AS entry_id, place, prize, claimed_at, lapsed_at,
               claim_until <= clock_timestamp() AS late, {MS.format("clock_timestamp()")} AS now_ms
          FROM draw_entry LEFT JOIN draw_pick USING (draw_id, entry_id)
         WHERE draw_id = $1 AND pseudonym = $2""",
        held.draw.id,
        actor.pseudonym,
    )
    if command.receipt is not None and (row is None or not _is_ours(held, command.receipt, row["entry_id"])):
        raise Refused(ErrorCode.RECEIPT_INVALID)
    if row is None or row["prize"] is None:
        raise Refused(ErrorCode.NOT_A_WINNER)
    if row["claimed_at"] is not None:
        raise Refused(ErrorCode.CLAIMED)
    if row["lapsed_at"] is not None or row["late"]:
        raise Refused(ErrorCode.CLAIM_LATE)
    delete_at = row["now_ms"] + KEPT_S * 1000
    await tx.execute(
        "UPDATE draw_pick SET claimed_at = clock_timestamp() WHERE draw_id = $1 AND place = $2",
        held.draw.id,
        row["place"],
    )
    await tx.execute(
        "INSERT INTO draw_claim (draw_id, place, form, delete_at)"
        " VALUES ($1, $2, $3::text::json, to_timestamp($4::bigint / 1000.0))",
        held.draw.id,
        row["place"],
        _encode(command.form).decode(),
        delete_at,
    )
    reply = Ok(ref=0)
    await work.settle(tx, [one], known, [reply])
    told = {
        "draw": held.draw.id,
        "room": actor.room_id,
        "prize": row["prize"],
        "prize_name": prize_name(held.open_rules, row["prize"]),
        "viewer": actor.viewer_id,
        "form": command.form,
        "delete_at": delete_at,
    }
    await outbox.emit(tx, held.shop_id, [("draw.claimed", told)])
    return reply


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
    """Delete claims past their date, and with them the refusals of as long ago."""
    async with database.transaction() as tx:
        gone = await tx.execute("DELETE FROM draw_claim WHERE delete_at <= clock_timestamp()")
        await tx.execute(
            "DELETE FROM draw_refusal WHERE last_at <= clock_timestamp() - $1 * interval '1 second'", KEPT_S
        )
    return int(gone.split()[-1])


async def as_csv(connection: Connection, shop_id: str, draw_id: str) -> bytes:
    """Winners of a draw, and what they said. Cells never begin like a formula.

    Raises:
        Refused: DRAW_NOT_FOUND.
    """
    held = await store.look(connection, draw_id)
    if held is None or held.shop_id != shop_id:
        raise Refused(ErrorCode.DRAW_NOT_FOUND, draw_id)
    rows = await connection.fetch(
        """
        SELECT prize, encode(entry_id, 'hex') AS entry, viewer_id, name, claim_until, claimed_at, lapsed_at,
               form::text AS form, delete_at
          FROM draw_pick JOIN draw_entry USING (draw_id, entry_id) LEFT JOIN draw_claim USING (draw_id, place)
         WHERE draw_id = $1 AND prize IS NOT NULL ORDER BY prize, place""",
        draw_id,
    )
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for row in rows:
        form = _form(row["form"]) if row["form"] else ClaimForm(name="")
        state = "claimed" if row["claimed_at"] else "went on" if row["lapsed_at"] else "waits"
        cells = (
            row["prize"] + 1, _tier(held, row["prize"]), prize_name(held.open_rules, row["prize"]), row["entry"],
            row["viewer_id"], row["name"], state, row["claim_until"], row["claimed_at"], form.name, form.address,
            form.email, form.phone, form.note, row["delete_at"],
        )  # fmt: skip
        writer.writerow([_cell(each) for each in cells])
    return out.getvalue().encode("utf-8-sig")


def _tier(held: Held, prize: int) -> str:
    for tier in held.open_rules.prizes:
        if prize < tier.quantity:
            return tier.tier
        prize -= tier.quantity
    raise IndexError(prize)


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text
