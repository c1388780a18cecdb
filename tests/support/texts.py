"""Texts: every field in which somebody may write what they like, as the protocol declares them over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect as mi

from livestream.protocol.http import OPERATIONS, Operation

#: no id, address or number may look like this
_PROBE = "<b onclick='x'>\u202e"
#: fields that must name what is there already, or are read and not kept
_NAMES = {"who", "to", "kid", "ticket", "public_key"}
BY_NAME = {operation.name: operation for operation in OPERATIONS}

Path = tuple[str, ...]


def fields() -> set[tuple[str, Path]]:
    """Operation and path of every text that somebody may give; one that is new is there by itself."""
    return {
        (operation.name, path)
        for operation in OPERATIONS
        if operation.body is not None
        for path, _ in _texts(mi.type_info(operation.body))
        if path[-1] not in _NAMES
    }


def filled(operation: Operation, text: str, given: dict[str, Any]) -> dict[str, Any]:
    """A body with this text wherever there may be one, as much of it as there may be.

    Args:
        given: what stands in other fields, and in those of its own parts; never taken for a text.
    """
    if operation.body is None:
        return {}
    made = _value(mi.type_info(operation.body), text, given)
    if made is _NOTHING:
        names = operation.body.__struct_fields__
        return {name: value for name, value in given.items() if name in names}
    body: dict[str, Any] = made
    return body


def texts_in(operation: Operation, body: dict[str, Any], text: str) -> set[tuple[str, Path]]:
    """Which text fields of a body hold the text."""
    return {
        (operation.name, path)
        for path, kind in _texts(mi.type_info(operation.body or type(None)))
        if _fitting(kind, text) in _at(body, path)
    }


def _fitting(kind: mi.StrType, text: str) -> str:
    """As much of a text as a field takes; some are of one line."""
    line = text if kind.pattern is None or re.search(kind.pattern, text) else " ".join(text.split())
    return line[: kind.max_length].strip()


def _at(value: Any, path: Path) -> list[Any]:
    if not path:
        return [value]
    first, rest = path[0], path[1:]
    if first == "[]":
        return [found for each in value or [] for found in _at(each, rest)]
    return _at(value[first], rest) if isinstance(value, dict) and first in value else []


def _texts(kind: mi.Type, path: Path = ()) -> Iterator[tuple[Path, mi.StrType]]:
    match kind:
        case mi.Metadata(type=inner):
            yield from _texts(inner, path)
        case mi.StrType(pattern=pattern):
            if pattern is None or re.search(pattern, _PROBE):
                yield path, kind
        case mi.UnionType(types=types):
            for each in types:
                yield from _texts(each, path)
        case mi.ListType(item_type=item):
            yield from _texts(item, (*path, "[]"))
        case mi.StructType(fields=own):
            for field in own:
                yield from _texts(field.type, (*path, field.encode_name))


_NOTHING = object()


def _value(kind: mi.Type, text: str, given: dict[str, Any]) -> Any:
    match kind:
        case mi.Metadata(type=inner):
            return _value(inner, text, given)
        case mi.StrType() if any(True for _ in _texts(kind)):
            return _fitting(kind, text)
        case mi.UnionType(types=types):
            return next((made for each in types if (made := _value(each, text, given)) is not _NOTHING), _NOTHING)
        case mi.ListType(item_type=item):
            made = _value(item, text, given)
            return _NOTHING if made is _NOTHING else [made]
        case mi.StructType(fields=own):
            body = {
                field.encode_name: given[field.encode_name]
                if field.encode_name in given
                else _value(field.type, text, given)
                for field in own
            }
            has_text = any(True for _ in _texts(kind))
            return {name: value for name, value in body.items() if value is not _NOTHING} if has_text else _NOTHING
    return _NOTHING


def decoded(operation: Operation, body: dict[str, Any]) -> msgspec.Struct:
    """As the server decodes it.

    Raises:
        msgspec.ValidationError.
    """
    assert operation.body is not None
    made: msgspec.Struct = msgspec.json.decode(msgspec.json.encode(body), type=operation.body)
    return made
