"""Names: display names that may be shown, and those that pretend to be somebody. Pure."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Set
from typing import NamedTuple

from livestream.protocol.limits import NAME_CHARS

from .links import has_link
from .normal import normal
from .wordlist import Wordlist

_MARKS = 4  #: combining marks in a row that a name may have; more climb over the neighbours
_OFFICES = (
    "host", "admin", "administrator", "moderator", "mod", "official", "support", "staff", "customer service",
    "主播", "官方", "客服", "管理员", "obsluga", "obsluga klienta", "moderateur", "service client", "officiel",
    "administrateur", "prowadzacy", "system", "livestream", "operator",
)  # fmt: skip
_CHINESE_OFFICES = ("官方", "客服", "管理员")  #: wherever they stand in a name
_TELLING_CHARS = 6  #: a name of staff so long is known inside another
_SPACE = re.compile(r"\s+")


def clean_name(name: str) -> str:
    """The name as it is shown: composed, one line, nothing invisible, no towers of marks. May come out empty."""
    kept = []
    marks = 0
    for each in unicodedata.normalize("NFC", name):
        category = unicodedata.category(each)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > _MARKS or (category in ("Cc", "Cf", "Co", "Cn") and each != "\u200d"):
            continue
        kept.append(" " if category in ("Zs", "Zl", "Zp") else each)
    return _SPACE.sub(" ", "".join(kept)).strip("\u200d ")[:NAME_CHARS]


class Screened(NamedTuple):
    """What can be said of a name whoever the staff are."""

    shown: str  #: cleaned
    form: str  #: for look-ups
    reason: str | None  #: why nobody but staff may be called so; None: they may


def screen_name(name: str, words: Wordlist) -> Screened:
    """Judge a name as somebody chose it."""
    shown = clean_name(name)
    plain = normal(shown)
    return Screened(shown, plain.replace(" ", ""), _reason(shown, plain, words))


def _reason(shown: str, plain: str, words: Wordlist) -> str | None:
    if not shown:
        return "it shows nothing"
    if words.find(shown) is not None:
        return "its words are not allowed here"
    if has_link(shown):
        return "it is an address"
    form, spaced = plain.replace(" ", ""), f" {plain} "
    if form in _offices() or any(office in spaced for office in _spaced_offices()):
        return "it sounds like staff"
    if form.startswith("主播") or any(office in form for office in _CHINESE_OFFICES):
        return "it sounds like staff"
    return None


def passes_for_staff(form: str, staff_names: Set[str]) -> bool:
    """A name, in its form for look-ups, is taken for one of these. Cost: O(staff)."""
    return any(_passes_for(form, _squeezed(each)) for each in staff_names)


def _passes_for(form: str, staff: str) -> bool:
    """`The Ada Lovelace`, `Ada Lovelace 1`; of a short name only the name itself."""
    return form == staff or (len(staff) >= _TELLING_CHARS and staff in form)


@functools.lru_cache(maxsize=4096)
def _squeezed(name: str) -> str:
    return normal(name).replace(" ", "")


@functools.cache
def _offices() -> frozenset[str]:
    return frozenset(map(_squeezed, _OFFICES))


@functools.cache
def _spaced_offices() -> tuple[str, ...]:
    """Those that give a name away as a word in it: `Anna official`."""
    offices = ("admin", "moderator", "official", "support", "staff", "officiel", "host", "operator", "obsluga")
    return tuple(f" {normal(each)} " for each in offices)
