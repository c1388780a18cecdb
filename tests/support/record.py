"""Record: what a trial did and found, as a table in docs/trials-results.md that is committed."""

from __future__ import annotations

import os
import platform
import subprocess
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "trials-results.md"


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
        commit = subprocess.run(
            ["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()
        rows = [
            f"| {fault} | {len(times)} | {sorted(times)[len(times) // 2]:.1f} s | {max(times):.1f} s |"
            for fault, times in self._recoveries_s.items()
        ]
        return "\n".join(
            [
                "# Results of `make trials`",
                "",
                f"{self._began:%Y-%m-%d}, commit {commit}, {os.cpu_count()} cores, Linux {platform.release()}, Python "
                f"{platform.python_version()}; {minutes:.0f} minutes.",
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
        PAGE.write_text(self.page(), "utf-8")
