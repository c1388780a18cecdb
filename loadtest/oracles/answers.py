"""Answers: every command got exactly one reply, of a kind and with a code of its own, no line ended without reason, and
nobody was sent away.
"""

from __future__ import annotations

from typing import Any

from livestream.protocol.errors import CLOSES

from .base import Evidence, Finding, Oracle


class Answers(Oracle):
    name = "answers"

    def judge(self, evidence: Evidence, read: Any) -> list[Finding]:
        return [_replies(evidence), _codes(evidence), _endings(evidence), _sent_away(evidence), *_cues(evidence)]


def _replies(evidence: Evidence) -> Finding:
    unanswered, astray = evidence.total("unanswered"), evidence.total("astray")
    return Finding(
        name="every command got exactly one reply",
        ok=not (unanswered or astray),
        text=f"{unanswered} without, {astray} replies to nothing, {evidence.total('unknown')} broke off with the line",
        examples=evidence.told("no reply", "reply to nothing")[:10],
    )


def _codes(evidence: Evidence) -> Finding:
    codes, undeclared = evidence.merged("codes"), evidence.merged("undeclared")
    told = ", ".join(f"{name} {count}" for name, count in sorted(codes.items(), key=lambda each: -each[1])) or "none"
    return Finding(
        name="every answer is one that its command may have",
        ok=not undeclared,
        text=f"refusals: {told}",
        examples=[f"{name}: not documented for this command, {count} times" for name, count in undeclared.items()],
    )


def _endings(evidence: Evidence) -> Finding:
    """A server that goes says why; only what is broken on purpose may break."""
    endings = evidence.merged("endings")
    known = {str(int(code)) for code in CLOSES}
    bad = {name: count for name, count in endings.items() if name.removeprefix("slow.") not in known}
    bad.pop("slow.broken", None)  # the reason was behind what they had no time to read
    if evidence.faults:
        bad.pop("broken", None)
    told = ", ".join(f"{name} {count}" for name, count in sorted(endings.items())) or "none"
    return Finding(
        name="no line ended without a documented reason",
        ok=not bad,
        text=f"lines that the server ended: {told}",
        examples=[f"{name}: {count} times" for name, count in bad.items()] + evidence.told("Error")[:5],
    )


def _sent_away(evidence: Evidence) -> Finding:
    """No viewer of ours does what a viewer is sent away for."""
    sent_away = evidence.total("sent_away")
    return Finding(
        name="nobody was sent away for good",
        ok=not sent_away,
        text=f"{sent_away} viewers were told not to come back",
        examples=evidence.told("was sent away for good")[:5],
    )


def _cues(evidence: Evidence) -> list[Finding]:
    """What staff were to do was done, or the evening was another one."""
    failed = [each for account in evidence.accounts for each in account.cues_failed]
    if not failed:
        return []
    text = f"{len(failed)} refused, or never possible"
    return [Finding(name="staff could do what the scenario says", ok=False, text=text, examples=failed[:10])]
