"""Screen: what a comment earns before any store is asked: refused, held for staff, or in, with its standing. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from livestream.moderation.links import has_link
from livestream.moderation.question import is_question
from livestream.protocol.commands import Comment
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import SanctionKind
from livestream.protocol.roles import STAFF, Role

from .desk import Actor
from .local import LocalRoom
from .sampling import Standing


@dataclass(frozen=True, slots=True)
class Screened:
    """A comment that may be stored."""

    standing: Standing
    held_why: str | None = None  #: it waits for staff
    free: bool = False  #: shown past every limit: staff chose the very words


def screen(actor: Actor, command: Comment, room: LocalRoom, now_ms: int) -> Screened:
    """Judge a comment. What staff say is judged by nobody.

    Raises:
        Refused: SIGN_IN_REQUIRED, NAME_REQUIRED, INVALID (too long here), MUTED, BUYERS_ONLY, SLOW_MODE,
            LINK_REFUSED, TEXT_REFUSED.
    """
    if actor.role in STAFF:
        return Screened(Standing.STAFF)
    chat = room.state.chat
    if actor.role is Role.ANONYMOUS and not chat.anonymous:
        raise Refused(ErrorCode.SIGN_IN_REQUIRED)
    if not actor.name:
        raise Refused(ErrorCode.NAME_REQUIRED)
    if len(command.text) > chat.comment_chars:
        raise Refused(ErrorCode.INVALID, f"a comment here has {chat.comment_chars} characters at most - at `$.text`")
    _require_voice(actor, room, now_ms)
    if chat.buyers_only and not actor.buyer:
        raise Refused(ErrorCode.BUYERS_ONLY)
    wait_ms = chat.slow_mode_s * 1000 - room.ms_since_spoken(actor.pseudonym, now_ms)
    if chat.slow_mode_s and wait_ms > 0:
        raise Refused(ErrorCode.SLOW_MODE, retry_after_ms=int(wait_ms))
    if not chat.links and has_link(command.text):
        raise Refused(ErrorCode.LINK_REFUSED)
    hit = room.words.find(command.text)
    if hit is not None and hit.action == "refuse":
        raise Refused(ErrorCode.TEXT_REFUSED)
    held_why = "words" if hit is not None else "approve_first" if chat.approve_first else None
    return Screened(_standing(actor, command.text, room), held_why)


def screen_chosen(actor: Actor, room: LocalRoom, now_ms: int) -> Screened:
    """Judge a comment whose words staff chose, the password of a draw say: only who may not talk is refused.

    Raises:
        Refused: MUTED.
    """
    _require_voice(actor, room, now_ms)
    return Screened(_standing(actor, "", room), free=True)


def _require_voice(actor: Actor, room: LocalRoom, now_ms: int) -> None:
    for kind in (SanctionKind.MUTE, SanctionKind.BAN):
        sanction = room.sanction(actor.pseudonym, kind, now_ms)
        if sanction is not None:
            left = None if sanction.until is None else sanction.until - now_ms
            raise Refused(ErrorCode.MUTED, sanction.why or "", retry_after_ms=left)


def _standing(actor: Actor, text: str, room: LocalRoom) -> Standing:
    if actor.buyer:
        return Standing.BUYER
    if is_question(text):
        return Standing.QUESTION
    return Standing.REST if room.spoke_before(actor.pseudonym) else Standing.FIRST
