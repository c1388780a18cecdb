"""Comments: accepted = shown + sampled out + collapsed + held, to the unit, and the screens agree."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .base import Evidence, Finding, Oracle, Source

_FATES = ("shown", "sampled_out", "collapsed", "held")


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
    """Witnesses, who were there all the time, saw what was shown, and were told how many were left out."""
    name = "what is left out of screens is told"
    witnesses = [each for account in evidence.accounts for each in account.witnesses]
    whole = [each for each in witnesses if each.unbroken]
    if evidence.faults:
        return Finding(name=name, ok=None, text="not judged: something was broken on purpose")
    if not whole:  # nobody but the server ends the line of a witness
        return Finding(name=name, ok=False, text="the server ended the line of every witness, so none saw it all")
    shown = {item["id"] for item in read if item["fate"] == "shown"}
    sampled = sum(item["fate"] == "sampled_out" for item in read)
    # The live lane is best effort for one who reads slowly: the best witness counts.
    missed = min(len(shown - set(each.shown)) for each in whole)
    foreign = min(len(set(each.shown) - shown) for each in whole) if evidence.rehearsal else 0
    told = max(each.left_out for each in whole)
    told_ok = told == sampled if evidence.rehearsal else told >= sampled
    return Finding(
        name=name,
        ok=not missed and not foreign and told_ok,
        text=f"{len(whole)} witnesses: {len(shown)} comments were shown, {missed} of them not seen; {foreign} seen "
        f"that were not shown; {sampled} were left out, {told} told",
    )
