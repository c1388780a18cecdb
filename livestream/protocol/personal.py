"""Personal: which fields of events and states hold something of a person, and taking one person out of them. Pure.

A struct says it beside its fields, and nothing else decides it:

    personal = (Tells("by", Mark.PSEUDONYM, ("name", "text")),)

`by` holds somebody's pseudonym; `name` and `text` are theirs. A field is
compared whole and only with marks of its own kind: a viewer whose id is
`1001`, or whose name is `an`, takes nothing along that is not theirs.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar, cast

import msgspec

_T = TypeVar("_T")


class Mark(enum.Enum):
    """What stands in a field that says whose others are. The first two are erased themselves."""

    PSEUDONYM = enum.auto()  #: or a list of them
    VIEWER = enum.auto()  #: the shop's own id of a person
    PURCHASE = enum.auto()  #: the shop's own number of what they bought
    ENTRY = enum.auto()  #: theirs in a draw; leads to nobody once they are erased
    TEAM = enum.auto()  #: in which they have a seat; of a list of names only their own goes


class Tells(NamedTuple):
    """One mark, and what goes with it."""

    by: str
    mark: Mark
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, by everything that may stand for them."""

    pseudonym: str
    viewer_id: str
    purchases: Collection[str] = ()
    entries: Collection[str] = ()
    draws: Collection[str] = ()  #: of those entries
    teams: Mapping[str, str] = field(default_factory=dict)  #: the name shown in each

    def marks(self, kind: Mark) -> Collection[str]:
        match kind:
            case Mark.PSEUDONYM:
                return (self.pseudonym,)
            case Mark.VIEWER:
                return (self.viewer_id,)
            case Mark.PURCHASE:
                return self.purchases
            case Mark.ENTRY:
                return self.entries
        return self.teams


def declared(struct: type) -> tuple[Tells, ...]:
    """What a struct says of its fields."""
    return cast("tuple[Tells, ...]", getattr(struct, "personal", ()))


def without(value: _T, person: Person) -> _T:
    """An event, a state, or a part of one, without a person; the very same object where they are not in it."""
    if isinstance(value, list | tuple):
        items = [without(each, person) for each in value]
        same = all(new is old for new, old in zip(items, value, strict=True))
        return value if same else cast("_T", type(value)(items))
    if not isinstance(value, msgspec.Struct):
        return value
    changed: dict[str, Any] = {}
    for name in value.__struct_fields__:
        old = getattr(value, name)
        new = without(old, person)
        if new is not old:
            changed[name] = new
    for tells in declared(type(value)):
        changed.update(_told(value, tells, person))
    return cast("_T", msgspec.structs.replace(value, **changed)) if changed else value


def _told(value: msgspec.Struct, tells: Tells, person: Person) -> dict[str, Any]:
    mark, marks = getattr(value, tells.by), person.marks(tells.mark)
    if not any(each in marks for each in (mark if isinstance(mark, list) else [mark])):
        return {}
    changed = {name: _blank(getattr(value, name), person.teams.get(mark) if tells.mark is Mark.TEAM else None)
               for name in tells.fields}  # fmt: skip
    if tells.mark in (Mark.PSEUDONYM, Mark.VIEWER):
        changed[tells.by] = [each for each in mark if each not in marks] if isinstance(mark, list) else ""
    return changed


def _blank(value: Any, own: str | None) -> Any:
    """Nothing of a field's kind; of names only the own one, once: others may be called the same."""
    if isinstance(value, list):
        at = value.index(own) if own in value else len(value)
        return value[:at] + value[at + 1 :]
    return "" if isinstance(value, str) else None
