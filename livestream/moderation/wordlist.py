"""Wordlist: the words a shop does not want, found in any spelling. Pure, over an Aho-Corasick automaton."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import ahocorasick

from .normal import normal, spaced_out

Action = Literal["hold", "refuse"]
#: shorter ones stand in the middle of ordinary words, where gaps hide where words begin
_GAPLESS_CHARS = 6
LANGUAGES = ("en", "zh", "fr", "pl")


@dataclass(frozen=True, slots=True)
class Entry:
    """A word or a phrase; with `*` at its end, every word that begins so."""

    text: str
    action: Action


class Wordlist:
    """Finds entries. Words of alphabets match as whole words, Chinese anywhere.

    Cost: one pass over the text however many entries there are, about 10 µs a comment.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._automaton = ahocorasick.Automaton()
        for entry in entries:
            key = self._key(entry)
            if key.strip():
                # Of two entries that read alike the harder counts.
                known = self._automaton.get(key, None)
                if known is None or known.action == "hold":
                    self._automaton.add_word(key, entry)
        self._gapless = ahocorasick.Automaton()
        for key, entry in self._automaton.items():
            if len(gapless := key.replace(" ", "")) >= _GAPLESS_CHARS:
                self._gapless.add_word(gapless, entry)
        for each in (self._automaton, self._gapless):
            if each:
                each.make_automaton()

    @staticmethod
    def _key(entry: Entry) -> str:
        form = normal(entry.text)
        if any(_has_no_spaces(each) for each in form):
            return form.replace(" ", "")
        return f" {form}" if entry.text.endswith("*") else f" {form} "

    def find(self, text: str) -> Entry | None:
        """The hardest entry in a text; None: there is none."""
        if not self._automaton:
            return None
        form = f" {normal(text)} "
        found: Entry | None = None
        # Chinese is looked for without the spaces that were put in to hide it.
        forms = (form, form.replace(" ", "")) if any(_has_no_spaces(each) for each in form) else (form,)
        hits = [entry for each in forms for _, entry in self._automaton.iter(each)]
        hits += [entry for _, entry in self._automaton.iter(_pairs(form)) if len(entry.text) >= _GAPLESS_CHARS]
        if self._gapless:
            hits += [entry for each in spaced_out(text) for _, entry in self._gapless.iter(each)]
        for entry in hits:
            if entry.action == "refuse":
                return entry  # type: ignore[no-any-return]
            found = found or entry
        return found


def starter(languages: Sequence[str]) -> list[Entry]:
    """The lists that come with us. One entry a line, `!` before it: refuse; else hold."""
    entries = []
    for language in languages:
        text = importlib.resources.files(__package__).joinpath(f"starter/{language}.txt").read_text("utf-8")
        for line in text.splitlines():
            word = line.strip()
            if word and not word.startswith("#"):
                entries.append(Entry(word.removeprefix("!"), "refuse" if word.startswith("!") else "hold"))
    return entries


def _pairs(form: str) -> str:
    """Neighbouring words as one each, since a word may be cut in two: `scam-word`."""
    words = form.split()
    return f" {' '.join(map(str.__add__, words, words[1:]))} "


def _has_no_spaces(character: str) -> bool:
    """Of a script that writes without spaces: CJK."""
    return "\u3040" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff"
