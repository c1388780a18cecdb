"""Sequencer: early items wait, known ones are ignored, and a gap is known as one."""

from __future__ import annotations

from gateway.sequencer import Sequencer
from livestream.storage.roomlog import Logged


def logged(*seqs: int) -> list[Logged]:
    return [Logged(seq, 0, b"{}") for seq in seqs]


def seqs(items: list[Logged]) -> list[int]:
    return [item.seq for item in items]


def test_what_is_next_goes_out_at_once() -> None:
    sequencer: Sequencer[Logged] = Sequencer(5)
    assert seqs(sequencer.push(logged(6, 7))) == [6, 7]
    assert sequencer.top == 7
    assert not sequencer.gap


def test_what_is_early_waits_for_the_missing_one() -> None:
    sequencer: Sequencer[Logged] = Sequencer(0)
    assert sequencer.push(logged(3)) == []
    assert sequencer.push(logged(2)) == []
    assert sequencer.gap
    assert sequencer.top == 0
    assert seqs(sequencer.push(logged(1))) == [1, 2, 3]
    assert not sequencer.gap


def test_what_is_known_is_ignored_and_makes_no_gap() -> None:
    sequencer: Sequencer[Logged] = Sequencer(5)
    assert sequencer.push(logged(1, 5)) == []
    assert not sequencer.gap
    assert seqs(sequencer.push(logged(6, 6, 5))) == [6]
    assert sequencer.push(logged(6)) == []
    assert not sequencer.gap


def test_a_repair_that_repeats_the_early_ones_closes_the_gap() -> None:
    sequencer: Sequencer[Logged] = Sequencer(1)
    sequencer.push(logged(4))
    assert seqs(sequencer.push(logged(2, 3, 4, 5))) == [2, 3, 4, 5]
    assert not sequencer.gap


def test_one_gap_behind_another() -> None:
    sequencer: Sequencer[Logged] = Sequencer(0)
    sequencer.push(logged(2, 5))
    assert seqs(sequencer.push(logged(1))) == [1, 2]
    assert sequencer.gap
    assert seqs(sequencer.push(logged(3, 4))) == [3, 4, 5]
