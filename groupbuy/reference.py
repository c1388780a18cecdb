"""Reference: the tables of transitions in docs/groupbuy.md, written from the machines.

python -m groupbuy.reference [--check]
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from .order import STEPS
from .team import SEAT_STEPS, TEAM_STEPS

DOC = Path(__file__).parents[1] / "docs" / "groupbuy.md"
_PLACE = re.compile(r"(<!-- transitions -->\n).*?(<!-- end -->)", re.DOTALL)


def tables() -> str:
    """Team, seat and order: from, by, to."""
    team = [(start, _words(kind), end) for (start, kind), ends in TEAM_STEPS.items() for end in sorted(ends)]
    seat = [(start, _words(kind), end) for (start, kind), end in SEAT_STEPS.items()]
    order = [(start, str(event), end) for (start, event), end in STEPS.items()]
    return "\n".join(_table(name, rows) for name, rows in (("team", team), ("seat", seat), ("order", order)))


def _table(name: str, rows: Iterable[tuple[str, str, str]]) -> str:
    lines = [f"| {name} | what happens | becomes |", "|---|---|---|"]
    lines += [f"| {start} | {event} | {end} |" for start, event, end in rows]
    return "\n".join(lines) + "\n"


def _words(kind: type) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).lower()


def written(text: str) -> str:
    """The page with the tables of today."""
    return _PLACE.sub(lambda found: f"{found[1]}{tables()}{found[2]}", text)


def main() -> None:
    text = DOC.read_text("utf-8")
    now = written(text)
    if "--check" in sys.argv[1:]:
        raise SystemExit(0 if now == text else f"{DOC} is out of date: make generate")
    DOC.write_text(now, "utf-8")


if __name__ == "__main__":
    main()
