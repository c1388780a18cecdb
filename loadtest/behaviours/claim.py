"""Claim: who won says where the prize goes. Pure.

Follows from the notice that one won; no schedule starts it.
"""

from __future__ import annotations

from collections.abc import Iterable

from livestream.protocol.commands import ClaimForm, ClaimPrize, Command
from livestream.protocol.draws import YouWon
from livestream.protocol.pushes import AnyPush, Notice, OwnDraws
from livestream.protocol.replies import AnyReply, Claimed

from ..dice import Dice
from .base import Behaviour, Noted, Options, Outcome, Task, Then, Who, between
from .enter import receipts

_AFTER_S = (1.0, 4.0)  #: to read the news and fill in a form


class Claim(Behaviour):
    name = "claim"
    needs_token = True
    scheduled = False

    def command(self, who: Who, task: Task) -> Command | None:
        draw: str | None = task.about
        if draw is None:
            return None
        form = ClaimForm(name=who.name, address=f"{who.number} Load Test Lane", email="nobody@example.invalid")
        return ClaimPrize(ref=task.ref, draw=draw, form=form, receipt=receipts(who).get(draw), key=task.key)

    def answered(self, who: Who, command: Command, reply: AnyReply, task: Task) -> Iterable[Outcome]:
        if isinstance(reply, Claimed):
            yield Noted("claimed", [task.about, who.number])

    def hears(self, who: Who, push: AnyPush, random: Dice) -> Iterable[Outcome]:
        match push:
            case Notice(event=YouWon(draw=draw)):
                won = [draw]
            case OwnDraws(draws=draws):
                won = [each.draw for each in draws if each.prize is not None and not each.claimed]
            case _:
                return
        begun: set[str] = who.memory.setdefault("claims", set())
        for draw in won:
            if draw in begun:
                continue
            begun.add(draw)
            yield Noted("won", [draw, who.number])
            if self.name in who.memory.get("does", ()):
                yield Then(between(_AFTER_S, random), self.name, Options(), draw)
