"""No text of the protocol may hold a NUL, which Postgres does not store: whoever adds a field is told here."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from msgspec import inspect

from livestream.protocol.commands import COMMANDS, Command
from livestream.protocol.http import OPERATIONS
from livestream.protocol.shop import SHOP_COMMANDS, ShopCommand

#: an address is looked up by these, or they are compared and never stored
_NEVER_STORED = {"Join", "Resume"}
ASKED = {
    *COMMANDS,
    *SHOP_COMMANDS,
    *(struct for each in OPERATIONS for struct in (each.body, each.query) if struct is not None),
}


def texts(kind: inspect.Type, path: str, seen: tuple[type, ...] = ()) -> Iterator[tuple[str, inspect.StrType]]:
    """Every text in a type, with where it stands."""
    match kind:
        case inspect.StrType():
            yield path, kind
        case inspect.UnionType(types=types):
            for each in types:
                yield from texts(each, path, seen)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            yield from texts(item, f"{path}[]", seen)
        case inspect.DictType(key_type=key, value_type=value):
            yield from texts(key, f"{path}{{}}", seen)
            yield from texts(value, f"{path}{{}}", seen)
        case inspect.StructType(cls=cls, fields=fields) if cls not in seen and cls.__name__ not in _NEVER_STORED:
            for field in fields:
                yield from texts(field.type, f"{path}.{field.name}", (*seen, cls))


@pytest.mark.parametrize("asked", sorted(ASKED, key=lambda each: each.__name__), ids=lambda each: each.__name__)
def test_no_text_may_hold_a_nul(asked: type[Command] | type[ShopCommand]) -> None:
    open_to_nul = [
        path
        for path, text in texts(inspect.type_info(asked), asked.__name__)
        if text.pattern is None or re.search(text.pattern, "a\0b")
    ]
    assert open_to_nul == []
