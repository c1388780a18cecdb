"""Rows: small helps for writing many rows with one statement. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

_Row = TypeVar("_Row")


def different(now: Mapping[str, _Row], before: Mapping[str, _Row]) -> list[_Row]:
    """What is new or was replaced, in the order of the keys."""
    return [now[key] for key in sorted(now) if before.get(key) is not now[key]]


def columns(rows: Sequence[_Row], *columns: Callable[[_Row], Any]) -> tuple[list[Any], ...]:
    """One array a column, for `unnest`."""
    return tuple([column(row) for row in rows] for column in columns)
