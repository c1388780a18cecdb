"""Meanings: what the `#:` comments beside fields and constants say, so that a generated page need not repeat them."""

from __future__ import annotations

import inspect
import re
from functools import cache
from types import ModuleType

import msgspec

from .model import Field

_BESIDE = re.compile(r"^\s*(\w+)(?:\s*:.*?|\s*=.*?)\s#: (.+)$", re.MULTILINE)


@cache
def beside(thing: type | ModuleType) -> dict[str, str]:
    """Comments of a class or module by the name they stand beside."""
    return dict(_BESIDE.findall(inspect.getsource(thing)))


def meaning(struct: type[msgspec.Struct], field: Field) -> str:
    """What a field means: the comment beside it, then what its type says."""
    comment = next((found[field.name] for each in _own(struct) if field.name in (found := beside(each))), "")
    return " ".join(_sentence(text) for text in (comment, field.text) if text)


def _own(struct: type[msgspec.Struct]) -> list[type]:
    return [each for each in struct.__mro__ if each.__module__.startswith(__package__ or "")]


def _sentence(text: str) -> str:
    text = text[0].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."
