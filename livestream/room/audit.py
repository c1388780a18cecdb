"""Audit: the staff log's entry for something that staff did. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livestream.protocol.commands import Command
from livestream.protocol.events import Acted

from .desk import Actor


def acted(
    actor: Actor,
    command: Command,
    what: str,
    why: str | None = None,
    undo: dict[str, Any] | None = None,
    about: Sequence[str] = (),
) -> Acted:
    """Who did what.

    Args:
        what: in words, past tense.
        undo: the command that would undo it, as it goes over the wire without `ref`.
        about: pseudonyms of those whom it concerns: erasing one of them finds it.
    """
    return Acted(
        who=actor.viewer_id or actor.key,
        name=actor.name,
        role=actor.role,
        command=str(command.__struct_config__.tag),
        what=what,
        why=why,
        undo=undo,
        about=list(dict.fromkeys(about)),
    )
