"""Canonical JSON: one text for one value, after RFC 8785, for the values that rules are made of. Pure.

There are no fractions: numbers are integers that JavaScript holds exactly. Keys are ordered by their UTF-16 code
units, as the RFC asks, which differs from the order of code points beyond U+FFFF.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

_MOST = 2**53 - 1


def canonical(value: Any) -> bytes:
    """The one text of a value made of dict, list, tuple, str, int, bool and None, in UTF-8.

    Raises:
        ValueError: a number with a fraction or beyond 2^53 - 1, an unpaired surrogate, or another type.
    """
    try:
        return _text(value).encode()
    except UnicodeEncodeError:
        raise ValueError("an unpaired surrogate has no UTF-8") from None


def sha256(value: Any) -> bytes:
    """SHA-256 of the canonical text."""
    return hashlib.sha256(canonical(value)).digest()


def _text(value: Any) -> str:
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case int() if -_MOST <= value <= _MOST:
            return str(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case list() | tuple():
            return "[" + ",".join(map(_text, value)) + "]"
        case dict():
            names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
            return "{" + ",".join(f"{_text(name)}:{_text(value[name])}" for name in names) + "}"
        case _:
            raise ValueError(f"no canonical text: {value!r:.80}")
