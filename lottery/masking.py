"""Masking: a winner's name as everybody sees it: enough to recognise oneself, not enough to be found. Pure."""

from __future__ import annotations

import unicodedata

_DOTS = "•••"


def mask(name: str | None) -> str:
    """The first sign of a name, with what combines with it; dots for the rest, however long."""
    text = (name or "").strip()
    kept = text[:1]
    for sign in text[1:3]:
        if not unicodedata.combining(sign):
            break
        kept += sign
    return kept + _DOTS
