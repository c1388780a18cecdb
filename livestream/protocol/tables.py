"""Tables: as Markdown has them."""

from __future__ import annotations


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table without an end of line."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
