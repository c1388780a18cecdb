"""Normal: the form in which words are looked for, whatever was done to hide them. Pure.

    ＦＵＣＫ, fuuuck, f.u.c.k, fυck, fu​ck, f4ck …  all come to one form

Entries of a word list take the same road, so the two always meet.
"""

from __future__ import annotations

import re
import unicodedata

#: letters of other alphabets, and signs, that pass for Latin ones
_LOOKS_LIKE = str.maketrans(
    {
        **dict(zip("абвгдеёзийкмнорстухіјѕԁԛԝһӏ", "abbrдee3ииkmhopctyxijsdqwhl", strict=True)),
        **dict(zip("αβγεηικμνορστυχω", "abyeniknvopotuxw", strict=True)),
        **dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz", strict=True)),
        **dict(zip("տրօոսհ", "sronuh", strict=True)),
        **{chr(first + n): chr(97 + n) for first in (0x1F150, 0x1F170) for n in range(26)},
        **dict(zip("ıłøđħŧßæœ", ["i", "l", "o", "d", "h", "t", "ss", "ae", "oe"], strict=True)),
    }
)
#: digits and signs that stand for letters inside a word
_LEET = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i", "|": "i"}
)
#: a word with at least one letter and at least one sign for a letter; a sign of exclamation at its end is one
_LEET_WORD = re.compile(r"(?=[a-z0-9@$!|]*[a-z])(?=[a-z]*[0-9@$!|])[a-z0-9@$!|]*[a-z0-9@$]")
#: single letters with gaps between: f u c k, f.u.c.k
_SPACED = re.compile(r"(?<![a-z])[a-z](?:[\W_]+[a-z]){2,}(?![a-z])")
_MAY_BE_SPACED = re.compile(r"(?:[^\W_][\W_]+){3}")
_GAP = re.compile(r"[\W_]+")
_REPEATED = re.compile(r"([^\W\d_])\1+")
_CYRILLIC_OR_GREEK = re.compile(r"[\u0370-\u052f]")
_LATIN_LETTER = re.compile(r"[a-z]")


def visible(text: str) -> str:
    """The text without characters that show nothing: controls, bidi marks, joiners, combining marks. Lower-case."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(each for each in decomposed if unicodedata.category(each) not in ("Mn", "Me", "Cf", "Cc", "Co"))


def normal(text: str) -> str:
    """The form for look-ups: words of one spelling with single spaces between. Cost: 10 µs a comment."""
    words = visible(text.replace("\n", " ").replace("\t", " "))
    if not words.isascii():
        words = latin(words)
    words = _LEET_WORD.sub(lambda found: found[0].translate(_LEET), words)
    words = _SPACED.sub(lambda found: _GAP.sub("", found[0]), _REPEATED.sub(r"\1", words))
    return _GAP.sub(" ", _REPEATED.sub(r"\1", words)).strip()


def spaced_out(text: str) -> list[str]:
    """Runs of single letters with gaps between, each as one word: gaps hide where its words end.

    Args:
        text: as it was written.
    """
    if not _MAY_BE_SPACED.search(text):
        return []
    return [_REPEATED.sub(r"\1", _GAP.sub("", each)) for each in _SPACED.findall(latin(visible(text)))]


def latin(text: str) -> str:
    """Look-alikes to Latin, in words that are Latin otherwise: a Russian word stays Russian.

    Args:
        text: as `visible` gives it.
    """
    return " ".join(_latin(word) for word in text.split(" "))


def _latin(word: str) -> str:
    foreign = len(_CYRILLIC_OR_GREEK.findall(word))
    if foreign and len(_LATIN_LETTER.findall(word)) == 0:
        translated = word.translate(_LOOKS_LIKE)
        # All of it passes for Latin: it may be either, and no Russian insult reads like one of ours.
        return translated if not _CYRILLIC_OR_GREEK.search(translated) else word
    return word.translate(_LOOKS_LIKE)
