"""TypeScript: the wire's types for the SDK and the pages. Generated; `make generate` writes the file."""

from __future__ import annotations

import enum
import json

import msgspec
from msgspec import inspect as mi

from . import limits
from .codec import Codec
from .draws import BeaconKind, DrawState, EntryKind, PassedWhy, VoidWhy
from .errors import CLOSES, ERRORS, ErrorCode
from .events import RefundState, SanctionKind
from .groupbuy import DealState, OrderState, SeatState, TeamState
from .lanes import Lane
from .limits import RATES, RateClass
from .meanings import beside, meaning
from .model import UNIONS, doc, fields, members, structs, tag
from .roles import Role
from .show import ShowState

_HEAD = "// Generated from livestream/protocol by `make generate`. Change the structs there, not this file.\n"
_ENUMS: tuple[type[enum.StrEnum], ...] = (
    Role, ShowState, SanctionKind, RefundState, DealState, TeamState, SeatState, OrderState, DrawState, EntryKind,
    BeaconKind, VoidWhy, PassedWhy, Lane, RateClass, ErrorCode,
)  # fmt: skip


def typescript() -> str:
    """The whole file."""
    parts = [_HEAD]
    parts += [_enum(each) for each in _ENUMS]
    parts += [_interface(struct) for struct in structs()]
    parts += [_union(name, union) for name, union in UNIONS.items()]
    parts += [_codecs(), _errors(), _closes(), _limits(), _rates()]
    return "\n".join(parts)


def _enum(kind: type[enum.StrEnum]) -> str:
    return f"export type {kind.__name__} = {' | '.join(json.dumps(member.value) for member in kind)};\n"


def _interface(struct: type[msgspec.Struct]) -> str:
    lines = [_comment(doc(struct), ""), f"export interface {struct.__name__} {{"]
    if (name := tag(struct)) is not None:
        lines.append(f"  t: {json.dumps(name)};")
    for field in fields(struct):
        if text := meaning(struct, field):
            lines.append(_comment(text, "  "))
        lines.append(f"  {field.name}{'' if field.required else '?'}: {_type(field.type)};")
    return "\n".join([*lines, "}", ""])


def _union(name: str, union: object) -> str:
    return f"export type {name} = {' | '.join(member.__name__ for member in members(union))};\n"


def _type(kind: mi.Type) -> str:
    match kind:
        case mi.Metadata():
            return _type(kind.type)
        case mi.StrType():
            return "string"
        case mi.IntType() | mi.FloatType():
            return "number"
        case mi.BoolType():
            return "boolean"
        case mi.NoneType():
            return "null"
        case mi.AnyType():
            return "unknown"
        case mi.LiteralType():
            return " | ".join(map(json.dumps, kind.values))
        case mi.EnumType() | mi.StructType():
            return kind.cls.__name__
        case mi.ListType():
            item = _type(kind.item_type)
            return f"({item})[]" if "|" in item else f"{item}[]"
        case mi.DictType():
            return f"Record<{_type(kind.key_type)}, {_type(kind.value_type)}>"
        case mi.UnionType():
            return " | ".join(_type(part) for part in kind.types)
    raise TypeError(f"no TypeScript for {kind}")


def _comment(text: str, indent: str) -> str:
    lines = text.replace("*/", "* /").splitlines()
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */"
    return "\n".join([f"{indent}/**", *(f"{indent} * {line}" for line in lines), f"{indent} */"])


def _codecs() -> str:
    entries = "".join(f"  {codec.name.lower()}: {json.dumps(codec.value)},\n" for codec in Codec)
    return f"/** Subprotocols of /v1/ws. */\nexport const CODECS = {{\n{entries}}} as const;\n"


def _errors() -> str:
    entries = "".join(
        f"  {code.value}: {{ text: {json.dumps(info.text)}, temporary: {json.dumps(info.temporary)} }},\n"
        for code, info in ERRORS.items()
    )
    kind = "Record<ErrorCode, { text: string; temporary: boolean }>"
    return f"export const ERRORS: {kind} = {{\n{entries}}};\n"


def _closes() -> str:
    entries = "".join(
        f"  {int(code)}: {{ name: {json.dumps(code.name.lower())}, text: {json.dumps(info.text)},"
        f" reconnect: {json.dumps(info.reconnect)}, fresh_token: {json.dumps(info.fresh_token)} }},\n"
        for code, info in CLOSES.items()
    )
    kind = "Record<number, { name: string; text: string; reconnect: boolean; fresh_token: boolean }>"
    return (
        f"/** Why the server closed, and what a client does then. */\nexport const CLOSES: {kind} = {{\n{entries}}};\n"
    )


def _limits() -> str:
    values = {name: value for name, value in vars(limits).items() if name.isupper() and isinstance(value, int)}
    notes = beside(limits)
    entries = "".join(
        (_comment(notes[name], "  ") + "\n" if name in notes else "") + f"  {name}: {value},\n"
        for name, value in values.items()
    )
    return f"export const LIMITS = {{\n{entries}}} as const;\n"


def _rates() -> str:
    entries = "".join(
        f"  {kind.value}: {{ burst: {rate.burst}, per_s: {rate.per_s:.4g} }},\n" for kind, rate in RATES.items()
    )
    kind = "Record<RateClass, { burst: number; per_s: number }>"
    text = "So many commands of a class at once, then so many a second: the defaults, which a deployment may change."
    return f"/** {text} */\nexport const RATES: {kind} = {{\n{entries}}};\n"
