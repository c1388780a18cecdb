"""ClientCommands: what a client may ask, one method a command, typed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, TypeVar

from livestream.protocol.commands import (
    CancelDraw,
    ClaimForm,
    ClaimPrize,
    CloseDraw,
    Command,
    Comment,
    CreateDraw,
    EnterDraw,
    Like,
    OpenDraw,
    Pin,
    RevealDraw,
    Say,
    Schedule,
    Seen,
    SetShow,
)
from livestream.protocol.draws import DrawPlan, DrawReceipt
from livestream.protocol.replies import Announced, AnyReply, Claimed, Entered, Ok, Posted, Reply
from livestream.protocol.show import ShowState

_R = TypeVar("_R", bound=Reply)


class Commands:
    """Methods of `Client`, all by way of `ask`.

    Each raises `CommandError` or `Closed`. A `key` makes a repeat harmless; one
    is made up for every call, so give your own only to repeat across programs.
    """

    async def ask(self, kind: type[Command], /, **fields: Any) -> AnyReply:
        raise NotImplementedError

    async def comment(self, text: str, *, key: str | None = None) -> Posted:
        """Say something in public."""
        return _as(Posted, await self.ask(Comment, text=text, key=key or _new_key()))

    async def like(self, count: int = 1) -> Ok:
        return _as(Ok, await self.ask(Like, count=count))

    async def say(self, text: str, *, pin: bool = False, answers: str | None = None, key: str | None = None) -> Posted:
        """A host message: to everyone, in order."""
        return _as(Posted, await self.ask(Say, text=text, pin=pin, answers=answers, key=key or _new_key()))

    async def pin(self, message: str | None, *, key: str | None = None) -> Ok:
        """Keep one host message in view; None takes it away."""
        return _as(Ok, await self.ask(Pin, message=message, key=key or _new_key()))

    async def schedule(self, title: str, starts_at: int, *, key: str | None = None) -> Posted:
        return _as(Posted, await self.ask(Schedule, title=title, starts_at=starts_at, key=key or _new_key()))

    async def set_show(self, state: ShowState | str, *, key: str | None = None) -> Ok:
        return _as(Ok, await self.ask(SetShow, state=ShowState(state), key=key or _new_key()))

    async def seen(self, notice: int) -> Ok:
        """Notices up to this number were read."""
        return _as(Ok, await self.ask(Seen, notice=notice))

    async def create_draw(self, plan: DrawPlan, *, key: str | None = None) -> Announced:
        """Put a draw into the queue."""
        return _as(Announced, await self.ask(CreateDraw, plan=plan, key=key or _new_key()))

    async def open_draw(
        self, draw: str, *, commitments: Sequence[str] = (), names: Sequence[str] = (), key: str | None = None
    ) -> Ok:
        """Publish the rules and take entries."""
        return _as(
            Ok,
            await self.ask(
                OpenDraw, draw=draw, commitments=list(commitments), names=list(names), key=key or _new_key()
            ),
        )

    async def close_draw(self, draw: str, *, key: str | None = None) -> Ok:
        return _as(Ok, await self.ask(CloseDraw, draw=draw, key=key or _new_key()))

    async def cancel_draw(self, draw: str, why: str, *, key: str | None = None) -> Ok:
        return _as(Ok, await self.ask(CancelDraw, draw=draw, why=why, key=key or _new_key()))

    async def reveal_draw(self, draw: str, party: int, secret: str, *, key: str | None = None) -> Ok:
        return _as(Ok, await self.ask(RevealDraw, draw=draw, party=party, secret=secret, key=key or _new_key()))

    async def enter_draw(self, draw: str, *, key: str | None = None) -> Entered:
        """Take part; the reply holds the signed receipt."""
        return _as(Entered, await self.ask(EnterDraw, draw=draw, key=key or _new_key()))

    async def claim_prize(
        self, draw: str, form: ClaimForm, *, receipt: DrawReceipt | None = None, key: str | None = None
    ) -> Claimed:
        """Say where a prize goes; the reply says when that is deleted."""
        return _as(Claimed, await self.ask(ClaimPrize, draw=draw, form=form, receipt=receipt, key=key or _new_key()))


def _as(kind: type[_R], reply: AnyReply) -> _R:
    if not isinstance(reply, kind):
        raise TypeError(f"expected {kind.__name__}, the server answered {reply!r}")
    return reply


def _new_key() -> str:
    return secrets.token_urlsafe(12)
