"""Sameness: whether a comment says what was said a moment ago, give or take what bots vary. Pure."""

from __future__ import annotations

import re
from collections import OrderedDict

from .normal import normal

_WINDOW_S = 15.0  #: what was said longer ago may be said again
_LONGEST_S = 60.0  #: however often it is repeated, the words come up again after so long
_REMEMBERED = 5000
#: letters and digits so long, with a digit among them, are what a bot puts there to differ; a size or a price is
#: shorter. Not the whole word: Chinese has no spaces.
_NOISE = re.compile(r"(?=[a-z]*[0-9])[a-z0-9]{4,}")


def key(text: str) -> str:
    """What stays of a comment without case, marks, signs, repeated letters, spaces and random numbers.

    A comment of signs alone is its own first character: a crowd that answers `!!` or `🔥🔥` agrees.
    """
    return "".join(_NOISE.sub("", normal(text)).split()) or text.strip()[:1]


class Sameness:
    """Remembers what was shown lately in one room.

    Args:
        window_s: how long; each repetition begins it anew.
    """

    def __init__(self, window_s: float = _WINDOW_S) -> None:
        self._window_s = window_s
        self._said: OrderedDict[str, tuple[str, int, float, float]] = OrderedDict()

    def times(self, said: str, now: float) -> int:
        """How many there were lately of a key, shown or told beside the first."""
        _, times, until, _ = self._said.get(said, ("", 0, 0.0, 0.0))
        return times if until > now else 0

    def seen(self, said: str, comment_id: str, now: float) -> tuple[str, int]:
        """Count a comment; returns the first one of the same key, and how many there are by now.

        Args:
            said: its `key`.
            now: seconds.
        """
        first, times, until, began = self._said.pop(said, (comment_id, 0, 0.0, now))
        if until <= now:
            first, times, began = comment_id, 0, now
        self._said[said] = (first, times + 1, min(now + self._window_s, began + _LONGEST_S), began)
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        return first, times + 1
