"""Comment: viewers write sentences of the corpus. Pure."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from livestream.protocol.commands import Command
from livestream.protocol.commands import Comment as CommentCommand
from livestream.protocol.events import Commented, Event
from livestream.protocol.replies import AnyReply, Error, Posted

from .base import Behaviour, Options, Task, Who, mark_of, marked

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

    def note(self, command: Command, reply: AnyReply) -> list[Any] | None:
        """Id, shown, held of what was accepted."""
        if isinstance(reply, Error):
            return None
        return [reply.id, reply.shown, reply.held] if isinstance(reply, Posted) else ["", False, False]
