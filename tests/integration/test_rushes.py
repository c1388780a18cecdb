"""The benchmarks of rushes, small: what they count must be there, to the unit."""

from __future__ import annotations

import pytest

from tests.bench import draw_rush, group_rush
from tests.support.folders import open_folder

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]
_SMALL = ("--gateways", "1", "--clients", "1")


async def test_a_rush_of_joins_loses_and_doubles_none() -> None:
    options = group_rush.parser().parse_args(
        ["--teams", "60", "--single-teams", "10", "--rate", "300", "--rounds", "1", *_SMALL]
    )
    with open_folder() as folder:
        figures = await group_rush.measure(options, folder)
    assert figures["acked"] == 2 * 60 * 2 + 10 * 2
    assert {figures[name] for name in ("lost", "unasked", "double", "refused")} == {0}
    assert figures["audit"] == []


async def test_a_rush_of_entries_loses_and_doubles_none() -> None:
    options = draw_rush.parser().parse_args(["--entries", "300", "--watchers", "50", "--wave", "200", *_SMALL])
    with open_folder() as folder:
        figures = await draw_rush.measure(options, folder)
    assert figures["entries"] == figures["counted"] == 300
    assert {figures[name] for name in ("lost", "unasked", "double")} == {0}
    assert len(figures["waves_s"]) == 2
