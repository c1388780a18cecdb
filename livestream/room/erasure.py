"""Erasure: takes one person out of events that were written already. Pure.

Unlike `redaction`, which empties known fields, it looks for the marks of a
person anywhere: what was written by older versions, or about them in words.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

#: fields that say something of the person whose mark stands beside them
_PERSONAL = ("name", "text", "why", "what", "answered_name", "answered_text", "by_name")


def erase(event: str, marks: Sequence[str], names: Sequence[str]) -> str:
    """An event (JSON) without a person.

    Args:
        marks: pseudonym and the shop's id; wherever one stands it goes, with what stands beside it.
        names: display names, which are cut out of sentences.
    """
    return json.dumps(_cleaned(json.loads(event), frozenset(marks), names), ensure_ascii=False, separators=(",", ":"))


def _cleaned(value: Any, marks: frozenset[str], names: Sequence[str]) -> Any:
    if isinstance(value, list):
        return [_cleaned(each, marks, names) for each in value if not (isinstance(each, str) and each in marks)]
    if not isinstance(value, dict):
        return _without(value, names) if isinstance(value, str) else value
    concerned = any(_is_mark(each, marks) for each in value.values())
    cleaned: dict[str, Any] = {}
    for key, each in value.items():
        if (isinstance(each, str) and each in marks) or (concerned and key in _PERSONAL and isinstance(each, str)):
            cleaned[key] = ""
        elif concerned and key == "undo":
            continue
        else:
            cleaned[key] = _cleaned(each, marks, names)
    return cleaned


def _is_mark(value: Any, marks: frozenset[str]) -> bool:
    return (isinstance(value, str) and value in marks) or (
        isinstance(value, list) and any(isinstance(each, str) and each in marks for each in value)
    )


def _without(text: str, names: Sequence[str]) -> str:
    for name in names:
        if name:
            text = text.replace(name, "…")
    return text
