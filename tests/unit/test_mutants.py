"""The list of planted bugs follows the code: each text to change is there, once."""

from __future__ import annotations

import pytest

from tests.mutants.groupbuy import MUTANTS, ROOT, Mutant, planted


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_bug_can_be_planted(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text("utf-8")
    assert planted(mutant, text) != text
