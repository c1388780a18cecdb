"""Comment: viewers write sentences of the corpus. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta

from livestream.protocol.commands import Command
from livestream.protocol.commands import Comment as CommentCommand
from livestream.protocol.events import Commented, Event
from livestream.protocol.replies import AnyReply, Error, Posted

from .base import Behaviour, Noted, Options, Outcome, Task, Who, mark_of, marked

_LONGEST = 175  #: with its mark a comment stays below the 200 characters that rooms allow by default


class CommentOptions(Options, frozen=True, kw_only=True):
    """How they write."""

    repeats: Annotated[float, Meta(ge=0, le=1)] = 0.1  #: share that says what many say
    phrases: tuple[str, ...] = ("Wow", "+1", "🔥🔥🔥", "Me too")  #: what many say


class Comment(Behaviour):
    name = "comment"
    options = CommentOptions

    def command(self, who: Who, task: Task) -> Command:
        options: CommentOptions = task.options
        if options.phrases and task.random.random() < options.repeats:
            text = task.random.choice(options.phrases)
        else:
            text = task.random.choice(self.sentences)[:_LONGEST]
        return CommentCommand(ref=task.ref, text=marked(text, task.due_us), key=task.key)

    def seen(self, event: Event) -> int | None:
        return mark_of(event.text) if isinstance(event, Commented) else None

    def answered(self, who: Who, command: Command, reply: AnyReply, task: Task) -> Iterable[Outcome]:
        if not isinstance(reply, Error):
            yield posted(reply)


def posted(reply: AnyReply) -> Noted:
    """Id, shown, held of a comment that was accepted."""
    return Noted("comment", [reply.id, reply.shown, reply.held] if isinstance(reply, Posted) else ["", False, False])
