"""Record: each trial writes its own row of the results, and leaves what others wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import record
from tests.support.record import Rows


def test_a_trial_replaces_its_own_row_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "results.md"
    page.write_text("# Results\n\n<!-- room -->\nold\n<!-- end of room -->\n", "utf-8")
    monkeypatch.setattr(record, "PAGE", page)
    storms, races = Rows("storms", "## Storms", ("seats",)), Rows("races", "## Races", ("ended",))
    storms.write("gateway killed", 10)
    races.write("the last seat", 5000)
    storms.write("worker killed", 20)
    storms.write("gateway killed", 30)
    record.put("room", "new")
    text = page.read_text("utf-8")
    assert "<!-- room -->\nnew\n<!-- end of room -->" in text
    assert [line.split("|")[1:3] for line in text.splitlines() if " killed" in line] == [
        [" gateway killed ", " 30 "], [" worker killed ", " 20 "],
    ]  # fmt: skip
    assert (text.count("| the last seat | 5000 |"), text.count("## Storms"), text.count("| trial | seats |")) == (
        1,
        1,
        1,
    )
