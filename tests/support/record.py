"""Record: what trials did and found, as tables in docs/trials-results.md that are committed. Each has its own part."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "trials-results.md"


def put(part: str, text: str) -> None:
    """Put a part of the page in the place of what it said before; a new one at the end."""
    page = PAGE.read_text("utf-8")
    block = f"<!-- {part} -->\n{text.strip()}\n<!-- end of {part} -->"
    place = re.compile(rf"<!-- {part} -->.*?<!-- end of {part} -->", re.DOTALL)
    now = place.sub(lambda _: block, page) if place.search(page) else f"{page.rstrip()}\n\n{block}\n"
    PAGE.write_text(now, "utf-8")


def machine() -> str:
    """Commit and machine, in words."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return f"commit {commit}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"


class Rows:
    """A table of which each trial writes its own row, and leaves those of others.

    Args:
        intro: what stands above it.
        columns: heads of the columns between the trial's name and when it was run.
    """

    def __init__(self, part: str, intro: str, columns: tuple[str, ...]) -> None:
        self._part = part
        self._intro = intro
        self._columns = ("trial", *columns, "when, and on what")

    def write(self, trial: str, *cells: object) -> None:
        found = re.search(rf"<!-- {self._part} -->(.*?)<!-- end", PAGE.read_text("utf-8"), re.DOTALL)
        lines = [line for line in (found[1] if found else "").splitlines() if line.startswith("| ")][1:]
        kept = {line.split("|")[1].strip(): line for line in lines}
        when = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}"
        kept[trial] = "| " + " | ".join(str(each) for each in (trial, *cells, when)) + " |"
        head = "| " + " | ".join(self._columns) + " |"
        put(self._part, "\n".join([self._intro, "", head, "|---" * len(self._columns) + "|", *kept.values()]))


class Record:
    """Recoveries by fault, and counts."""

    def __init__(self, viewers: int) -> None:
        self._viewers = viewers
        self._began = datetime.now(UTC)
        self._recoveries_s: dict[str, list[float]] = defaultdict(list)
        self.rounds = 0
        self.messages = 0  #: acknowledged to the host
        self.resumes = 0
        self.reconnects = 0

    def recovered(self, fault: str, seconds: float) -> None:
        self._recoveries_s[fault].append(seconds)

    def page(self) -> str:
        """Markdown."""
        minutes = (datetime.now(UTC) - self._began).total_seconds() / 60
        rows = [
            f"| {fault} | {len(times)} | {sorted(times)[len(times) // 2]:.1f} s | {max(times):.1f} s |"
            for fault, times in self._recoveries_s.items()
        ]
        return "\n".join(
            [
                "## The room",
                "",
                f"{self._began:%Y-%m-%d}, {machine()}; {minutes:.0f} minutes.",
                "",
                f"A host who speaks without a pause and {self._viewers:,} viewers, half of each codec, in one show",
                "with two gateways, a worker, and the embedded stores. After each fault the next message must reach",
                "everybody: the times run from the end of the fault (a kill, or the end of a pause) to that.",
                "",
                "| fault | times | median until all had the next message | longest |",
                "|---|---|---|---|",
                *rows,
                "",
                f"In {self.rounds} rounds {self.messages:,} messages were acknowledged to the host; viewers lost their",
                f"line {self.reconnects:,} times and resumed {self.resumes:,} times. After each round Postgres held",
                "every acknowledged message once, seq without a gap, and each viewer had seen each once, in order.",
                "",
            ]
        )

    def write(self) -> None:
        put("room", self.page())
