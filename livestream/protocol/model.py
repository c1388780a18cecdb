"""Model: the wire's structs as the generators see them. What follows from the structs is found here, once."""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass

import msgspec
from msgspec import inspect as mi

from . import commands, events, pushes, replies
from .roles import Role

#: structs that are parts of messages and not messages themselves
PARTS: tuple[type[msgspec.Struct], ...] = (
    *events.PARTS,
    pushes.StaffView,
    replies.Me,
    commands.Resume,
    commands.ClaimForm,
)

#: unions that have a name of their own
UNIONS: dict[str, object] = {
    "LogEvent": events.LogEvent,
    "StaffEvent": events.StaffEvent,
    "LiveEvent": events.LiveEvent,
    "NoticeEvent": events.NoticeEvent,
    "Push": pushes.AnyPush,
    "Reply": replies.AnyReply,
    "Command": commands.AnyCommand,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a struct."""

    name: str
    type: mi.Type
    required: bool
    default: object
    text: str  #: from `Meta(description=…)`


def messages() -> tuple[type[msgspec.Struct], ...]:
    """Every struct with a tag, events first: later ones name earlier ones."""
    return (*events.EVENTS, *pushes.PUSHES, *replies.REPLIES, *commands.COMMANDS)


def structs() -> tuple[type[msgspec.Struct], ...]:
    return (*PARTS, *messages())


def tag(struct: type[msgspec.Struct]) -> str | None:
    """The value of `t`; None for parts."""
    return typing.cast("str | None", struct.__struct_config__.tag)


def members(union: object) -> list[type[msgspec.Struct]]:
    return list(typing.get_args(union)) or [typing.cast("type[msgspec.Struct]", union)]


def fields(struct: type[msgspec.Struct]) -> list[Field]:
    """Fields in the order they are written, `ref` first."""
    info = mi.type_info(struct)
    assert isinstance(info, mi.StructType)
    found = [_field(field) for field in info.fields]
    return sorted(found, key=lambda field: field.name != "ref")


def _field(field: mi.Field) -> Field:
    default = field.default
    if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    return Field(field.name, _bare(field.type), field.required, default, _description(field.type))


def _bare(kind: mi.Type) -> mi.Type:
    return kind.type if isinstance(kind, mi.Metadata) else kind


def _description(kind: mi.Type) -> str:
    if isinstance(kind, mi.Metadata):
        return str((kind.extra_json_schema or {}).get("description", "")) or _description(kind.type)
    if isinstance(kind, mi.UnionType):
        return next((text for part in kind.types if (text := _description(part))), "")
    return ""


def doc(struct: type[msgspec.Struct]) -> str:
    """The docstring, as one line a paragraph."""
    text = inspect.cleandoc(struct.__doc__ or "")
    return "\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def who(struct: type[commands.Command]) -> str:
    """Roles that may send a command, in words."""
    if struct.roles == frozenset(Role):
        return "everyone"
    return ", ".join(role.value for role in Role if role in struct.roles)
