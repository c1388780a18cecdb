"""Enter: a viewer enters the draw that is open: with a tap, or by the comment that is its password. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from livestream.protocol.commands import Command, Comment, EnterDraw
from livestream.protocol.draw_state import evolve_draws
from livestream.protocol.draws import Draw, DrawLogEvent, DrawReceipt, DrawState, EntryKind
from livestream.protocol.errors import ErrorCode as E
from livestream.protocol.pushes import AnyPush, Log, OwnDraws, Snapshot
from livestream.protocol.replies import AnyReply, Entered, Error, Posted

from ..dice import Dice
from .base import Behaviour, Noted, Outcome, Task, Who
from .comment import posted


class Enter(Behaviour):
    name = "enter"
    needs_token = True
    races = frozenset({E.DRAW_NOT_OPEN, E.DRAW_ENTERED})

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(sentences)
        self._draws: tuple[Draw, ...] = ()
        self._seq = -1

    def learn(self, push: AnyPush) -> None:
        match push:
            case Snapshot(seq=seq, draws=draws) if seq > self._seq:
                self._seq, self._draws = seq, tuple(draws)
            case Log(seq=seq, event=event) if seq > self._seq:
                self._seq = seq
                if isinstance(event, DrawLogEvent):
                    self._draws = evolve_draws(self._draws, event)

    def _open(self) -> Draw | None:
        return next((each for each in self._draws if each.state is DrawState.OPEN), None)

    def may(self, who: Who) -> bool:
        draw = self._open()
        return draw is not None and draw.id not in receipts(who)

    def command(self, who: Who, task: Task) -> Command | None:
        draw = self._open()
        if draw is None or draw.id in receipts(who):
            return None
        receipts(who)[draw.id] = None
        _tried(who)[task.ref] = draw.id
        if draw.entry is EntryKind.PASSWORD:
            return Comment(ref=task.ref, text=draw.password or "", key=task.key)
        return EnterDraw(ref=task.ref, draw=draw.id, key=task.key)

    def refusal(self, reply: AnyReply) -> E | None:
        """A password that is taken for any comment was written when the draw took no entries, or so the server says."""
        if isinstance(reply, Posted):
            return None if reply.entered is not None else reply.not_entered or E.DRAW_NOT_OPEN
        return super().refusal(reply)

    def late(self, who: Who, command: Command, task: Task) -> list[object]:
        return [_tried(who)[task.ref]]

    def answered(self, who: Who, command: Command, reply: AnyReply, task: Task) -> Iterable[Outcome]:
        draw = _tried(who).pop(task.ref)
        match reply:
            case Entered(receipt=receipt) | Error(entered=DrawReceipt() as receipt):
                yield from _entered(who, receipt)
            case Posted(entered=receipt, not_entered=refused):
                yield posted(reply)
                if receipt is not None:
                    yield from _entered(who, receipt)
                elif refused is not None:
                    yield Noted("not_entered", [str(refused)])
            case Error(code=code) if code not in self.races and receipts(who).get(draw) is None:
                receipts(who).pop(draw, None)  # they may try again

    def hears(self, who: Who, push: AnyPush, random: Dice) -> Iterable[Outcome]:
        if isinstance(push, OwnDraws):
            receipts(who).update((each.draw, each.receipt) for each in push.draws if each.receipt is not None)
        return ()


def receipts(who: Who) -> dict[str, DrawReceipt | None]:
    """A viewer's receipts by draw; None: tried, and no answer yet, or too late."""
    found: dict[str, DrawReceipt | None] = who.memory.setdefault("receipts", {})
    return found


def _tried(who: Who) -> dict[int, str]:
    """Draws of the entries under way, by ref: a password does not say for which it is."""
    found: dict[int, str] = who.memory.setdefault("tried", {})
    return found


def _entered(who: Who, receipt: DrawReceipt) -> Iterable[Outcome]:
    receipts(who)[receipt.draw_id] = receipt
    yield Noted(
        "entered", [receipt.draw_id, receipt.entry_id, receipt.weight, who.number, msgspec.to_builtins(receipt)]
    )
