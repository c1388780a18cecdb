"""Eligibility: who may enter, by the published rules, judged in the moment of entry. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from livestream.protocol.errors import ErrorCode, Refused
from livestream.protocol.roles import STAFF, Role

from .rules import Rules
from .weight import Facts


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the room knows of who wants to enter."""

    role: Role
    staff: bool = False  #: of the shop, in whichever room, whatever the token's role
    muted: bool = False
    banned: bool = False
    won_lately: bool = False  #: in one of the draws that the rules exclude
    facts: Facts = field(default_factory=Facts)


def judge(rules: Rules, candidate: Candidate) -> None:
    """Raises:
    Refused: SIGN_IN_REQUIRED, DRAW_STAFF, BANNED, MUTED, DRAW_EXCLUDED, DRAW_NOT_ELIGIBLE.
    """
    if candidate.role is Role.ANONYMOUS:
        raise Refused(ErrorCode.SIGN_IN_REQUIRED)
    if candidate.role in STAFF or candidate.staff:
        raise Refused(ErrorCode.DRAW_STAFF)
    if candidate.banned:
        raise Refused(ErrorCode.BANNED)
    if candidate.muted:
        raise Refused(ErrorCode.MUTED)
    if candidate.won_lately:
        raise Refused(ErrorCode.DRAW_EXCLUDED, f"of the last {rules.exclude.winners_of_last}")
    missing = _missing(rules, candidate.facts)
    if missing is not None:
        raise Refused(ErrorCode.DRAW_NOT_ELIGIBLE, missing)


def _missing(rules: Rules, facts: Facts) -> str | None:
    asked = rules.eligibility
    if asked.commented and not facts.commented:
        return "write a comment in this show first"
    if asked.joined_team and not facts.joined_team:
        return "join a team in this show first"
    if asked.bought and not facts.bought:
        return "for people who bought in this show"
    if facts.watched_s < asked.watched_s:
        return f"watch for {asked.watched_s - facts.watched_s} s more"
    return None
