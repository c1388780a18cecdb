"""Every number that somebody can send has two bounds: what no store or codec can hold is refused at the edge."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec import inspect

from livestream.protocol.commands import AnyCommand
from livestream.protocol.http import OPERATIONS
from livestream.protocol.shop import SHOP_COMMANDS

Number = inspect.IntType | inspect.FloatType
SENT = [AnyCommand, *SHOP_COMMANDS, *dict.fromkeys(each.query for each in OPERATIONS if each.query)]


def numbers(
    kind: inspect.Type, where: str, seen: set[type]
) -> Iterator[tuple[str, inspect.IntType | inspect.FloatType]]:
    match kind:
        case inspect.Metadata():
            yield from numbers(kind.type, where, seen)
        case inspect.IntType() | inspect.FloatType():
            yield where, kind
        case inspect.StructType(cls=cls) if cls not in seen:
            seen.add(cls)
            for field in kind.fields:
                yield from numbers(field.type, f"{cls.__name__}.{field.name}", seen)
        case inspect.UnionType():
            for each in kind.types:
                yield from numbers(each, where, seen)
        case inspect.ListType() | inspect.VarTupleType():
            yield from numbers(kind.item_type, where, seen)
        case inspect.DictType():
            yield from numbers(kind.value_type, where, seen)


@pytest.mark.parametrize("sent", SENT, ids=lambda each: getattr(each, "__name__", "commands"))
def test_every_number_has_two_bounds(sent: type) -> None:
    found = list(numbers(inspect.type_info(sent), "", set()))
    assert [where for where, kind in found if None in (kind.ge, kind.le)] == []


def test_numbers_are_found_wherever_they_are() -> None:
    found = {where for where, _ in numbers(inspect.type_info(AnyCommand), "", set())}
    assert {
        "MarkClaimed.prize",
        "PrizeTier.quantity",
        "Resume.seq",
        "DealStep.price",
        "SetRoom.video_delay_s",
    } <= found, sorted(found)
