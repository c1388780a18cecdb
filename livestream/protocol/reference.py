"""Reference: the wire as a page for a stranger. Prose here, tables from the structs."""

from __future__ import annotations

import importlib.resources
import json

import msgspec
from msgspec import inspect as mi

from . import limits
from .commands import COMMANDS, COMMON_ERRORS, Command
from .errors import CLOSES, ERRORS
from .events import EVENTS
from .lanes import Lane
from .limits import RATES
from .meanings import beside, meaning
from .model import PARTS, Field, doc, fields, tag, who
from .openapi import in_words
from .pushes import PUSHES
from .replies import REPLIES
from .roles import Role
from .tables import table

_LANES = {
    Lane.DIRECT: "to one connection: replies and notices",
    Lane.LOG: "every event, in order, once in effect; gap-free `seq`, resumable",
    Lane.STAFF: "the same promise for the room's second log; staff only",
    Lane.LIVE: "best effort: merged, sampled in a flood; the number left out is told",
    Lane.GAUGE: "the latest value of a key wins",
}


def reference() -> str:
    """The whole page, Markdown."""
    parts = [
        *(_prose(name) for name in ("reference-intro.md", "reference-try.md")),
        "## Lanes\n\n" + table(["lane", "promise"], [[lane.value, text] for lane, text in _LANES.items()]),
        "## Commands\n\n" + "\n".join(_command(each) for each in COMMANDS),
        "## Who may\n\n" + _roles() + "\n\n" + _permissions(),
        "## Rates\n\n" + _rates(),
        "## Replies\n\nLane: direct.\n\n" + "\n".join(_struct(each) for each in REPLIES),
        "## Pushes\n\n" + "\n".join(_struct(each, f"Lane: {each.lane}.") for each in PUSHES),
        "## Events\n\n" + "\n".join(_struct(each) for each in EVENTS),
        "## Parts\n\n" + "\n".join(_struct(each) for each in PARTS),
        "## Error codes\n\n" + _errors(),
        "## Close codes\n\n" + _closes(),
        "## Limits\n\n" + _limits(),
        in_words(),
    ]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _prose(name: str) -> str:
    return importlib.resources.files(__package__).joinpath(name).read_text("utf-8")


def _command(struct: type[Command]) -> str:
    errors = ", ".join(f"`{code}`" for code in struct.errors) or "none"
    answer = f"Reply: `{tag(struct.reply)}`. Errors beside the common ones: {errors}."
    rate = RATES[struct.rate]
    often = f"Rate: {struct.rate}, {rate.burst} at once and then {rate.per_s:.3g} a second."
    return _struct(struct, f"Who: {who(struct)}. {often} {answer}")


def _struct(struct: type[msgspec.Struct], facts: str = "") -> str:
    title = f"### `{tag(struct)}`" if tag(struct) else f"### {struct.__name__}"
    parts = [title, doc(struct).replace("\n", "\n\n")]
    if facts:
        parts.append(facts)
    rows = [[f"`{field.name}`", _type(field.type), _default(field), meaning(struct, field)] for field in fields(struct)]
    if rows:
        parts.append(table(["field", "type", "default", "meaning"], rows))
    return "\n\n".join(parts) + "\n"


def _default(field: Field) -> str:
    return "required" if field.required else f"`{json.dumps(msgspec.to_builtins(field.default))}`"


def _type(kind: mi.Type) -> str:
    match kind:
        case mi.Metadata():
            return _type(kind.type)
        case mi.StrType():
            return "string" + _range(kind.min_length, kind.max_length, " characters")
        case mi.IntType():
            return "integer" + _range(kind.ge, kind.le, "")
        case mi.BoolType():
            return "boolean"
        case mi.NoneType():
            return "null"
        case mi.FloatType():
            return "number" + _range(kind.ge if kind.ge is not None else kind.gt, kind.le, "")
        case mi.AnyType():
            return "anything"
        case mi.LiteralType():
            return " or ".join(f"`{value}`" for value in kind.values)
        case mi.EnumType():
            return " or ".join(f"`{member.value}`" for member in kind.cls)
        case mi.StructType():
            return f"`{tag(kind.cls)}`" if tag(kind.cls) else kind.cls.__name__
        case mi.ListType():
            return f"list of {_type(kind.item_type)}"
        case mi.DictType():
            return f"map of {_type(kind.key_type)} to {_type(kind.value_type)}"
        case mi.UnionType():
            return " or ".join(_type(part) for part in kind.types)
    return type(kind).__name__


def _range(least: object, most: object, unit: str) -> str:
    if most is not None and least is not None:
        return f", {least} to {most}{unit}"
    if most is not None:
        return f", at most {most}{unit}"
    return f", at least {least}{unit}" if least is not None else ""


def _roles() -> str:
    notes = beside(Role)
    return table(["role", "who that is"], [[role.value, notes[role.name]] for role in Role])


def _permissions() -> str:
    rows = [[f"`{tag(each)}`", *("yes" if role in each.roles else "" for role in Role)] for each in COMMANDS]
    return table(["command", *(role.value for role in Role)], rows)


def _rates() -> str:
    rows = [[kind.value, str(rate.burst), f"{rate.per_s:.3g}"] for kind, rate in RATES.items()]
    text = (
        "A token bucket a connection and class; comments also count over all of a viewer's connections in a room. "
        "These are the defaults, which a deployment may change."
    )
    return f"{text}\n\n" + table(["class", "at once", "then a second"], rows)


def _errors() -> str:
    common = ", ".join(f"`{code}`" for code in COMMON_ERRORS)
    rows = [[f"`{code}`", "yes" if info.temporary else "", info.text] for code, info in ERRORS.items()]
    return f"Any command may get: {common}.\n\n" + table(["code", "temporary", "what to do"], rows)


def _closes() -> str:
    rows = []
    for code, info in CLOSES.items():
        then = "stay away" if not info.reconnect else "come back with a new token" if info.fresh_token else "come back"
        rows.append([str(int(code)), then, info.text])
    return table(["code", "then", "why"], rows)


def _limits() -> str:
    notes = beside(limits)
    rows = [
        [name.lower().replace("_", " "), str(value), notes.get(name, "")]
        for name, value in vars(limits).items()
        if name.isupper() and isinstance(value, int)
    ]
    return table(["limit", "value", "note"], rows)
