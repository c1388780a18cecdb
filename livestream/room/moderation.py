"""Moderation: what becomes of comments that offend and of people who do. Pure.

    shown ──delete, ban──> hidden ──restore──> shown
    shown ──reports──────> held ───rule────┬─> shown
    (new) ──words, approve_first, review─┘ └─> hidden

Viewers see a comment vanish; who was muted or banned, and why, stands in the
staff log alone, and the one concerned is told directly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livestream.protocol.commands import Ban, Delete, Mute, Report, Restore, Rule, Unban, Unmute
from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.events import (
    Commented,
    Deleted,
    Held,
    Lifted,
    Reported,
    Restored,
    Ruled,
    Sanction,
    Sanctioned,
    SanctionKind,
    YouMayTalk,
    YourComment,
    YouWereMuted,
)
from livestream.protocol.roles import STAFF

from .audit import acted
from .desk import Actor, ArchivedComment, Decision, Desk
from .sampling import Fate

REPORTED = "reported"


def delete(desk: Desk, actor: Actor, command: Delete) -> Decision:
    """Those that are deleted already stay so.

    Raises:
        Refused: COMMENT_NOT_FOUND, nothing is deleted then.
    """
    fresh = [each for each in _require(desk, command.comments) if not _hidden(desk, each)]
    if not fresh:
        return Decision()
    ids = [each.id for each in fresh]
    undo = {"t": "restore", "comments": ids}
    return Decision(
        [Deleted(comments=ids)],
        [
            Ruled(comments=ids, shown=False),
            acted(actor, command, _told("deleted", fresh), command.why, undo, _authors(fresh)),
        ],
    )


def restore(desk: Desk, actor: Actor, command: Restore) -> Decision:
    """Raises:
    Refused: COMMENT_NOT_FOUND.
    """
    gone = [each for each in _require(desk, command.comments) if _hidden(desk, each)]
    if not gone:
        return Decision()
    decision = _back(gone)
    undo = {"t": "delete", "comments": [each.id for each in gone]}
    decision.staff.append(acted(actor, command, _told("brought back", gone), undo=undo, about=_authors(gone)))
    return decision


def _back(gone: Sequence[ArchivedComment]) -> Decision:
    """Hidden comments return to where they were: those that staff never let through wait again.

    What was sampled out or collapsed was never on a screen, so there is nothing to bring back.
    """
    waiting = [each.held(each.held_why or REPORTED) for each in gone if each.fate == Fate.HELD]
    shown = [_shown(each) for each in gone if each.fate == Fate.SHOWN]
    return Decision(
        [Restored(comments=shown)] if shown else [],
        [Held(comments=waiting)] if waiting else [],
    )


def rule(desk: Desk, actor: Actor, command: Rule) -> Decision:
    """Raises:
    Refused: COMMENT_NOT_FOUND.
    """
    waiting = _require(desk, command.comments)
    ids = [each.id for each in waiting]
    held = [each for each in waiting if each.id in desk.held]
    decision = Decision(staff=[Ruled(comments=ids, shown=command.show)])
    if command.show:
        if held:
            decision.log.append(Restored(comments=[_shown(each) for each in held]))
    elif visible := [each.id for each in waiting if each.id not in desk.held and not _hidden(desk, each)]:
        decision.log.append(Deleted(comments=visible))
    decision.notices = [
        (each.by, YourComment(comment=each.id, shown=command.show)) for each in held if not each.anonymous
    ]
    undone = [each.id for each in held] if command.show else ids
    undo = {"t": "delete" if command.show else "restore", "comments": undone} if undone else None
    told = _told("let through" if command.show else "turned down", waiting)
    decision.staff.append(acted(actor, command, told, command.why, undo, _authors(waiting)))
    return decision


def report(desk: Desk, actor: Actor, command: Report) -> Decision:
    """A second report of one viewer changes nothing.

    Raises:
        Refused: COMMENT_NOT_FOUND.
    """
    (comment,) = _require(desk, [command.comment])
    if actor.pseudonym in comment.reporters or _hidden(desk, comment) or comment.id in desk.held:
        return Decision()
    policy = desk.staff.policy
    reports = comment.reports + 1
    entry = comment.held(command.why or REPORTED)
    decision = Decision(staff=[Reported(comment=entry, reports=reports)])
    decision.reports.append((comment.id, actor.pseudonym, command.why))
    enough = 0 < policy.reports_to_hold <= reports or (desk.unattended and policy.unattended_hold_reported)
    if enough and comment.role not in STAFF and comment.fate == Fate.SHOWN:
        decision.log.append(Deleted(comments=[comment.id]))
        decision.staff.append(Held(comments=[comment.held(REPORTED)]))
    return decision


def mute(desk: Desk, actor: Actor, command: Mute) -> Decision:
    """Raises:
    Refused: PERSON_NOT_FOUND, NOT_STAFF.
    """
    sanction = _sanction(desk, actor, command, SanctionKind.MUTE)
    decision = _sanctioned(desk, actor, command, sanction, again="mute", undo="unmute")
    decision.notices.append((sanction.who, YouWereMuted(until=sanction.until, why=sanction.why)))
    return decision


def ban(desk: Desk, actor: Actor, command: Ban) -> Decision:
    """Raises:
    Refused: PERSON_NOT_FOUND, NOT_STAFF.
    """
    sanction = _sanction(desk, actor, command, SanctionKind.BAN)
    return _sanctioned(desk, actor, command, sanction, again="ban", undo="unban")


def unmute(desk: Desk, actor: Actor, command: Unmute) -> Decision:
    """Raises:
    Refused: NOT_SANCTIONED.
    """
    decision = _lift(desk, actor, command, SanctionKind.MUTE, undo="mute")
    decision.notices.append((command.who, YouMayTalk()))
    return decision


def unban(desk: Desk, actor: Actor, command: Unban) -> Decision:
    """Raises:
    Refused: NOT_SANCTIONED.
    """
    return _lift(desk, actor, command, SanctionKind.BAN, undo="ban")


def _require(desk: Desk, ids: Sequence[str]) -> list[ArchivedComment]:
    missing = [each for each in ids if each not in desk.comments]
    if missing:
        raise Refused(ErrorCode.COMMENT_NOT_FOUND, ", ".join(missing))
    return [desk.comments[each] for each in dict.fromkeys(ids)]


def _hidden(desk: Desk, comment: ArchivedComment) -> bool:
    """Deleted before this batch or in it, and not restored since."""
    return comment.id in desk.hidden


def _shown(comment: ArchivedComment) -> Commented:
    return Commented(id=comment.id, by=comment.by, name=comment.name, text=comment.text, role=comment.role)


def _sanction(desk: Desk, actor: Actor, command: Mute | Ban, kind: SanctionKind) -> Sanction:
    person = desk.people.get(command.who)
    if person is None:
        raise Refused(ErrorCode.PERSON_NOT_FOUND, command.who)
    if person.staff_role is not None:
        raise Refused(ErrorCode.NOT_STAFF, person.name)
    return Sanction(
        who=person.pseudonym,
        name=person.name,
        kind=kind,
        at=desk.now_ms,
        until=command.until if command.seconds is None else desk.now_ms + command.seconds * 1000,
        why=command.why,
        by=actor.name,
        by_who=actor.pseudonym,
    )


def _sanctioned(desk: Desk, actor: Actor, command: Mute | Ban, sanction: Sanction, again: str, undo: str) -> Decision:
    until = sanction.until
    long = "for ever" if until is None else f"for {max(0, (until - desk.now_ms) // 1000)} s"
    past = {SanctionKind.MUTE: "muted", SanctionKind.BAN: "banned"}[sanction.kind]
    said = desk.said_by.get(sanction.who, []) if command.delete else []
    before = _standing(desk, sanction.who, sanction.kind)
    back: dict[str, Any]
    if before is not None:
        back = {"t": again, "who": sanction.who, "seconds": None, "until": before.until, "delete": False}
        back |= {"why": before.why} if before.why else {}
    else:
        back = {"t": undo, "who": sanction.who}
    back |= {"restore": list(said)} if said else {}
    entry = acted(actor, command, f"{past} {sanction.name} {long}", command.why, back, [sanction.who])
    decision = _back(_theirs(desk, command))
    decision.staff += [Sanctioned(sanction=sanction), entry]
    if said:
        decision.log.append(Deleted(comments=list(said)))
        decision.staff.insert(-1, Ruled(comments=list(said), shown=False))
    return decision


def _theirs(desk: Desk, command: Mute | Ban | Unmute | Unban) -> list[ArchivedComment]:
    """The hidden comments of this person that a command brings back."""
    return [each for each in _require(desk, command.restore) if each.by == command.who and _hidden(desk, each)]


def _lift(desk: Desk, actor: Actor, command: Unmute | Unban, kind: SanctionKind, undo: str) -> Decision:
    found = _standing(desk, command.who, kind)
    if found is None:
        raise Refused(ErrorCode.NOT_SANCTIONED, command.who)
    gone = _theirs(desk, command)
    decision = _back(gone)
    past = {SanctionKind.MUTE: "unmuted", SanctionKind.BAN: "let in again"}[kind]
    again = {"t": undo, "who": command.who, "seconds": None, "until": found.until, "delete": bool(gone)}
    decision.staff += [
        Lifted(who=command.who, kind=kind),
        acted(actor, command, f"{past} {found.name}", command.why, again, [command.who]),
    ]
    return decision


def _standing(desk: Desk, who: str, kind: SanctionKind) -> Sanction | None:
    return next((each for each in desk.staff.sanctions if (each.who, each.kind) == (who, kind)), None)


def _authors(comments: Sequence[ArchivedComment]) -> list[str]:
    return [each.by for each in comments]


def _told(what: str, comments: Sequence[ArchivedComment]) -> str:
    names = ", ".join(dict.fromkeys(each.name for each in comments))
    return f"{what} {len(comments)} comment{'s' * (len(comments) != 1)} of {names}"
