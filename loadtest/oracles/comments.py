"""Comments: accepted = shown + sampled out + collapsed + held, to the unit, and the screens agree."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from loadtest.messages import Witness

from .base import Evidence, Finding, Oracle, Source

_FATES = ("shown", "sampled_out", "collapsed", "held")
#: What was made so long before an absence may have been shown in it, and what was made so long after it, before the
#: join was through. A comment is dated before its COMMIT, which may wait for as long as a statement may.
_BEFORE_MS, _AFTER_MS = 2500, 1000
#: who could see a smaller share has no say
_SAYS = 0.5


class Comments(Oracle):
    name = "comments"

    async def read(self, source: Source, evidence: Evidence) -> list[dict[str, Any]]:
        return await source.comments()

    def judge(self, evidence: Evidence, read: list[dict[str, Any]]) -> list[Finding]:
        acked = evidence.notes("comment")
        if not acked:
            return []
        if not evidence.rehearsal:
            mine = {note[0] for note in acked}
            read = [item for item in read if item["id"] in mine]
        return [_accounts(evidence, acked, read), _screens(evidence, read)]


def _accounts(evidence: Evidence, acked: list[list[Any]], read: list[dict[str, Any]]) -> Finding:
    fates = {item["id"]: item["fate"] for item in read}
    counted = Counter(fates.values())
    lost = [note[0] for note in acked if note[0] not in fates]
    twice = len(acked) - len({note[0] for note in acked})
    lied = [
        note[0]
        for note in acked
        if note[0] in fates and (note[1], note[2]) != (fates[note[0]] == "shown", fates[note[0]] == "held")
    ]
    strange = sorted(set(counted) - set(_FATES))
    # One whose answer never came may have been archived all the same.
    extra = len(fates) - len(acked) + len(lost) + twice
    too_many = extra if extra > evidence.uncertain else 0
    sums = " + ".join(f"{counted[fate]} {fate.replace('_', ' ')}" for fate in _FATES)
    return Finding(
        name="accepted = shown + sampled out + collapsed + held",
        ok=not (lost or twice or lied or strange or too_many),
        text=f"{len(acked)} accepted; archived {sums}; {len(lost)} lost, {len(lied)} answered otherwise than archived, "
        f"{twice} acknowledged twice, {too_many} that nobody wrote",
        examples=[f"lost: {each}" for each in lost[:5]] + [f"answered otherwise: {each}" for each in lied[:5]],
    )


def _screens(evidence: Evidence, read: list[dict[str, Any]]) -> Finding:
    """Witnesses saw what was shown, and were told how many were left out. Those judge who had a line all the time; if
    there are none, those who had one most of it, for what was made while they had it.
    """
    name = "what is left out of screens is told"
    if evidence.faults:
        return Finding(name=name, ok=None, text="not judged: something was broken on purpose")
    shown = {item["id"]: item["at"] for item in read if item["fate"] == "shown"}
    left_out = [item["at"] for item in read if item["fate"] == "sampled_out"]
    witnesses = [each for account in evidence.accounts for each in account.witnesses]
    whole = [each for each in witnesses if not each.away]
    seen = [_seen(each, shown, left_out) for each in whole or witnesses]
    able = [each for each in seen if each.owed >= (len(shown) + len(left_out)) * _SAYS]
    if not able:  # nobody but the server ends the line of a witness
        return Finding(
            name=name, ok=False, text="no witness had a line while half of it was said: the server ended them"
        )
    # The live lane is best effort for one who reads slowly: the best witness counts, and nobody sees too much.
    missed, untold = min(each.missed for each in able), min(each.untold for each in able)
    foreign, invented = max(each.foreign for each in able), max(each.invented for each in able)
    unseen = len(shown) + len(left_out) - max(each.owed for each in able)
    return Finding(
        name=name,
        ok=not missed and not untold and not (evidence.rehearsal and (foreign or invented)),
        text=f"{len(able)} witnesses: {len(shown)} comments were shown, {missed} of them not seen; {foreign} seen "
        f"that were not shown; {len(left_out)} were left out, {untold} of them not told, {invented} told too many"
        + (f"; {unseen} were made while the server had ended the witnesses' lines" if unseen else ""),
    )


@dataclass(frozen=True, slots=True)
class _Screen:
    """What one witness saw, beside what it was owed."""

    owed: int  #: comments, shown or left out, made while it had a line
    missed: int
    foreign: int
    untold: int  #: at least: those told near an absence make up for others
    invented: int  #: at least: those near an absence may have been told by two processes


def _seen(witness: Witness, shown: dict[str, int], left_out: list[int]) -> _Screen:
    def there(at: int) -> bool:
        return not any(start - _BEFORE_MS <= at <= end + _AFTER_MS for start, end in witness.away)

    seen, owed = set(witness.shown), {identity for identity, at in shown.items() if there(at)}
    counted = sum(map(there, left_out))
    return _Screen(
        owed=len(owed) + counted,
        missed=len(owed - seen),
        foreign=len(seen - shown.keys()),
        untold=max(0, counted - witness.left_out),
        invented=max(0, witness.left_out - len(left_out) - (len(left_out) - counted)),
    )
