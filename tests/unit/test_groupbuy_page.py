"""docs/groupbuy.md: its tables are the machines'."""

from __future__ import annotations

from groupbuy.reference import DOC, tables, written


def test_the_tables_of_transitions_are_up_to_date() -> None:
    text = DOC.read_text("utf-8")
    assert tables() in text
    assert written(text) == text
