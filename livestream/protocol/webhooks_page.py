"""WebhooksPage: the tables of lucky draws in docs/webhooks.md, from the structs that are sent."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from .draw_hooks import DRAW_HOOKS, DrawHook, HookWinner
from .meanings import meaning
from .model import doc, fields
from .tables import table

_PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"
_PLACE = re.compile(r"(<!-- draws -->\n).*?(<!-- end -->)", re.DOTALL)


def webhooks_page() -> str:
    """The page with the tables of today; its prose stays as it stands."""
    made = f"{_kinds()}\n\n{_fields()}\n"
    return _PLACE.sub(lambda found: f"{found[1]}{made}{found[2]}", _PAGE.read_text("utf-8"))


def _kinds() -> str:
    rows = [[f"`{each.kind}`", doc(each), _names(each)] for each in DRAW_HOOKS]
    return table(["`type`", "when", "`data`"], rows)


def _names(kind: type[DrawHook]) -> str:
    """Those that every webhook has come first."""
    common = [field.name for field in fields(DrawHook)]
    own = [field.name for field in fields(kind) if field.name not in common]
    return ", ".join(f"`{name}`" for name in common + own)


def _fields() -> str:
    """Every field once: where two webhooks have one of a name, it means the same."""
    structs: tuple[type[msgspec.Struct], ...] = (DrawHook, *DRAW_HOOKS, HookWinner)
    found = {field.name: meaning(each, field) for each in structs for field in fields(each)}
    return table(["field", "meaning"], [[f"`{name}`", text] for name, text in found.items()])
