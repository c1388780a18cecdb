"""Say: the host's heartbeat, by which the log lane is measured. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta

from livestream.protocol.commands import Command
from livestream.protocol.commands import Say as SayCommand
from livestream.protocol.events import Event, Said
from livestream.protocol.replies import AnyReply, Error, Posted

from .base import Behaviour, Noted, Options, Outcome, Task, Who, mark_of, marked


class SayOptions(Options, frozen=True, kw_only=True):
    chars: Annotated[int, Meta(ge=20, le=1900)] = 120


class Say(Behaviour):
    name = "say"
    options = SayOptions
    needs_token = True

    def command(self, who: Who, task: Task) -> Command:
        chars: int = task.options.chars
        text = ""
        while len(text) < chars:
            text += " " + task.random.choice(self.sentences)
        return SayCommand(ref=task.ref, text=marked(text[1 : chars + 1].strip(), task.due_us), key=task.key)

    def seen(self, event: Event) -> int | None:
        return mark_of(event.message.text) if isinstance(event, Said) else None

    def answered(self, who: Who, command: Command, reply: AnyReply, task: Task) -> Iterable[Outcome]:
        """Id and seq of what was accepted; seq is None in the answer of a repeated key."""
        if not isinstance(reply, Error):
            yield Noted("say", [reply.id, reply.seq] if isinstance(reply, Posted) else ["", None])
