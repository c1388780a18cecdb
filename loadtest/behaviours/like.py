"""Like: viewers tap, and the app sends how often. Pure."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from livestream.protocol import limits
from livestream.protocol.commands import Command
from livestream.protocol.commands import Like as LikeCommand

from .base import Behaviour, Options, Task, Who


class LikeOptions(Options, frozen=True, kw_only=True):
    most: Annotated[int, Meta(ge=1, le=limits.LIKES_PER_COMMAND)] = 8  #: taps in one command


class Like(Behaviour):
    name = "like"
    options = LikeOptions

    def command(self, who: Who, task: Task) -> Command:
        return LikeCommand(ref=task.ref, count=task.random.randint(1, task.options.most))
